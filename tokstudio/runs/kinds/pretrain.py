"""Train a small language model from scratch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokstudio.events import RunEvent
from tokstudio.runs.control import Control
from tokstudio.runs.kinds import RunKind, register


def load(path: Path) -> Any:
    from tokstudio.train.config import PretrainConfig
    from tokstudio.train.settings import load_toml

    return load_toml(PretrainConfig, path)


def run(config: Any, folder: Path, control: Control, resume: bool) -> Iterator[RunEvent]:
    from tokstudio.train.pretrain import run as pretrain

    yield from pretrain(config, folder, control, resume)


PRETRAIN = register(RunKind(name="pretrain", title="Language model", load=load, run=run))
