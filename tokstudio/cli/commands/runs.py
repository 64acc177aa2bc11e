"""`tokstudio runs`: list, look at, steer, compare and remove runs."""

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokstudio.cli.output import emit_json, note, say
from tokstudio.errors import InputError, RunError
from tokstudio.runs import control
from tokstudio.runs.clock import duration, told
from tokstudio.runs.files import read_json
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunInfo, RunStore

HELP = "list, show, steer, compare and remove runs"
PATIENCE = 60.0  # seconds that `stop` and `park` wait for the checkpoint
ASKS = {
    "pause": "wait after the present step and keep the memory",
    "save": "write a checkpoint now",
    "evaluate": "measure on held-out text now",
    "sample": "write on from the prompts now",
}
ACTIONS = {
    "list": "all runs, newest first (default)",
    "show": "one run",
    "stop": "end with a checkpoint",
    "park": "end with a checkpoint, to go on later",
    **ASKS,
    "resume": "go on after a pause, a park, a stop or an accident",
    "set": "NAME steps=N or learning_rate=X: change it from the next step on",
    "discard": "end at once and move to the trash",
    "restore": "bring back from the trash",
    "trash": "what the trash holds; with --yes it is emptied",
    "remove": "delete for good",
    "queue": "what waits; NAME: wait as the last one",
    "unqueue": "NAME: wait no more",
    "move": "NAME PLACE: wait at another place, 1 is next",
    "hold": "the queue starts nothing for now",
    "release": "the queue starts runs again",
    "tag": "NAME TAG...: write tags on a run; no tag: take them away",
    "note": "NAME TEXT...: write a note on a run",
    "diff": "NAME NAME...: settings that differ",
    "report": "NAME: what came of it, as Markdown; --html FILE, --markdown FILE",
    "track": "wandb=off|offline|online trackio=off|local project=NAME: what new runs are also recorded for",
    "import": "FILE: a Hugging Face trainer_state.json as a run to compare with",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"  {name:<9} {text}" for name, text in ACTIONS.items())
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="list", metavar="ACTION", help="see below"
    )
    parser.add_argument("name", nargs="?", help="the run, as `tokstudio runs` lists it")
    parser.add_argument("values", nargs="*", help="what the action needs beside the name")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument("--background", action="store_true", help="resume without following")
    parser.add_argument("--html", type=Path, metavar="FILE", help="report: write a web page")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="report: write Markdown")


def run(args: argparse.Namespace) -> int:
    from tokstudio.cli import runs_more as more

    store = RunStore()
    alone = {
        "list": _list,
        "trash": more.trash,
        "queue": more.queue,
        "hold": more.hold,
        "release": more.hold,
        "track": more.track,
    }
    if args.action in alone and (args.action != "queue" or not args.name):
        return alone[args.action](store, args)
    if not args.name:
        raise InputError(f"`runs {args.action}` needs a name.", hint="`tokstudio runs` lists them.")
    if args.action in ASKS:
        return _ask(store, args)
    named = {"show": _show, "stop": _stop, "park": _stop, "resume": _resume, "remove": _remove, "set": _set}
    return (named.get(args.action) or getattr(more, args.action.replace("import", "import_")))(store, args)


def as_dict(info: RunInfo) -> dict[str, Any]:
    worked, elapsed = info.times() or (None, None)
    times = {"worked": worked, "elapsed": elapsed}
    return {**asdict(info), **times, "folder": str(info.folder), "live": info.live}


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
        took = f"worked {duration(times[0])}" if (times := info.times()) else ""
        say(f"{info.name:<{width}}  {info.state:<9}  {started}  {steps:<22}  {took:<18}  {bits}".rstrip())
    return 0


def _show(store: RunStore, args: argparse.Namespace) -> int:
    info, folder = store.info(args.name), store.open(args.name).folder
    report = read_json(folder / "report.json")
    if args.json:
        emit_json({**as_dict(info), "report": report or None, "way_on": _way_on(store, info)})
        return 0
    say(f"{info.name}: {info.state}, {info.title}")
    say(f"  folder      {folder}")
    if info.where:
        say(f"  where       {info.where}")
    if info.total_steps:
        say(f"  steps       {info.step:,} of {info.total_steps:,}")
    if times := info.times():
        say(f"  time        {told(*times)}")
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
    return store.open(info.name).way_on() if info.state in ("stopped", "parked", "failed", "lost") else ""


def _stop(store: RunStore, args: argparse.Namespace) -> int:
    """Also parks: the same with another word."""
    job = _going(store, args)
    job.ask(args.action)
    if not job.wait(PATIENCE):
        raise RunError(
            f"The run {args.name} has not stopped after {PATIENCE:.0f} s.",
            hint="It stops at its next step. On the Runs page its process can be ended.",
        )
    return _show(store, args)


def _going(store: RunStore, args: argparse.Namespace) -> Run:
    job = store.open(args.name)
    if not job.alive():
        raise RunError(f"The run {args.name} is not going.", hint=f"It is {store.info(args.name).state}.")
    return job


def _ask(store: RunStore, args: argparse.Namespace) -> int:
    """Returns when the run has read it: after its present step."""
    job = _going(store, args)
    job.ask(args.action)
    return _answered(job, store, args)


def _answered(job: Run, store: RunStore, args: argparse.Namespace) -> int:
    deadline = time.monotonic() + PATIENCE
    while control.waiting(job.folder) and job.alive():
        if time.monotonic() > deadline:
            raise RunError(
                f"The run {args.name} has not answered yet.", hint="It reads the request at its next step."
            )
        time.sleep(0.05)
    return _show(store, args)


def _set(store: RunStore, args: argparse.Namespace) -> int:
    job = _going(store, args)
    for pair in args.values:
        name, equals, value = pair.partition("=")
        if not equals or name not in ("steps", "learning_rate"):
            raise InputError(f"{pair!r} sets nothing.", hint="Write steps=300 or learning_rate=0.0001.")
        job.ask(f"set {name} {value}")
    if not args.values:
        raise InputError("`runs set` needs a value.", hint="Write steps=300 or learning_rate=0.0001.")
    return _answered(job, store, args)


def _resume(store: RunStore, args: argparse.Namespace) -> int:
    """Starts the run and follows it to its end; Ctrl+C stops it with a checkpoint."""
    info, job = store.info(args.name), store.open(args.name)
    if info.state == "finished":
        raise RunError(
            f"The run {args.name} has finished.", hint="Start a new one with `tokstudio transfer`."
        )
    now = time.time()
    if info.state in ("paused", "pausing"):
        job.ask("resume")
        args.background = args.background or not sys.stdin.isatty()
    else:
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
