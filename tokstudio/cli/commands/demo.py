"""`tokstudio demo`: build the demo model and its tokenizers again, from the library of this Python."""

import argparse
import json
import shutil
from pathlib import Path

from tokstudio.cli.output import note, say

HELP = "train the demo model and its two tokenizers again (about an hour on two cores)"

SOURCE, TARGET = "english", "code"
SIZE, NEW_TOKENS = 4096, 64
# A new token may hold the end of a line and the indentation of the next one.
CODE_PATTERN = r" ?\S+(?:\s*\n\s*(?!\S))?|\s+(?!\S)|\s+"
KEPT = ("config.json", "generation_config.json", "model.safetensors")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where to write them")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--tokenizers-only", action="store_true")


def run(args: argparse.Namespace) -> int:
    from tokstudio.train.corpus import load_corpus

    corpus = load_corpus("python")
    _train_tokenizers(corpus, args.output)
    if not args.tokenizers_only:
        _train_model(corpus, args.output, args.overrides)
    say(f"written to {args.output}")
    return 0


def _train_tokenizers(corpus, folder: Path) -> None:
    from tokstudio.tokens.train import extend_bpe, train_bpe

    texts = [document.text for document in corpus.train]
    note(f"Training the tokenizer {SOURCE}, {SIZE:,} tokens")
    train_bpe(texts, folder / SOURCE, vocab_size=SIZE)
    note(f"Extending it to {TARGET} by {NEW_TOKENS:,} tokens")
    extend_bpe(folder / SOURCE, texts, folder / TARGET, new_tokens=NEW_TOKENS, pattern=CODE_PATTERN)


def _train_model(corpus, folder: Path, overrides: list[str]) -> None:
    from dataclasses import replace

    from tokstudio.cli.follow import follow
    from tokstudio.runs.store import RunStore
    from tokstudio.train.config import demo_model
    from tokstudio.train.settings import apply_overrides, to_toml

    config = apply_overrides(replace(demo_model(), tokenizer=str((folder / SOURCE).resolve())), overrides)
    run = RunStore().create("pretrain", "demo-model", to_toml(config))
    note(f"Run {run.folder.name} in {run.folder}")
    run.start()
    state = follow(run, "Demo model")
    for name in KEPT:
        shutil.copyfile(run.folder / "export" / name, folder / SOURCE / name)
    (folder / SOURCE / "training.json").write_text(json.dumps(record(state, corpus, config), indent=1) + "\n")


def record(state, corpus, config) -> dict:
    """What the model was made of and how well it did: kept beside the weights."""
    from tokstudio.train.settings import to_dict

    settings = to_dict(config) | {"tokenizer": f"demo:{SOURCE}"}
    curves = {name: state.columns[name] for name in ("loss", "bits_per_byte")}
    return {
        "corpus": {
            "name": corpus.name,
            "fingerprint": corpus.fingerprint,
            "train": {"documents": len(corpus.train), "characters": sum(len(d.text) for d in corpus.train)},
            "held_out": sorted(d.name for d in corpus.held_out),
        },
        "settings": settings,
        "bits_per_byte_held_out": state.latest("bits_per_byte"),
        "seconds": state.latest("total_seconds"),
        "curve": {
            name: [[int(s), round(float(v), 4)] for s, v in zip(c.steps, c.values, strict=True)]
            for name, c in curves.items()
        },
    }
