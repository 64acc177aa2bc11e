"""Rows on a plane: a density from far, points from near, the chosen ones marked; move, zoom, and draw a lasso."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import theme
from tokstudio.ui.embeddings_plane_maths import Frame, density, dots, inside
from tokstudio.ui.embeddings_words import shown

CELL = 3  # pixels on a side
NEAR = 9  # pixels within which the pointer finds a point
POINTS = 20_000  # in view; more are a density
CLOSEST = 400.0  # times the whole


class Projection(QWidget):
    """Wheel: zoom. Drag: move. Shift and drag, or the lasso tool: choose. Double click or 0: everything."""

    chosen_rows = Signal(object)  # int64 rows inside the lasso
    row_chosen = Signal(int)

    def __init__(self):
        super().__init__()
        self.setMinimumSize(160, 150)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName("Projection of all rows")
        self.lasso = False
        self._points = np.zeros((0, 2), np.float32)
        self._ids: np.ndarray | None = None
        self._name: Callable[[int], str] = "#{}".format
        self._chosen: list[tuple[int, str]] = []
        self._image: tuple[object, QImage] | None = None
        self._pointed: int | None = None
        self._placed: tuple[Frame, np.ndarray, np.ndarray] | None = None
        self._frame: Frame | None = None  # None: everything
        self._whole: tuple[tuple, Frame] | None = None
        self._drag: tuple[QPointF, Frame] | None = None
        self._loop: list[QPointF] = []
        theme.changed.connect(self._restyle)

    # ---------------------------------------------------------------- what it shows

    def set_points(self, points: np.ndarray, ids: np.ndarray | None = None) -> None:
        """float32 [m, 2]. `ids`: the row of each; None where every row has its point."""
        self._points, self._ids, self._image = np.ascontiguousarray(points, np.float32), ids, None
        self._frame, self._pointed, self._whole = None, None, None
        self.update()

    def set_names(self, name: Callable[[int], str]) -> None:
        self._name = name

    def set_chosen(self, chosen: list[tuple[int, str]]) -> None:
        """(row, name) of what is marked; the first is the asked token and carries its name."""
        self._chosen, self._image = chosen, None
        names = ", ".join(name for _, name in chosen)
        self.setAccessibleDescription(f"{len(self._points):,} rows; marked: {names}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, 196)

    def _restyle(self) -> None:
        self._image = None
        self.update()

    def _marked(self) -> list[tuple[int, str]]:
        """(place among the points, name) of the chosen rows that have a point."""
        if self._ids is None:
            return [(row, name) for row, name in self._chosen if 0 <= row < len(self._points)]
        places = np.searchsorted(self._ids, [row for row, _ in self._chosen])
        found = zip(places.tolist(), self._chosen, strict=True)
        return [(at, name) for at, (row, name) in found if at < len(self._ids) and self._ids[at] == row]

    def points(self) -> np.ndarray:
        return self._points

    def row_of(self, place: int) -> int:
        return place if self._ids is None else int(self._ids[place])

    # ---------------------------------------------------------------- where things are

    def frame(self) -> Frame:
        if self._frame is not None:
            return self._frame.fitted(self.width(), self.height())
        key = self.width(), self.height(), tuple(self._chosen)
        if self._whole is None or self._whole[0] != key:
            around = Frame.around(self._points, [at for at, _ in self._marked()], self.width(), self.height())
            self._whole = key, around
        return self._whole[1]

    def density(self) -> np.ndarray:
        """Share of the fullest cell, after a logarithm and a little blur: float32 [rows, columns]."""
        return density(self.frame(), self._points, CELL)

    def _picture(self) -> QImage:
        frame = self.frame()
        if self._image is None or self._image[0] != frame:
            shade = theme.color(theme.table()["series"][0])
            at, cell = frame.place(self._points), CELL
            shown = ((at >= 0) & (at < (self.width(), self.height()))).all(1)
            if np.count_nonzero(shown) <= POINTS:
                share, cell = dots(at[shown], self.width(), self.height()), 1
            else:
                share = density(frame, self._points, CELL, at)
            pixels = np.empty((*share.shape, 4), np.uint8)
            pixels[..., :3] = (shade.red(), shade.green(), shade.blue())
            pixels[..., 3] = 235 * np.sqrt(share * np.sqrt(share))
            height, width = share.shape
            made = QImage(pixels.data, width, height, width * 4, QImage.Format_RGBA8888).copy()
            made.setDevicePixelRatio(1.0 / cell)
            self._image = frame, made
        return self._image[1]

    # ---------------------------------------------------------------- painting

    def paintEvent(self, _event) -> None:
        if not len(self._points):
            return
        painter = QPainter(self)
        image = self._picture()
        cell = round(1 / image.devicePixelRatio())
        painter.drawImage(QRectF(0, 0, image.width() * cell, image.height() * cell), image)
        painter.setRenderHint(QPainter.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.setBrush(Qt.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        self._paint_chosen(painter)
        if self._pointed is not None:
            place = QPointF(*self.frame().place(self._points[[self._pointed]])[0].tolist())
            painter.setPen(QPen(theme.color("text"), 1.2))
            painter.setBrush(Qt.NoBrush)
            painter.drawEllipse(place, 5, 5)
            self._paint_name(painter, place, self._name(self.row_of(self._pointed)))
        if self._loop:
            painter.setPen(QPen(theme.color("accent"), 1.5, Qt.DashLine))
            painter.setBrush(theme.color("accent", 0.08))
            painter.drawPolygon(QPolygonF(self._loop))

    def _paint_chosen(self, painter: QPainter) -> None:
        marked = self._marked()
        if not marked:
            return
        places = [QPointF(*at) for at in self.frame().place(self._points[[at for at, _ in marked]]).tolist()]
        painter.setPen(QPen(theme.color("surface"), 1.2))
        painter.setBrush(theme.color(theme.table()["series"][1]))
        for place in reversed(places):
            painter.drawEllipse(place, 4.2, 4.2)
        self._paint_name(painter, places[0], marked[0][1])

    def _paint_name(self, painter: QPainter, place: QPointF, name: str) -> None:
        painter.setFont(theme.font("strong"))
        words = shown(name)
        box = QRectF(0, 0, painter.fontMetrics().horizontalAdvance(words) + 8, 22)
        box.moveTopLeft(place + QPointF(6, -24))
        if box.right() > self.width():
            box.moveRight(place.x() - 6)
        box.moveTop(max(0.0, box.top()))
        painter.fillRect(box, theme.color("surface", 0.8))
        painter.setPen(theme.color("text"))
        painter.drawText(box, Qt.AlignCenter, words)

    # ---------------------------------------------------------------- hands

    def _moved(self, frame: Frame) -> None:
        self._frame, self._pointed = frame, None
        self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        if len(self._points):
            whole = self.frame().scale if self._whole is None else self._whole[1].scale
            at = at or QPointF(self.rect().center())
            self._moved(self.frame().zoomed(factor, at.x(), at.y(), whole * 0.5, whole * CLOSEST))

    def fit(self) -> None:
        self._frame = None
        self.update()

    def wheelEvent(self, event) -> None:
        self.zoom(1.18 ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event) -> None:
        if event.button() != Qt.LeftButton or not len(self._points):
            return
        if self.lasso or event.modifiers() & Qt.ShiftModifier:
            self._loop = [event.position()]
        else:
            self._drag = event.position(), self.frame()

    def mouseMoveEvent(self, event) -> None:
        at = event.position()
        if self._loop:
            self._loop.append(at)
            self.update()
        elif self._drag is not None:
            start, frame = self._drag
            self._moved(frame.moved(at.x() - start.x(), at.y() - start.y()))
        else:
            self._point_at(at)

    def _point_at(self, at: QPointF) -> None:
        found = self.nearest(at)
        if found != self._pointed:
            self._pointed = found
            self.update()

    def nearest(self, at: QPointF) -> int | None:
        """The point under the pointer; of two the nearer one."""
        if not len(self._points):
            return None
        frame = self.frame()
        if self._placed is None or self._placed[0] != frame or self._placed[1] is not self._points:
            placed = frame.place(self._points).T
            self._placed = frame, self._points, np.ascontiguousarray(placed)
        x, y = self._placed[2]
        near = np.flatnonzero(np.abs(x - np.float32(at.x())) < NEAR)
        distance = (x[near] - at.x()) ** 2 + (y[near] - at.y()) ** 2
        if not len(near) or distance.min() >= NEAR**2:
            return None
        return int(near[distance.argmin()])

    def mouseReleaseEvent(self, event) -> None:
        loop, self._loop = self._loop, []
        drag, self._drag = self._drag, None
        if len(loop) > 2:
            corners = np.array([[point.x(), point.y()] for point in loop])
            hit = np.flatnonzero(inside(self.frame().place(self._points), corners))
            self.chosen_rows.emit(hit if self._ids is None else self._ids[hit])
            self.update()
            return
        still = drag is not None and (drag[0] - event.position()).manhattanLength() < 4
        if still and (found := self.nearest(event.position())) is not None:
            self.row_chosen.emit(self.row_of(found))

    def mouseDoubleClickEvent(self, _event) -> None:
        self.fit()

    def leaveEvent(self, _event) -> None:
        self._pointed = None
        self.update()

    def keyPressEvent(self, event) -> None:
        step = {Qt.Key_Left: (40, 0), Qt.Key_Right: (-40, 0), Qt.Key_Up: (0, 40), Qt.Key_Down: (0, -40)}
        if event.key() in step:
            self._moved(self.frame().moved(*step[event.key()]))
        elif event.key() in (Qt.Key_Plus, Qt.Key_Equal, Qt.Key_Minus):
            self.zoom(0.8 if event.key() == Qt.Key_Minus else 1.25)
        elif event.key() == Qt.Key_0:
            self.fit()
        else:
            event.ignore()
