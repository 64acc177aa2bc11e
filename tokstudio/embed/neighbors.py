"""Exact nearest neighbors: a fast float32 pass, then float64 for every row that could still be among the
first k.

The rounding error of a float32 dot product of length d is at most d·u/(1 - d·u)·|x||q| with u = 2^-24,
whatever the order of summation. Rows whose score could reach the k-th best within that bound are scored
again in float64, so the answer equals that of a full float64 computation.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.space import Space
from tokstudio.errors import InputError

METRICS = ("cosine", "dot", "euclidean")
ROUNDING = 2.0**-24


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Best first. `scores`: similarity for cosine and dot, distance for euclidean. Equal scores: smaller id
    first."""

    ids: np.ndarray  # int64 [k]
    scores: np.ndarray  # float64 [k]
    metric: str


def row_norms(matrix: EmbeddingMatrix) -> Steps[np.ndarray]:
    """float64 [n]; NaN for a row that holds a value that is not finite."""
    norms = np.empty(len(matrix))
    for start, block in matrix.blocks():
        wide = block.astype(np.float64)
        squares = np.einsum("ij,ij->i", wide, wide)
        norms[start : start + len(block)] = np.where(np.isfinite(squares), np.sqrt(squares), np.nan)
        yield (start + len(block)) / len(matrix)
    return norms


def nearest(
    matrix: EmbeddingMatrix,
    norms: np.ndarray,
    query: np.ndarray,
    k: int,
    metric: str = "cosine",
    without: int | Collection[int] = (),
    space: Space | None = None,
) -> Steps[Neighbors]:
    """The `k` rows nearest to `query` [d], the rows `without` left out. `norms`: from `row_norms`. With a `space`
    nearness is measured after its map, of the rows and of the query.

    Rows of zeros have no direction and rows with NaN or infinities no place: cosine leaves out both, the
    others the latter. Raises InputError for an unknown metric, or for a query of zeros with cosine.
    """
    query = np.asarray(query, np.float64)
    mapped = query if space is None else space.map(query)
    size = float(np.sqrt(mapped @ mapped))
    _check(metric, size)
    lengths = norms if space is None else space.norms
    allowed = np.isfinite(norms)
    if metric == "cosine":
        allowed &= lengths > 0
    out = [without] if isinstance(without, int) else list(without)
    allowed[[row for row in out if 0 <= row < len(allowed)]] = False
    k = min(k, int(allowed.sum()))
    if k < 1:
        return Neighbors(np.zeros(0, np.int64), np.zeros(0), metric)
    line, shift = (query, 0.0) if space is None else space.line(mapped)
    dots = yield from _dots(matrix, line)
    slack = 1.1 * (matrix.shape[1] + 8) * ROUNDING * norms * float(np.sqrt(line @ line))
    rough, slack = _rough(dots - shift, slack, lengths, size, metric)
    candidates = _candidates(np.where(allowed, rough, -np.inf), slack, k, allowed)
    exact = _exact(matrix, candidates, mapped, size, metric, space)
    best = np.lexsort((candidates, -exact))[:k]
    scores = exact[best]
    return Neighbors(candidates[best], -scores if metric == "euclidean" else scores, metric)


def _check(metric: str, size: float) -> None:
    if metric not in METRICS:
        raise InputError(f"There is no metric {metric!r}.", hint=f"Choose one of {', '.join(METRICS)}.")
    if not np.isfinite(size):
        raise InputError("This row holds values that are not numbers.", hint="Choose another token.")
    if size == 0 and metric == "cosine":
        raise InputError(
            "This row is all zeros, so it has no direction.", hint="Choose another token, or measure by L2."
        )


def _dots(matrix: EmbeddingMatrix, query: np.ndarray) -> Steps[np.ndarray]:
    """x·q for every row [n]; the scale of the query is taken out and put back, so that float32 cannot
    overflow."""
    dots = np.empty(len(matrix))
    scale = np.abs(query).max() or 1.0
    short = (query / scale).astype(np.float32)
    flat = matrix.tensor.dtype == "F32"  # nothing to decode: large blocks, up to 64 MB
    rows = max(1, (1 << 24) // matrix.shape[1]) if flat else None
    with np.errstate(over="ignore", invalid="ignore"):  # rows that are not finite are left out by their norm
        for start, block in matrix.blocks(rows):
            dots[start : start + len(block)] = block @ short
            yield (start + len(block)) / len(matrix)
    return dots * scale


def _rough(
    dots: np.ndarray, slack: np.ndarray, norms: np.ndarray, size: float, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """(goodness [n], how far it may be off [n]); higher is better for every metric. `slack`: how far the dot
    products may be off."""
    if metric == "dot":
        return dots, slack
    if metric == "cosine":
        safe = np.where(norms > 0, norms, 1.0) * size
        return dots / safe, slack / safe + 8 * ROUNDING
    return 2 * dots - norms**2, 2 * slack  # -|x - q|^2 but for |q|^2, which all rows share


def _candidates(rough: np.ndarray, slack: np.ndarray, k: int, allowed: np.ndarray) -> np.ndarray:
    low = np.where(allowed, rough - slack, -np.inf)
    kth = np.partition(low, len(low) - k)[len(low) - k]
    return np.flatnonzero(allowed & (rough + slack >= kth))


def _exact(
    matrix: EmbeddingMatrix,
    ids: np.ndarray,
    query: np.ndarray,
    size: float,
    metric: str,
    space: Space | None,
) -> np.ndarray:
    scores = np.empty(len(ids))
    step = max(1, (1 << 20) // matrix.shape[1])  # a matrix of equal rows makes every row a candidate
    for start in range(0, len(ids), step):
        rows = matrix.rows(ids[start : start + step]).astype(np.float64)
        rows = rows if space is None else space.map(rows)
        scores[start : start + step] = _score(rows, query, size, metric)
    return scores


def _score(rows: np.ndarray, query: np.ndarray, size: float, metric: str) -> np.ndarray:
    """einsum, not BLAS: equal rows must get equal scores wherever they stand in the block."""
    if metric == "euclidean":
        return -np.sqrt(np.einsum("ij,ij->i", rows - query, rows - query))
    dots = np.einsum("ij,j->i", rows, query)
    return dots if metric == "dot" else dots / (np.sqrt(np.einsum("ij,ij->i", rows, rows)) * size)
