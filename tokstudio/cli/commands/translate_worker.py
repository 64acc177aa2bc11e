"""The process that translates long texts for the window. See `tokstudio.tokens.translate_service`."""

import argparse

HELP = ""  # for the program itself


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.translate_service import serve_standard_streams

    serve_standard_streams()
    return 0
