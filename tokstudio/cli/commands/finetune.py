"""`tokstudio finetune`: train a model further on one's own text, with the tokenizer it has, as a supervised run."""

import argparse
from dataclasses import replace
from pathlib import Path

from tokstudio.cli.training import anchored, carry_out, shared_arguments, short

HELP = "train a model further on your text, with the tokenizer it has"
KIND, RECIPE = "finetune", "fine-tune"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FOLDER", help="what is trained: a model folder, or demo:english")
    parser.add_argument(
        "--text", metavar="PATH", help="texts or chats to learn: a file, a folder, hub:ID, or python"
    )
    parser.add_argument("--held-out", metavar="PATH", help="texts to measure on; else a part of --text")
    parser.add_argument(
        "--chat-template",
        metavar="NAME",
        help="for chats: a Jinja file or a model family; else the model's own",
    )
    parser.add_argument("--steps", type=int, help="optimizer steps")
    parser.add_argument("--lora", action="store_true", help="train low-rank adapters, which take less memory")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings as TOML, instead of the recipe's"
    )
    shared_arguments(parser)


def run(args: argparse.Namespace) -> int:
    config = configured(args, RECIPE)
    return carry_out(KIND, config, args, f"{short(config.model)}-finetuned", words(args, KIND))


def configured(args: argparse.Namespace, recipe_name: str):
    from tokstudio.train.config import TransferConfig
    from tokstudio.train.kinds import own_tokenizer
    from tokstudio.train.recipes import recipe
    from tokstudio.train.settings import apply_overrides, load_toml

    config = load_toml(TransferConfig, args.config) if args.config else recipe(recipe_name).config
    data = config.data
    if args.text:
        data = replace(data, corpus=args.text)
    if args.held_out:
        data = replace(data, held_out=args.held_out)
    if args.chat_template:
        data = replace(data, chat_template=args.chat_template)
    config = replace(
        config,
        model=args.model or config.model,
        mode="lora" if args.lora else config.mode,
        data=data,
        train=replace(config.train, steps=args.steps or config.train.steps),
    )
    if getattr(args, "teacher", None):
        config = replace(config, teacher=args.teacher)
    named = any(override.partition("=")[0].strip() == "tokenizer" for override in args.overrides)
    config = apply_overrides(config if args.config or named else own_tokenizer(config), args.overrides)
    if not (args.config or named):  # --set model=… says it, too
        config = own_tokenizer(config)
    return anchored(config)


def words(args: argparse.Namespace, kind: str) -> list[str]:
    """What starts the run that `args` describe."""
    found = ["tokstudio", kind]
    for name in ("config", "model", "teacher", "text", "held_out", "chat_template", "steps", "name"):
        if value := getattr(args, name, None):
            found += ["--" + name.replace("_", "-"), str(value)]
    found += ["--lora"] if args.lora else []
    found += ["--stream"] if args.stream else []
    return found + [word for override in args.overrides for word in ("--set", override)]
