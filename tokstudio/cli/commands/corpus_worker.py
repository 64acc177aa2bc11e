"""The process that counts a corpus on one core. See `tokstudio.tokens.corpus.worker`."""

import argparse

HELP = ""  # for the program itself


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.corpus.worker import serve_standard_streams

    serve_standard_streams()
    return 0
