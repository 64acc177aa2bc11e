"""Sparse rows: each row names a few columns and their weights. NumPy alone, no SciPy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 1 << 24  # products kept at a time


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """Row `i` is `weights[start[i]:start[i + 1]]` at `columns[start[i]:start[i + 1]]`; it may be empty."""

    start: np.ndarray  # int64 [n + 1]
    columns: np.ndarray  # int64 [k]
    weights: np.ndarray  # float32 [k]
    width: int

    def __len__(self) -> int:
        return len(self.start) - 1

    @classmethod
    def of(cls, rows: Iterable[tuple[Sequence[int], Sequence[float]]], width: int) -> "SparseRows":
        """From one (columns, weights) a row."""
        pairs = list(rows)
        counts = [len(columns) for columns, _ in pairs]
        columns = [np.asarray(columns, np.int64) for columns, _ in pairs]
        weights = [np.asarray(weights, np.float32) for _, weights in pairs]
        return cls(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([np.zeros(0, np.int64), *columns]),
            np.concatenate([np.zeros(0, np.float32), *weights]),
            width,
        )

    @classmethod
    def from_entries(cls, row, column, weights, shape: tuple[int, int]) -> "SparseRows":
        """From entries in any order; equal places are added up."""
        key = np.asarray(row, np.int64) * shape[1] + np.asarray(column, np.int64)
        order = np.argsort(key, kind="stable")
        key, weights = key[order], np.asarray(weights)[order]
        first = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
        total = np.add.reduceat(weights, first) if len(key) else weights
        start = np.searchsorted(key[first] // shape[1], np.arange(shape[0] + 1))
        return cls(start.astype(np.int64), key[first] % shape[1], total.astype(np.float32), shape[1])

    @property
    def counts(self) -> np.ndarray:
        """int64 [n]: entries of each row."""
        return np.diff(self.start)

    @property
    def row(self) -> np.ndarray:
        """int64 [k]: the row of each entry."""
        return np.repeat(np.arange(len(self)), self.counts)

    def sums(self) -> np.ndarray:
        """float64 [n]"""
        return np.bincount(self.row, self.weights, minlength=len(self))

    def column_sums(self) -> np.ndarray:
        """float64 [width]"""
        return np.bincount(self.columns, self.weights, minlength=self.width)

    def take(self, rows: np.ndarray) -> "SparseRows":
        counts = self.counts[rows]
        start = np.concatenate([[0], np.cumsum(counts)])
        at = np.arange(start[-1]) - np.repeat(start[:-1] - self.start[rows], counts)
        return SparseRows(start, self.columns[at], self.weights[at], self.width)

    def without(self, rows: np.ndarray) -> "SparseRows":
        """As many rows, these ones empty."""
        counts = self.counts
        counts[rows] = 0
        kept = ~np.isin(self.row, rows)
        start = np.concatenate([[0], np.cumsum(counts)])
        return SparseRows(start, self.columns[kept], self.weights[kept], self.width)

    def scaled(self, factors: np.ndarray) -> "SparseRows":
        """Each row times its factor."""
        weights = (self.weights * np.repeat(factors, self.counts)).astype(np.float32)
        return SparseRows(self.start, self.columns, weights, self.width)

    def normalized(self) -> "SparseRows":
        """Rows that sum to 1; an empty row stays empty."""
        sums = self.sums()
        return self.scaled(np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0))

    def dot(self, matrix: np.ndarray) -> np.ndarray:
        """Times `matrix` [width, d], in blocks: float32 [n, d]."""
        out = np.zeros((len(self), matrix.shape[1]), np.float32)
        first = 0
        while first < len(self):
            limit = self.start[first] + max(1, BLOCK // max(matrix.shape[1], 1))
            last = max(first + 1, int(np.searchsorted(self.start, limit, "right")) - 1)
            low, high = self.start[first], self.start[last]
            filled = first + np.flatnonzero(self.counts[first:last])
            if high > low:
                parts = matrix[self.columns[low:high]] * self.weights[low:high, None]
                out[filled] = np.add.reduceat(parts, self.start[filled] - low, axis=0)
            first = last
        return out
