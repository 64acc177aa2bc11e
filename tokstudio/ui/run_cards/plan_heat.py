"""The heat map of a plan: rows are target tokens, columns source tokens. It asks for pictures and paints them."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import theme
from tokstudio.ui.embeddings_planes import Shade, View
from tokstudio.ui.run_cards.plan_data import Picture
from tokstudio.ui.widgets.token_text import glyphs

LEFT, TOP, FOOT = 84, 4, 20  # pixels around the picture
NAMED = 12  # pixels a row needs for its name


def image(picture: Picture, signed: bool) -> QImage:
    """Square roots of shares, so that a share of 0.05 is still seen."""
    values = np.sign(picture.values) * np.sqrt(np.abs(picture.values))
    made = Shade(1.0, unsigned=not signed).indexed(values)
    if signed:  # most of a plan is 0, and 0 lies between two colors of the map
        for middle in (127, 128):
            made.setColor(middle, theme.color("surface").rgb())
    return made


def _foot() -> int:
    """Pixels below the picture: a line of numbers."""
    return max(FOOT, theme.px(11) + 9)


class PlanHeat(QWidget):
    """Wheel: zoom, with Shift columns alone. Drag: move. Double click or 0: everything. Arrows move the cross-hair."""

    wanted = Signal()  # another part is shown: `view`, `pixels`
    row_chosen = Signal(int)
    read = Signal(str)  # what is under the cross-hair, "" for nothing

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(260, 180)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName("Plan: target tokens by source tokens")
        self.view, self.shape, self.chosen = View(0, 1, 0, 1), (0, 0), -1
        self.picture: Picture | None = None
        self.names: tuple[Callable[[int], str], Callable[[int], str]] = ("#{}".format, "#{}".format)
        self._image = QImage()
        self._signed = False
        self._pointer: QPointF | None = None
        self._drag: tuple[QPointF, View] | None = None
        theme.changed.connect(self._restyle)

    def box(self) -> QRectF:
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - 2), max(1, self.height() - TOP - _foot()))

    @property
    def pixels(self) -> tuple[int, int]:
        box = self.box()
        return int(box.height()), int(box.width())

    def set_shape(self, shape: tuple[int, int]) -> None:
        """Another plan; one of the same shape keeps what is in view."""
        if shape != self.shape:
            self.shape, self.picture = shape, None
            self.view = View(0, max(1, shape[0]), 0, max(1, shape[1]))
        self.update()

    def set_picture(self, picture: Picture, signed: bool) -> None:
        self.picture, self._signed = picture, signed
        self._image = image(picture, signed)
        self._tell()
        self.update()

    def choose(self, row: int) -> None:
        self.chosen = row
        self.update()

    def fit(self) -> None:
        self._see(View(0, max(1, self.shape[0]), 0, max(1, self.shape[1])))

    def _see(self, view: View) -> None:
        self.view = view
        self._tell()
        self.wanted.emit()
        self.update()

    def _restyle(self) -> None:
        if self.picture is not None:
            self._image = image(self.picture, self._signed)
        self.update()

    # ---------------------------------------------------------------- painting

    def paintEvent(self, _event) -> None:
        painter, box = QPainter(self), self.box()
        painter.fillRect(box, theme.color("surface"))
        if self.picture is not None:
            painter.save()
            painter.setClipRect(box)
            part = self.picture
            place = self.view.place(box, part.top, part.bottom, part.left, part.right)
            painter.drawImage(place, self._image)
            painter.restore()
        painter.setPen(theme.color("border_strong" if self.hasFocus() else "border"))
        painter.drawRect(box)
        if self.picture is not None:
            self._paint_rows(painter, box)
            self._paint_columns(painter, box)
            self._paint_chosen(painter, box)
        if self._pointer is not None and box.contains(self._pointer):
            painter.setPen(QPen(theme.color("text"), 1, Qt.DotLine))
            painter.drawLine(QPointF(self._pointer.x(), box.top()), QPointF(self._pointer.x(), box.bottom()))
            painter.drawLine(QPointF(box.left(), self._pointer.y()), QPointF(box.right(), self._pointer.y()))

    def _paint_rows(self, painter: QPainter, box: QRectF) -> None:
        """Names where there is room, else ids."""
        down = box.height() / self.view.height
        named = down >= NAMED
        step = 1 if named else _round(self.view.height / max(1, box.height() / 44))
        painter.setFont(theme.font("monos" if named else "caption", mono=named))
        painter.setPen(theme.color("text2" if named else "muted"))
        for row in range(-(-int(self.view.top) // step) * step, int(np.ceil(self.view.bottom)), step):
            middle = box.top() + (row + (0.5 if named else 0) - self.view.top) * down
            if box.top() <= middle <= box.bottom():
                words = glyphs(self.names[0](row), True) if named else f"{row:,}"
                high = painter.fontMetrics().height()
                place = QRectF(0, max(0.0, middle - high / 2), LEFT - 6, high)
                words = painter.fontMetrics().elidedText(words, Qt.ElideRight, int(place.width()))
                painter.drawText(place, Qt.AlignRight | Qt.AlignVCenter, words)

    def _paint_columns(self, painter: QPainter, box: QRectF) -> None:
        across = box.width() / self.view.width
        step = _round(self.view.width / max(1, box.width() / 90))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("muted"))
        for column in range(-(-int(self.view.left) // step) * step, int(np.ceil(self.view.right)), step):
            x = box.left() + (column - self.view.left) * across
            place = QRectF(x, box.bottom() + 3, 80, _foot() - 4)
            if place.right() <= box.right() + 20:
                painter.drawText(place, Qt.AlignLeft | Qt.AlignVCenter, f"{column:,}")

    def _paint_chosen(self, painter: QPainter, box: QRectF) -> None:
        if self.view.top - 1 < self.chosen < self.view.bottom:
            place = self.view.place(box, self.chosen, self.chosen + 1, self.view.left, self.view.right)
            if place.height() < 4:
                middle = place.center().y()
                place.setTop(middle - 2)
                place.setBottom(middle + 2)
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.drawRect(place.intersected(box))

    # ---------------------------------------------------------------- cross-hair

    def cell_at(self, point: QPointF) -> tuple[int, int]:
        box = self.box()
        row = self.view.top + (point.y() - box.top()) / box.height() * self.view.height
        column = self.view.left + (point.x() - box.left()) / box.width() * self.view.width
        return (
            min(max(int(row), 0), self.shape[0] - 1),
            min(max(int(column), 0), self.shape[1] - 1),
        )

    def readout(self, row: int, column: int) -> str:
        part = self.picture
        if part is None or not (part.top <= row < part.bottom and part.left <= column < part.right):
            return ""
        value = float(part.values[(row - part.top) // part.down, (column - part.left) // part.across])
        words = f"{self.names[0](row)!r} from {self.names[1](column)!r}"
        number = f"{value:+.4f}".replace("-", "\u2212") if self._signed else f"{value:.4f}"
        cells = part.down * part.across
        return f"{words}: {number}" + (f", the largest of {cells:,}" if cells > 1 else "")

    def current(self) -> str:
        if self._pointer is None or not self.box().contains(self._pointer) or not self.shape[0]:
            return ""
        return self.readout(*self.cell_at(self._pointer))

    def _tell(self) -> None:
        words = self.current()
        self.setAccessibleDescription(words)
        self.read.emit(words)

    # ---------------------------------------------------------------- hands

    def wheelEvent(self, event) -> None:
        if self.picture is None or not self.box().contains(event.position()) or not self.hasFocus():
            event.ignore()  # the page scrolls until the map was clicked
            return
        turn = event.angleDelta().y() or event.angleDelta().x()
        columns_alone = bool(event.modifiers() & Qt.ShiftModifier)
        self._zoom(0.85 ** (turn / 120), event.position(), columns_alone)
        event.accept()

    def _zoom(self, factor: float, at: QPointF, columns_alone: bool = False) -> None:
        row, column = self.cell_at(at)
        view = self.view.columns_zoomed(factor, column, self.shape[1])
        self._see(view if columns_alone else view.rows_zoomed(factor, row, self.shape[0]))

    def mousePressEvent(self, event) -> None:
        if self.picture is not None and event.button() == Qt.LeftButton:
            self._drag = event.position(), self.view

    def mouseMoveEvent(self, event) -> None:
        self._pointer = event.position()
        if self._drag is not None:
            start, view = self._drag
            moved, box = start - event.position(), self.box()
            if moved.manhattanLength() > 4:
                rows, columns = moved.y() / box.height() * view.height, moved.x() / box.width() * view.width
                self._see(view.moved(rows, columns, self.shape))
                return
        self._tell()
        self.update()

    def mouseReleaseEvent(self, event) -> None:
        if self._drag is not None and (self._drag[0] - event.position()).manhattanLength() <= 4:
            self.row_chosen.emit(self.cell_at(event.position())[0])
        self._drag = None

    def mouseDoubleClickEvent(self, _event) -> None:
        self.fit()

    def leaveEvent(self, _event) -> None:
        self._pointer = None
        self._tell()
        self.update()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.wanted.emit()

    def keyPressEvent(self, event) -> None:
        moves = {Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1)}
        at = self._pointer or self.box().center()
        if self.picture is None:
            event.ignore()
        elif event.key() in moves:
            self._step(at, *moves[event.key()])
        elif event.key() in (Qt.Key_Plus, Qt.Key_Equal):
            self._zoom(0.8, at)
        elif event.key() == Qt.Key_Minus:
            self._zoom(1.25, at)
        elif event.key() == Qt.Key_0:
            self.fit()
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self.row_chosen.emit(self.cell_at(at)[0])
        else:
            event.ignore()

    def _step(self, at: QPointF, columns: int, rows: int) -> None:
        """By a cell, or by a pixel where cells are smaller; the view follows at its edge."""
        box = self.box()
        goal = at + QPointF(
            columns * max(1.0, box.width() / self.view.width),
            rows * max(1.0, box.height() / self.view.height),
        )
        if box.contains(goal):
            self._pointer = goal
            self._tell()
            self.update()
        else:
            self._see(
                self.view.moved(rows * self.view.height / 10, columns * self.view.width / 10, self.shape)
            )


def _round(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20 … that is at least `least`."""
    power = 10 ** int(np.log10(max(least, 1)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
