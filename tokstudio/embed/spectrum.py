"""Singular values and the plane of largest spread, by way of the d x d Gram matrix: exact, and it never
holds n x d. Above `EXACT` columns that would take minutes; there most singular values are estimated."""

import threading
from dataclasses import dataclass

import numpy as np

from tokstudio.embed.krylov import sampled, wide
from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.summary import finite

EXACT = 4096  # columns; their eigenvectors take 10 s of one core
MAX_WORK = 3e11  # multiplications for the Gram matrix, about 10 s on two cores; above it rows are sampled


@dataclass(frozen=True, eq=False)
class Spectrum:
    singular_values: np.ndarray  # float64 [d], descending; of the matrix as it is, not centered
    effective_rank: float  # exp of the entropy of the normalized squared singular values
    points: np.ndarray  # float32 [n, 2]: each row on the first two principal components (centered)
    explained: tuple[float, float]  # share of the variance along each of the two
    rows_used: int  # n when exact, fewer when the Gram matrix came from evenly spaced rows
    loadings: np.ndarray  # float64 [d]: the first principal axis, its largest entry positive
    found: int  # singular values that are computed; the others, and so the effective rank, are estimated


def spectrum(matrix: EmbeddingMatrix) -> Steps[Spectrum]:
    n, d = matrix.shape
    rows = _rows(matrix)
    if d > EXACT:
        return (yield from _wide(matrix, rows))
    gram, total = yield from _gram(matrix, rows)
    values = yield from _aside(np.linalg.eigvalsh, gram)
    values = np.sqrt(np.maximum(values[::-1], 0))
    mean = total / rows
    variances, axes = yield from _aside(np.linalg.eigh, gram / rows - np.outer(mean, mean))
    axes, variances = _signed(axes[:, ::-1][:, :2]), np.maximum(variances[::-1], 0)
    if d == 1:
        axes, variances = np.pad(axes, ((0, 0), (0, 1))), np.pad(variances, (0, 1))
    points = yield from _project(matrix, mean, axes)
    shares = variances[:2] / (variances.sum() or 1.0)
    scale = np.sqrt(n / rows)  # so that a sample's values compare with an exact matrix
    return Spectrum(
        values * scale,
        _effective_rank(values),
        points,
        (float(shares[0]), float(shares[1])),
        rows,
        axes[:, 0],
        d,
    )


def _rows(matrix: EmbeddingMatrix) -> int:
    """How many are read."""
    n, d = matrix.shape
    return int(min(n, max(4 * d, MAX_WORK / d**2)))


def _wide(matrix: EmbeddingMatrix, rows: int) -> Steps[Spectrum]:
    about = yield from _scaled(wide(matrix, rows), 0.8)
    axes = _signed(about.axes[:, :2])
    points = yield from _project(matrix, about.mean, axes)
    shares = about.variances[:2] / (about.variance or 1.0)
    return Spectrum(
        np.sqrt(about.eigenvalues * (len(matrix) / rows)),
        about.effective_rank,
        points,
        (float(shares[0]), float(shares[1])),
        rows,
        axes[:, 0],
        about.found,
    )


def _scaled(steps: Steps, share: float) -> Steps:
    """The same steps, as a part of a longer work."""
    while True:
        try:
            yield share * next(steps)
        except StopIteration as end:
            return end.value


def _aside(solve, matrix: np.ndarray, share: float = 0.8) -> Steps:
    """`solve(matrix)` in a thread: for thousands of dimensions it takes a minute, and the process answers others
    meanwhile. `share` is yielded as long as it takes."""
    found: list = []
    # a daemon: whoever drops this work does not wait for the thread
    thread = threading.Thread(target=lambda: found.append(solve(matrix)), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.01)
        yield share
    return found[0]


def _gram(matrix: EmbeddingMatrix, rows: int) -> Steps[tuple[np.ndarray, np.ndarray]]:
    """Sum of x x^T [d, d] and of x [d] over `rows` evenly spaced rows; each block in the file's precision,
    sums in float64."""
    d = matrix.shape[1]
    gram, total = np.zeros((d, d)), np.zeros(d)
    step = max(16, min(4096, (1 << 31) // d**2))  # adding to `gram` takes as long as 64 rows
    for stop, block in sampled(matrix, rows, step):
        gram += block.T @ block
        total += block.sum(0, dtype=np.float64)
        yield 0.8 * stop / rows
    return gram, total


def _project(matrix: EmbeddingMatrix, mean: np.ndarray, axes: np.ndarray) -> Steps[np.ndarray]:
    points = np.empty((len(matrix), 2), np.float32)
    axes = axes.astype(np.float32)
    shift = mean.astype(np.float32) @ axes
    for start, block in matrix.blocks():
        points[start : start + len(block)] = finite(block)[0] @ axes - shift
        yield 0.8 + 0.2 * (start + len(block)) / len(matrix)
    return points


def _signed(axes: np.ndarray) -> np.ndarray:
    """An eigenvector's sign is arbitrary: make its largest entry positive, so that a picture stays the
    same."""
    largest = np.abs(axes).argmax(0)
    return axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)


def _effective_rank(values: np.ndarray) -> float:
    share = values**2 / ((values**2).sum() or 1.0)
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum())) if len(share) else 0.0


def components(matrix: EmbeddingMatrix, ids: np.ndarray, count: int) -> Steps[np.ndarray]:
    """The rows `ids` on the first `count` principal components of all rows: float32 [m, <= count]."""
    rows = _rows(matrix)
    if matrix.shape[1] > EXACT:
        about = yield from _scaled(wide(matrix, rows), 0.25)
        mean, axes = about.mean, _signed(about.axes[:, :count])
    else:
        gram, total = yield from _scaled(_gram(matrix, rows), 0.25)
        mean = total / rows
        _, axes = yield from _aside(np.linalg.eigh, gram / rows - np.outer(mean, mean), 0.25)
        axes = _signed(axes[:, ::-1][:, :count])
    parts = []
    for start in range(0, len(ids), 4096):
        parts.append((finite(matrix.rows(ids[start : start + 4096]))[0] - mean) @ axes)
        yield 0.25 + 0.05 * start / len(ids)
    return np.concatenate(parts).astype(np.float32)
