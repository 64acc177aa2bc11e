"""`tokstudio tokenize REFERENCE`: one text as one tokenizer sees it."""

import argparse
from typing import TYPE_CHECKING

from tokstudio.cli.output import emit_json, note, say
from tokstudio.cli.text import add_text_arguments, text_of

if TYPE_CHECKING:
    from tokstudio.tokens.base import Encoding, Tokenizer

HELP = "cut a text into tokens: ids, byte spans, token texts"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference",
        help="tiktoken:cl100k_base, bytes, mistral:v3, bert-base-uncased, a file or folder, or a spec",
    )
    add_text_arguments(parser)
    parser.add_argument(
        "--special", action="store_true", help="add the tokens that a model expects around a text"
    )
    parser.add_argument(
        "--written",
        choices=("text", "parse", "forbid"),
        default="text",
        help="what becomes of special tokens that are written out in the text",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--download", action="store_true", help="fetch a tiktoken vocabulary that is not on this machine"
    )


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.measure import measure
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.tokens.show import token_texts
    from tokstudio.tokens.spec import notes_of

    text = text_of(args)
    if args.download:
        _download(args.reference)
    tokenizer = load_tokenizer(args.reference)
    for line in notes_of(args.reference):
        note(line)
    encoding = tokenizer.encode(text, special=args.special, written=args.written)
    measures, tokens = measure(encoding, tokenizer), token_texts(tokenizer, encoding.ids)
    if args.written != "parse":  # a special token that was written out is meant to vanish
        _remark(tokenizer, encoding)
    if args.json:
        emit_json(
            {
                "reference": tokenizer.reference,
                "name": tokenizer.name,
                "algorithm": tokenizer.algorithm,
                "vocabulary": len(tokenizer),
                "count": len(encoding),
                "special_around": measures.special,
                "bytes": measures.bytes,
                "bytes_per_token": measures.bytes_per_token,
                "words_whole": measures.words_whole,
                "unknown": measures.unknown,
                "ids": encoding.ids.tolist(),
                "spans": encoding.spans.tolist(),
                "tokens": tokens,
            }
        )
        return 0
    for token, (start, stop), shown in zip(
        encoding.ids.tolist(), encoding.spans.tolist(), tokens, strict=True
    ):
        say(f"{token:>8}  {start:>7}-{stop:<7} {shown!r}")
    around = f" and {measures.special} special around the text" if measures.special else ""
    count = f"{measures.tokens:,} token{'' if measures.tokens == 1 else 's'}{around}"
    note(f"{tokenizer.name}: {count}, {measures.bytes_per_token:.2f} bytes per token")
    return 0


def _remark(tokenizer: "Tokenizer", encoding: "Encoding") -> None:
    """On the error output: what the tokenizer drops or changes, which ids and spans alone do not show."""
    from tokstudio.tokens.trace.normalize import normalized
    from tokstudio.tokens.trace.roundtrip import round_trip

    found = round_trip(tokenizer, encoding)
    if found.problem:
        note(found.problem)
    if found.at is None:
        return
    text, cause = encoding.text.decode(), ""
    if found.normalized:
        cause = " The tokenizer's normalizer changes the text before it is cut."
        seen = sorted(one for one in set(text) if not one.isspace() and normalized(tokenizer, one) == "")
        if seen:
            names = ", ".join(f"U+{ord(one):04X}" for one in seen[:8]) + ", …" * (len(seen) > 8)
            count = sum(text.count(one) for one in seen)
            cause = f" The tokenizer's normalizer drops {count:,} of its characters ({names})."
    note(
        f"Decoding does not give the text back: from byte {found.at:,} on it is {found.decoded!r}"
        f" where the text has {found.text!r}.{cause}"
    )


def _download(reference: str) -> None:
    from tokstudio.tokens.download import download

    for path in download(reference):
        note(f"fetched {path}")
