"""`tokstudio download ID`: the tokenizer files of a hub id or its whole model, after saying from where and how much."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.cli.output import Progress, emit_json, note, say
from tokstudio.errors import InputError

if TYPE_CHECKING:
    from tokstudio.tokens.download import Plan

HELP = "fetch the tokenizer files of a hub id, its whole model, or a tiktoken vocabulary; asks first"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="a hub id such as Qwen/Qwen3-0.6B, or tiktoken:gpt2")
    parser.add_argument("--model", action="store_true", help="the weights, too (safetensors only)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from tokstudio.models.download import model_plan
    from tokstudio.tokens.download import plan

    folder = carried_out((model_plan if args.model else plan)(args.id), args)
    if folder is None:
        return 1
    if not args.json:
        say(str(folder))
    return 0


def carried_out(found: "Plan", args: argparse.Namespace) -> Path | None:
    """Says what would be fetched, asks unless `--yes`, fetches; with `--json` says what came. None: not wanted."""
    from tokstudio.tokens.download import fetch

    note(f"{found.address}: {len(found.files)} files, {found.bytes:,} bytes, to {found.folder}")
    for file in found.files:
        note(f"  {file.name}  {'size unknown' if file.size is None else f'{file.size:,} bytes'}")
    if not args.yes and not _agreed():
        note("nothing was fetched")
        return None
    with Progress("Download", total=found.bytes) as bar:
        folder = fetch(found, lambda done, total: bar.update(done))
    if args.json:
        sizes = {file.name: file.size for file in found.files}
        emit_json({"id": args.id, "address": found.address, "folder": str(folder), "files": sizes})
    return folder


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise InputError(
            "Nobody is there to agree to the download.", hint="Say --yes to fetch without asking."
        )
    sys.stderr.write("Fetch this? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
