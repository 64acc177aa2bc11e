"""The settings of the Transfer page as values by dotted name, and as a command."""

import shlex
from dataclasses import replace
from typing import Any

from tokstudio.runs.launch import Launch
from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.kinds import PURPOSES, own_tokenizer, purpose_of
from tokstudio.train.recipes import recipe
from tokstudio.train.settings import from_dict, to_dict
from tokstudio.ui.transfer_cards.form import flat


def set_values(config: TransferConfig, values: dict[str, Any]) -> TransferConfig:
    """`values` by dotted name. Raises ConfigError for one that is out of range."""
    data = to_dict(config)
    for name, value in values.items():
        *sections, key = name.split(".")
        table = data
        for section in sections:
            table = table[section]
        table[key] = value
    return from_dict(TransferConfig, data)


def command(config: TransferConfig, launch: Launch | None = None) -> str:
    """The same run for a terminal: the demo, or the recipe of its kind, and what differs from it."""
    name = purpose_of(config)
    first, start = "tokstudio transfer --demo", demo()
    if name != "transfer":
        first = f"tokstudio {name} --model {shlex.quote(config.model)}"
        start = own_tokenizer(replace(recipe(PURPOSES[name].recipe).config, model=config.model))
    changed = flat(to_dict(config)), flat(to_dict(start))
    sets = [f"{key}={_toml(value)}" for key, value in changed[0].items() if value != changed[1][key]]
    where = map(shlex.quote, (launch or Launch()).options())
    return " ".join([first, *(f"--set {shlex.quote(text)}" for text in sets), *where])


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def follow_model(config: TransferConfig, values: dict[str, Any]) -> dict[str, Any]:
    """Where a model keeps its own tokenizer, another model brings its own along."""
    if "model" not in values or "tokenizer" in values or purpose_of(config) == "transfer":
        return values
    return {**values, "tokenizer": values["model"]}
