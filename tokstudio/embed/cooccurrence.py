"""Vectors of tokens out of which stand near each other: positive pointwise mutual information, then the leading
directions (Levy and Goldberg 2014: what word2vec and GloVe factor, in one step, the same each time)."""

from collections.abc import Iterable

import numpy as np

from tokstudio.embed.sparse import SparseRows

SMOOTHING = 0.75  # power of the context's share: rare contexts look less telling
POWER_STEPS = 2
PENDING = 4_000_000  # pairs that are counted together


def cooccurrence(sequences: Iterable[np.ndarray], *, window: int, size: int) -> SparseRows:
    """[size, size], symmetric: pairs at most `window` apart in one sequence, each worth 1 / distance."""
    total, rows, columns, weights, pending = None, [], [], [], 0
    for ids in sequences:
        for distance in range(1, min(window, len(ids) - 1) + 1):
            left, right = ids[:-distance], ids[distance:]
            rows += [left, right]
            columns += [right, left]
            weights.append(np.full(2 * len(left), 1 / distance, np.float32))
            pending += 2 * len(left)
        if pending > PENDING:
            total, rows, columns, weights, pending = (
                _added(total, rows, columns, weights, size),
                [],
                [],
                [],
                0,
            )
    return _added(total, rows, columns, weights, size)


def _added(total: SparseRows | None, rows, columns, weights, size: int) -> SparseRows:
    if total is not None:
        rows, columns, weights = [*rows, total.row], [*columns, total.columns], [*weights, total.weights]
    parts = [np.concatenate(p) if p else np.zeros(0, np.int64) for p in (rows, columns, weights)]
    return SparseRows.from_entries(*parts, (size, size))


def pmi(counts: SparseRows, contexts: np.ndarray | None = None) -> SparseRows:
    """Positive pointwise mutual information. `contexts` float64 [width]: how often each context occurs; None: the
    counts are symmetric, and it is the sum of its row."""
    sums = counts.sums()
    context = (sums if contexts is None else contexts) ** SMOOTHING
    context /= max(context.sum(), 1e-30)
    expected = sums[counts.row] * context[counts.columns]
    values = np.log(np.maximum(counts.weights / np.maximum(expected, 1e-30), 1e-30))
    kept = values > 0
    return SparseRows.from_entries(
        counts.row[kept], counts.columns[kept], values[kept], (len(counts), counts.width)
    )


def vectors(counts: SparseRows, *, dimensions: int, seed: int = 0) -> np.ndarray:
    """float32 [n, dimensions], unit rows; a token without neighbors is all zero. Randomized subspace iteration
    (Halko et al. 2011)."""
    matrix = pmi(counts)
    size = min(dimensions, len(matrix))
    if not size or not len(matrix.columns):
        return np.zeros((len(counts), dimensions), np.float32)
    basis = np.random.default_rng(seed).standard_normal((matrix.width, size)).astype(np.float32)
    for _ in range(POWER_STEPS + 1):
        basis, _ = np.linalg.qr(matrix.dot(basis))
    turn, values, _ = np.linalg.svd(basis.T @ matrix.dot(basis))
    found = np.zeros((len(counts), dimensions), np.float32)
    found[:, :size] = (basis @ turn) * np.sqrt(values)
    found[matrix.counts == 0] = 0
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
