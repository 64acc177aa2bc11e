"""One token of a vocabulary as a chip."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.embed.vocabulary import BYTE, PARTIAL, SPECIAL, UNUSED, Vocabulary
from tokstudio.ui import theme
from tokstudio.ui.tokens_table import RADIUS
from tokstudio.ui.widgets.token_text import glyphs, hue

PAD = 3
HEIGHT = 20


def chip_text(vocabulary: Vocabulary, token: int) -> str:
    """White space as marks; hex for what is no text."""
    text = vocabulary.text(token)
    return text if vocabulary.kinds[token] in (PARTIAL, BYTE) else glyphs(text, True)


def chip_width(vocabulary: Vocabulary, token: int) -> float:
    return QFontMetricsF(_font(vocabulary, token)).horizontalAdvance(chip_text(vocabulary, token)) + 2 * PAD


def _font(vocabulary: Vocabulary, token: int):
    return theme.font("monoid" if vocabulary.kinds[token] in (PARTIAL, BYTE) else "mono")


def draw_chip(painter: QPainter, vocabulary: Vocabulary, token: int, box: QRectF) -> None:
    """In `box`, from its left; a chip that is too wide ends in …"""
    kind = int(vocabulary.kinds[token])
    if kind == UNUSED:
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("muted"))
        painter.drawText(box, Qt.AlignVCenter, "unused")
        return
    height = max(HEIGHT, theme.px(13) + 7)
    width = min(chip_width(vocabulary, token), box.width())
    chip = QRectF(box.left(), box.center().y() - height / 2, width, height)
    shade = theme.table()["tok"][hue(vocabulary.bytes_of(token))]
    special = kind == SPECIAL
    painter.setPen(Qt.NoPen)
    painter.setBrush(theme.color("neutral_tok" if special else shade["bg"]))
    painter.drawRoundedRect(chip, RADIUS["chip"], RADIUS["chip"])
    edge = theme.color("control" if special else shade["edge"])
    if special or kind in (PARTIAL, BYTE):
        painter.setBrush(Qt.NoBrush)
        painter.setPen(QPen(edge, 1, Qt.SolidLine if special else Qt.DashLine))
        painter.drawRoundedRect(chip.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS["chip"], RADIUS["chip"])
    else:
        painter.fillRect(QRectF(chip.left() + 1, chip.bottom() - 2, chip.width() - 2, 2), edge)
    _draw_text(painter, vocabulary, token, chip, edge, theme.color("text2" if special else shade["fg"]))


def _draw_text(painter: QPainter, vocabulary: Vocabulary, token: int, chip: QRectF, edge, color) -> None:
    """The mark of a leading space in the paler color: it belongs to the token, not to the word."""
    painter.setFont(_font(vocabulary, token))
    metrics = QFontMetricsF(painter.font())
    words = metrics.elidedText(chip_text(vocabulary, token), Qt.ElideRight, chip.width() - 2 * PAD + 1)
    place = chip.adjusted(PAD, 0, 0, 0)
    if words.startswith("·"):
        painter.setPen(edge)
        painter.drawText(place, Qt.AlignVCenter, "·")
        place.setLeft(place.left() + metrics.horizontalAdvance("·"))
        words = words[1:]
    painter.setPen(color)
    painter.drawText(place, Qt.AlignVCenter, words)


class Chip(QWidget):
    """One chip that stands alone."""

    def __init__(self):
        super().__init__()
        self._what: tuple[Vocabulary, int] | None = None
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Fixed)
        self.setMinimumWidth(20)
        theme.changed.connect(self.update)

    def set_token(self, vocabulary: Vocabulary, token: int) -> None:
        self._what = vocabulary, token
        self.setAccessibleName(f"Token {vocabulary.text(token)}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(int(chip_width(*self._what)) + 2 if self._what else 20, 26)

    def paintEvent(self, _event) -> None:
        if self._what is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.Antialiasing)
            draw_chip(painter, *self._what, QRectF(self.rect()))
