"""Tokens as running text on fills that mean something: odds of a written token, bits of a read one."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip, QWidget

from tokstudio.ui import theme
from tokstudio.ui.widgets.token_text import glyphs

FULL = 8.0  # bits from which on a fill is as strong as it gets: one in 256
STRONGEST = 110  # entry of the 256 of the ramp: text stays readable on it
GAP = 1.0


@dataclass(frozen=True)
class Piece:
    text: str
    bits: float = 0.0  # of surprise; NaN: unknown
    about: str = ""  # for the tooltip
    quiet: bool = False  # the prompt: gray, no fill


def fill(bits: float) -> QColor:
    """Nothing for what was certain, accent for what was not."""
    strength = 0.0 if bits != bits else max(0.0, min(1.0, bits / FULL))
    return QColor(*theme.ramp()[int(strength * STRONGEST)].tolist())


class Flow(QWidget):
    """Pieces in a row, wrapped at the width and after every line end."""

    pointed = Signal(int)  # number of the piece under the pointer; -1: none

    def __init__(self, name: str):
        super().__init__()
        self._name, self._pieces, self._places, self._width = name, [], [], -1
        self._at, self._height, self._row = -1, 24, 22.0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Minimum)
        self.setAccessibleName(name)
        theme.changed.connect(self._relay)

    @property
    def pieces(self) -> list[Piece]:
        return list(self._pieces)

    def set_pieces(self, pieces: list[Piece]) -> None:
        self._pieces, self._at = list(pieces), -1
        self._relay()

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._relay()

    def _relay(self) -> None:
        self._width = -1
        self._lay(max(self.width(), 80))
        self.setMinimumHeight(self._height)
        self.setAccessibleDescription("".join(p.text for p in self._pieces)[-2000:])
        self.update()

    def _lay(self, width: int) -> None:
        if width == self._width:
            return
        self._width = width
        measure = QFontMetricsF(theme.font("mono", mono=True))
        row = self._row = measure.height() + 6
        self._places, x, y = [], 0.0, 0.0
        for piece in self._pieces:
            wide = measure.horizontalAdvance(glyphs(piece.text, True)) + 4
            if x > 0 and x + wide > width:
                x, y = 0.0, y + row
            self._places.append(QRectF(x, y, wide, row - 2))
            x += wide + GAP
            if "\n" in piece.text:
                x, y = 0.0, y + row
        self._height = int(y + row + 2)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._lay(self.width())
        self.setMinimumHeight(self._height)

    def sizeHint(self) -> QSize:
        return QSize(320, self._height)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font("mono", mono=True))
        for number, (piece, box) in enumerate(zip(self._pieces, self._places, strict=True)):
            if not box.intersects(QRectF(event.rect())):
                continue
            if not piece.quiet:
                painter.fillRect(box, fill(piece.bits))
                painter.fillRect(QRectF(box.left(), box.bottom(), box.width(), 1), theme.color("control"))
            painter.setPen(theme.color("muted" if piece.quiet else "text"))
            painter.drawText(
                box.adjusted(2, 0, -2, 0), Qt.AlignVCenter | Qt.AlignLeft, glyphs(piece.text, True)
            )
            if number == self._at:
                painter.setPen(theme.color("accent"))
                painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))

    def piece_at(self, point: QPoint) -> int:
        return next((i for i, box in enumerate(self._places) if box.contains(point)), -1)

    def _point(self, number: int) -> None:
        if number != self._at:
            self._at = number
            self.pointed.emit(number)
            self.update()

    def mouseMoveEvent(self, event) -> None:
        self._point(self.piece_at(event.position().toPoint()))

    def leaveEvent(self, event) -> None:
        self._point(-1)

    def keyPressEvent(self, event) -> None:
        step = {Qt.Key_Left: -1, Qt.Key_Right: 1}.get(event.key())
        if step is None or not self._pieces:
            super().keyPressEvent(event)
            return
        self._point(max(0, min(len(self._pieces) - 1, self._at + step)))

    def event(self, event) -> bool:
        if event.type() == QEvent.ToolTip:
            number = self.piece_at(event.pos())
            if number >= 0 and self._pieces[number].about:
                QToolTip.showText(event.globalPos(), self._pieces[number].about, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)


def scrolled(widget: QWidget) -> QScrollArea:
    """`widget` in an area that scrolls down."""
    area = QScrollArea()
    area.setFrameShape(QFrame.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(widget)
    area.setAccessibleName(widget.accessibleName())
    for part in (area.viewport(), widget):
        part.setAutoFillBackground(False)
    return area
