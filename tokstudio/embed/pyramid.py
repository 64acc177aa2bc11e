"""A matrix at every zoom: pooled copies, so that a picture of 200,000 rows reads as many values as it has
pixels.

A picture cell stands for 2**r rows by 2**c columns. Rows are pooled ahead of time at a few levels (16, 256,
4,096 …), because a matrix is far taller than a screen and hardly wider; what lies between is pooled on
demand from the next finer level. Four planes are kept, since a mean alone hides the very outliers people
look for.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.summary import finite

POOLINGS = ("mean", "max-abs", "min", "std")
STEP = 4  # stored levels hold 2**4 = 16 times fewer rows than the one below
TILE = 256  # cells on a side
FORMAT = 2


@dataclass(frozen=True, eq=False)
class Pyramid:
    """`levels[i]` [4, ceil(n / 16**(i+1)), d] float16: mean, max-abs (with its sign), min, std; divided by
    `scale`.

    Float16 is for pictures: three digits. `scale` keeps very small and very large matrices inside its range.
    """

    matrix: EmbeddingMatrix
    scale: float
    levels: tuple[np.ndarray, ...]
    cells: dict[str, list[float]] | None = None  # as `cell_levels` found them, where they were kept

    def tile(
        self,
        pooling: str,
        rows: tuple[int, int],
        columns: tuple[int, int],
        dims: np.ndarray | None = None,
    ) -> np.ndarray:
        """One tile [<=256, <=256] float32. `rows` and `columns`: (r, i) for tile i where a cell stands for
        2**r. `dims` [d]: the dimension that stands at each place, by default its own.

        At the edge a tile is smaller, and its last cells may stand for less. Where a cell stands for one
        value, every pooling shows that value.
        """
        (r, row_tile), (c, column_tile) = rows, columns
        first = row_tile * TILE << r
        stop = min(first + (TILE << r), len(self.matrix))
        left = column_tile * TILE << c
        right = min(left + (TILE << c), self.matrix.shape[1])
        chosen = slice(left, right) if dims is None else dims[left:right]
        planes, have = self._source(r, first, stop, chosen)
        return pool(planes, 1 << (r - have), 1 << c, pooling, single=r == c == 0)

    def _source(self, r: int, first: int, stop: int, columns: slice | np.ndarray) -> tuple[np.ndarray, int]:
        """(planes [4, m, k] of the finest level that is coarse enough, how many times its rows were
        halved)."""
        stored = min(r // STEP, len(self.levels))
        if stored == 0:
            block = finite(self.matrix.block(first, stop, columns))[0].astype(np.float32)
            return np.stack([block, block, block, np.zeros_like(block)]), 0
        shift = stored * STEP
        level = self.levels[stored - 1][:, first >> shift : -(-stop >> shift), columns]
        return level.astype(np.float32) * np.float32(self.scale), shift


def pool(planes: np.ndarray, rows: int, columns: int, pooling: str, *, single: bool = False) -> np.ndarray:
    """Planes [4, m, k] to cells [ceil(m / rows), ceil(k / columns)] of one pooling.

    Every plane entry counts alike, also where the last one stands for fewer rows.
    """
    mean, largest, smallest, std = planes
    if pooling == "mean" or single:
        return _reduce_mean(mean, rows, columns)
    if pooling == "min":
        return _reduce(np.minimum.reduceat, smallest, rows, columns)
    if pooling == "max-abs":
        high, low = (
            _reduce(np.maximum.reduceat, largest, rows, columns),
            _reduce(np.minimum.reduceat, largest, rows, columns),
        )
        return np.where(-low > high, low, high)
    if pooling != "std":
        raise ValueError(f"unknown pooling {pooling!r}")
    mean, std = mean.astype(np.float64), std.astype(np.float64)  # the difference of squares needs the digits
    center = _reduce_mean(mean, rows, columns)
    return np.sqrt(np.maximum(_reduce_mean(std**2 + mean**2, rows, columns) - center**2, 0))


def _reduce(reduceat: Callable, values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    if rows > 1:
        values = reduceat(values, np.arange(0, values.shape[0], rows), axis=0)
    return reduceat(values, np.arange(0, values.shape[1], columns), axis=1) if columns > 1 else values


def _reduce_mean(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    sums = _reduce(np.add.reduceat, values, rows, columns)
    height = np.minimum(rows, values.shape[0] - np.arange(0, values.shape[0], rows))
    width = np.minimum(columns, values.shape[1] - np.arange(0, values.shape[1], columns))
    return sums / (height[:, None] * width).astype(np.float32)


def cell_levels(pyramid: Pyramid, share: float = 0.995) -> dict[str, list[float]]:
    """For each pooling: what `share` of the cells of each stored level stay below in magnitude, finest first.

    A mean over 256 rows is far smaller than a value, and the largest of 256 far larger: each needs a scale of
    its own.
    """
    if pyramid.cells is not None:
        return pyramid.cells
    found: dict[str, list[float]] = {pooling: [] for pooling in POOLINGS}
    for level in pyramid.levels:
        rows = np.linspace(0, level.shape[1] - 1, min(level.shape[1], 512)).astype(np.int64)
        for pooling, plane in zip(POOLINGS, level, strict=True):
            found[pooling].append(
                float(np.quantile(np.abs(plane[rows].astype(np.float32)), share)) * pyramid.scale
            )
    return found


def build(matrix: EmbeddingMatrix, scale: float) -> Steps[Pyramid]:
    """In memory. `scale`: a typical magnitude of the values, see `Pyramid`."""
    levels = []
    if len(matrix) > TILE:
        levels.append((yield from _first_level(matrix, scale)))
        while levels[-1].shape[1] > TILE:
            levels.append(_next_level(levels[-1]))
    return Pyramid(matrix, scale, tuple(levels))


def _first_level(matrix: EmbeddingMatrix, scale: float) -> Steps[np.ndarray]:
    n, d = matrix.shape
    level = np.empty((len(POOLINGS), -(-n // (1 << STEP)), d), np.float16)
    rows = max(1, (1 << 20) // d >> STEP) << STEP  # whole cells only
    for start, block in matrix.blocks(rows):
        part = _pool_block(block, scale)
        level[:, start >> STEP : (start >> STEP) + part.shape[1]] = np.clip(part, -65504, 65504)
        yield (start + len(block)) / n
    return level


def _pool_block(block: np.ndarray, scale: float) -> np.ndarray:
    """Planes of `block`, divided by `scale`. Usual values are pooled as they are: what is not finite, or too large
    or small to be squared, shows in the result, and is done again with care."""
    if block.dtype == np.float32 and 1e-12 < scale < 1e12:
        with np.errstate(over="ignore", invalid="ignore"):
            part = _pool_rows(block)
        if np.isfinite(part).all():
            return part / np.float32(scale)
    return _pool_rows(finite(block)[0].astype(np.float32) / np.float32(scale))


def _pool_rows(block: np.ndarray) -> np.ndarray:
    """[m, d] to planes [4, ceil(m / 16), d]."""
    whole = len(block) >> STEP
    parts = [_planes(block[: whole << STEP].reshape(whole, 1 << STEP, -1))]
    if rest := len(block) - (whole << STEP):
        parts.append(_planes(block[-rest:][None]))
    return np.concatenate(parts, axis=1)


def _planes(cells: np.ndarray) -> np.ndarray:
    """[c, rows, d] to [4, c, d]. The variance is taken around the mean: squares alone lose it in float32."""
    share = np.float32(1 / cells.shape[1])
    mean, low, high = np.add.reduce(cells, 1) * share, cells.min(1), cells.max(1)
    away = cells - mean[:, None]
    std = np.sqrt(np.einsum("ijk,ijk->ik", away, away) * share)
    return np.stack([mean, np.where(-low > high, low, high), low, std])


def _next_level(level: np.ndarray) -> np.ndarray:
    parts, step = (
        [],
        256 << STEP,
    )  # rows at a time: a level of a large matrix is 400 MB, and float32 twice that
    for start in range(0, level.shape[1], step):
        planes = level[:, start : start + step].astype(np.float32)
        cells = [pool(planes, 1 << STEP, 1, pooling) for pooling in POOLINGS]
        parts.append(np.stack(cells).astype(np.float16))
    return np.concatenate(parts, axis=1)


def load(matrix: EmbeddingMatrix, folder: Path) -> Pyramid | None:
    """A pyramid that `save` wrote, memory-mapped; None when there is none that fits."""
    try:
        about = json.loads((folder / "pyramid.json").read_bytes())
        levels = [
            np.load(folder / f"level-{i}.npy", mmap_mode="r", allow_pickle=False)
            for i in range(about["levels"])
        ]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ):  # a cache that is torn or of another kind is built again
        return None
    if (
        "cells" not in about
        or about.get("format") != FORMAT
        or not all(_fits(level, matrix, i) for i, level in enumerate(levels))
    ):
        return None
    return Pyramid(matrix, float(about["scale"]), tuple(levels), about["cells"])


def _fits(level: np.ndarray, matrix: EmbeddingMatrix, index: int) -> bool:
    n, d = matrix.shape
    return level.dtype == np.float16 and level.shape == (4, -(-n // (1 << STEP * (index + 1))), d)


def save(pyramid: Pyramid, folder: Path) -> None:
    """Written beside and renamed, so that a reader never sees half of it. Raises OSError where it cannot be
    written."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for index, level in enumerate(pyramid.levels):
        np.save(part / f"level-{index}.npy", level, allow_pickle=False)
    about = {"format": FORMAT, "scale": pyramid.scale, "levels": len(pyramid.levels)}
    about["cells"] = cell_levels(pyramid)
    (part / "pyramid.json").write_text(json.dumps(about))
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
