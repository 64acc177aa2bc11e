"""A new transfer run from its settings."""

from pathlib import PurePath
from typing import Any

from tokstudio.runs.launch import Launch, save
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore

ENDINGS = {"finetune": "finetuned", "distil": "distilled"}


def short(reference: str) -> str:
    """A reference as a part of a name: "demo:english" is "english", a path its last part."""
    return PurePath(reference.rpartition(":")[2] or reference).name or "model"


def create_transfer(store: RunStore, config: Any, launch: Launch | None = None) -> Run:
    """`config`: a TransferConfig, frozen into the run's folder; where the model keeps its tokenizer, it is a
    fine-tuning or a distillation. `launch`: where it will work. Raises RunError, ConfigError."""
    from tokstudio.train.kinds import purpose_of
    from tokstudio.train.settings import to_toml

    kind, model = purpose_of(config), short(config.model)
    name = f"{model}-to-{short(config.tokenizer)}" if kind == "transfer" else f"{model}-{ENDINGS[kind]}"
    run = store.create(kind, name, to_toml(config))
    save(run.folder, launch or Launch())
    return run


def create_demo(store: RunStore) -> Run:
    from tokstudio.train.config import demo

    return create_transfer(store, demo())
