"""`tokstudio launch`: start a run from its frozen settings, here, on several devices or machines, or on Ray."""

import argparse
import shlex
import subprocess
from pathlib import Path

from tokstudio.cli import launching, streams
from tokstudio.cli.output import emit_json, note, say

HELP = "start a run from its settings: here, on several devices or machines, or on a Ray cluster"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", type=Path, metavar="CONFIG.toml", help="settings; with --join a run's folder"
    )
    parser.add_argument("--kind", default="transfer", help="what the settings are of (default: transfer)")
    parser.add_argument("--name", default="", help="name of the run")
    parser.add_argument(
        "--runs",
        type=Path,
        metavar="FOLDER",
        help="where the run's folder is made; one that all machines see under this path",
    )
    parser.add_argument(
        "--join", action="store_true", help="start this machine's part of a run that another machine created"
    )
    parser.add_argument("--background", action="store_true", help="do not follow it here")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    streams.argument(parser)
    launching.arguments(parser)


def run(args: argparse.Namespace) -> int:
    from tokstudio.cli.follow import follow
    from tokstudio.runs.kinds import KINDS
    from tokstudio.runs.launch import save
    from tokstudio.runs.store import RunStore
    from tokstudio.train.before import check_start
    from tokstudio.train.config import TransferConfig
    from tokstudio.train.settings import to_toml

    if args.join:
        return join(args.config)
    launch = launching.chosen(args)
    config = KINDS[args.kind].load(args.config)
    if hasattr(config, "data"):
        from tokstudio.cli.training import anchored

        config = streams.with_stream(anchored(config), args)
    if isinstance(config, TransferConfig) and launch.target != "ray":
        check_start(config, here=launch.machines == 1)
    config = streams.agreed(config, args)
    started = RunStore(args.runs and args.runs.absolute()).create(
        args.kind, args.name or args.config.stem, to_toml(config)
    )
    save(started.folder, launch)
    note(f"Run {started.folder.name} in {started.folder}")
    if launch.machines > 1:
        note(f"On the other machines: tokstudio launch --join {shlex.quote(str(started.folder))}")
    started.start()
    if args.background:
        told = {"run": str(started.folder), "processes": launch.ranks}
        emit_json(told) if args.json else say(str(started.folder))
        return 0
    report = follow(started, KINDS[args.kind].title).report
    if args.json:
        emit_json({"run": str(started.folder), **report})
    else:
        say(f"finished: {started.folder}")
    return 0


def join(folder: Path) -> int:
    """This machine's processes, until the run ends. They say what they do in the run's folder."""
    from tokstudio.errors import InputError
    from tokstudio.runs.launch import load
    from tokstudio.runs.process import environment, program

    launch = load(folder)
    if not (folder / "run.json").is_file() or launch.machines < 2:
        raise InputError(
            f"{folder} is no run of several machines.",
            hint="Name the folder that `tokstudio launch --nnodes` printed on the first one.",
        )
    resume = any((folder / "checkpoints").glob("step-*"))
    command = launch.command(program(), folder.absolute(), resume=resume)
    return subprocess.run(command, env=environment(), check=False).returncode
