"""Two or three vocabularies laid over each other by what their tokens stand for, not by how they are written:
"Ġriver", "▁river" and " river" are the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Shared:
    """`twins[k][i]`: the id in vocabulary k with the bytes of token i, or -1. `counted`: bool [n], the tokens
    that stand for something."""

    twins: tuple[np.ndarray, ...]
    counted: np.ndarray
    only_there: tuple[int, ...]  # tokens of vocabulary k that have no twin here

    def sides(self) -> dict[str, np.ndarray]:
        """What `in:` of a query finds."""
        letters = "bc"
        there = {letters[k]: twin >= 0 for k, twin in enumerate(self.twins)}
        every = np.logical_and.reduce(list(there.values()))
        none = self.counted & ~np.logical_or.reduce(list(there.values()))
        return {"both": every, "only": none, **there}


def compare(
    tokens: Sequence[bytes], counted: np.ndarray, others: Sequence[tuple[Sequence[bytes], np.ndarray]]
) -> Shared:
    """`tokens[i]` with `counted[i]` False takes no part: special tokens, unused ids."""
    own = {tokens[i] for i in np.flatnonzero(counted).tolist()}
    twins, only = [], []
    for theirs, taken in others:
        first: dict[bytes, int] = {}
        for token in np.flatnonzero(taken).tolist():
            first.setdefault(theirs[token], token)
        twins.append(
            np.fromiter(
                (
                    first.get(raw, -1) if here else -1
                    for raw, here in zip(tokens, counted.tolist(), strict=True)
                ),
                np.int64,
                len(tokens),
            )
        )
        only.append(sum(raw not in own for raw in first))
    return Shared(tuple(twins), counted, tuple(only))


def shifts(twins: np.ndarray) -> tuple[int, int]:
    """How many shared tokens keep their id, and the middle of the others' distances."""
    ids = np.flatnonzero(twins >= 0)
    away = np.abs(twins[ids] - ids)
    moved = away[away > 0]
    return int((away == 0).sum()), int(np.median(moved)) if len(moved) else 0
