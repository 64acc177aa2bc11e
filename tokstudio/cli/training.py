"""What `transfer`, `finetune` and `distil` have in common: arguments, dry run, queue, report."""

import argparse
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tokstudio.cli import launching, streams
from tokstudio.cli.output import emit_json, note, say

if TYPE_CHECKING:
    from tokstudio.runs.launch import Launch
    from tokstudio.runs.process import Run
    from tokstudio.train.config import TransferConfig


def shared_arguments(parser: argparse.ArgumentParser) -> None:
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
    streams.argument(parser)
    launching.arguments(parser)


def carry_out(
    kind: str, config: "TransferConfig", args: argparse.Namespace, name: str, words: Sequence[str]
) -> int:
    """Print, try, queue or run `config` as a run of `kind`. `words`: the command that starts it."""
    from tokstudio.cli.follow import follow
    from tokstudio.runs.launch import save
    from tokstudio.runs.store import RunStore
    from tokstudio.train.before import check_start
    from tokstudio.train.kinds import PURPOSES, check_purpose
    from tokstudio.train.settings import to_toml

    check_purpose(kind, config)
    config = streams.with_stream(config, args)
    if args.print_config:
        say(to_toml(config).rstrip())
        return 0
    launch = launching.chosen(args)
    if launch.target != "ray":  # its machines may have what this one has not
        check_start(config, here=launch.machines == 1)
    if args.dry_run:
        return dry_run(config, words, launch, as_json=args.json)
    config = streams.agreed(config, args, args.overrides)
    started = RunStore().create(kind, args.name or name, to_toml(config))
    save(started.folder, launch)
    note(f"Run {started.folder.name} in {started.folder}")
    if args.queue:
        return _wait(started, as_json=args.json)
    started.start()
    report = follow(started, PURPOSES[kind].title).report
    if args.json:
        emit_json({"run": str(started.folder), **report})
    else:
        print_report(report)
    return 0


def dry_run(config: "TransferConfig", words: Sequence[str], launch: "Launch", *, as_json: bool) -> int:
    import torch

    from tokstudio.train.memory import forecast, per_rank

    if config.data.stream:
        note(
            f"{config.data.corpus} is not read for this: the library of this Python stands for it. What there is to "
            "read is looked up when the run is created."
        )
    note("Setting up, then two steps and a measurement …")
    told = {**forecast(config).values(), "command": shlex.join([*words, *launch.options()])}
    each = per_rank(told["parts"], launch.ranks, config)
    told |= {
        "launchers": launch.shell(cards=torch.cuda.device_count()),
        "processes": launch.ranks,
        "parts_per_process": each,
    }
    if config.data.stream:
        told["streamed"] = _streamed(config)
    if as_json:
        emit_json(told)
        return 0
    if launch.ranks > 1:
        say(f"{'':<16} {'one process':>12} {f'each of {launch.ranks}':>12}")
    for part, size in {**told["parts"], "in all": told["estimated_bytes"]}.items():
        mine = f" {each.get(part, sum(each.values())) / 1e6:>9,.0f} MB" if launch.ranks > 1 else ""
        say(f"{part:<16} {size / 1e6:>9,.0f} MB{mine}")
    say(
        f"{'measured':<16} {told['measured_bytes'] / 1e6:>9,.0f} MB  (the most during two steps and a measurement)"
    )
    if told["translation_steps"]:
        say(
            f"{told['translation_steps']:,} steps of translation, {told['seconds_per_translation_step']:.2f} s each"
        )
    say(f"{told['steps']:,} steps, {told['tokens_per_step']:,.0f} tokens each, {told['tokens']:,.0f} in all")
    if streamed := told.get("streamed"):
        say(f"{streamed['text_bytes']:,} bytes of text from {streamed['corpus']}, over the network")
    say(f"{told['seconds_per_step']:.2f} s a step, {told['seconds'] / 60:,.1f} minutes in all")
    say(f"start it with: {told['command']}")
    for name, line in told["launchers"].items():
        say(f"with {name} for a run that is there: {line}")
    return 0


def _streamed(config: "TransferConfig") -> dict:
    """What is known of it without the network."""
    from tokstudio.tokens.stream_texts import PINNED, known
    from tokstudio.train.stream_words import traffic

    data, told = config.data, {"corpus": config.data.corpus, "revision": config.data.revision}
    told["text_bytes"] = (
        config.train.steps * config.train.batch_size * config.train.accumulate * data.window_bytes
    )
    if PINNED.fullmatch(data.revision):
        found = known(data.corpus.removeprefix("hub:"), data.revision, data.files)
        if found is not None:
            told |= {"files": len(found.train), "bytes": found.bytes, "traffic_bytes": traffic(found, config)}
    return told


def _wait(run: "Run", *, as_json: bool) -> int:
    """To the end of the queue, which needs no window and no terminal."""
    from tokstudio.runs.queue import Queue
    from tokstudio.runs.store import RunStore

    queue, name = Queue(RunStore()), run.folder.name
    queue.add(name)
    place = queue.names().index(name) + 1 if name in queue.names() else 0
    if as_json:
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
    named = {name: whole(getattr(config.data, name)) for name in ("corpus", "held_out", "chat_template")}
    data = replace(
        config.data, **{name: value for name, value in named.items() if getattr(config.data, name)}
    )
    teacher = whole(config.teacher) if config.teacher else ""
    return replace(
        config, model=whole(config.model), tokenizer=whole(config.tokenizer), teacher=teacher, data=data
    )


def whole(reference: str) -> str:
    """References that are no path stay as they are, also where a file happens to have their name."""
    if reference in ("python", "bytes"):
        return reference
    path = os.path.expanduser(reference)
    return os.path.abspath(path) if os.path.exists(path) else reference


def short(reference: str) -> str:
    return reference.rstrip("/").replace("\\", "/").split("/")[-1].split(":")[-1]


def print_report(report: dict) -> None:
    from tokstudio.transfer.gap import gap_of

    settings = report.get("settings", {})
    moved = settings.get("model") != settings.get("tokenizer")
    say(f"bits per byte on {report['held_out_bytes']:,} bytes of held-out text")
    say(f"  original model          {report['source']['bits_per_byte']:.4f}")
    if "teacher" in report:
        say(f"  teacher                 {report['teacher']['bits_per_byte']:.4f}")
    if moved:
        say(f"  after initialization    {report['initialized']['bits_per_byte']:.4f}")
    say(f"  after training          {report['trained']['bits_per_byte']:.4f}")
    if gap := gap_of(report):
        say(f"  gap closed              {gap.sentence()}")
    if moved:
        change = 100 * (report["tokens_target"] / report["tokens_source"] - 1)
        say(
            f"tokens of that text: {report['tokens_source']:,} before, {report['tokens_target']:,} after "
            f"({change:+.0f} %)"
        )
    say(f"export: {report['export']['path']}")
    if "adapters" in report["export"]:
        say(f"adapters alone: {report['export']['adapters']}")
    if "max_abs_logit_difference" in report["export"]:
        say(f"  reloaded, largest difference of a logit {report['export']['max_abs_logit_difference']:.1e}")
