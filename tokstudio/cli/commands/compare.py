"""`tokstudio compare REFERENCE REFERENCE …`: the same text, or with --data a corpus, through several tokenizers."""

import argparse

from tokstudio.cli.corpus import add_corpus_arguments, run_corpus
from tokstudio.cli.output import emit_json, say
from tokstudio.cli.text import add_text_arguments, text_of
from tokstudio.errors import InputError

HELP = "compare how tokenizers cut one text, or do on a corpus"
SHOWN = 20  # disagreements listed for people; --json has all


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("references", nargs="+", metavar="reference", help="two or more, as for `tokenize`")
    add_text_arguments(parser)
    add_corpus_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.data is not None:
        if args.text is not None or args.file is not None:
            raise InputError("--data stands alone.", hint="Leave --text and --file out, or leave out --data.")
        return run_corpus(args)
    from tokstudio.align.edges import agreement
    from tokstudio.tokens.measure import measure
    from tokstudio.tokens.reference import load_tokenizer

    if len(args.references) < 2:
        raise InputError("One tokenizer cannot be compared.", hint="Name two or more.")
    text = text_of(args)
    tokenizers = [load_tokenizer(reference) for reference in args.references]
    encodings = [tokenizer.encode(text) for tokenizer in tokenizers]
    found = agreement(encodings)
    rows = [
        {
            "reference": tokenizer.reference,
            "name": tokenizer.name,
            "tokens": (measures := measure(encoding, tokenizer)).tokens,
            "bytes_per_token": measures.bytes_per_token,
            "words_whole": measures.words_whole,
            "unknown": measures.unknown,
            "shared": int(shared.sum()),
        }
        for tokenizer, encoding, shared in zip(tokenizers, encodings, found.shared, strict=True)
    ]
    result = {
        "bytes": found.size,
        "tokenizers": rows,
        "f1": found.f1.tolist(),
        "cuts": len(found.offsets),
        "disagreements": found.disagreements.tolist(),
    }
    if args.json:
        emit_json(result)
    else:
        _table(result, text.encode())
    return 0


def _table(result: dict, data: bytes) -> None:
    rows = result["tokenizers"]
    names = [row["name"] for row in rows]
    width = max(len("tokenizer"), *map(len, names))
    say(f"{'tokenizer':<{width}}   tokens  bytes/token  words whole  unknown  shared")
    for row in rows:
        say(
            f"{row['name']:<{width}} {row['tokens']:>8,} {row['bytes_per_token']:>12.2f} "
            f"{row['words_whole']:>11.0%} {row['unknown']:>9,} {row['shared']:>7,}"
        )
    say()
    say("boundary F1")
    for name, line in zip(names, result["f1"], strict=True):
        say(f"{name:<{width}} " + " ".join(f"{value:>6.3f}" for value in line))
    say()
    _disagreements(result, data)


def _disagreements(result: dict, data: bytes) -> None:
    """Each with the text on both sides of the cut."""
    from tokstudio.tokens.show import around

    offsets = result["disagreements"]
    say(f"{len(offsets):,} disagreements in {result['cuts']:,} cuts")
    for offset in offsets[:SHOWN]:
        before, after = around(data, offset, 16)
        say(f"{offset:>8}  {before!r:>20} | {after!r}")
    if len(offsets) > SHOWN:
        say(f"          and {len(offsets) - SHOWN:,} more")
