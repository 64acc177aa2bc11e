"""`tokstudio ray-run FOLDER`: stands for a run that works on a Ray cluster. For the program itself."""

import argparse
from pathlib import Path

HELP = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the run folder")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint")
    parser.add_argument("--inside", action="store_true", help="this is the cluster's job")


def run(args: argparse.Namespace) -> int:
    from tokstudio.runs.on_ray import main

    return main(args.folder, resume=args.resume, inside=args.inside)
