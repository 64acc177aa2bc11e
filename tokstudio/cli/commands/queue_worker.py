"""`tokstudio queue-worker FOLDER`: starts the runs that wait in a runs folder, one after the other. For the program."""

import argparse
from pathlib import Path

HELP = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the runs folder")


def run(args: argparse.Namespace) -> int:
    from tokstudio.runs.queue import Queue
    from tokstudio.runs.store import RunStore

    Queue(RunStore(args.folder)).work()
    return 0
