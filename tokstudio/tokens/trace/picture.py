"""What a model did with one word, as bars over its smallest pieces; drawn and tested the same for every kind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """Covers the units `start:stop` in row `row`, counted from the units upward.

    kind: "made" (a step on the way), "token" (part of the result), "tried" (looked up in vain).
    """

    row: int
    start: int
    stop: int
    text: str
    note: str = ""  # rank, score or id
    kind: str = "made"


@dataclass(frozen=True)
class Picture:
    """`ids` is what the model makes of the word: exactly what the library gives for it."""

    units: tuple[str, ...]  # the smallest pieces, from left to right
    bars: tuple[Bar, ...]
    ids: tuple[int, ...]
    how: str  # one sentence on how to read it
    paths: tuple["Path", ...] = ()  # the best ways through a lattice, the best first

    @property
    def rows(self) -> int:
        return 1 + max((bar.row for bar in self.bars), default=0)


@dataclass(frozen=True, slots=True)
class Path:
    pieces: tuple[str, ...]
    ids: tuple[int, ...]
    score: float
