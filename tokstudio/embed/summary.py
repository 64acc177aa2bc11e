"""Numbers about a matrix: norms, spread per dimension, distribution of values. One pass over the file."""

from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps

SAMPLE_VALUES = 1 << 20
BINS = 200


@dataclass(frozen=True, eq=False)
class Summary:
    """Non-finite values count as zero in every number but `nonfinite`."""

    norms: np.ndarray  # float32 [n]
    mean: np.ndarray  # float32 [d]
    std: np.ndarray  # float32 [d], around each dimension's own mean
    counts: np.ndarray  # int64 [BINS], exact; values beyond the outer edges are in the outermost bins
    edges: np.ndarray  # float64 [BINS + 1]
    spread: float  # standard deviation of all values around their common mean
    level: float  # 99.5 % of |x| lie below it; from a sample of about a million values
    largest: float  # max |x|
    zero_rows: int
    nonfinite: int


def sample_level(matrix: EmbeddingMatrix, share: float = 0.995) -> float:
    """`share` of |x| lie below it, judged from evenly spaced rows."""
    rows = max(1, min(len(matrix), SAMPLE_VALUES // matrix.shape[1]))
    ids = np.unique(np.linspace(0, len(matrix) - 1, rows).astype(np.int64))
    values = np.abs(matrix.rows(ids).astype(np.float32))
    level = float(np.quantile(values[np.isfinite(values)], share)) if np.isfinite(values).any() else 0.0
    return level or 1.0  # a matrix of zeros still needs a scale


def summarize(matrix: EmbeddingMatrix) -> Steps[Summary]:
    n, d = matrix.shape
    level = sample_level(matrix)
    edge = 1.6 * level  # shows the tails; the rest is gathered in the outermost bins
    norms = np.zeros(n, np.float32)
    total, squares = np.zeros(d), np.zeros(d)
    counts = np.zeros(BINS, np.int64)
    largest, nonfinite = 0.0, 0
    for start, block in matrix.blocks():
        block, bad = finite(block)
        wide = block.astype(np.float64)
        per_row = np.einsum("ij,ij->i", wide, wide)
        norms[start : start + len(block)] = np.sqrt(per_row)
        total += wide.sum(0)
        squares += np.einsum("ij,ij->j", wide, wide)
        counts += histogram(block, edge)
        largest, nonfinite = max(largest, float(np.abs(block).max())), nonfinite + bad
        yield (start + len(block)) / n
    mean = total / n
    variance = np.maximum(squares / n - mean**2, 0)
    spread = float(np.sqrt(max(squares.sum() / (n * d) - (total.sum() / (n * d)) ** 2, 0)))
    return Summary(
        norms, mean.astype(np.float32), np.sqrt(variance).astype(np.float32), counts, np.linspace(-edge,
        edge, BINS + 1), spread, level, largest, int((norms == 0).sum()), nonfinite, )  # fmt: skip


def finite(block: np.ndarray) -> tuple[np.ndarray, int]:
    """`block` with NaN and infinities as zeros, and how many there were. No copy where there are none."""
    good = np.isfinite(block)
    bad = block.size - int(np.count_nonzero(good))
    return (np.where(good, block, 0), bad) if bad else (block, 0)


def histogram(block: np.ndarray, edge: float) -> np.ndarray:
    """Counts in BINS equal bins over [-edge, edge]. np.histogram takes five times as long for the same."""
    index = ((np.clip(block, -edge, edge) + edge) * (BINS / (2 * edge))).astype(np.int64).ravel()
    return np.bincount(np.minimum(index, BINS - 1), minlength=BINS)
