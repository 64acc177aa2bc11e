"""Move a language model from its tokenizer to another one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokstudio.events import RunEvent
from tokstudio.runs.control import Control
from tokstudio.runs.kinds import RunKind, register


def loader(kind: str) -> Callable[[Path], Any]:
    def load(path: Path) -> Any:
        from tokstudio.train.config import TransferConfig
        from tokstudio.train.kinds import check_purpose
        from tokstudio.train.settings import load_toml

        config = load_toml(TransferConfig, path)
        check_purpose(kind, config)
        return config

    return load


def run(config: Any, folder: Path, control: Control, resume: bool) -> Iterator[RunEvent]:
    from tokstudio.train.transfer import run as transfer

    yield from transfer(config, folder, control, resume)


TRANSFER = register(
    RunKind(name="transfer", title="Tokenizer transfer", load=loader("transfer"), run=run, ranks=True)
)
