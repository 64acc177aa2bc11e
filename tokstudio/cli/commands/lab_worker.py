"""The process that holds models for the window. See `tokstudio.models.lab`."""

import argparse

HELP = ""  # for the program itself


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from tokstudio.embed.service import main
    from tokstudio.models.lab.jobs import JOBS, State

    return main(JOBS, State())
