"""A new transfer run from its settings."""

from pathlib import PurePath
from typing import Any

from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore


def short(reference: str) -> str:
    """A reference as a part of a name: "demo:english" is "english", a path its last part."""
    return PurePath(reference.rpartition(":")[2] or reference).name or "model"


def create_transfer(store: RunStore, config: Any) -> Run:
    """`config`: a TransferConfig, frozen into the run's folder. Raises RunError, ConfigError."""
    from tokstudio.train.settings import to_toml

    return store.create("transfer", f"{short(config.model)}-to-{short(config.tokenizer)}", to_toml(config))


def create_demo(store: RunStore) -> Run:
    from tokstudio.train.config import demo

    return create_transfer(store, demo())
