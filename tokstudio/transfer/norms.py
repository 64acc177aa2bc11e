"""Lengths of new rows: a mean of rows is shorter than the rows it is made of, and a model reads lengths, too.

Rows that were copied are never touched. The rest can be given the length that the rows behind them have, or the
mean length of the source's ordinary rows, for input and output each by itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.transfer.base import COPIED, Rows, TransferProblem

NORMS = ("none", "sources", "mean")


@dataclass(frozen=True)
class Lengths:
    """How long rows are, on average: of the source's ordinary tokens, and of the new rows before and after."""

    source: float
    before: float
    after: float


class Matched:
    """An iterable over `rows` with their lengths changed. `lengths` tells what was done, once all was read.

    kind "none": as they are. "sources": the weighted mean length of the rows behind each; the mean length where
    there are none. "mean": the mean length of the source's ordinary rows. A row of zeros stays one.
    """

    def __init__(self, problem: TransferProblem, rows: Iterable[Rows], kind: str):
        """Raises TransferError for a kind that does not exist."""
        if kind not in NORMS:
            raise TransferError(
                f"There is no way {kind!r} to match norms.", hint=f"Choose one of: {', '.join(NORMS)}."
            )
        self._rows, self._kind = rows, kind
        self._of = np.linalg.norm(problem.matrix, axis=1).astype(np.float64)
        self._mean = (
            float(self._of[problem.usable].mean()) if problem.usable.any() else float(self._of.mean())
        )
        self._before: list[float] = []
        self._after: list[float] = []

    def __iter__(self) -> Iterator[Rows]:
        for part in self._rows:
            yield part if part.origin == COPIED else self._changed(part)

    @property
    def lengths(self) -> Lengths | None:
        """None where every row is a copy."""
        if not self._before:
            return None
        return Lengths(self._mean, float(np.mean(self._before)), float(np.mean(self._after)))

    def _changed(self, part: Rows) -> Rows:
        now = np.linalg.norm(part.values, axis=1).astype(np.float64)
        wanted = now if self._kind == "none" else self._wanted(part)
        factor = np.divide(wanted, now, out=np.ones_like(now), where=now > 0)
        self._before += now.tolist()
        self._after += (now * factor).tolist()
        if self._kind == "none":
            return part
        return replace(part, values=(part.values * factor[:, None]).astype(np.float32))

    def _wanted(self, part: Rows) -> np.ndarray:
        wanted = np.full(len(part.ids), self._mean)
        if self._kind == "mean" or part.mix is None:
            return wanted
        share = np.abs(part.mix.weights)  # of signed mixtures, the size of each part
        total = np.bincount(part.mix.row, share, minlength=len(part.ids))
        lengths = np.bincount(part.mix.row, share * self._of[part.mix.columns], minlength=len(part.ids))
        return np.divide(lengths, total, out=wanted, where=total > 0)
