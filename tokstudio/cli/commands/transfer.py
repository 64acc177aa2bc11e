"""`tokstudio transfer`: move a language model onto another tokenizer, as a supervised run."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.cli.output import emit_json, note, say

if TYPE_CHECKING:
    from tokstudio.train.config import TransferConfig

HELP = "move a language model onto another tokenizer"


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--demo", action="store_true", help="the demo model onto the demo's other tokenizer")
    what.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change one setting, for example train.steps=200 (may be repeated)",
    )
    parser.add_argument("--name", default="", help="name of the run")
    parser.add_argument("--print-config", action="store_true", help="print the settings as TOML and end")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    from tokstudio.cli.follow import follow
    from tokstudio.runs.store import RunStore
    from tokstudio.train.config import TransferConfig, demo
    from tokstudio.train.settings import apply_overrides, load_toml, to_toml

    config = demo() if args.demo else load_toml(TransferConfig, args.config)
    config = anchored(apply_overrides(config, args.overrides))
    if args.print_config:
        say(to_toml(config).rstrip())
        return 0
    name = args.name or f"{_short(config.model)}-to-{_short(config.tokenizer)}"
    started = RunStore().create("transfer", name, to_toml(config))
    note(f"Run {started.folder.name} in {started.folder}")
    started.start()
    report = follow(started, "Transfer").report
    if args.json:
        emit_json({"run": str(started.folder), **report})
    else:
        _print(report)
    return 0


def anchored(config: "TransferConfig") -> "TransferConfig":
    """Files of this folder by their whole path: a run may be resumed from anywhere."""
    corpus = replace(config.data, corpus=_whole(config.data.corpus))
    return replace(config, model=_whole(config.model), tokenizer=_whole(config.tokenizer), data=corpus)


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
