"""The process that does what a hostile file could make endless. See `tokstudio.tokens.bounded`."""

import argparse

HELP = ""  # for the program itself


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("megabytes", type=int)


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.bounded import serve

    serve(args.megabytes)
    return 0
