"""`tokstudio runs`: list, look at, stop, resume and remove runs."""

import argparse
import sys
import time
from dataclasses import asdict
from typing import Any

from tokstudio.cli.output import emit_json, note, say
from tokstudio.errors import InputError, RunError
from tokstudio.runs.files import read_json
from tokstudio.runs.store import RunInfo, RunStore

HELP = "list, show, stop, resume or remove runs"
ACTIONS = ("list", "show", "stop", "resume", "remove")
PATIENCE = 60.0  # seconds that `stop` waits for the checkpoint


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)"
    )
    parser.add_argument("name", nargs="?", help="the run, as `tokstudio runs` lists it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument("--background", action="store_true", help="resume without following")


def run(args: argparse.Namespace) -> int:
    store = RunStore()
    if args.action == "list":
        return _list(store, args)
    if not args.name:
        raise InputError(f"`runs {args.action}` needs a name.", hint="`tokstudio runs` lists them.")
    return {"show": _show, "stop": _stop, "resume": _resume, "remove": _remove}[args.action](store, args)


def as_dict(info: RunInfo) -> dict[str, Any]:
    return {**asdict(info), "folder": str(info.folder), "live": info.live}


def _list(store: RunStore, args: argparse.Namespace) -> int:
    infos = store.runs()
    if args.json:
        emit_json({"folder": str(store.folder), "runs": [as_dict(info) for info in infos]})
        return 0
    if not infos:
        note(f"There are no runs in {store.folder}. Start one with `tokstudio transfer --demo`.")
    width = max((len(info.name) for info in infos), default=0)
    for info in infos:
        bits = f"{info.bits_per_byte:.3f} bits per byte" if info.bits_per_byte is not None else ""
        steps = f"step {info.step:,} of {info.total_steps:,}" if info.total_steps else ""
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created))
        say(f"{info.name:<{width}}  {info.state:<9}  {started}  {steps:<22}  {bits}".rstrip())
    return 0


def _show(store: RunStore, args: argparse.Namespace) -> int:
    info, folder = store.info(args.name), store.open(args.name).folder
    report = read_json(folder / "report.json")
    if args.json:
        emit_json({**as_dict(info), "report": report or None, "way_on": _way_on(store, info)})
        return 0
    say(f"{info.name}: {info.state}, {info.title}")
    say(f"  folder      {folder}")
    if info.total_steps:
        say(f"  steps       {info.step:,} of {info.total_steps:,}")
    if info.checkpoint is not None:
        say(f"  checkpoint  step {info.checkpoint:,}")
    for key, title in (("source", "original"), ("initialized", "initialized"), ("trained", "trained")):
        if (value := report.get(key, {}).get("bits_per_byte")) is not None:
            say(f"  {title:<11} {value:.3f} bits per byte")
    if path := report.get("export", {}).get("path"):
        say(f"  export      {path}")
    for line in (info.message, _way_on(store, info)):
        if line:
            say(f"  {line}")
    return 0


def _way_on(store: RunStore, info: RunInfo) -> str:
    return store.open(info.name).way_on() if info.state in ("stopped", "failed", "lost") else ""


def _stop(store: RunStore, args: argparse.Namespace) -> int:
    job = store.open(args.name)
    if not job.alive():
        raise RunError(f"The run {args.name} is not going.", hint=f"It is {store.info(args.name).state}.")
    job.stop()
    if not job.wait(PATIENCE):
        raise RunError(
            f"The run {args.name} has not stopped after {PATIENCE:.0f} s.",
            hint="It stops at its next step. On the Runs page its process can be ended.",
        )
    return _show(store, args)


def _resume(store: RunStore, args: argparse.Namespace) -> int:
    """Starts the run and follows it to its end; Ctrl+C stops it with a checkpoint."""
    info, job = store.info(args.name), store.open(args.name)
    if info.state == "finished":
        raise RunError(
            f"The run {args.name} has finished.", hint="Start a new one with `tokstudio transfer`."
        )
    now = time.time()
    job.start(resume=True)
    if args.background:
        note(f"{args.name} goes on in the background.")
        return 0
    from tokstudio.cli.follow import follow

    follow(job, args.name, since=now)
    return _show(store, args)


def _remove(store: RunStore, args: argparse.Namespace) -> int:
    folder = store.open(args.name).folder
    if not args.yes:
        if not sys.stdin.isatty():
            raise InputError("Removing deletes checkpoints and export.", hint="Add --yes to do it.")
        if input(f"Delete {folder} with its checkpoints and export? [y/N] ").strip().lower() != "y":
            return 1
    store.remove(args.name)
    if args.json:
        emit_json({"removed": args.name})
    return 0
