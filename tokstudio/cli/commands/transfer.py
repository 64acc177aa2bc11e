"""`tokstudio transfer`: move a language model onto another tokenizer, as a supervised run."""

import argparse
import shlex
from pathlib import Path

from tokstudio.cli.output import emit_json, say
from tokstudio.cli.training import anchored, carry_out, shared_arguments, short

HELP = "move a language model onto another tokenizer"


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--demo", action="store_true", help="the demo model onto the demo's other tokenizer")
    what.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML")
    what.add_argument(
        "--recipe", metavar="NAME", help="settings that belong together; `list` tells what there is"
    )
    shared_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from tokstudio.train.config import TransferConfig, demo
    from tokstudio.train.settings import apply_overrides, load_toml

    if args.recipe == "list":
        return list_recipes(args)
    if args.recipe:
        from tokstudio.train.recipes import recipe

        config = recipe(args.recipe).config
    else:
        config = demo() if args.demo else load_toml(TransferConfig, args.config)
    config = anchored(apply_overrides(config, args.overrides))
    name = f"{short(config.model)}-to-{short(config.tokenizer)}"
    return carry_out("transfer", config, args, name, words(args))


def list_recipes(args: argparse.Namespace) -> int:
    from tokstudio.train.recipes import recipes

    if args.json:
        emit_json(
            {"recipes": {r.name: {"title": r.title, "about": r.about, "kind": r.kind} for r in recipes()}}
        )
        return 0
    for found in recipes():
        say(f"{found.name:<26} {found.title}")
        say(f"    {found.about}")
        if found.kind != "transfer":
            say(f"    Command: tokstudio {found.kind}")
    return 0


def words(args: argparse.Namespace) -> list[str]:
    """What starts the run that `args` describe."""
    found = ["tokstudio", "transfer"]
    found += (
        ["--demo"]
        if args.demo
        else ["--recipe", args.recipe]
        if args.recipe
        else ["--config", str(args.config)]
    )
    found += [word for override in args.overrides for word in ("--set", override)]
    found += ["--stream"] if args.stream else []
    return found + (["--name", args.name] if args.name else [])


def command(args: argparse.Namespace) -> str:
    return shlex.join(words(args))
