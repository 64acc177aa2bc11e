"""`tokstudio distil`: a smaller model learns from a larger one with the same tokenizer, as a supervised run."""

import argparse

from tokstudio.cli.commands import finetune
from tokstudio.cli.training import carry_out, short

HELP = "let a small model learn from a larger one that has the same tokenizer"
KIND, RECIPE = "distil", "distil"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--teacher", metavar="FOLDER", help="the larger model, which is only read")
    finetune.arguments(parser)


def run(args: argparse.Namespace) -> int:
    config = finetune.configured(args, RECIPE)
    name = f"{short(config.model)}-from-{short(config.teacher)}"
    return carry_out(KIND, config, args, name, finetune.words(args, KIND))
