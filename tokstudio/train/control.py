"""How a run is told what to do while it works."""

from typing import Protocol


class Control(Protocol):
    def poll(self) -> str | None:
        """What is asked for now, or None: "stop", "park", "save", "evaluate", "sample", or "set NAME VALUE". Asked
        between two optimizer steps until it answers None, "stop" or "park". A pause is waited for in here."""


class NoControl:
    """Nobody steers: tests and scripts."""

    def poll(self) -> str | None:
        return None
