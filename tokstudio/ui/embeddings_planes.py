"""What the heat map draws: a few chosen rows, or the whole matrix in tiles. Values to pixels, no events."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from tokstudio.embed.pyramid import TILE, pool
from tokstudio.ui import theme

KEPT_TILES = 500  # of 256 kB at most


@dataclass(frozen=True)
class View:
    """The part that is shown: rows `top` to `bottom`, columns `left` to `right`, in matrix units."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    def place(self, box: QRectF, top: float, bottom: float, left: float, right: float) -> QRectF:
        """Where that part of the matrix lies in `box`."""
        down, across = box.height() / self.height, box.width() / self.width
        return QRectF(
            box.left() + (left - self.left) * across,
            box.top() + (top - self.top) * down,
            (right - left) * across,
            (bottom - top) * down,
        )

    def rows_zoomed(self, factor: float, at: float, rows: int, least: float = 8) -> "View":
        height = min(max(self.height * factor, min(least, rows)), rows)
        top = min(max(at - (at - self.top) * height / self.height, 0), rows - height)
        return replace(self, top=top, bottom=top + height)

    def columns_zoomed(self, factor: float, at: float, columns: int, least: float = 8) -> "View":
        width = min(max(self.width * factor, min(least, columns)), columns)
        left = min(max(at - (at - self.left) * width / self.width, 0), columns - width)
        return replace(self, left=left, right=left + width)

    def moved(self, rows: float, columns: float, shape: tuple[int, int]) -> "View":
        top = min(max(self.top + rows, 0), max(0, shape[0] - self.height))
        left = min(max(self.left + columns, 0), max(0, shape[1] - self.width))
        return View(top, top + self.height, left, left + self.width)


@dataclass(frozen=True)
class Shade:
    """How values become palette entries: `level` is the value of the full color; `unsigned` for std."""

    level: float
    unsigned: bool = False

    def indexed(self, values: np.ndarray) -> QImage:
        """Format_Indexed8: a change of theme swaps 256 entries and no pixel."""
        scaled = values * (255 / self.level) if self.unsigned else values * (127.5 / self.level) + 127.5
        cells = np.ascontiguousarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
        height, width = cells.shape
        image = QImage(cells.data, width, height, width, QImage.Format_Indexed8).copy()
        image.setColorTable(self.colors())
        return image

    def colors(self) -> list[int]:
        table = theme.ramp() if self.unsigned else theme.diverging()
        return [QColor(*entry).rgb() for entry in table.tolist()]


class RowsPlane:
    """Chosen rows with their names; every row is on the screen at once.

    `values` [k, d] with columns already in the order they are shown; `dims[j]` is column j's own number.
    """

    def __init__(self, values: np.ndarray, ids: np.ndarray, dims: np.ndarray, shade: Shade):
        self.values, self.ids, self.dims, self.shade = values, ids, dims, shade
        self.shape = values.shape
        self.pooling = "max-abs"
        self._image: tuple[object, QImage] | None = None

    def restyle(self) -> None:
        self._image = None

    def set_shade(self, shade: Shade) -> None:
        self.shade = shade

    def row_id(self, row: int) -> int:
        return int(self.ids[row])

    def paint(self, painter: QPainter, box: QRectF, view: View) -> None:
        left, right = int(view.left), min(int(np.ceil(view.right)), self.shape[1])
        step = 1 << level_of(view.width, box.width())
        left -= left % step
        key = (left, right, step, self.shade)
        if self._image is None or self._image[0] != key:
            part = self.values[:, left:right]
            cells = pool(np.stack([part] * 4), 1, step, "max-abs") if step > 1 else part
            self._image = key, self.shade.indexed(cells)
        image = self._image[1]
        painter.drawImage(view.place(box, 0, self.shape[0], left, left + image.width() * step), image)
        painter.setPen(theme.color("surface"))
        for row in range(1, self.shape[0]):
            line = view.place(box, row, row, view.left, view.right)
            painter.drawLine(line.topLeft(), line.topRight())

    def cell(self, row: int, column: int, _view: View, _box: QRectF) -> tuple[float, int] | None:
        return float(self.values[row, column]), 1


class MatrixPlane:
    """The whole matrix, drawn from tiles. Missing ones are asked for by `want(pooling, [[r, i, c, j], …])`;
    until they come, coarser ones stand in."""

    def __init__(self, shape: tuple[int, int], shade: Shade, pooling: str, want: Callable[[str, list], None]):
        self.shape, self.shade, self.pooling, self._want = shape, shade, pooling, want
        self.dims = np.arange(shape[1])
        self.order: np.ndarray | None = None  # row at each place; None: by id
        self._values: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self._images: dict[tuple, QImage] = {}

    def restyle(self) -> None:
        self._images.clear()

    def row_id(self, row: int) -> int:
        return row if self.order is None else int(self.order[row])

    def place_of(self, row: int) -> int:
        """Where row `row` stands."""
        return row if self.order is None else int(np.flatnonzero(self.order == row)[0])

    def set_order(self, order: np.ndarray | None) -> None:
        """The tiles of another order are of no use any more."""
        self.order = order
        self._forget()

    def set_dims(self, dims: np.ndarray | None) -> None:
        """The dimension at each place; None: its own."""
        self.dims = np.arange(self.shape[1]) if dims is None else dims
        self._forget()

    def _forget(self) -> None:
        self._values.clear()
        self._images.clear()

    def set_shade(self, shade: Shade) -> None:
        if shade != self.shade:
            self.shade = shade
            self._images.clear()

    def put(self, pooling: str, tile: tuple[int, int, int, int], values: np.ndarray) -> None:
        self._values[pooling, *tile] = values
        while len(self._values) > KEPT_TILES:
            key, _ = self._values.popitem(last=False)
            self._images.pop(key, None)

    def paint(self, painter: QPainter, box: QRectF, view: View) -> None:
        wanted = tiles_in(view, box.width(), box.height(), self.shape)
        missing = [tile for tile in wanted if (self.pooling, *tile) not in self._values]
        if missing:
            self._paint_coarser(painter, box, view, wanted[0])
            self._want(self.pooling, [list(tile) for tile in missing])
        for tile in wanted:
            if (self.pooling, *tile) in self._values:
                self._paint_tile(painter, box, view, (self.pooling, *tile))

    def _paint_coarser(self, painter: QPainter, box: QRectF, view: View, like: tuple) -> None:
        found = [
            key for key in self._values if key[0] == self.pooling and (key[1], key[3]) >= (like[0], like[2])
        ]
        for key in sorted(found, key=lambda key: (-key[1], -key[3])):
            self._paint_tile(painter, box, view, key)

    def _paint_tile(self, painter: QPainter, box: QRectF, view: View, key: tuple) -> None:
        _, r, i, c, j = key
        top, left = i * TILE << r, j * TILE << c
        values = self._values[key]
        place = view.place(box, top, top + (values.shape[0] << r), left, left + (values.shape[1] << c))
        if not place.intersects(box):
            return
        self._values.move_to_end(key)
        if key not in self._images:
            self._images[key] = self._shade_of(r, c).indexed(values)
        painter.drawImage(place, self._images[key])

    def _shade_of(self, r: int, c: int) -> Shade:
        single = r == c == 0  # one value a cell: every pooling shows the value, and that has a sign
        return Shade(self.shade.level, self.pooling == "std" and not single)

    def cells(self, view: View, width: float, height: float) -> np.ndarray:
        """What is drawn, as numbers [rows, columns]; NaN where a tile is missing."""
        wanted = tiles_in(view, width, height, self.shape)
        (r, _, c, _), last = wanted[0], wanted[-1]
        first = wanted[0][1], wanted[0][3]
        grid = np.full(((last[1] - first[0] + 1) * TILE, (last[3] - first[1] + 1) * TILE), np.nan, np.float32)
        for tile in wanted:
            if (found := self._values.get((self.pooling, *tile))) is not None:
                top, left = (tile[1] - first[0]) * TILE, (tile[3] - first[1]) * TILE
                grid[top : top + found.shape[0], left : left + found.shape[1]] = found
        top, left = (int(view.top) >> r) - first[0] * TILE, (int(view.left) >> c) - first[1] * TILE
        bottom = (min(int(np.ceil(view.bottom)), self.shape[0]) - 1 >> r) - first[0] * TILE + 1
        right = (min(int(np.ceil(view.right)), self.shape[1]) - 1 >> c) - first[1] * TILE + 1
        return grid[top:bottom, left:right]

    def cell(self, row: int, column: int, view: View, box: QRectF) -> tuple[float, int] | None:
        """(value of the cell there, values it stands for); None while its tile is missing."""
        r, c = level_of(view.height, box.height()), level_of(view.width, box.width())
        i, j = (row >> r) // TILE, (column >> c) // TILE
        values = self._values.get((self.pooling, r, i, c, j))
        if values is None:
            return None
        return float(values[(row >> r) - i * TILE, (column >> c) - j * TILE]), 1 << (r + c)


def level_of(cells: float, pixels: float) -> int:
    """Smallest power of two at which no cell is narrower than a pixel: nothing is skipped when it is
    drawn."""
    return max(0, int(np.ceil(np.log2(max(cells, 1) / max(pixels, 1)) - 1e-9)))


def tiles_in(
    view: View, width: float, height: float, shape: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """(r, i, c, j) of every tile that `view` on that many pixels needs."""
    r, c = level_of(view.height, height), level_of(view.width, width)
    rows = range(
        int(view.top) // (TILE << r), int(min(np.ceil(view.bottom), shape[0]) - 1) // (TILE << r) + 1
    )
    columns = range(
        int(view.left) // (TILE << c), int(min(np.ceil(view.right), shape[1]) - 1) // (TILE << c) + 1
    )
    return [(r, i, c, j) for i in rows for j in columns]
