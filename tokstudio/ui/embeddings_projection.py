"""All rows as a density on the plane of largest spread, the chosen ones as points."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import theme

CELL = 3  # pixels on a side
NEAR = 9  # pixels within which the pointer finds a point


class Projection(QWidget):
    def __init__(self):
        super().__init__()
        self.setMinimumSize(160, 150)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMouseTracking(True)
        self.setAccessibleName("Projection of all rows")
        self._points = np.zeros((0, 2), np.float32)
        self._chosen: list[tuple[int, str]] = []
        self._image: tuple[object, QImage] | None = None
        self._pointed: int | None = None
        theme.changed.connect(self._restyle)

    def set_points(self, points: np.ndarray) -> None:
        """float32 [n, 2], one per row of the matrix."""
        self._points, self._image = points, None
        self.update()

    def set_chosen(self, chosen: list[tuple[int, str]]) -> None:
        """(row, name) of what is marked; the first is the asked token and carries its name."""
        self._chosen, self._pointed = chosen, None
        names = ", ".join(name for _, name in chosen)
        self.setAccessibleDescription(f"{len(self._points):,} rows; marked: {names}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, 196)

    def _restyle(self) -> None:
        self._image = None
        self.update()

    def _frame(self) -> tuple[np.ndarray, np.ndarray]:
        """(center, half extent) [2] of what is shown; a few rows far out must not squeeze the rest."""
        low, high = np.quantile(self._points, (0.0005, 0.9995), axis=0)
        for row, _ in self._chosen:
            low, high = np.minimum(low, self._points[row]), np.maximum(high, self._points[row])
        half = np.maximum((high - low) / 2, 1e-12) * 1.08
        scale = max(half[0] / max(self.width(), 1), half[1] / max(self.height(), 1))  # both axes alike
        return (low + high) / 2, np.array([self.width(), self.height()]) * scale

    def _place(self, points: np.ndarray) -> np.ndarray:
        """Points [k, 2] to pixels [k, 2]."""
        center, half = self._frame()
        share = (points - center) / (2 * half) * (1, -1) + 0.5
        return share * (self.width(), self.height())

    def density(self) -> np.ndarray:
        """Share of the fullest cell, after a logarithm and a little blur: float64 [rows, columns]."""
        columns, rows = max(1, self.width() // CELL), max(1, self.height() // CELL)
        cells = np.floor(self._place(self._points) / CELL).astype(np.int64)
        inside = ((cells >= 0) & (cells < (columns, rows))).all(1)
        counts = np.bincount(cells[inside, 1] * columns + cells[inside, 0], minlength=rows * columns)
        grid = np.pad(counts.reshape(rows, columns).astype(float), 1)
        grid = grid[:-2] + 2 * grid[1:-1] + grid[2:]
        grid = np.log1p((grid[:, :-2] + 2 * grid[:, 1:-1] + grid[:, 2:]) / 16)
        return grid / (grid.max() or 1.0)

    def _picture(self) -> QImage:
        key = (self.size().toTuple(), len(self._points), tuple(row for row, _ in self._chosen))
        if self._image is None or self._image[0] != key:
            share = self.density()
            pixels = np.empty((*share.shape, 4), np.uint8)
            shade = theme.color(theme.table()["series"][0])
            pixels[..., :3] = (shade.red(), shade.green(), shade.blue())
            pixels[..., 3] = 235 * share**0.75
            height, width = share.shape
            self._image = key, QImage(pixels.data, width, height, width * 4, QImage.Format_RGBA8888).copy()
        return self._image[1]

    def paintEvent(self, _event) -> None:
        if not len(self._points):
            return
        painter = QPainter(self)
        image = self._picture()
        painter.drawImage(QRectF(0, 0, image.width() * CELL, image.height() * CELL), image)
        painter.setRenderHint(QPainter.Antialiasing)
        if not self._chosen:
            return
        places = [QPointF(*place) for place in self._place(self._points[[row for row, _ in self._chosen]])]
        painter.setPen(QPen(theme.color("surface"), 1.2))
        painter.setBrush(theme.color(theme.table()["series"][1]))
        for place in reversed(places):
            painter.drawEllipse(place, 4.2, 4.2)
        for number in {0, self._pointed or 0}:
            self._paint_name(painter, places[number], self._chosen[number][1])

    def _paint_name(self, painter: QPainter, place: QPointF, name: str) -> None:
        painter.setFont(theme.font("strong"))
        words = name.replace(" ", "·")
        box = QRectF(0, 0, painter.fontMetrics().horizontalAdvance(words) + 8, 22)
        box.moveTopLeft(place + QPointF(6, -24))
        if box.right() > self.width():
            box.moveRight(place.x() - 6)
        box.moveTop(max(0.0, box.top()))
        painter.fillRect(box, theme.color("surface", 0.8))
        painter.setPen(theme.color("text"))
        painter.drawText(box, Qt.AlignCenter, words)
        painter.setPen(QPen(theme.color("surface"), 1.2))

    def mouseMoveEvent(self, event) -> None:
        found = None
        if self._chosen and len(self._points):
            places = self._place(self._points[[row for row, _ in self._chosen]])
            away = np.hypot(*(places - (event.position().x(), event.position().y())).T)
            found = int(away.argmin()) if away.min() < NEAR else None
        if found != self._pointed:
            self._pointed = found
            self.update()

    def leaveEvent(self, _event) -> None:
        self._pointed = None
        self.update()
