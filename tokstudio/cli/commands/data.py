"""`tokstudio data download ID`: texts of a data set of the hub, after saying from where and how much."""

import argparse

from tokstudio.cli.commands.download import carried_out
from tokstudio.cli.output import note, say

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
    from tokstudio.tokens.download_texts import plan_texts

    folder = carried_out(plan_texts(args.id, under=args.files, most=args.max_bytes), args)
    if folder is None:
        return 1
    if not args.json:
        say(str(folder))
        note(f"Train on it with: tokstudio finetune --text hub:{args.id}")
    return 0
