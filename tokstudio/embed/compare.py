"""Two matrices over their shared tokens: correlation, the best rotation, linear CKA, common neighbors.

Both matrices stay in their files: every number comes from sums of outer products over blocks of shared rows.
Rows that are zero or not finite in either matrix are left out, and counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tokstudio.embed.join import Join
from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.errors import InputError

BLOCK = 2048
SAMPLED = 1000  # tokens whose neighbors are compared
HALVES = 2


@dataclass(frozen=True, eq=False)
class Comparison:
    """`place[i]` indexes the join; the arrays per token run over the places that are left."""

    place: np.ndarray  # int64 [m]
    left_out: int
    r: np.ndarray  # float64 [m], Pearson of the raw rows; empty where the widths differ
    aligned: (
        np.ndarray
    )  # float64 [m], cosine after the rotation that was fitted on the other half of the tokens
    cka: float  # 0 to 1
    explained: float  # share of B's spread that rotated and scaled A reaches, tokens of both halves
    sampled: np.ndarray  # int64 [s], indexes `place`
    overlap: np.ndarray  # float64 [s], share of the k nearest shared tokens that both have
    k: int
    index_r: np.ndarray  # float64, Pearson of row i of A and row i of B: different words; empty as `r`

    def figures(self) -> dict:
        return {
            "tokens": len(self.place),
            "left_out": self.left_out,
            "r_mean": _mean(self.r),
            "r_std": float(self.r.std()) if len(self.r) else None,
            "same_index_r_mean": _mean(self.index_r),
            "linear_cka": self.cka,
            "procrustes_cosine": _mean(self.aligned),
            "procrustes_explained": self.explained,
            "overlap": _mean(self.overlap),
            "overlap_k": self.k,
            "overlap_sample": len(self.sampled),
            "overlap_by_chance": self.k / max(1, len(self.place) - 1),
        }


def compare(
    a: EmbeddingMatrix, b: EmbeddingMatrix, joined: Join, k: int = 10, sample: int = SAMPLED
) -> Steps[Comparison]:
    """Raises InputError where fewer than three shared tokens have usable rows."""
    keep = []
    for start, x, y in _shared(a, b, joined):
        good = _usable(x) & _usable(y)
        keep.append(start + np.flatnonzero(good))
        yield 0.1 * start / len(joined.a)
    place = np.concatenate(keep)
    if len(place) < 3:
        raise InputError(
            "Fewer than three shared tokens have rows that can be compared.",
            hint="Choose another pair of matrices.",
        )
    used = Join(joined.a[place], joined.b[place], joined.rule, 0, 0, 0, 0)
    moments = yield from _moments(a, b, used)
    rotations = [_rotation(moments[1 - half]) for half in range(HALVES)]
    same = a.shape[1] == b.shape[1]
    r, aligned = np.empty(len(place) if same else 0), np.empty(len(place))
    for start, x, y in _shared(a, b, used):
        stop = start + len(x)
        if same:
            r[start:stop] = pearson(x, y)
        for half, (rotation, mean_a, mean_b) in enumerate(rotations):
            part = slice((half - start) % HALVES, None, HALVES)
            aligned[start:stop][part] = cosines((x[part] - mean_a) @ rotation, y[part] - mean_b)
        yield 0.5 + 0.2 * stop / len(place)
    sampled = np.unique(np.linspace(0, len(place) - 1, min(sample, len(place))).astype(np.int64))
    overlap = yield from _overlap(a, b, used, sampled, min(k, len(place) - 1))
    index_r = _by_index(a, b) if same else np.empty(0)
    cka, explained = _cka(moments), _explained(moments)
    left_out = len(joined.a) - len(place)
    return Comparison(place, left_out, r, aligned, cka, explained, sampled, overlap, k, index_r)


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of each row of `x` with that of `y`; NaN for a constant row."""
    return cosines(x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True))


def cosines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    sizes = np.sqrt(np.einsum("ij,ij->i", x, x) * np.einsum("ij,ij->i", y, y))
    dots = np.einsum("ij,ij->i", x, y)
    return np.divide(dots, sizes, out=np.full(len(x), np.nan), where=sizes > 0)


def _mean(values: np.ndarray) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _usable(rows: np.ndarray) -> np.ndarray:
    return np.isfinite(rows).all(1) & (rows != 0).any(1)


def _shared(
    a: EmbeddingMatrix, b: EmbeddingMatrix, joined: Join
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(first place, rows of A, rows of B) in float64."""
    for start in range(0, len(joined.a), BLOCK):
        part = slice(start, start + BLOCK)
        yield start, a.rows(joined.a[part]).astype(np.float64), b.rows(joined.b[part]).astype(np.float64)


@dataclass(eq=False)
class _Moments:
    count: int
    sum_a: np.ndarray
    sum_b: np.ndarray
    aa: np.ndarray
    bb: np.ndarray
    ab: np.ndarray

    def centered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = max(1, self.count)
        return (
            self.aa - np.outer(self.sum_a, self.sum_a) / n,
            self.bb - np.outer(self.sum_b, self.sum_b) / n,
            self.ab - np.outer(self.sum_a, self.sum_b) / n,
        )


def _moments(a: EmbeddingMatrix, b: EmbeddingMatrix, joined: Join) -> Steps[list[_Moments]]:
    """Of the even and of the odd places."""
    d, e = a.shape[1], b.shape[1]
    shapes = ((d,), (e,), (d, d), (e, e), (d, e))
    found = [_Moments(0, *(np.zeros(shape) for shape in shapes)) for _ in range(HALVES)]
    for start, x, y in _shared(a, b, joined):
        for half, m in enumerate(found):
            u, v = (rows[(half - start) % HALVES :: HALVES] for rows in (x, y))
            m.count += len(u)
            m.sum_a += u.sum(0)
            m.sum_b += v.sum(0)
            m.aa += u.T @ u
            m.bb += v.T @ v
            m.ab += u.T @ v
        yield 0.1 + 0.4 * (start + len(x)) / len(joined.a)
    return found


def _rotation(moments: _Moments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The orthogonal map [d, e] from centered A to centered B (Procrustes), and both means."""
    n = max(1, moments.count)
    left, _, right = np.linalg.svd(moments.centered()[2], full_matrices=False)
    return left @ right, moments.sum_a / n, moments.sum_b / n


def _together(moments: list[_Moments]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = ("count", "sum_a", "sum_b", "aa", "bb", "ab")
    return _Moments(*(sum(getattr(m, name) for m in moments) for name in names)).centered()


def _cka(moments: list[_Moments]) -> float:
    aa, bb, ab = _together(moments)
    below = np.linalg.norm(aa) * np.linalg.norm(bb)
    return float(np.linalg.norm(ab) ** 2 / below) if below > 0 else 0.0


def _explained(moments: list[_Moments]) -> float:
    aa, bb, ab = _together(moments)
    below = np.trace(aa) * np.trace(bb)
    return float(np.linalg.svd(ab, compute_uv=False).sum() ** 2 / below) if below > 0 else 0.0


def _overlap(
    a: EmbeddingMatrix, b: EmbeddingMatrix, joined: Join, sampled: np.ndarray, k: int
) -> Steps[np.ndarray]:
    """Share of the k nearest by cosine, among the shared tokens, that both matrices have."""
    tops = []
    for number, (matrix, ids) in enumerate(((a, joined.a), (b, joined.b))):
        query = _unit(matrix.rows(ids[sampled]).astype(np.float32))
        best = np.full((len(sampled), 0), 0, np.int64)
        score = np.full((len(sampled), 0), 0, np.float32)
        for start in range(0, len(ids), BLOCK):
            found = query @ _unit(matrix.rows(ids[start : start + BLOCK]).astype(np.float32)).T
            places = np.arange(start, start + found.shape[1])
            found[sampled[:, None] == places] = -np.inf
            score = np.concatenate([score, found], 1)
            best = np.concatenate([best, np.broadcast_to(places, found.shape)], 1)
            if score.shape[1] > k:
                top = np.argpartition(score, -k, axis=1)[:, -k:]
                score, best = np.take_along_axis(score, top, 1), np.take_along_axis(best, top, 1)
            yield 0.7 + 0.3 * (number + start / len(ids)) / 2
        tops.append(np.sort(best, 1))
    common = [len(np.intersect1d(x, y, assume_unique=True)) for x, y in zip(*tops, strict=True)]
    return np.array(common) / max(1, k)


def _unit(rows: np.ndarray) -> np.ndarray:
    sizes = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / np.where(sizes > 0, sizes, 1)[:, None]


def _by_index(a: EmbeddingMatrix, b: EmbeddingMatrix) -> np.ndarray:
    """Up to some thousand evenly spaced rows that both matrices have."""
    ids = np.unique(np.linspace(0, min(len(a), len(b)) - 1, 4 * SAMPLED).astype(np.int64))
    with np.errstate(invalid="ignore", over="ignore"):
        found = pearson(a.rows(ids).astype(np.float64), b.rows(ids).astype(np.float64))
    return found[np.isfinite(found)]
