"""What the cards of the Transfer page are made of."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QVBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import check, label, row


class Numbered(QFrame):
    """A card with its number in the order in which one reads them."""

    def __init__(self, number: int, title: str):
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName(title)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 14, 16, 16)
        self.body.setSpacing(10)
        self.body.addWidget(row(_Badge(str(number)), label(title, "title"), None))


class _Badge(QLabel):
    def __init__(self, text: str):
        super().__init__(text)
        self.setFixedSize(20, 20)
        self.setAlignment(Qt.AlignCenter)
        self.setProperty("role", "text2")
        theme.set_font(self, "caption")

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawEllipse(QRectF(self.rect()))
        painter.end()
        super().paintEvent(event)


def fill(widget: QWidget, inside: QWidget) -> None:
    """`inside` takes all of `widget`."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(inside)


class Option(QFrame):
    """One choice of several: a ring, a name, and what it means. All of it can be pressed."""

    chosen = Signal()

    def __init__(self, name: str, sentence: str, tag: str = ""):
        super().__init__()
        self.ring = check(name, radio=True)
        self.ring.setAutoExclusive(False)  # its neighbors are in other frames; the card keeps one on
        theme.set_font(self.ring, "strong")
        self.ring.clicked.connect(lambda: self.chosen.emit())
        self.ring.setAccessibleDescription(sentence)
        words = label(sentence, "small", "text2", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 2, 10, 8)
        layout.setSpacing(0)
        layout.addWidget(row(self.ring, None, label(tag, "caption", "muted")))
        layout.addWidget(row(22, (words, 1), spacing=0))
        self.set_on(False)

    def set_on(self, on: bool) -> None:
        self.ring.setChecked(on)
        theme.set_role(self, "selected" if on else "card", "frame")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.LeftButton:
            self.chosen.emit()


class Field(QWidget):
    """A named line of text; below it, in place, what is wrong with it."""

    edited = Signal(str)

    def __init__(self, name: str, value: str, help: str = ""):
        super().__init__()
        self.line = QLineEdit(value)
        self.line.setAccessibleName(name)
        self.line.setToolTip(help)
        theme.set_font(self.line, "body")
        self.line.textEdited.connect(self.edited)
        self._words = label("", "small", "danger", wrap=True)
        self._trouble = row(icon_label("alert", "danger", 14), (self._words, 1), spacing=5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label(name, "caption", "muted"))
        layout.addWidget(self.line)
        layout.addWidget(self._trouble)
        layout.addStretch(1)
        self.set_problem("")

    def set_problem(self, text: str) -> None:
        self._words.setText(text)
        self._trouble.setVisible(bool(text))
        theme.set_role(self.line, "true" if text else "", "problem")
        self.line.setAccessibleDescription(text)


class Flow(QWidget):
    """Boxes from left to right: (title, what happens to it, "trained", "frozen" or "new")."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(72)
        self._boxes: list[tuple[str, str, str]] = []

    def set_boxes(self, boxes: list[tuple[str, str, str]]) -> None:
        self._boxes = boxes
        self.setAccessibleName("; then ".join(f"{title}: {what}" for title, what, _ in boxes))
        self.update()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        gap, count = 22, max(1, len(self._boxes))
        width = (self.width() - gap * (count - 1)) / count
        for place, (title, what, kind) in enumerate(self._boxes):
            box = QRectF(place * (width + gap) + 0.75, 10, width - 1.5, 50)
            self._box(painter, box, title, what, kind)
            if place + 1 < count:
                _arrow(painter, box.right() + 4, box.center().y())

    def _box(self, painter: QPainter, box: QRectF, title: str, what: str, kind: str) -> None:
        trained = kind == "trained"
        pen = QPen(theme.color("accent_fill" if trained else "border_strong"), 1.5 if trained else 1)
        if kind == "frozen":
            pen.setDashPattern([3, 2.5])
        painter.setPen(pen)
        painter.setBrush(theme.color("accent_soft" if trained else "surface"))
        painter.drawRoundedRect(box, 6, 6)
        painter.setFont(_fitting("caption", title, box.width() - 4))
        painter.setPen(theme.color("accent" if trained else "text"))
        painter.drawText(box.adjusted(2, 7, -2, -24), Qt.AlignCenter, title)
        painter.setFont(_fitting("axis", what, box.width() - 4))
        painter.setPen(theme.color("muted"))
        painter.drawText(box.adjusted(2, 24, -2, -6), Qt.AlignCenter, what)


def _fitting(kind: str, words: str, room: float) -> QFont:
    """The font of that kind, or as much smaller as it takes."""
    font = QFont(theme.font(kind))
    while font.pixelSize() > theme.SMALLEST and QFontMetricsF(font).horizontalAdvance(words) > room:
        font.setPixelSize(font.pixelSize() - 1)
    return font


def _arrow(painter: QPainter, x: float, y: float) -> None:
    painter.setPen(QPen(theme.color("control"), 1.4))
    for start, end in (((0, 0), (13, 0)), ((9, -4), (13, 0)), ((9, 4), (13, 0))):
        painter.drawLine(QPointF(x + start[0], y + start[1]), QPointF(x + end[0], y + end[1]))
