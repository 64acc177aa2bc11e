"""Embedding transfer: rows for a new vocabulary out of the matrix of an old one.

    TransferProblem(source, target, matrix, overlap, seed) -> Iterator[Rows] -> assemble() -> values, origin

A method is one file in `transfer/methods`: a generator that yields rows for every target id exactly once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tokstudio.align.overlap import Overlap, byte_table
from tokstudio.align.overlap import overlap as match_vocabularies
from tokstudio.errors import TransferError
from tokstudio.registry import Registry
from tokstudio.tokens.base import Tokenizer

COPIED, COMPOSED, SAMPLED = range(3)
ORIGINS = ("copied", "composed", "sampled")


@dataclass(frozen=True, eq=False)
class Rows:
    """Embeddings of some target ids, and where they come from (an index of `ORIGINS`)."""

    ids: np.ndarray  # int [n]
    values: np.ndarray  # float32 [n, d]
    origin: int


@dataclass(frozen=True, eq=False)
class TransferProblem:
    """One matrix to be carried over. `matrix` is float32 [v_source, d]; rows beyond the tokenizer are padding."""

    source: Tokenizer
    target: Tokenizer
    matrix: np.ndarray
    overlap: Overlap
    pieces: "Pieces"
    seed: int = 0

    @classmethod
    def of(
        cls, source: Tokenizer, target: Tokenizer, matrix: np.ndarray, *, seed: int = 0
    ) -> "TransferProblem":
        return cls(source, target, matrix, match_vocabularies(source, target), Pieces(source), seed)

    def with_matrix(self, matrix: np.ndarray) -> "TransferProblem":
        """The same pair for another matrix: matches and pieces are not computed again."""
        return TransferProblem(self.source, self.target, matrix, self.overlap, self.pieces, self.seed)

    def random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


class Pieces:
    """Source tokens that spell a byte string: what the tokenizer itself makes of it, else longest matches."""

    def __init__(self, source: Tokenizer):
        self.source = source

    @cached_property
    def _table(self) -> dict[bytes, int]:
        return byte_table(self.source)

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._table), default=0)

    def of(self, data: bytes) -> list[int]:
        """Ids whose bytes make up `data`; empty where the source vocabulary cannot spell it."""
        try:
            ids = self.source.encode(data.decode()).ids.tolist()
        except UnicodeDecodeError:  # part of a character: only bytes can spell it
            return self._greedy(data)
        if b"".join(self.source.token_bytes(i) or b"" for i in ids) == data:
            return ids
        return self._greedy(data)  # a normalizer or a dummy prefix changed it

    def _greedy(self, data: bytes) -> list[int]:
        ids, start = [], 0
        while start < len(data):
            for stop in range(min(len(data), start + self._longest), start, -1):
                if (token := self._table.get(data[start:stop])) is not None:
                    ids.append(token)
                    start = stop
                    break
            else:
                return []
        return ids


@dataclass(frozen=True)
class Method:
    name: str
    title: str
    help: str
    paper: str
    rows: Callable[[TransferProblem], Iterator[Rows]]


METHODS: Registry[Method] = Registry("tokstudio.transfer.methods")


def transfer_method(name: str, *, title: str, help: str = "", paper: str = "") -> Callable[[Any], Any]:
    def register(rows):
        METHODS.add(name, Method(name, title, help, paper, rows))
        return rows

    return register


def assemble(problem: TransferProblem, rows: Iterable[Rows]) -> tuple[np.ndarray, np.ndarray]:
    """Values float32 [v_target, d] and origin uint8 [v_target].

    Raises TransferError unless every target id got exactly one finite row.
    """
    size = len(problem.target)
    values = np.zeros((size, problem.matrix.shape[1]), np.float32)
    origin = np.zeros(size, np.uint8)
    seen = np.zeros(size, np.int64)
    for part in rows:
        np.add.at(seen, part.ids, 1)
        values[part.ids], origin[part.ids] = part.values, part.origin
    if (seen != 1).any():
        token = int(np.flatnonzero(seen != 1)[0])
        raise TransferError(f"Target token {token} got {seen[token]} rows instead of one.")
    if not np.isfinite(values).all():
        raise TransferError(
            f"Target token {int(np.flatnonzero(~np.isfinite(values).all(1))[0])} got a row that is not finite.",
            hint="The source model's embeddings hold NaN or infinite values.",
        )
    return values, origin
