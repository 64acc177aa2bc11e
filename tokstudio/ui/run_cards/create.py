"""A new transfer run from its settings."""

from pathlib import PurePath
from typing import Any

from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore

ENDINGS = {"finetune": "finetuned", "distil": "distilled"}


def short(reference: str) -> str:
    """A reference as a part of a name: "demo:english" is "english", a path its last part."""
    return PurePath(reference.rpartition(":")[2] or reference).name or "model"


def create_transfer(store: RunStore, config: Any) -> Run:
    """`config`: a TransferConfig, frozen into the run's folder; where the model keeps its tokenizer, it is a
    fine-tuning or a distillation. Raises RunError, ConfigError."""
    from tokstudio.train.kinds import purpose_of
    from tokstudio.train.settings import to_toml

    kind, model = purpose_of(config), short(config.model)
    name = f"{model}-to-{short(config.tokenizer)}" if kind == "transfer" else f"{model}-{ENDINGS[kind]}"
    return store.create(kind, name, to_toml(config))


def create_demo(store: RunStore) -> Run:
    from tokstudio.train.config import demo

    return create_transfer(store, demo())
