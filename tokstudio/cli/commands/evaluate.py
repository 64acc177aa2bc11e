"""`tokstudio evaluate`: bits per byte of a model on a text."""

import argparse
from dataclasses import asdict

from tokstudio.cli.output import emit_json, say

HELP = "bits per byte of a model on a text"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model folder with its tokenizer, or demo:english")
    parser.add_argument("--data", required=True, help='a text file, or "python": the built-in held-out text')
    parser.add_argument("--tokenizer", default="", help="another tokenizer than the model folder's own")
    parser.add_argument(
        "--window-bytes", type=int, default=1024, help="length of the pieces that are measured"
    )
    parser.add_argument("--max-bytes", type=int, default=0, help="measure about this much (0: all)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from tokstudio.models.device import pick_device
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.evaluate import bits_per_byte

    texts = _texts(args)
    model = load_model(args.model).to(pick_device(args.device))
    tokenizer = load_tokenizer(args.tokenizer or args.model)
    result = bits_per_byte(model, tokenizer, texts)
    if args.json:
        values = {"bits_per_byte" if k == "value" else k: v for k, v in asdict(result).items()}
        emit_json({"model": args.model, "tokenizer": tokenizer.name, "data": args.data, **values})
        return 0
    say(f"{result.value:.4f} bits per byte")
    say(f"{result.bytes:,} bytes, {result.tokens:,} tokens of {tokenizer.name}, {result.windows:,} windows")
    if result.lossy:
        say(
            f"{result.lossy:,} windows do not survive this tokenizer unchanged: the figure misses what was lost."
        )
    return 0


def _texts(args: argparse.Namespace) -> list[str]:
    from tokstudio.train.corpus import PYTHON, load_corpus, read_documents
    from tokstudio.train.data import held_out_windows

    documents = load_corpus(PYTHON).held_out if args.data == PYTHON else read_documents(args.data)
    return held_out_windows(documents, window_bytes=args.window_bytes, total_bytes=args.max_bytes or 1 << 62)
