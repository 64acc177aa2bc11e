"""`tokstudio ensemble MODEL MODEL ...`: models with one tokenizer generate and score together."""

import argparse
from pathlib import Path

from tokstudio.cli.output import emit_json, say
from tokstudio.errors import InputError

HELP = "let several models with one tokenizer write or score a text together"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model folders, or demo:english")
    parser.add_argument("--prompt", help="continue this text")
    parser.add_argument("--file", type=Path, help="score this text file, in bits per byte, window by window")
    parser.add_argument(
        "--combine",
        choices=("probabilities", "logits"),
        default="probabilities",
        help="what is averaged (%(default)s)",
    )
    parser.add_argument("--tokens", type=int, default=64, help="how many new tokens at most (%(default)s)")
    parser.add_argument(
        "--window", type=int, default=1024, metavar="BYTES", help="of scored text (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if (args.prompt is None) == (args.file is None):
        raise InputError("Say what to do: --prompt TEXT or --file FILE.")
    from tokstudio.models.ensemble import Ensemble, Member
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer

    members = [Member(load_model(name).eval(), load_tokenizer(name)) for name in args.models]
    together = Ensemble(members, args.combine)
    if args.prompt is not None:
        text = together.generate(args.prompt, max_new_tokens=args.tokens)
        emit_json({"prompt": args.prompt, "continuation": text}) if args.json else say(args.prompt + text)
        return 0
    from tokstudio.train.corpus import read_documents, windows

    pieces = [p for d in read_documents(str(args.file)) for p in windows(d.text, args.window)]
    found = {"together": together, **{n: Ensemble([m]) for n, m in zip(args.models, members, strict=True)}}
    figures = {}
    for name, who in found.items():
        scores = [who.score(piece) for piece in pieces]
        bits = sum(s.nats for s in scores) / 0.6931471805599453 / max(1, sum(s.bytes for s in scores))
        figures[name] = {"bits_per_byte": bits, "tokens": sum(s.tokens for s in scores)}
    if args.json:
        emit_json(figures)
    else:
        for name, row in figures.items():
            say(f"{row['bits_per_byte']:8.4f} bits per byte  {name}")
    return 0
