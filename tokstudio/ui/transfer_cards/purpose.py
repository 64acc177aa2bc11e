"""What the run is for, taken up: transfer, fine-tuning, distillation."""

from dataclasses import replace
from typing import Any

from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.kinds import PURPOSES, purpose_of
from tokstudio.train.recipes import recipe
from tokstudio.train.settings import to_dict

KEPT = ("model", "tokenizer", "teacher", "data")  # what a person chose stays when the purpose changes


def taken_up(name: str, config: TransferConfig) -> dict[str, Any]:
    """The values that make `config` a run of this purpose: those of its recipe, the model and the text as they are."""
    if name == purpose_of(config):
        return {}
    values = to_dict(demo() if name == "transfer" else _recipe(name, config.model))
    kept = {key: value for key, value in values.items() if key not in KEPT}
    if name == "transfer":
        return {**kept, "tokenizer": demo().tokenizer, "teacher": ""}
    return {**kept, "tokenizer": config.model, "teacher": config.teacher if name == "distil" else ""}


def _recipe(name: str, model: str) -> TransferConfig:
    return replace(recipe(PURPOSES[name].recipe).config, model=model)
