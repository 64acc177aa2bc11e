"""`tokstudio split REFERENCE --tokens N`: a text in chunks that fit a token budget."""

import argparse
from pathlib import Path

from tokstudio.cli.output import emit_json, note, say
from tokstudio.cli.text import add_text_arguments, text_of

HELP = "cut a text into chunks of at most N tokens, at paragraphs, lines, sentences or tokens"
SHOWN = 60  # characters of each chunk


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", help="tokenizer that counts, for example tiktoken:o200k_base")
    add_text_arguments(parser)
    parser.add_argument("--tokens", type=int, required=True, metavar="N", help="most tokens of a chunk")
    parser.add_argument(
        "--at",
        choices=("paragraph", "line", "sentence", "token"),
        default="paragraph",
        help="where a chunk ends, if one fits; else at the next smaller kind (%(default)s)",
    )
    parser.add_argument(
        "--overlap",
        type=int,
        default=0,
        metavar="K",
        help="repeat up to K tokens at the begin of the next chunk",
    )
    parser.add_argument(
        "--special", action="store_true", help="count the tokens that a model puts around a text"
    )
    parser.add_argument(
        "--output", metavar="OUT", help="write chunks: a file that ends in .jsonl, or a folder for text files"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.base import utf8
    from tokstudio.tokens.budget import split, write_chunks
    from tokstudio.tokens.reference import load_tokenizer

    text, tokenizer = text_of(args), load_tokenizer(args.reference)
    chunks = list(split(tokenizer, text, args.tokens, at=args.at, overlap=args.overlap, special=args.special))
    data = utf8(text)
    if args.output is not None:
        written = write_chunks(data, chunks, Path(args.output).expanduser())
        note(f"{len(chunks):,} chunks written to {written[0] if len(written) == 1 else args.output}")
    if args.json:
        emit_json(
            {
                "reference": tokenizer.reference,
                "most": args.tokens,
                "chunks": [{"start": c.start, "end": c.stop, "tokens": c.tokens} for c in chunks],
            }
        )
    elif args.output is None:
        for number, chunk in enumerate(chunks, 1):
            shown = data[chunk.start : chunk.stop].decode()
            cut = shown[:SHOWN] + ("…" if len(shown) > SHOWN else "")
            say(f"{number:>5}  {chunk.tokens:>7} tokens  {chunk.start:>9}-{chunk.stop:<9} {cut!r}")
    return 0
