"""The ids of one tokenizer as another reads them: wrong, and each id says why."""

from bisect import bisect_right

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from tokstudio.ui import theme
from tokstudio.ui.tokens_table import RADIUS
from tokstudio.ui.widgets.token_layout import metrics
from tokstudio.ui.widgets.token_paint import outline
from tokstudio.ui.widgets.token_text import glyphs, hue

LEFT, ABOVE, PAD, GAP = 11, 8, 5, 4
LONGEST = 40  # characters of one chip
WRONG = ("special", "unused")  # a name of the target, no text
NOTHING = ("empty", "outside", "unknown")


class DirectView(QAbstractScrollArea):
    """A chip an id: what the target reads, and below it what the source meant. Dashed: the target has nothing
    there; a pill: a special or reserved entry; gray: both mean the same."""

    hovered = Signal(int, int)  # byte range of the text that the id came from; -1, -1: none
    explained = Signal(str)  # why the id under the pointer or the keyboard reads as it does; "": none

    def __init__(self):
        super().__init__()
        self.setFrameShape(QFrame.NoFrame)
        self.setAccessibleName("Ids read directly")
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMinimumSize(120, 60)
        self.tokens: list[dict] = []
        self.current: int | None = None
        self._lit: tuple[int, int] | None = None
        self._pointed: int | None = None
        self._places: list[tuple[float, int, float]] = []  # x, row, width
        self._rows: list[int] = []  # index of the first chip of each row
        self.verticalScrollBar().valueChanged.connect(lambda _: self.viewport().update())
        theme.changed.connect(self._place)

    def set_tokens(self, tokens: list[dict]) -> None:
        """`direct_tokens` of `tokens.translate_service.Shown`."""
        self.tokens, self.current, self._pointed, self._lit = tokens, None, None, None
        spoken = " | ".join(f"{t['target']} for {t['source']}" for t in tokens[:200])
        self.setAccessibleDescription(f"{len(tokens)} ids: {spoken}")
        self._place()

    def highlight(self, start: int, stop: int) -> None:
        """Outlines the ids of these bytes; below 0: none."""
        lit = (start, stop) if start >= 0 else None
        if lit != self._lit:
            self._lit = lit
            self.viewport().update()

    # ---- layout

    def _shown(self, token: dict) -> tuple[str, str]:
        return tuple(glyphs(_cut(token[side]), True) for side in ("target", "source"))

    def _place(self) -> None:
        self._size = metrics("ids")
        mono, small = QFontMetricsF(theme.font("mono")), QFontMetricsF(theme.font("monoid"))
        room, x, row = max(80, self.viewport().width() - 2 * LEFT), 0.0, 0
        self._places, self._rows = [], []
        for index, token in enumerate(self.tokens):
            above, below = self._shown(token)
            width = max(_advance(mono, above) + 2 * PAD, _advance(small, below) + 4, 18.0)
            if x and x + width > room:
                x, row = 0.0, row + 1
            if row == len(self._rows):
                self._rows.append(index)
            self._places.append((x, row, width))
            x += width + GAP
        height = 2 * ABOVE + len(self._rows) * self._size.row
        self.verticalScrollBar().setRange(0, max(0, height - self.viewport().height()))
        self.verticalScrollBar().setPageStep(self.viewport().height())
        self.verticalScrollBar().setSingleStep(self._size.row)
        self.viewport().update()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place()

    def box(self, index: int) -> QRectF:
        x, row, width = self._places[index]
        y = ABOVE + row * self._size.row - self.verticalScrollBar().value()
        return QRectF(LEFT + x, y + 1, width, self._size.chip)

    def token_at(self, point: QPointF) -> int | None:
        row = int((point.y() + self.verticalScrollBar().value() - ABOVE) // self._size.row)
        for index in self._in_row(row):
            x, _, width = self._places[index]
            if LEFT + x <= point.x() <= LEFT + x + width:
                return index
        return None

    def _in_row(self, row: int) -> range:
        if not 0 <= row < len(self._rows):
            return range(0)
        return range(self._rows[row], self._rows[row + 1] if row + 1 < len(self._rows) else len(self.tokens))

    # ---- painting

    def paintEvent(self, _event) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.Antialiasing)
        offset = self.verticalScrollBar().value()
        first = max(0, (offset - ABOVE) // self._size.row)
        for row in range(first, (offset + self.viewport().height()) // self._size.row + 1):
            for index in self._in_row(row):
                self._chip(painter, index)
        if self._lit is not None:
            for index, token in enumerate(self.tokens):
                start, stop = token["span"]
                if start < self._lit[1] and stop > self._lit[0]:
                    outline(painter, self.box(index).adjusted(-0.5, -0.5, 0.5, 0.5), 1)
        if self.hasFocus() and self.current is not None:
            outline(painter, self.box(self.current).adjusted(-1, -1, 1, 1), 2)

    def _chip(self, painter: QPainter, index: int) -> None:
        token, box = self.tokens[index], self.box(index)
        kind, (above, below) = token["kind"], self._shown(token)
        fill, text, edge = "neutral_tok", "text2", theme.color("control")
        if kind == "other":
            shade = theme.table()["tok"][hue(token["target"].encode())]
            fill, text, edge = shade["bg"], shade["fg"], theme.color(shade["edge"])
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.color("surface" if kind in NOTHING else fill))
        painter.drawRoundedRect(box, RADIUS["chip"], RADIUS["chip"])
        if kind in WRONG or kind in NOTHING:
            pen = QPen(theme.color("danger" if kind in NOTHING else "control"), 1)
            if kind in NOTHING:
                pen.setDashPattern([2, 2])
            radius = RADIUS["chip"] if kind in NOTHING else box.height() / 2
            painter.setPen(pen)
            painter.setBrush(Qt.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        else:
            painter.fillRect(QRectF(box.left() + 1, box.bottom() - (2 if kind == "other" else 1), box.width() - 2,
                                    2 if kind == "other" else 1), edge)  # fmt: skip
        painter.setPen(theme.color("danger" if kind in NOTHING else text))
        painter.setFont(theme.font("mono"))
        painter.drawText(box, Qt.AlignCenter, above)
        painter.setPen(theme.color("muted"))
        painter.setFont(theme.font("monoid"))
        under = QRectF(box.left() - 2, box.bottom() + 1, box.width() + 4, 14 * theme.scale())
        painter.drawText(under, int(Qt.AlignHCenter | Qt.AlignVCenter), below)

    # ---- pointer and keys

    def _tell(self, index: int | None) -> None:
        if index == self._pointed:
            return
        self._pointed = index
        span = self.tokens[index]["span"] if index is not None else (-1, -1)
        self.hovered.emit(*span)
        self.explained.emit(self.tokens[index]["why"] if index is not None else "")

    def mouseMoveEvent(self, event) -> None:
        self._tell(self.token_at(event.position()))

    def leaveEvent(self, _event) -> None:
        self._tell(None)

    def mousePressEvent(self, event) -> None:
        self.current = self.token_at(event.position())
        self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.ToolTip and isinstance(event, QHelpEvent):
            index = self.token_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.tokens[index]["why"] if index is not None else "", self)
            return True
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key_Left: -1, Qt.Key_Right: 1}
        if event.key() not in (*steps, Qt.Key_Home, Qt.Key_End) or not self.tokens:
            super().keyPressEvent(event)
            return
        last = len(self.tokens) - 1
        if event.key() in steps:
            at = min(last, max(0, (-1 if self.current is None else self.current) + steps[event.key()]))
        else:
            at = 0 if event.key() == Qt.Key_Home else last
        self.current = at
        self._reveal(at)
        self._tell(at)
        self.viewport().update()

    def _reveal(self, index: int) -> None:
        row = bisect_right(self._rows, index) - 1
        top, bar = row * self._size.row, self.verticalScrollBar()
        if not bar.value() <= top <= bar.value() + self.viewport().height() - self._size.row:
            bar.setValue(top)


def _advance(metrics: QFontMetricsF, text: str) -> float:
    """Of a fixed-pitch font, where asking Qt for each of thousands of texts would take a tenth of a second."""
    return len(text) * metrics.averageCharWidth() if text.isascii() else metrics.horizontalAdvance(text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
