"""`tokstudio tokenize REFERENCE`: one text as one tokenizer sees it."""

import argparse

from tokstudio.cli.output import emit_json, note, say
from tokstudio.cli.text import add_text_arguments, text_of

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
    if args.json:
        emit_json(
            {
                "reference": tokenizer.reference,
                "name": tokenizer.name,
                "algorithm": tokenizer.algorithm,
                "vocabulary": len(tokenizer),
                "count": len(encoding),
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
    note(f"{tokenizer.name}: {measures.tokens:,} tokens, {measures.bytes_per_token:.2f} bytes per token")
    return 0


def _download(reference: str) -> None:
    from tokstudio.tokens.download import download

    for path in download(reference):
        note(f"fetched {path}")
