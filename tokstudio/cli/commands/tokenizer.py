"""`tokstudio tokenizer save SPEC FOLDER`, `tokstudio tokenizer families`."""

import argparse
from pathlib import Path

from tokstudio.cli.output import emit_json, note, say

HELP = (
    "write a tokenizer or a spec (REF:target=Llama3, REF:conversion=byte) into a folder; list model families"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    save = commands.add_parser("save", help="write tokenizer.json, its settings and its chat template")
    save.add_argument("spec", help="e.g. bert-base-uncased, or Qwen/Qwen2.5-1.5B:source=Qwen2:target=Llama3")
    save.add_argument("folder", type=Path)
    save.add_argument("--force", action="store_true", help="write into a folder that has something in it")
    save.add_argument("--json", action="store_true", help="print one JSON object")
    listed = commands.add_parser("families", help="the model families that a spec may name")
    listed.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    return _save(args) if args.action == "save" else _families(args)


def _save(args: argparse.Namespace) -> int:
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.tokens.save import save_tokenizer

    notes = save_tokenizer(args.spec, args.folder, replace=args.force)
    for line in notes:
        note(line)
    saved = load_tokenizer(str(args.folder))
    if args.json:
        about = {"algorithm": saved.algorithm, "vocabulary": len(saved), "notes": notes}
        emit_json({"folder": str(args.folder.resolve()), "spec": args.spec, **about})
    else:
        say(f"{args.folder}: {saved.algorithm}, {len(saved):,} tokens")
    return 0


def _families(args: argparse.Namespace) -> int:
    from tokstudio.tokens.families import families

    found = families().values()
    if args.json:
        emit_json({f.name: {"about": f.about, "special": f.special, "slots": f.slots} for f in found})
        return 0
    for family in found:
        say(f"{family.name:<10} {family.about}")
        say(f"{'':<10} {' '.join(family.special)}")
    return 0
