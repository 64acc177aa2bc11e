"""The heat map: a plane of values with row names, spread above, norms at the right and a cross-hair
readout."""

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import embeddings_access, theme
from tokstudio.ui import embeddings_marginals as marginals
from tokstudio.ui.embeddings_planes import MatrixPlane, RowsPlane, View, level_of
from tokstudio.ui.embeddings_words import shown, signed

LEFT, TOP, RIGHT, FOOT = marginals.LEFT, 34, 62, 4  # pixels around the picture
NAMED = 11  # pixels a row needs for its name


class HeatMap(QWidget):
    """Wheel: rows, with Shift dimensions. Drag: move. Double click: that row by itself. 0: everything. Arrows
    move the cross-hair."""

    row_chosen = Signal(int)  # id of the row that was clicked
    row_opened = Signal()  # a double click on the row that the first of its clicks has chosen
    view_changed = Signal()

    def __init__(self):
        super().__init__()
        self.setMinimumSize(300, 220)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName("Embedding heat map")
        embeddings_access.install()
        self.plane: RowsPlane | MatrixPlane | None = None
        self.view = View(0, 1, 0, 1)
        self._name: Callable[[int], str] = "#{}".format
        self.norms = np.zeros(0)
        self.sorted_norms: tuple | None = None
        self._mean = self.std = np.zeros(0)
        self._pointer: QPointF | None = None
        self._drag: tuple[QPointF, View] | None = None
        self._chosen = False  # by the last click
        theme.changed.connect(self._restyle)

    # ---------------------------------------------------------------- what it shows

    def set_plane(self, plane: RowsPlane | MatrixPlane, *, keep_view: bool = False) -> None:
        self.plane = plane
        if not keep_view:
            self.view = View(0, plane.shape[0], 0, plane.shape[1])
        self._changed()

    def clear(self) -> None:
        self.plane = None
        self._changed()

    def set_names(self, name: Callable[[int], str]) -> None:
        """`name(id)`: what a row is called."""
        self._name = name
        self.update()

    def set_summary(self, norms: np.ndarray, mean: np.ndarray, std: np.ndarray) -> None:
        """`norms` [n]; `mean` and `std` [d] per dimension, in the matrix' own order."""
        self.norms, self._mean, self.std = norms, mean, std
        self.update()

    def fit(self) -> None:
        if self.plane is not None:
            self.view = View(0, self.plane.shape[0], 0, self.plane.shape[1])
            self._changed()

    def show_row(self, row: int) -> None:
        """Move so that the row of id `row` is in the middle, near enough to read its name."""
        if self.plane is None:
            return
        row = self.plane.place_of(row)
        height = min(self.view.height, max(8, self.box().height() // 18), self.plane.shape[0])
        view = View(row - height / 2, row + height / 2, self.view.left, self.view.right)
        self.view = view.moved(0, 0, self.plane.shape)
        self._changed()

    def row_halvings(self) -> int:
        """r, where a cell stands for 2**r rows at this zoom."""
        return level_of(self.view.height, self.box().height())

    def _changed(self) -> None:
        self.setAccessibleDescription(self._words())
        self.view_changed.emit()
        self.update()

    def _words(self) -> str:
        if self.plane is None:
            return "nothing yet"
        first, last = self.plane.row_id(int(self.view.top)), self.plane.row_id(self.last_row())
        return f"rows {self._name(first)} to {self._name(last)}, {self.view.width:.0f} dimensions"

    def last_row(self) -> int:
        return min(int(np.ceil(self.view.bottom)), self.plane.shape[0]) - 1

    def _restyle(self) -> None:
        if self.plane is not None:
            self.plane.restyle()
        self.update()

    # ---------------------------------------------------------------- painting

    def box(self) -> QRectF:
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - TOP - FOOT))

    def paintEvent(self, _event) -> None:
        if self.plane is None:
            return
        painter, box = QPainter(self), self.box()
        painter.setClipRect(box)
        self.plane.paint(painter, box, self.view)
        painter.setClipping(False)
        self._paint_names(painter, box)
        marginals.paint_std(self, painter, box)
        marginals.paint_norms(self, painter, box)
        if isinstance(self.plane, RowsPlane):
            self._paint_outline(painter, box)
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRect(box.adjusted(-2, -2, 2, 2))
        if self._pointer is not None and box.contains(self._pointer):
            self._paint_readout(painter, box, self._pointer)

    def _paint_names(self, painter: QPainter, box: QRectF) -> None:
        painter.setFont(theme.font("monos"))
        down = box.height() / self.view.height
        step = 1 if down >= NAMED else round_step(70 / down)
        first = int(self.view.top) // step * step
        for row in range(first, self.last_row() + 1, step):
            top = box.top() + (row - self.view.top) * down
            place = QRectF(0, top, LEFT - 8, max(down, 14) if step > 1 else down)
            if place.center().y() < box.top() or place.bottom() > box.bottom() + 2:
                continue
            self._paint_name(painter, place, row, named=step == 1)

    def _paint_name(self, painter: QPainter, place: QRectF, row: int, named: bool) -> None:
        number = self.plane.row_id(row)
        first = isinstance(self.plane, RowsPlane) and row == 0
        painter.setPen(theme.color("accent" if first else "text2" if named else "muted"))
        words = shown(self._name(number)) if named else f"{number:,}"
        words = painter.fontMetrics().elidedText(words, Qt.ElideRight, int(place.width()))
        painter.drawText(place, Qt.AlignRight | Qt.AlignVCenter, words)

    def _paint_outline(self, painter: QPainter, box: QRectF) -> None:
        """Around the asked row."""
        place = self.view.place(box, 0, 1, self.view.left, self.view.right)
        if place.bottom() > box.top():
            painter.setRenderHint(QPainter.Antialiasing)
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.drawRect(place.adjusted(-1, 0, 1, 0).intersected(box.adjusted(-2, -2, 2, 2)))
            painter.setRenderHint(QPainter.Antialiasing, False)

    # ---------------------------------------------------------------- cross-hair

    def _cell_at(self, box: QRectF, point: QPointF) -> tuple[int, int]:
        row = int(self.view.top + (point.y() - box.top()) / box.height() * self.view.height)
        column = int(self.view.left + (point.x() - box.left()) / box.width() * self.view.width)
        return min(row, self.plane.shape[0] - 1), min(column, self.plane.shape[1] - 1)

    def readout(self, row: int, column: int) -> tuple[str, str]:
        """(token and dimension, value) of one cell, as shown at the cross-hair."""
        dim, number = int(self.plane.dims[column]), self.plane.row_id(row)
        words = f"{shown(self._name(number))}, dim {dim:,}"
        found = self.plane.cell(row, column, self.view, self.box())
        if found is None:
            return words, "…"
        value, count = found
        if count > 1:
            return words, f"{self.plane.pooling} {signed(value)} of {count:,} values"
        if not len(self.std) or not self.std[dim]:
            return words, f"value {signed(value)}"
        z = (value - self._mean[dim]) / self.std[dim]
        return words, f"value {signed(value)}, z {signed(z, 1)}"

    def _paint_readout(self, painter: QPainter, box: QRectF, point: QPointF) -> None:
        painter.setPen(QPen(theme.color("text"), 1, Qt.DotLine))
        # through both margins, so that the bars of this row and this dimension are found
        painter.drawLine(QPointF(point.x(), 6), QPointF(point.x(), box.bottom()))
        painter.drawLine(QPointF(box.left(), point.y()), QPointF(box.right() + 8 + marginals.NORM, point.y()))
        title, value = self.readout(*self._cell_at(box, point))
        strong, small = theme.font("strong"), theme.font("small")
        painter.setFont(strong)
        width = painter.fontMetrics().horizontalAdvance(title)
        painter.setFont(small)
        width = max(140, width, painter.fontMetrics().horizontalAdvance(value)) + 22
        place = QRectF(point.x() + 10, point.y() + 10, width, 42)
        if place.right() > self.width():
            place.moveRight(point.x() - 10)
        if place.bottom() > self.height():
            place.moveBottom(point.y() - 10)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(theme.color("border_strong"))
        painter.setBrush(theme.color("raised" if theme.is_dark() else "surface"))
        painter.drawRoundedRect(place, 6, 6)
        self._paint_lines(painter, place, ((strong, "text", title), (small, "muted", value)))

    @staticmethod
    def _paint_lines(painter: QPainter, place: QRectF, lines: Sequence[tuple]) -> None:
        for number, (font, role, text) in enumerate(lines):
            painter.setFont(font)
            painter.setPen(theme.color(role))
            painter.drawText(
                place.adjusted(10, 4 + 17 * number, -4, -21 + 17 * number), Qt.AlignVCenter, text
            )

    # ---------------------------------------------------------------- hands

    def wheelEvent(self, event) -> None:
        box = self.box()
        if self.plane is None or not box.contains(event.position()):
            event.ignore()
            return
        turn = (
            event.angleDelta().y() or event.angleDelta().x()
        )  # Shift turns the wheel sideways on some systems
        self._zoom(0.85 ** (turn / 120), event.position(), columns=bool(event.modifiers() & Qt.ShiftModifier))
        event.accept()

    def _zoom(self, factor: float, at: QPointF, columns: bool) -> None:
        row, column = self._cell_at(self.box(), at)
        if columns:
            self.view = self.view.columns_zoomed(factor, column, self.plane.shape[1])
        else:
            self.view = self.view.rows_zoomed(factor, row, self.plane.shape[0])
        self._changed()

    def mousePressEvent(self, event) -> None:
        self._chosen = False
        if self.plane is not None and event.button() == Qt.LeftButton:
            self._drag = event.position(), self.view

    def mouseMoveEvent(self, event) -> None:
        self._pointer = event.position()
        if self._drag is not None and self.plane is not None:
            start, view = self._drag
            moved, box = start - event.position(), self.box()
            rows, columns = moved.y() / box.height() * view.height, moved.x() / box.width() * view.width
            self.view = view.moved(rows, columns, self.plane.shape)
            self._changed()
        self.update()

    def mouseReleaseEvent(self, event) -> None:
        if self._drag is not None and (self._drag[0] - event.position()).manhattanLength() < 4:
            point = event.position()
            box = QRectF(0, TOP, self.box().right(), self.box().height())  # the names too
            if box.contains(point):
                inside = QPointF(max(point.x(), LEFT), point.y())
                self._chosen = True
                self.row_chosen.emit(self.plane.row_id(self._cell_at(self.box(), inside)[0]))
        self._drag = None

    def mouseDoubleClickEvent(self, event) -> None:
        if self.plane is not None and event.button() == Qt.LeftButton and self._chosen:
            self.row_opened.emit()

    def leaveEvent(self, event) -> None:
        self._pointer = None
        self.update()

    def keyPressEvent(self, event) -> None:
        moves = {Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1)}
        if self.plane is None:
            event.ignore()
        elif event.key() in moves:
            self._step(*moves[event.key()])
        elif event.key() in (Qt.Key_Plus, Qt.Key_Equal, Qt.Key_Minus):
            factor = 1.25 if event.key() == Qt.Key_Minus else 0.8
            at = self._pointer or self.box().center()
            self._zoom(factor, at, columns=bool(event.modifiers() & Qt.AltModifier))
        elif event.key() == Qt.Key_0:
            self.fit()
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter) and self._pointer is not None:
            self.row_chosen.emit(self.plane.row_id(self._cell_at(self.box(), self._pointer)[0]))
        elif event.key() == Qt.Key_Escape and self._pointer is not None:
            self._pointer = None
            self.update()
        else:
            event.ignore()

    def _step(self, columns: int, rows: int) -> None:
        """Move the cross-hair by one cell, a pixel at least; the view follows at its edge."""
        box, at = self.box(), self._pointer or self.box().center()
        across = max(1.0, box.width() / self.view.width * (1 << level_of(self.view.width, box.width())))
        down = max(1.0, box.height() / self.view.height * (1 << level_of(self.view.height, box.height())))
        goal = QPointF(at.x() + columns * across, at.y() + rows * down)
        if not box.contains(goal):
            self.view = self.view.moved(
                rows * self.view.height / 10, columns * self.view.width / 10, self.plane.shape
            )
            self._changed()
            goal = at
        self._pointer = goal
        embeddings_access.announce(self)
        self.update()

    def current(self) -> str:
        """The cell under the cross-hair, in words; "" where there is none."""
        box = self.box()
        if self.plane is None or self._pointer is None or not box.contains(self._pointer):
            return ""
        return ", ".join(self.readout(*self._cell_at(box, self._pointer)))


def round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is at least `least`."""
    power = 10 ** int(np.log10(max(least, 1)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
