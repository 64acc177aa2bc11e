"""The process that compares on a corpus for the window. See `tokstudio.tokens.corpus.job`."""

import argparse

HELP = ""  # for the program itself


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.corpus.job import serve_standard_streams

    serve_standard_streams()
    return 0
