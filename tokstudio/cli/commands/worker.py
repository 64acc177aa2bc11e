"""`tokstudio worker FOLDER`: the process of one run. For the program itself."""

import argparse
from pathlib import Path

from tokstudio.errors import InputError

HELP = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, help="the run folder")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint")
    parser.add_argument(
        "--probe-run", type=Path, metavar="FILE", help="measure two steps of the transfer it describes"
    )
    parser.add_argument("--probe-device", action="store_true", help="say what this machine trains on")


def run(args: argparse.Namespace) -> int:
    if args.probe_device:
        from tokstudio.cli.output import emit_json
        from tokstudio.runs.device import probe

        emit_json(probe())
        return 0
    if args.probe_run is not None:
        return probe_run(args.probe_run)
    if args.folder is None or not (args.folder / "run.json").is_file():
        raise InputError(f"{args.folder} is no run folder.", hint="`tokstudio runs` lists the runs.")
    from tokstudio.runs.worker import main

    return main(args.folder, resume=args.resume)


def probe_run(path: Path) -> int:
    from tokstudio.cli.output import emit_json
    from tokstudio.train.config import TransferConfig
    from tokstudio.train.memory import forecast
    from tokstudio.train.settings import load_toml

    emit_json(forecast(load_toml(TransferConfig, path)).values())
    return 0
