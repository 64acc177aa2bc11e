"""Arithmetic of the projection: where points fall, how dense they lie, which a lasso holds. No widget."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """`scale` pixels a unit, the same on both axes; `x`, `y` is the point in the middle."""

    x: float
    y: float
    scale: float
    width: int
    height: int

    @classmethod
    def around(cls, points: np.ndarray, also: list[int], width: int, height: int) -> "Frame":
        """Everything but the outermost 0.05 % on each side, and the points `also`: a few rows far out must not
        squeeze the rest."""
        if not len(points):
            return cls(0, 0, 1, width, height)
        low, high = (
            np.quantile(points, (0.0005, 0.9995), axis=0) if len(points) < 100_000 else _thinned(points)
        )
        for at in also:
            low, high = np.minimum(low, points[at]), np.maximum(high, points[at])
        half = np.maximum((high - low) / 2, 1e-12) * 1.08
        scale = min(width / 2 / half[0], height / 2 / half[1])
        middle = (low + high) / 2
        return cls(float(middle[0]), float(middle[1]), float(max(scale, 1e-12)), width, height)

    def fitted(self, width: int, height: int) -> "Frame":
        return Frame(self.x, self.y, self.scale, width, height)

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points [k, 2] to pixels float32 [k, 2]; y grows upwards."""
        factor = np.array([self.scale, -self.scale], np.float32)
        shift = np.array(
            [self.width / 2 - self.x * self.scale, self.height / 2 + self.y * self.scale], np.float32
        )
        return points * factor + shift

    def moved(self, dx: float, dy: float) -> "Frame":
        return Frame(self.x - dx / self.scale, self.y + dy / self.scale, self.scale, self.width, self.height)

    def zoomed(self, factor: float, x: float, y: float, least: float, most: float) -> "Frame":
        """What is under pixel (x, y) stays there."""
        scale = min(max(self.scale * factor, least), most)
        dx, dy = x - self.width / 2, y - self.height / 2
        left = self.x + dx / self.scale - dx / scale
        top = self.y - dy / self.scale + dy / scale
        return Frame(left, top, scale, self.width, self.height)


def _thinned(points: np.ndarray) -> np.ndarray:
    """The same quantiles from every k-th point: sorting 250,000 takes longer than a frame."""
    return np.quantile(points[:: len(points) // 50_000], (0.0005, 0.9995), axis=0)


def density(frame: Frame, points: np.ndarray, cell: int, at: np.ndarray | None = None) -> np.ndarray:
    """Share of the fullest cell, after a little blur and a logarithm: float32 [rows, columns]."""
    columns, rows = max(1, frame.width // cell), max(1, frame.height // cell)
    at = frame.place(points) if at is None else at
    cells = np.clip(at * np.float32(1 / cell), -1, max(columns, rows)).astype(np.int32)
    x, y = cells[:, 0], cells[:, 1]
    shown = (at[:, 0] >= 0) & (at[:, 1] >= 0) & (x < columns) & (y < rows)
    counts = np.bincount((y * columns + x)[shown], minlength=rows * columns)
    grid = np.pad(counts.reshape(rows, columns).astype(np.float32), 1)
    grid = grid[:-2] + 2 * grid[1:-1] + grid[2:]
    grid = np.log1p((grid[:, :-2] + 2 * grid[:, 1:-1] + grid[:, 2:]) / 16)
    return grid / (grid.max() or 1.0)


def dots(at: np.ndarray, width: int, height: int) -> np.ndarray:
    """Points as dots of 2 by 2 pixels; where they lie on each other the color grows stronger."""
    grid = np.zeros((height + 1, width + 1), np.float32)
    cells = at.astype(np.int32)
    counts = np.bincount(cells[:, 1] * (width + 1) + cells[:, 0], minlength=grid.size).reshape(grid.shape)
    grid += counts
    grid[1:] += counts[:-1]
    spread = grid.copy()
    spread[:, 1:] += grid[:, :-1]
    return np.minimum(1, 0.45 * np.sqrt(spread[:height, :width]))


def inside(at: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """bool [k]: points within the closed line through `corners`, by the even-odd rule."""
    low, high = corners.min(0), corners.max(0)
    found = np.zeros(len(at), bool)
    near = np.flatnonzero(((at >= low) & (at <= high)).all(1))
    x, y = at[near].T
    odd = np.zeros(len(near), bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            crosses = (y1 > y) != (y2 > y)
            odd ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    found[near] = odd
    return found
