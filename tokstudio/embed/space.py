"""Rows seen after a map: centered (their mean taken off), or whitened (as well, every direction as wide as the others).

Common directions make all rows look alike; without them neighbors are often better. Both maps are affine, so a
dot product after the map is one with another vector before it, and no second matrix is needed.
"""

from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.summary import finite
from tokstudio.errors import InputError

SPACES = ("raw", "centered", "whitened")
FLOOR = 1e-6  # of the largest variance: directions below it are noise, and are left out
MOST_WORK = 3e11  # multiplications; above it the covariance comes from evenly spaced rows


@dataclass(frozen=True, eq=False)
class Space:
    name: str
    mean: np.ndarray  # float64 [d]
    map_by: np.ndarray | None  # float64 [d, d]; None: the rows only move
    norms: np.ndarray  # float64 [n], after the map

    def map(self, rows: np.ndarray) -> np.ndarray:
        moved = rows - self.mean
        return moved if self.map_by is None else moved @ self.map_by

    def line(self, mapped: np.ndarray) -> tuple[np.ndarray, float]:
        """(v, s) so that a mapped row times `mapped` is the row times v, less s."""
        v = mapped if self.map_by is None else self.map_by @ mapped
        return v, float(self.mean @ v)


def make_space(matrix: EmbeddingMatrix, name: str) -> Steps[Space | None]:
    """None for "raw"."""
    if name not in SPACES:
        raise InputError(f"There is no space {name!r}.", hint=f"Choose one of {', '.join(SPACES)}.")
    if name == "raw":
        return None
    mean, by = yield from _moments(matrix, name == "whitened")
    norms = np.empty(len(matrix))
    for start, block in matrix.blocks():
        moved = finite(block)[0].astype(np.float64) - mean
        moved = moved if by is None else moved @ by
        norms[start : start + len(block)] = np.sqrt(np.einsum("ij,ij->i", moved, moved))
        yield 0.5 + 0.5 * (start + len(block)) / len(matrix)
    return Space(name, mean, by, norms)


def _moments(matrix: EmbeddingMatrix, whiten: bool) -> Steps[tuple[np.ndarray, np.ndarray | None]]:
    n, d = matrix.shape
    total, gram = np.zeros(d), np.zeros((d, d)) if whiten else None
    skip = max(1, int(n * d * d / MOST_WORK)) if whiten else 1
    used = 0
    for number, (start, block) in enumerate(matrix.blocks()):
        if number % skip == 0:
            values = finite(block)[0].astype(np.float64)  # narrow directions are lost in float32
            total += values.sum(0)
            used += len(values)
            if gram is not None:
                gram += values.T @ values
        yield 0.5 * (start + len(block)) / n
    mean = total / max(1, used)
    if gram is None:
        return mean, None
    variances, axes = np.linalg.eigh(gram / used - np.outer(mean, mean))
    kept = variances > FLOOR * max(variances[-1], 1e-30)
    return mean, (axes[:, kept] / np.sqrt(variances[kept])) @ axes[:, kept].T
