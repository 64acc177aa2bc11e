"""`tokstudio transfer`: move a language model onto another tokenizer, as a supervised run."""

import argparse
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.cli.output import emit_json, note, say

if TYPE_CHECKING:
    from tokstudio.runs.process import Run
    from tokstudio.train.config import TransferConfig

HELP = "move a language model onto another tokenizer"


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--demo", action="store_true", help="the demo model onto the demo's other tokenizer")
    what.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML")
    what.add_argument(
        "--recipe", metavar="NAME", help="settings that belong together; `list` tells what there is"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change one setting, for example train.steps=200 (may be repeated)",
    )
    parser.add_argument("--name", default="", help="name of the run")
    parser.add_argument(
        "--dry-run",
        "--probe",
        action="store_true",
        help="do two steps, print memory, time, tokens and the command that starts the run, and end",
    )
    parser.add_argument("--queue", action="store_true", help="wait for a free device instead of starting now")
    parser.add_argument("--print-config", action="store_true", help="print the settings as TOML and end")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    from tokstudio.cli.follow import follow
    from tokstudio.runs.store import RunStore
    from tokstudio.train.config import TransferConfig, demo
    from tokstudio.train.settings import apply_overrides, load_toml, to_toml

    if args.recipe == "list":
        return list_recipes(args)
    if args.recipe:
        from tokstudio.train.recipes import recipe

        config = recipe(args.recipe).config
    else:
        config = demo() if args.demo else load_toml(TransferConfig, args.config)
    config = anchored(apply_overrides(config, args.overrides))
    if args.print_config:
        say(to_toml(config).rstrip())
        return 0
    if args.dry_run:
        return dry_run(config, args)
    name = args.name or f"{_short(config.model)}-to-{_short(config.tokenizer)}"
    started = RunStore().create("transfer", name, to_toml(config))
    note(f"Run {started.folder.name} in {started.folder}")
    if args.queue:
        return _wait(started, args)
    started.start()
    report = follow(started, "Transfer").report
    if args.json:
        emit_json({"run": str(started.folder), **report})
    else:
        _print(report)
    return 0


def list_recipes(args: argparse.Namespace) -> int:
    from tokstudio.train.recipes import recipes

    if args.json:
        emit_json({"recipes": {r.name: {"title": r.title, "about": r.about} for r in recipes()}})
        return 0
    for found in recipes():
        say(f"{found.name:<26} {found.title}")
        say(f"    {found.about}")
    return 0


def dry_run(config: "TransferConfig", args: argparse.Namespace) -> int:
    from tokstudio.train.memory import forecast

    note("Setting up, then two steps and a measurement …")
    told = {**forecast(config).values(), "command": command(args)}
    if args.json:
        emit_json(told)
        return 0
    for part, size in told["parts"].items():
        say(f"{part:<16} {size / 1e6:>9,.0f} MB")
    say(f"{'in all':<16} {told['estimated_bytes'] / 1e6:>9,.0f} MB")
    say(
        f"{'measured':<16} {told['measured_bytes'] / 1e6:>9,.0f} MB  (the most during two steps and a measurement)"
    )
    say(f"{told['steps']:,} steps, {told['tokens_per_step']:,.0f} tokens each, {told['tokens']:,.0f} in all")
    say(f"{told['seconds_per_step']:.2f} s a step, {told['seconds'] / 60:,.1f} minutes of training")
    say(f"start it with: {told['command']}")
    return 0


def command(args: argparse.Namespace) -> str:
    """What starts the run that `args` describe."""
    words = ["tokstudio", "transfer"]
    words += (
        ["--demo"]
        if args.demo
        else ["--recipe", args.recipe]
        if args.recipe
        else ["--config", str(args.config)]
    )
    words += [word for override in args.overrides for word in ("--set", override)]
    words += ["--name", args.name] if args.name else []
    return shlex.join(words)


def _wait(run: "Run", args: argparse.Namespace) -> int:
    """To the end of the queue, which needs no window and no terminal."""
    from tokstudio.runs.queue import Queue
    from tokstudio.runs.store import RunStore

    queue, name = Queue(RunStore()), run.folder.name
    queue.add(name)
    place = queue.names().index(name) + 1 if name in queue.names() else 0
    if args.json:
        emit_json({"run": str(run.folder), "place": place})
    else:
        note(
            f"{name} waits as number {place}; `tokstudio runs queue` lists them."
            if place
            else f"{name} starts."
        )
    return 0


def anchored(config: "TransferConfig") -> "TransferConfig":
    """Files of this folder by their whole path: a run may be resumed from anywhere."""
    corpus = replace(config.data, corpus=_whole(config.data.corpus))
    teacher = _whole(config.teacher) if config.teacher else ""
    return replace(
        config, model=_whole(config.model), tokenizer=_whole(config.tokenizer), teacher=teacher, data=corpus
    )


def _whole(reference: str) -> str:
    """References that are no path stay as they are, also where a file happens to have their name."""
    if reference in ("python", "bytes"):
        return reference
    path = os.path.expanduser(reference)
    return os.path.abspath(path) if os.path.exists(path) else reference


def _short(reference: str) -> str:
    return reference.rstrip("/").replace("\\", "/").split("/")[-1].split(":")[-1]


def _print(report: dict) -> None:
    say(f"bits per byte on {report['held_out_bytes']:,} bytes of held-out text")
    say(f"  original model          {report['source']['bits_per_byte']:.4f}")
    say(f"  after initialization    {report['initialized']['bits_per_byte']:.4f}")
    say(f"  after training          {report['trained']['bits_per_byte']:.4f}")
    if report["gap_closed"] is not None:
        say(f"  gap closed              {100 * report['gap_closed']:.0f} %")
    change = 100 * (report["tokens_target"] / report["tokens_source"] - 1)
    say(
        f"tokens of that text: {report['tokens_source']:,} before, {report['tokens_target']:,} after ({change:+.0f} %)"
    )
    say(f"export: {report['export']['path']}")
    say(f"  reloaded, largest difference of a logit {report['export']['max_abs_logit_difference']:.1e}")
