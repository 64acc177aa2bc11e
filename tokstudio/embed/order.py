"""Other orders of the rows and of the dimensions, so that a heat map shows what belongs together."""

from dataclasses import dataclass, field

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps, decode
from tokstudio.embed.summary import finite

ORDERS = ("id", "norm", "cluster", "frequency", "name")
COLUMN_ORDERS = ("id", "variance", "pca")
CLUSTERS, ROUNDS, SAMPLE = 64, 12, 8192


@dataclass(frozen=True, eq=False)
class OrderedMatrix(EmbeddingMatrix):
    """The same file; row `i` is row `order[i]` of it."""

    order: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def rows(self, ids: np.ndarray) -> np.ndarray:
        return super().rows(self.order[np.asarray(ids, np.int64)])

    def block(self, start: int, stop: int, columns: slice = slice(None)) -> np.ndarray:
        return decode(self.stored[self.order[start:stop]], self.tensor.dtype)[:, columns]


def ordered(matrix: EmbeddingMatrix, order: np.ndarray) -> OrderedMatrix:
    return OrderedMatrix(matrix.tensor, matrix.role, matrix.stored, order)


def by_key(keys: np.ndarray, rows: int, *, largest_first: bool) -> np.ndarray:
    """int64 [rows]; rows without a key, and those whose key is no number, come last in the order of their ids."""
    full = np.full(rows, np.nan)
    known = min(rows, len(keys))
    full[:known] = keys[:known]
    return np.argsort(-full if largest_first else full, kind="stable")


def by_cluster(matrix: EmbeddingMatrix) -> Steps[np.ndarray]:
    """k-means by direction on a sample of rows, then every row to its nearest center. Clusters stand in a chain
    of nearest centers, rows in a cluster by how near they are."""
    n = len(matrix)
    sample = np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64))
    rows = _unit(finite(matrix.rows(sample))[0].astype(np.float32))
    centers = rows[np.linspace(0, len(rows) - 1, min(CLUSTERS, len(rows))).astype(np.int64)]
    for turn in range(ROUNDS):
        nearest = (rows @ centers.T).argmax(1)
        sums = np.zeros_like(centers)
        np.add.at(sums, nearest, rows)
        empty = ~sums.any(1)
        sums[empty] = centers[empty]
        centers = _unit(sums)
        yield 0.5 * (turn + 1) / ROUNDS
    label, closeness = np.empty(n, np.int64), np.empty(n)
    rank = np.argsort(_chain(centers))
    for start, block in matrix.blocks():
        found = _unit(finite(block)[0].astype(np.float32)) @ centers.T
        stop = start + len(block)
        label[start:stop] = rank[found.argmax(1)]
        closeness[start:stop] = found.max(1)
        yield 0.5 + 0.5 * stop / n
    return np.lexsort((-closeness, label))


def _chain(centers: np.ndarray) -> np.ndarray:
    near = centers @ centers.T
    place = int(near.sum(1).argmin())  # begins at the rim
    left, chain = set(range(len(centers))) - {place}, [place]
    while left:
        place = max(left, key=lambda other: near[place, other])
        chain.append(place)
        left.remove(place)
    return np.array(chain)


def _unit(rows: np.ndarray) -> np.ndarray:
    sizes = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / np.where(sizes > 0, sizes, 1)[:, None]
