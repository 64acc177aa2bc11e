"""`tokstudio translate --from A --to B`: what the ids of one model are to another, and what a text loses."""

import argparse
import os
import sys
from pathlib import Path

from tokstudio.cli.output import Progress, emit_json, note, say
from tokstudio.cli.text import add_text_arguments, text_of
from tokstudio.errors import InputError

HELP = "carry ids from one tokenizer to another: directly, and through text, with what is lost"
SHOWN = 40  # losses listed for people; --json has all


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="source", required=True, metavar="A", help="tokenizer of the ids")
    parser.add_argument("--to", dest="target", required=True, metavar="B", help="tokenizer that reads them")
    add_text_arguments(parser)
    parser.add_argument("--ids", help='ids of A instead of a text, for example "9906, 11, 856"')
    parser.add_argument(
        "--output",
        metavar="OUT",
        help="with --file: translate line by line into this JSON-lines file; - is stdout",
    )
    parser.add_argument(
        "--lines",
        choices=("auto", "text", "ids"),
        default="auto",
        help="what a line of --file is (%(default)s)",
    )
    parser.add_argument("--explain", action="store_true", help="say for each id why the direct way is wrong")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.tokens.translate import as_json, translate, translate_ids
    from tokstudio.tokens.translate_file import parse_ids

    if args.output is not None:
        return _batch(args)
    text = None if args.ids is not None else text_of(args)
    source, target = load_tokenizer(args.source), load_tokenizer(args.target)
    found = (
        translate_ids(source, target, parse_ids(args.ids))
        if text is None
        else translate(source, target, text)
    )
    if args.json:
        emit_json(as_json(found))
    else:
        _show(found, args.explain)
    return 0


def _show(found, explain: bool) -> None:
    from tokstudio.tokens.losses import summary

    say(f"direct        {found.direct_text}")
    say(f"through text  {found.through_text}")
    before, after = len(found.ids), len(found.encoding)
    become = "token becomes" if before == 1 else "tokens become"
    say(f"length        {before:,} {become} {after:,} ({after - before:+,}; {found.framed} are special)")
    counts = ", ".join(f"{kind} {count:,}" for kind, count in summary(found.losses).items())
    say(f"losses        {counts or 'none'}")
    for loss in found.losses[:SHOWN]:
        say(f"{loss.start:>8}-{loss.stop:<8} {loss.kind:<16} {loss.before!r} -> {loss.after!r}")
    if len(found.losses) > SHOWN:
        say(f"{'':>18}and {len(found.losses) - SHOWN:,} more")
    if explain:
        for token in found.direct:
            say(f"{token.id:>8}  {token.kind:<8} {token.why}")


def _batch(args: argparse.Namespace) -> int:
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.tokens.translate_file import translate_file

    if args.file is None:
        raise InputError("--output needs a file to translate.", hint="Name it with --file.")
    path = Path(args.file).expanduser()
    source, target = load_tokenizer(args.source), load_tokenizer(args.target)
    out = None if args.output == "-" else Path(args.output).expanduser()
    draft = out and out.with_name(out.name + ".part")
    try:
        stream = sys.stdout if draft is None else draft.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}.", hint="Name another file.") from None
    try:
        with Progress("Translating", _size(path)) as bar:
            totals = translate_file(
                source,
                target,
                path,
                stream.write,
                kind=args.lines,
                progress=lambda done, totals: (
                    totals.lines % 64 or bar.update(done, f"{totals.lines:,} lines")
                ),
            )
        if draft is not None:
            stream.close()
            os.replace(draft, out)
    finally:
        if draft is not None:
            stream.close()
            draft.unlink(missing_ok=True)
    _report(args, totals)
    return 1 if totals.failed else 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _report(args: argparse.Namespace, totals) -> None:
    result = {"from": args.source, "to": args.target, "file": args.file, "output": args.output}
    if args.json and args.output != "-":
        emit_json(result | totals.as_json())
        return
    counts = ", ".join(f"{kind} {count:,}" for kind, count in totals.losses.items()) or "none"
    note(
        f"{totals.lines:,} lines, {totals.failed:,} failed, {totals.lossless:,} without loss; "
        f"{totals.source_tokens:,} tokens become {totals.target_tokens:,}; losses: {counts}"
    )
