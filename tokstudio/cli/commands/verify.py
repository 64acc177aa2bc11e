"""`tokstudio verify`: an export against the numbers it was saved with."""

import argparse
from pathlib import Path

from tokstudio.cli.output import emit_json, say
from tokstudio.errors import ModelError

HELP = "load an exported model with plain transformers and compare its logits"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from tokstudio.transfer.verify import EXPECTED, check

    if not (args.folder / EXPECTED).exists():
        raise ModelError(
            f"{args.folder} has no {EXPECTED}, so there is nothing to compare with.",
            hint="Name the export folder of a transfer run.",
        )
    result = check(args.folder)
    if args.json:
        emit_json(result)
    else:
        say(f"largest difference of a logit: {result['max_abs_logit_difference']:.2e}")
    return 0 if result["checked"] else 1
