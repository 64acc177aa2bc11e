"""Small charts painted by hand: axes, hairlines, a cursor with its reading, and a brush.

For the charts beside a table, which are made with their page: one costs half a millisecond, one on pyqtgraph 30 and
the import of pyqtgraph 200. What needs zoom, pins or a million points is a `chart_base.Chart`.
"""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import theme
from tokstudio.ui.chart_data import Label, spaced, tick_words, ticks, two_at_least

LEFT, RIGHT, TOP, FOOT = 44, 12, 8, 20  # pixels around the plot; with less at the right the last label is cut
ROW, COLUMN = 36, 56  # pixels that a label needs for itself
SWEPT = 5  # pixels from which on a click is a sweep
TABBED = (Qt.TabFocusReason, Qt.BacktabFocusReason, Qt.ShortcutFocusReason)
Ticks = Sequence[tuple[float, str]]


class Pointed(QWidget):
    """A picture with a place that the pointer or the keys have chosen: it goes when both have left."""

    def __init__(self):
        super().__init__()
        self._ring = False
        self.setFocusPolicy(Qt.TabFocus)
        self.setMouseTracking(True)

    def let_go(self) -> None:
        raise NotImplementedError

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        if not self.hasFocus():
            self.let_go()

    def focusInEvent(self, event) -> None:
        super().focusInEvent(event)
        self._ring = event.reason() in TABBED
        self.update()

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if not vars(self):  # emptied by the garbage collector
            return
        self._ring = False
        if not self.underMouse():
            self.let_go()
        self.update()


class Plot(Pointed):
    """Subclasses bring the data: `extent`, `places`, `reading`, `draw`, `table`.

    Dragging across it says `swept(low, high)` along x, or along y with `along_y`, in units of the axis. Left and
    Right walk along `places`, Enter sweeps the place of the cursor.
    """

    swept = Signal(float, float)
    along_y = False

    def __init__(self, name: str, x_label: str = "", tip: str = ""):
        super().__init__()
        self.name, self._x_label = name, x_label
        self.cursor_place: int | None = None  # index into `places`
        self._from: QPointF | None = None
        self._to: QPointF | None = None
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setCursor(Qt.CrossCursor)
        self.setMinimumHeight(60)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        theme.changed.connect(self.update)

    # ---------------------------------------------------------------- what a subclass says

    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, low and high end of the axes."""
        raise NotImplementedError

    def places(self) -> np.ndarray:
        """Ascending x of what the cursor stops at; empty where there is nothing to see."""
        raise NotImplementedError

    def reading(self, place: int) -> str:
        raise NotImplementedError

    def draw(self, painter: QPainter) -> None:
        raise NotImplementedError

    def table(self) -> dict[str, list]:
        """What is drawn, as columns."""
        raise NotImplementedError

    def words(self) -> str:
        """What it shows, for those who do not see it."""
        return "nothing yet"

    def x_ticks(self, left: float, right: float, most: int) -> Ticks:
        shown = ticks(left, right, most)
        return list(zip(shown, tick_words(shown), strict=True))

    def y_ticks(self, low: float, high: float, most: int) -> Ticks:
        shown = ticks(low, high, most)
        return list(zip(shown, tick_words(shown), strict=True))

    # ---------------------------------------------------------------- places on the screen

    def room(self) -> QRectF:
        """The plot without its axes."""
        grown = max(1.0, theme.scale())
        left, foot = round(LEFT * grown), round(FOOT * grown)
        return QRectF(left, TOP, max(1, self.width() - left - RIGHT), max(1, self.height() - TOP - foot))

    def at_x(self, x):
        """Pixels of a value or an array of them."""
        left, right, _, _ = self.extent()
        return self.room().left() + (x - left) / (right - left) * self.room().width()

    def at_y(self, y):
        _, _, low, high = self.extent()
        return self.room().bottom() - (y - low) / (high - low) * self.room().height()

    def value_at(self, point: QPointF) -> tuple[float, float]:
        left, right, low, high = self.extent()
        room = self.room()
        return (
            left + (point.x() - room.left()) / room.width() * (right - left),
            low + (room.bottom() - point.y()) / room.height() * (high - low),
        )

    def renew(self) -> None:
        """The data are others."""
        if self.cursor_place is not None and self.cursor_place >= len(self.places()):
            self.cursor_place = None
        self.setAccessibleDescription(self.words())
        self.update()

    # ---------------------------------------------------------------- painting

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        room = self.room()
        if len(self.places()):
            self._axes(painter, room)
            painter.save()
            painter.setClipRect(room.adjusted(-3, -3, 3, 1))
            self.draw(painter)
            painter.restore()
            self._brush(painter, room)
            if self.cursor_place is not None:
                self._cursor(painter, room)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.drawLine(
            QPointF(room.left(), room.bottom() + 0.5), QPointF(room.right(), room.bottom() + 0.5)
        )
        if self._ring:
            ring(painter, QRectF(self.rect()))

    def _axes(self, painter: QPainter, room: QRectF) -> None:
        left, right, low, high = self.extent()
        painter.setFont(theme.font("axis"))
        metrics = QFontMetricsF(theme.font("axis"))
        for value, words in self._fit_y(low, high, metrics):
            y = round(self.at_y(value)) + 0.5
            painter.setPen(QPen(theme.color("border"), 1))
            painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
            painter.setPen(theme.color("muted"))
            tall = max(18.0, metrics.height())
            painter.drawText(
                QRectF(0, y - tall / 2, room.left() - 6, tall), Qt.AlignRight | Qt.AlignVCenter, words
            )
        for x, words in self._named(self._fit_x(left, right, metrics), metrics):
            wide = metrics.horizontalAdvance(words) + 4
            painter.drawText(
                QRectF(x - wide / 2, room.bottom() + 2, wide, max(16.0, metrics.height())),
                Qt.AlignCenter,
                words,
            )

    def _fit_x(self, left: float, right: float, metrics: QFontMetricsF) -> list[Label]:
        """Labels that neither touch nor are cut, two at least where they fit."""
        half = lambda words: metrics.horizontalAdvance(words) / 2 + 2  # noqa: E731
        fit = lambda shown: spaced(shown, self.at_x, half, (0, self.width() + 2))  # noqa: E731
        return two_at_least(
            lambda most: fit(self.x_ticks(left, right, most)), max(2, int(self.room().width()) // COLUMN)
        )

    def _fit_y(self, low: float, high: float, metrics: QFontMetricsF) -> list[Label]:
        half = 0.55 * metrics.height()
        fit = lambda shown: spaced(shown, self.at_y, lambda _: half)  # noqa: E731
        return two_at_least(
            lambda most: fit(self.y_ticks(low, high, most)), max(2, int(self.room().height()) // ROW)
        )

    def _named(self, shown: Ticks, metrics: QFontMetricsF) -> list[tuple[float, str]]:
        """Pixels and words. The last label with room for it carries the name of the axis."""
        found = [(float(self.at_x(value)), words) for value, words in shown]
        ends = [(x, words, metrics.horizontalAdvance(words) / 2) for x, words in found]
        if not self._x_label:
            return found
        for place in reversed(range(len(ends))):
            x, words, _ = ends[place]
            named = f"{self._x_label} {words}"
            half = metrics.horizontalAdvance(named) / 2
            stop = ends[place + 1][0] - ends[place + 1][2] - 4 if place + 1 < len(ends) else self.width()
            start = ends[place - 1][0] + ends[place - 1][2] + 4 if place else 0
            if start <= x - half and x + half <= stop:
                found[place] = (x, named)
                break
        return found

    def _brush(self, painter: QPainter, room: QRectF) -> None:
        if self._from is None or self._to is None:
            return
        if self.along_y:
            top, foot = sorted((self._from.y(), self._to.y()))
            swept = QRectF(room.left(), top, room.width(), foot - top)
        else:
            left, right = sorted((self._from.x(), self._to.x()))
            swept = QRectF(left, room.top(), right - left, room.height())
        painter.fillRect(swept.intersected(room), theme.color("accent", 0.16))

    def _cursor(self, painter: QPainter, room: QRectF) -> None:
        x = float(self.at_x(float(self.places()[self.cursor_place])))
        painter.setPen(QPen(theme.color("control"), 1, Qt.DotLine))
        painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
        read_out(painter, self.reading(self.cursor_place), QPointF(x, room.top()), room)

    def sizeHint(self) -> QSize:
        return QSize(240, 90)

    # ---------------------------------------------------------------- pointer and keys

    def set_cursor_place(self, place: int | None) -> None:
        if place != self.cursor_place:
            self.cursor_place = place
            self.setAccessibleDescription(self.words() if place is None else self.reading(place))
            self.update()

    def _nearest(self, point: QPointF) -> int | None:
        xs = self.places()
        return nearest(xs, self.value_at(point)[0]) if len(xs) else None

    def mousePressEvent(self, event) -> None:
        if event.button() == Qt.LeftButton and len(self.places()):
            self._from, self._to = event.position(), None

    def mouseMoveEvent(self, event) -> None:
        if self._from is not None:
            self._to = event.position()
            self.update()
        self.set_cursor_place(self._nearest(event.position()))

    def mouseReleaseEvent(self, event) -> None:
        if self._from is None:
            return
        began, end, self._from, self._to = self._from, event.position(), None, None
        axis = 1 if self.along_y else 0
        far = abs(end.y() - began.y()) if self.along_y else abs(end.x() - began.x())
        self.update()
        if far >= SWEPT:
            self.swept.emit(*sorted((self.value_at(began)[axis], self.value_at(end)[axis])))
        elif not self.along_y:
            here = self.value_at(end)[0]
            self.swept.emit(here, here)

    def keyPressEvent(self, event) -> None:
        step, count = {Qt.Key_Left: -1, Qt.Key_Right: 1}.get(event.key()), len(self.places())
        if step is not None and count:
            place = 0 if self.cursor_place is None else self.cursor_place + step
            self.set_cursor_place(min(count - 1, max(0, place)))
        elif event.key() in (Qt.Key_Home, Qt.Key_End) and count:
            self.set_cursor_place(0 if event.key() == Qt.Key_Home else count - 1)
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter) and self.cursor_place is not None:
            value = self.here(self.cursor_place)
            self.swept.emit(value, value)
        elif event.key() == Qt.Key_Escape and self.cursor_place is not None:
            self.set_cursor_place(None)
        else:
            super().keyPressEvent(event)

    def here(self, place: int) -> float:
        """What Enter sweeps, in units of the axis that is swept."""
        return float(self.places()[place])

    def let_go(self) -> None:
        self.set_cursor_place(None)


def nearest(xs: np.ndarray, value: float) -> int:
    """Index of the one of ascending `xs` that is nearest to `value`."""
    after = int(np.clip(np.searchsorted(xs, value), 1, max(1, len(xs) - 1)))
    return after if after < len(xs) and xs[after] - value < value - xs[after - 1] else after - 1


def ring(painter: QPainter, box: QRectF) -> None:
    """Where the keyboard is."""
    painter.setBrush(Qt.NoBrush)
    painter.setPen(QPen(theme.color("accent"), 2))
    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)


def read_out(painter: QPainter, words: str, at: QPointF, room: QRectF) -> None:
    """`words` on a small plate right of `at`, or left of it where there is more room."""
    painter.setFont(theme.font("caption"))
    metrics = QFontMetricsF(theme.font("caption"))
    words = metrics.elidedText(words, Qt.ElideRight, room.width() - 10)
    wide, high = metrics.horizontalAdvance(words) + 10, metrics.height() + 4
    x = at.x() + 6 if at.x() < room.center().x() else at.x() - 6 - wide
    plate = QRectF(max(room.left(), min(x, room.right() - wide)), at.y(), wide, high)
    painter.setPen(QPen(theme.color("border"), 1))
    painter.setBrush(theme.color("raised"))
    painter.drawRect(plate)
    painter.setPen(theme.color("text"))
    painter.drawText(plate, Qt.AlignCenter, words)
