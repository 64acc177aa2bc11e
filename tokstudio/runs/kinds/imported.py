"""A run of another program, brought in to compare with. It cannot be started."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokstudio.errors import RunError
from tokstudio.events import RunEvent
from tokstudio.runs.control import Control
from tokstudio.runs.kinds import RunKind, register


def load(path: Path) -> Any:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def run(config: Any, folder: Path, control: Control, resume: bool) -> Iterator[RunEvent]:
    raise RunError(
        "This run was imported and cannot be started.", hint="Start a new one on the Transfer page."
    )
    yield


IMPORTED = register(RunKind(name="imported", title="Imported run", load=load, run=run, hidden=True))
