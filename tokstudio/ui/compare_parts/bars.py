"""One metric, group by group: a bar for each tokenizer, labeled with its figure."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QFontMetrics, QHelpEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from tokstudio.tokens.corpus.report import shown
from tokstudio.ui import theme

BAR, GAP, BETWEEN, SIDE = 16, 2, 10, 132
HATCHED = (
    Qt.SolidPattern,
    Qt.BDiagPattern,
    Qt.FDiagPattern,
    Qt.DiagCrossPattern,
    Qt.HorPattern,
    Qt.VerPattern,
)


def hatch(k: int) -> Qt.BrushStyle:
    """Of the k-th tokenizer: the seventh has the color of the first, with another hatch."""
    return HATCHED[(k + k // len(HATCHED)) % len(HATCHED)]


Rows = list[tuple[str | None, list[tuple[float | None, str]]]]


class BarsView(QAbstractScrollArea):
    """Rows of bars from 0. The n-th tokenizer has the n-th color and hatch, and its name where there is room."""

    chosen = Signal(int, object)  # tokenizer, group or None

    def __init__(self):
        super().__init__()
        self.setFrameShape(QFrame.NoFrame)
        self.setAccessibleName("Bars")
        self.viewport().setAutoFillBackground(False)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMinimumSize(160, 80)
        self._metric, self._names = "tokens", []
        self._rows: Rows = []
        self._pointed: tuple[int, int] | None = None
        self.current: tuple[int, int] | None = None  # row, tokenizer
        self.verticalScrollBar().valueChanged.connect(lambda _: self.viewport().update())
        theme.changed.connect(self._place)

    def set(self, metric: str, names: list[str], rows: Rows) -> None:
        """`rows`: group (None: all texts), and the figure of each tokenizer with a note."""
        self._metric, self._names, self._rows = metric, names, rows
        if self.current is not None and (self.current[0] >= len(rows) or self.current[1] >= len(names)):
            self.current = None
        self.setAccessibleDescription(
            "; ".join(self._told(row, k) for row in range(len(rows)) for k in range(len(names)))
        )
        self._place()

    def _told(self, row: int, k: int) -> str:
        group, values = self._rows[row]
        value, note = values[k]
        return f"{label_of(group)}, {self._names[k]}: {shown(self._metric, value)} {note}".strip()

    # ---- layout

    def _high(self) -> int:
        return len(self._names) * (theme.px(BAR) + GAP) + BETWEEN

    def _place(self) -> None:
        height = len(self._rows) * self._high() + 8
        self.verticalScrollBar().setRange(0, max(0, height - self.viewport().height()))
        self.verticalScrollBar().setPageStep(self.viewport().height())
        self.verticalScrollBar().setSingleStep(self._high())
        self.viewport().update()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place()

    def box(self, row: int, k: int) -> QRectF:
        """The whole lane of one bar."""
        y = 4 + row * self._high() + k * (theme.px(BAR) + GAP) - self.verticalScrollBar().value()
        return QRectF(SIDE, y, max(40, self.viewport().width() - SIDE - 8), theme.px(BAR))

    def at(self, point) -> tuple[int, int] | None:
        for row in range(len(self._rows)):
            for k in range(len(self._names)):
                box = self.box(row, k)
                if box.top() <= point.y() <= box.bottom() and point.x() >= 0:
                    return row, k
        return None

    def sizeHint(self) -> QSize:
        return QSize(400, 160)

    # ---- painting

    def paintEvent(self, _event) -> None:
        painter = QPainter(self.viewport())
        values = [value for _, row in self._rows for value, _ in row if value is not None]
        top = max(values, default=0) or 1
        for row, (group, figures) in enumerate(self._rows):
            first = self.box(row, 0)
            if first.top() > self.viewport().height() or first.top() + self._high() < 0:
                continue
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("text2"))
            side = QRectF(11, first.top(), SIDE - 23, self._high() - BETWEEN)
            name = QFontMetrics(painter.font()).elidedText(label_of(group), Qt.ElideMiddle, int(side.width()))
            painter.drawText(side, int(Qt.AlignRight | Qt.AlignVCenter), name)
            for k, (value, note) in enumerate(figures):
                self._bar(painter, row, k, value, note, top)

    def _bar(self, painter: QPainter, row: int, k: int, value: float | None, note: str, top: float) -> None:
        lane = self.box(row, k)
        painter.setFont(theme.font("caption"))
        text = shown(self._metric, value)
        room = max(20, lane.width() - 150)
        box = QRectF(lane.left(), lane.top(), max(1.0, room * (value or 0) / top), lane.height())
        shade = theme.color(theme.table()["series"][k % 6])
        painter.fillRect(box, theme.color(theme.table()["series"][k % 6], 0.30))
        if k:
            painter.fillRect(box, QBrush(theme.color(theme.table()["series"][k % 6], 0.55), hatch(k)))
        painter.fillRect(QRectF(box.right() - 2, box.top(), 2, box.height()), shade)
        painter.setPen(theme.color("text"))
        painter.drawText(QRectF(box.right() + 6, lane.top(), 90, lane.height()), int(Qt.AlignVCenter), text)
        if note:
            after = box.right() + 14 + QFontMetrics(painter.font()).horizontalAdvance(text)
            painter.setPen(theme.color("warning"))
            painter.drawText(QRectF(after, lane.top(), 110, lane.height()), int(Qt.AlignVCenter), note)
        if row == 0:
            self._name(painter, k, box)
        if (row, k) in (self._pointed, self.current if self.hasFocus() else None):
            painter.setPen(QPen(theme.color("accent"), 1 if (row, k) == self._pointed else 2))
            painter.setBrush(Qt.NoBrush)
            painter.drawRect(box.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _name(self, painter: QPainter, k: int, box: QRectF) -> None:
        """In the first row the bars say whose they are."""
        metrics = QFontMetrics(painter.font())
        name = metrics.elidedText(self._names[k], Qt.ElideRight, int(box.width()) - 12)
        if metrics.horizontalAdvance(self._names[k]) + 16 <= box.width():
            back = QRectF(
                box.left() + 4, box.top() + 1, metrics.horizontalAdvance(name) + 6, box.height() - 2
            )
            painter.fillRect(back, theme.color("surface", 0.72))
            painter.setPen(theme.color("text"))
            painter.drawText(back.adjusted(3, 0, 0, 0), int(Qt.AlignVCenter), name)

    # ---- pointer and keys

    def mouseMoveEvent(self, event) -> None:
        found = self.at(event.position())
        if found != self._pointed:
            self._pointed = found
            self.viewport().update()

    def leaveEvent(self, _event) -> None:
        self._pointed = None
        self.viewport().update()

    def mousePressEvent(self, event) -> None:
        if (found := self.at(event.position())) is not None:
            self._choose(found)

    def _choose(self, place: tuple[int, int]) -> None:
        self.current = place
        self.chosen.emit(place[1], self._rows[place[0]][0])
        self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.ToolTip and isinstance(event, QHelpEvent):
            found = self.at(event.pos())
            QToolTip.showText(event.globalPos(), self._told(*found) if found else "", self)
            return True
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key_Down: 1, Qt.Key_Up: -1}
        count = len(self._rows) * len(self._names)
        if event.key() not in steps or not count:
            super().keyPressEvent(event)
            return
        row, k = self.current or (0, -1 if steps[event.key()] > 0 else 0)
        flat = min(count - 1, max(0, row * len(self._names) + k + steps[event.key()]))
        self._choose(divmod(flat, len(self._names)))
        box, bar = self.box(*self.current), self.verticalScrollBar()
        if box.top() < 0 or box.bottom() > self.viewport().height():
            bar.setValue(int(bar.value() + box.top() - self.viewport().height() / 3))


def label_of(group: str | None) -> str:
    return "All texts" if group is None else group or "(no name)"
