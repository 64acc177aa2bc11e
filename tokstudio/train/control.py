"""How a run is told what to do while it works."""

from typing import Protocol


class Control(Protocol):
    def poll(self) -> str | None:
        """`"stop"`, `"save"`, or None; asked once between two optimizer steps. A request is answered once."""


class NoControl:
    """Nobody steers: tests and scripts."""

    def poll(self) -> str | None:
        return None
