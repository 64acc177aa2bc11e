"""`tokstudio ensemble`: models with one tokenizer score a text or continue a prompt together."""

import argparse
from typing import Any

from tokstudio.cli.output import emit_json, note, say

HELP = "let models with one tokenizer score a text or continue a prompt together"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="FOLDER",
        dest="models",
        help="a model folder, or demo:english; twice or more",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="PATH", help='score this: a file, a folder, or "python"')
    what.add_argument("--prompt", metavar="TEXT", help="continue this")
    parser.add_argument(
        "--mean",
        choices=("probs", "logits"),
        default="probs",
        help="what is averaged: probabilities, or logits (%(default)s)",
    )
    parser.add_argument("--weights", default="", metavar="W,W", help="one number for each model")
    parser.add_argument("--window-bytes", type=int, default=1024, help="length of the pieces that are scored")
    parser.add_argument("--max-bytes", type=int, default=98_304, help="score about this much of a text")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.0, help="0: always the most likely token")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from tokstudio.models.device import pick_device
    from tokstudio.models.ensemble import load_ensemble

    weights = _weights(args.weights)
    ensemble, tokenizer = load_ensemble(
        args.models, weights=weights, mean=args.mean, device=pick_device(args.device)
    )
    told = {
        "models": args.models,
        "weights": list(ensemble.weights),
        "mean": args.mean,
        "tokenizer": tokenizer.name,
        "vocab_size": len(tokenizer),
    }
    found = _score(ensemble, tokenizer, args) if args.text else _continue(ensemble, tokenizer, args)
    if args.json:
        emit_json(told | found)
    elif args.text:
        for name, value in [
            *zip(args.models, found["each"], strict=True),
            ("together", found["bits_per_byte"]),
        ]:
            say(f"{value:.4f} bits per byte  {name}")
        note(f"{found['bytes']:,} bytes, {found['tokens']:,} tokens; mean of {args.mean}")
    else:
        say(args.prompt + found["text"])
    return 0


def _weights(text: str) -> list[float]:
    from tokstudio.errors import InputError

    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"{text!r} are no weights.", hint="Write numbers, for example 2,1.") from None


def _score(ensemble: Any, tokenizer: Any, args: argparse.Namespace) -> dict[str, Any]:
    from tokstudio.errors import ConfigError
    from tokstudio.train.corpus import PYTHON, load_corpus, read_documents
    from tokstudio.train.data import held_out_windows
    from tokstudio.train.evaluate import bits_per_byte

    documents = load_corpus(PYTHON).held_out if args.text == PYTHON else read_documents(args.text)
    windows = held_out_windows(documents, window_bytes=args.window_bytes, total_bytes=args.max_bytes)
    try:
        together = bits_per_byte(ensemble, tokenizer, windows)
    except ConfigError as error:
        raise ConfigError(str(error), hint=f"Choose --window-bytes below {args.window_bytes}.") from None
    each = [
        bits_per_byte(m, tokenizer, windows, limit=ensemble.config.max_position_embeddings).value
        for m in ensemble.members
    ]
    return {
        "bits_per_byte": together.value,
        "each": each,
        "bytes": together.bytes,
        "tokens": together.tokens,
        "windows": together.windows,
    }


def _continue(ensemble: Any, tokenizer: Any, args: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from tokstudio.models.lab.score import prefix_of
    from tokstudio.models.lab.write import Sampling, write

    sampling = Sampling(
        temperature=args.temperature, top_p=args.top_p, seed=args.seed, max_new_tokens=args.max_new_tokens
    )
    ids = [*prefix_of(tokenizer), *tokenizer.encode(args.prompt).ids.tolist()]
    ends = frozenset(tokenizer.special_tokens.values())
    drawn = list(write(ensemble, ids, sampling, ends=ends))
    kept = [d for d in drawn if not d.ends]
    text = tokenizer.decode(np.array([d.token for d in kept], np.int64)).decode("utf-8", "replace")
    tokens = [{"id": d.token, "probability": d.probability} for d in drawn]
    return {"prompt": args.prompt, "text": text, "tokens": tokens}
