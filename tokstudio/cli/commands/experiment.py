"""`tokstudio experiment`: the same adaptation in many ways, with several seeds, as one resumable command."""

import argparse
from pathlib import Path

from tokstudio.cli.output import emit_json, note, say
from tokstudio.errors import InputError

WEAK_TO_STRONG = "weak-to-strong"
HELP = "compare ways to move a model onto another tokenizer"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        choices=("protein", "domain", "distil", WEAK_TO_STRONG),
        help="protein: FASTA sequences; domain: any texts; distil: objectives, with equal tokens; weak-to-strong: a "
        "plan learnt on a small model, applied to a larger one",
    )
    parser.add_argument("--fasta", default="", metavar="FILE", help="protein sequences")
    parser.add_argument("--text", default="", metavar="DIR", help="a folder with text files")
    parser.add_argument(
        "--strong",
        default="",
        metavar="FOLDER",
        help="weak-to-strong: the larger model; else one is trained for the comparison",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML instead of the presets")
    parser.add_argument("--steps", type=int, metavar="N", help="training steps of each arm")
    parser.add_argument("--seeds", type=int, metavar="N", help="repetitions of each arm")
    parser.add_argument("--arms", default="", help="some arms alone, parted by commas")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="change one setting"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where everything lies; resumed if it is there"
    )
    parser.add_argument("--print-config", action="store_true", help="print the settings as TOML and end")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from tokstudio.experiments import run as arms
    from tokstudio.experiments import weak_to_strong
    from tokstudio.paths import data_home
    from tokstudio.train.settings import to_toml

    _check(args)
    experiment = weak_to_strong if args.name == WEAK_TO_STRONG else arms
    config = _weak_to_strong(args) if args.name == WEAK_TO_STRONG else _config(args)
    if args.print_config:
        say(to_toml(config).rstrip())
        return 0
    folder = (args.output or data_home() / "experiments" / config.name).expanduser().resolve()
    result = experiment.run(config, folder, note)
    if args.json:
        emit_json({"folder": str(folder), **result})
        return 0
    say(experiment.table(result).rstrip())
    say(f"everything is in {folder}")
    return 0


def _check(args: argparse.Namespace) -> None:
    wrong = ("seeds", "arms", "fasta") if args.name == WEAK_TO_STRONG else ("strong",)
    for name in wrong:
        if getattr(args, name):
            raise InputError(
                f"--{name} means nothing to the experiment {args.name}.",
                hint=f"Leave it out; `tokstudio experiment {args.name} --print-config` shows what can be set.",
            )


def _weak_to_strong(args: argparse.Namespace):
    from dataclasses import replace

    from tokstudio.experiments.weak_to_strong import WeakToStrongConfig
    from tokstudio.train.settings import apply_overrides, load_toml

    config = load_toml(WeakToStrongConfig, args.config) if args.config else WeakToStrongConfig()
    if args.text:
        config = replace(config, data=str(Path(args.text).expanduser().resolve()))
    if args.strong:
        config = replace(config, strong=str(Path(args.strong).expanduser().resolve()))
    steps = [] if args.steps is None else [f"steps={args.steps}"]
    return apply_overrides(config, [*steps, *args.overrides])


def _config(args: argparse.Namespace):
    from dataclasses import replace

    from tokstudio.experiments.config import PRESETS, ExperimentConfig
    from tokstudio.experiments.distil import DistilConfig
    from tokstudio.train.settings import apply_overrides, load_toml

    distil = args.name == "distil"
    kind, preset = (DistilConfig, DistilConfig) if distil else (ExperimentConfig, PRESETS[args.name])
    config = load_toml(kind, args.config) if args.config else preset()
    if args.fasta or args.text:
        data = str(Path(args.fasta or args.text).expanduser().resolve())
        config = replace(config, data=data)
        config = config if distil else replace(config, kind="fasta" if args.fasta else "text")
    overrides = [
        f"{name}={value}" for name in ("steps", "seeds") if (value := getattr(args, name)) is not None
    ]
    named = any(o.startswith("translation_steps=") for o in args.overrides)
    if args.steps is not None and not distil and not named:
        overrides.append(f"translation_steps={max(1, args.steps // 8)}")
    if args.arms:
        config = replace(config, arms=tuple(args.arms.split(",")))
    return apply_overrides(config, [*overrides, *args.overrides])
