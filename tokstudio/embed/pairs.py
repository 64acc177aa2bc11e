"""How alike rows are in general: means and variances of rows, cosines of random pairs, anisotropy."""

from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import BLOCK_VALUES, EmbeddingMatrix, Steps
from tokstudio.embed.summary import finite

PAIRS = 50_000


@dataclass(frozen=True, eq=False)
class Spread:
    row_means: np.ndarray  # float32 [n]
    row_variances: np.ndarray  # float32 [n]
    cosines: np.ndarray  # float32, of random pairs of rows that have a direction
    anisotropy: (
        float  # mean cosine over all pairs, exact: 0 where directions are even, near 1 where all agree
    )


def spread(matrix: EmbeddingMatrix, seed: int = 0) -> Steps[Spread]:
    n, d = matrix.shape
    means, variances = np.empty(n, np.float32), np.empty(n, np.float32)
    total, directed = np.zeros(d), np.zeros(n, bool)
    for start, block in matrix.blocks():
        stop = start + len(block)
        wide = finite(block)[0].astype(np.float64)
        middle = wide.mean(1)
        squares = np.einsum("ij,ij->i", wide, wide)
        means[start:stop], variances[start:stop] = middle, np.maximum(squares / d - middle**2, 0)
        directed[start:stop] = squares > 0
        sizes = np.sqrt(squares)
        total += (wide / np.where(sizes > 0, sizes, 1)[:, None]).sum(0)
        yield 0.8 * stop / n
    ids = np.flatnonzero(directed)
    count = len(ids)
    anisotropy = float((total @ total - count) / (count * (count - 1))) if count > 1 else 0.0
    cosines = []
    random = np.random.default_rng(seed)
    wanted = min(PAIRS, count * (count - 1) // 2) if count > 1 else 0
    size = max(64, BLOCK_VALUES // d)
    for start in range(0, wanted, size):
        left, right = random.choice(ids, (2, min(size, wanted - start)))
        left, right = left[left != right], right[left != right]
        x, y = (finite(matrix.rows(part))[0].astype(np.float64) for part in (left, right))
        sizes = np.sqrt(np.einsum("ij,ij->i", x, x) * np.einsum("ij,ij->i", y, y))
        cosines.append((np.einsum("ij,ij->i", x, y) / sizes).astype(np.float32))
        yield 0.8 + 0.2 * (start + size) / (wanted + size)
    found = np.concatenate(cosines) if cosines else np.zeros(0, np.float32)
    return Spread(means, variances, found, anisotropy)
