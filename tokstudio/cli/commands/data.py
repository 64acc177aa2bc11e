"""`tokstudio data download ID`: texts of a data set of the hub, after saying from where and how much."""

import argparse

from tokstudio.cli.commands.download import _agreed
from tokstudio.cli.output import Progress, emit_json, note, say

HELP = "fetch texts of a data set of the hub to train on; asks first"


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    download = verbs.add_parser("download", help="fetch files of a data set")
    download.add_argument("id", help="such as owner/name")
    download.add_argument(
        "--files", default="", metavar="PREFIX", help="only files whose names begin with this"
    )
    download.add_argument(
        "--max-bytes", type=int, default=1 << 30, help="take the first files up to this size (%(default)s)"
    )
    download.add_argument("--yes", action="store_true", help="do not ask")
    download.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.download import fetch
    from tokstudio.tokens.download_texts import plan_texts

    found = plan_texts(args.id, under=args.files, most=args.max_bytes)
    note(f"{found.address}: {len(found.files)} files, {found.bytes:,} bytes, to {found.folder}")
    for file in found.files:
        note(f"  {file.name}  {'size unknown' if file.size is None else f'{file.size:,} bytes'}")
    if not args.yes and not _agreed():
        note("nothing was fetched")
        return 1
    with Progress("Download", total=found.bytes) as bar:
        folder = fetch(found, lambda done, total: bar.update(done))
    if args.json:
        sizes = {file.name: file.size for file in found.files}
        emit_json({"id": args.id, "address": found.address, "folder": str(folder), "files": sizes})
    else:
        say(str(folder))
        note(f"Train on it with: tokstudio finetune --text hub:{args.id}")
    return 0
