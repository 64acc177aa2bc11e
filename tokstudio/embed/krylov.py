"""The spectrum of a wide matrix without its d x d Gram matrix: the largest singular values and their directions, and
how the others are distributed, from some 30 passes over rows.

A Krylov space that holds the mean gives the largest eigenvalues of X^T X and the principal axes (Golub and Underwood
1977); a second one, orthogonal to what the first has found, gives the distribution of the rest as a Gauss quadrature
(Ubaru, Chen and Saad 2017), as in Hutch++ (Meyer et al. 2021). The sum of squares is exact.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.summary import finite

BLOCK = 16  # directions in a pass
FIRST, SECOND = 12, 16  # passes of the two spaces
KNOWN = 1e-3  # residual over eigenvalue, up to which an eigenvalue counts as found
SMALL = 1e-6  # of the largest eigenvalue, what products in float32 leave
CELLS = 1 << 22  # values read between two steps

Multiply = Callable[[np.ndarray], Steps[np.ndarray]]


@dataclass(frozen=True, eq=False)
class Wide:
    """Of the rows that were read. Eigenvalues are those of X^T X, squares of the singular values."""

    mean: np.ndarray  # float64 [d]
    eigenvalues: np.ndarray  # float64 [d], descending
    found: int  # how many of them are found; the others are estimated from their distribution
    effective_rank: float
    axes: np.ndarray  # float64 [d, k], principal axes of the centered rows
    variances: np.ndarray  # float64 [k], along them
    variance: float  # of all


def sampled(matrix: EmbeddingMatrix, rows: int, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """(one behind the last, block) of `rows` evenly spaced rows, what is not finite as zeros."""
    n = len(matrix)
    ids = np.linspace(0, n - 1, rows).astype(np.int64) if rows < n else None
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        yield stop, finite(matrix.block(start, stop) if ids is None else matrix.rows(ids[start:stop]))[0]


def wide(matrix: EmbeddingMatrix, rows: int, seed: int = 0) -> Steps[Wide]:
    d, draw = matrix.shape[1], np.random.default_rng(seed)
    passes, step = 1 + FIRST + SECOND, max(16, CELLS // d)
    done = 0

    def multiply(vectors: np.ndarray) -> Steps[np.ndarray]:
        """X^T X times `vectors` [d, k]."""
        nonlocal done
        out, narrow = np.zeros(vectors.shape), vectors.astype(np.float32)
        for stop, block in sampled(matrix, rows, step):
            out += block.T @ (block @ narrow)
            yield (done + stop / rows) / passes
        done += 1
        return out

    total, trace = np.zeros(d), 0.0
    for stop, block in sampled(matrix, rows, step):
        total += block.sum(0, dtype=np.float64)
        trace += float(np.einsum("ij,ij->", block, block, dtype=np.float64))
        yield stop / rows / passes
    done, mean = 1, total / rows
    start = np.column_stack([mean, draw.standard_normal((d, BLOCK - 1))])
    space, projected, last = yield from _space(multiply, start, FIRST, np.zeros((d, 0)))
    values, turned = _descending(projected)
    residuals = np.linalg.norm(last @ turned[-BLOCK:], axis=0)
    bad = np.flatnonzero((residuals > KNOWN * np.abs(values)) | (values <= SMALL * values[0]))
    count = int(bad[0]) if len(bad) else len(values)
    top, known = values[:count], space @ turned[:, :count]
    shift = space.T @ mean
    variances, axes = _descending(projected / rows - np.outer(shift, shift))
    axes = space @ axes
    if count < d:
        start = draw.standard_normal((d, BLOCK))
        _, projected, _ = yield from _space(multiply, start, SECOND, known)
        nodes, turned = _descending(projected)
        weights = (turned[:BLOCK] ** 2).sum(0) / BLOCK
    else:
        nodes, weights = np.zeros(1), np.ones(1)
    nodes = _fitted(np.maximum(nodes, 0), weights, max(0.0, trace - top.sum()), d - count)
    left = np.minimum(_quantiles(nodes, weights, d - count), top[-1] if count else np.inf)
    scale = trace or 1.0
    entropy = _entropy(top / scale).sum() + (d - count) * (weights * _entropy(nodes / scale)).sum()
    return Wide(
        mean,
        np.append(top, left),
        count,
        float(np.exp(entropy)),
        axes,
        np.maximum(variances, 0),
        max(0.0, trace / rows - float(mean @ mean)),
    )


def _space(
    multiply: Multiply, start: np.ndarray, passes: int, without: np.ndarray
) -> Generator[float, None, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Block Lanczos with full orthogonalization, in what is orthogonal to the columns of `without`: the space [d, m],
    the operator in it [m, m], and what leads out of its last block."""
    passes = max(1, min(passes, (len(start) - without.shape[1]) // start.shape[1]))
    width = min(start.shape[1], len(start) - without.shape[1])
    space = np.linalg.qr(_apart(start[:, :width], without))[0]
    operator, out = np.zeros((passes * width, passes * width)), np.zeros((width, width))
    for number in range(passes):
        here = slice(number * width, (number + 1) * width)
        image = yield from multiply(space[:, here])
        image = _apart(image, without)
        operator[: here.stop, here] = space.T @ image
        operator[here, : here.stop] = operator[: here.stop, here].T
        following, out = np.linalg.qr(_apart(image, space))
        if number + 1 < passes:
            space = np.column_stack([space, _apart(_apart(following, without), space)])
            space[:, here.stop :] = np.linalg.qr(space[:, here.stop :])[0]
    return space, (operator + operator.T) / 2, out


def _apart(vectors: np.ndarray, basis: np.ndarray) -> np.ndarray:
    for _ in range(2):  # once leaves what rounding left
        vectors = vectors - basis @ (basis.T @ vectors)
    return vectors


def _descending(symmetric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(symmetric)
    return values[::-1], vectors[:, ::-1]


def _fitted(nodes: np.ndarray, weights: np.ndarray, wanted: float, count: int) -> np.ndarray:
    """Nodes with the sum that is known."""
    there = count * float((weights * nodes).sum())
    return nodes * (wanted / there) if there > 0 else nodes


def _quantiles(nodes: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """`count` values, descending, that are distributed like descending `nodes`."""
    places = np.cumsum(weights) - weights / 2
    return np.interp((np.arange(count) + 0.5) / max(1, count), places, nodes)


def _entropy(shares: np.ndarray) -> np.ndarray:
    positive = np.where(shares > 0, shares, 1.0)
    return -positive * np.log(positive)
