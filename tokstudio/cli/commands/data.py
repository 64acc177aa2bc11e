"""`tokstudio data`: a data set of the hub: fetched, listed, or its first rows. Each asks the hub, as it was told to."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from tokstudio.cli.commands.download import carried_out
from tokstudio.cli.output import emit_json, note, say

if TYPE_CHECKING:
    from tokstudio.tokens.stream_texts import Streamable

HELP = "texts of a data set of the hub: fetch them, list them, see the first rows"
WIDTH = 100  # characters of a field that are shown


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    download = verbs.add_parser("download", help="fetch files of a data set to train on; asks first")
    listed = verbs.add_parser("list", help="name its files and their sizes; fetches nothing")
    preview = verbs.add_parser("preview", help="read and show the first rows of a file")
    for verb in (download, listed, preview):
        verb.add_argument("id", help="such as owner/name")
        verb.add_argument(
            "--files", default="", metavar="PREFIX", help="only files whose names begin with this"
        )
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    for verb in (listed, preview):
        verb.add_argument("--revision", default="", help="a commit or a branch (default: main)")
    preview.add_argument("--rows", type=int, default=5, help="how many (%(default)s)")
    download.add_argument(
        "--max-bytes", type=int, default=1 << 30, help="take the first files up to this size (%(default)s)"
    )
    download.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    return {"download": _download, "list": _list, "preview": _preview}[args.verb](args)


def _download(args: argparse.Namespace) -> int:
    from tokstudio.tokens.download_texts import plan_texts

    folder = carried_out(plan_texts(args.id, under=args.files, most=args.max_bytes), args)
    if folder is None:
        return 1
    if not args.json:
        say(str(folder))
        note(f"Train on it with: tokstudio finetune --text hub:{args.id}")
    return 0


def _found(args: argparse.Namespace) -> "Streamable":
    from tokstudio.tokens.stream_texts import look_up

    return look_up(args.id, args.revision, args.files)


def _list(args: argparse.Namespace) -> int:
    found = _found(args)
    train, held_out = {s.name for s in found.train}, {s.name for s in found.held_out}
    uses = {
        s.name: "train" if s.name in train else "held out" if s.name in held_out else "" for s in found.shards
    }
    if args.json:
        files = [{"name": s.name, "bytes": s.size, "use": uses[s.name]} for s in found.shards]
        emit_json({"id": found.hub_id, "revision": found.revision, "bytes": found.bytes, "files": files})
        return 0
    say(f"{found.address} at commit {found.revision}")
    for shard in found.shards:
        size = "?" if shard.size is None else f"{shard.size:,}"
        say(f"{size:>16}  {uses[shard.name]:<8}  {shard.name}")
    say(f"{found.bytes:>16,}  in {len(found.shards):,} file{'s' if len(found.shards) != 1 else ''}")
    note(f"Train on it while it is read: tokstudio finetune --text hub:{found.hub_id} --stream")
    return 0


def _preview(args: argparse.Namespace) -> int:
    from tokstudio.train.stream_sample import rows

    found = _found(args)
    shard = found.train[0]
    shown = rows(found, shard, args.rows)
    if args.json:
        emit_json({"id": found.hub_id, "revision": found.revision, "file": shard.name, "rows": shown})
        return 0
    say(f"{shard.name} at commit {found.revision[:12]}")
    for number, row in enumerate(shown, 1):
        say(f"row {number}")
        for name, value in (row if isinstance(row, dict) else {"text": row}).items():
            say(f"  {name}: {_short(value)}")
    return 0


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text[: 4 * WIDTH].split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
