"""What a run can do. One file here is one kind; `config.toml` of a run belongs to its kind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokstudio.events import RunEvent
from tokstudio.registry import Registry
from tokstudio.runs.control import Control


@dataclass(frozen=True)
class RunKind:
    """`load` reads a config.toml and raises ConfigError; it must stay cheap, because the window calls it too.
    `run` imports what it needs when it is called, which is only ever in the worker."""

    name: str
    title: str
    load: Callable[[Path], Any]
    run: Callable[[Any, Path, Control, bool], Iterator[RunEvent]]  # config, run folder, control, resume
    hidden: bool = False
    ranks: bool = False  # can several processes share the work?


KINDS: Registry[RunKind] = Registry("tokstudio.runs.kinds")


def register(kind: RunKind) -> RunKind:
    return KINDS.add(kind.name, kind)
