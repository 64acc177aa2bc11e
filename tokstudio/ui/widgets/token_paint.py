"""Draws one token: fill, text, and its own underline.

The break in the underline is the boundary, its weight says agree or differ; color only repeats that.
"""

from math import floor

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen

from tokstudio.ui import theme
from tokstudio.ui.tokens_table import RADIUS
from tokstudio.ui.widgets.token_cells import Cells, draw_cells
from tokstudio.ui.widgets.token_layout import GAP, PAD, Metrics, cell, drawable
from tokstudio.ui.widgets.token_text import MARKS, TokenText, glyphs, hue

TOP = 1  # pixels above a chip inside its row
CORNER = RADIUS["chip"]
RIM_MARKS = "".join(MARKS.values())


def line_height(dpr: float, differs: bool) -> int:
    """In device pixels, so that thin to thick stays 1 to 2 at every scale."""
    thin = max(1, floor(dpr))
    return 2 * thin if differs else thin


class TokenPainter:
    """Paints tokens with one painter; reads colors when it is made, so make one per paint."""

    def __init__(
        self,
        painter: QPainter,
        tokens: TokenText,
        show: str,
        marks: bool,
        size: Metrics,
        cells: Cells | None = None,
    ):
        self._by_character = cells
        self._painter, self._tokens, self._show, self._marks, self._size = painter, tokens, show, marks, size
        self._dpr = painter.device().devicePixelRatioF()
        self._mono, self._small = theme.font("mono"), theme.font("monoid")
        self._advance = QFontMetricsF(self._mono).horizontalAdvance
        painter.setRenderHint(QPainter.Antialiasing)

    def draw(self, index: int, x: float, y: float, width: float, style: str) -> None:
        """`style`: "hue" (differs or every token), "quiet" (agreed), "plain" (no fill)."""
        painter, size = self._painter, self._size
        fill, text, edge = self._colors(index, style)
        box = QRectF(x, y + TOP, width, size.chip)
        if fill is not None:
            painter.setPen(Qt.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(box, CORNER, CORNER)
        special, unknown = bool(self._tokens.pill[index]), bool(self._tokens.unknown[index])
        cells = self._show == "bytes" and not self._tokens.empty[index]
        if unknown:
            painter.fillRect(
                box.adjusted(1, 1, -1, -1), QBrush(theme.color("warning", 0.35), Qt.BDiagPattern)
            )
            self._outline(box, theme.color("warning"), dashed=True)
        elif (
            special
            or self._tokens.partial[index]
            or (self._tokens.unseen[index] and not cells and self._by_character is None)
        ):
            self._outline(box, edge, dashed=not special)
        if not special and not unknown:
            self._underline(box, edge, style == "hue")
        if cells:
            self._cells(index, box, text, edge)
            return
        if self._by_character is not None and not self._tokens.named[index]:
            ink = (text, edge)
            draw_cells(painter, self._tokens, self._by_character, index, box, GAP, self._marks, ink, drawable)
            return
        self._text(index, box, text, edge)
        if self._show == "ids":
            self._id(index, box)

    def _colors(self, index: int, style: str) -> tuple[QColor | None, QColor, QColor]:
        if self._tokens.unknown[index]:  # no hue: its id says nothing about the text
            return theme.color("surface"), theme.color("text"), theme.color("control")
        if style == "hue" and not self._tokens.pill[index] and not self._tokens.empty[index]:
            shade = theme.table()["tok"][hue(self._tokens.token(index))]
            return theme.color(shade["bg"]), theme.color(shade["fg"]), theme.color(shade["edge"])
        fill = None if style == "plain" else theme.color("neutral_tok")
        return fill, theme.color("text" if style == "plain" else "text2"), theme.color("control")

    def _outline(self, box: QRectF, edge: QColor, dashed: bool) -> None:
        pen = QPen(edge, 1)
        if dashed:
            pen.setDashPattern([2, 2])
        radius = RADIUS["chip"] if dashed else box.height() / 2
        self._painter.setPen(pen)
        self._painter.setBrush(Qt.NoBrush)
        self._painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)

    def _underline(self, box: QRectF, edge: QColor, differs: bool) -> None:
        dpr, height = self._dpr, line_height(self._dpr, differs)
        left, right = round((round(box.left()) + 1) * dpr), round((round(box.right()) - 1) * dpr)
        bottom = round(box.bottom() * dpr)
        right = max(right, left + 2)
        rule = QRectF(left / dpr, (bottom - height) / dpr, (right - left) / dpr, height / dpr)
        self._painter.fillRect(rule, edge)  # whole device pixels: stays sharp with antialiasing on

    def _text(self, index: int, box: QRectF, text: QColor, edge: QColor) -> None:
        painter = self._painter
        shown, small = self._tokens.shown(index, self._show, self._marks)
        y = box.top() + self._size.baseline
        metrics = QFontMetricsF(self._small if small else self._mono)
        if len(shown) > 8 and metrics.horizontalAdvance(shown) > box.width() + 8:
            shown = metrics.elidedText(shown, Qt.ElideRight, box.width() - 2)
        if small:
            painter.setFont(self._small)
            painter.setPen(text)
            painter.drawText(box.adjusted(-4, 0, 4, -1), Qt.AlignCenter, shown)
            return
        painter.setFont(self._mono)
        x = box.left() + PAD
        if self._show == "ids":
            x = box.left() + (box.width() - self._advance(shown)) / 2
        core = shown.lstrip(RIM_MARKS) if self._marks else shown
        if lead := shown[: len(shown) - len(core)]:
            painter.setPen(edge)
            painter.drawText(QPointF(x, y), lead)
            x += self._advance(lead)
        body = core.rstrip(RIM_MARKS) if self._marks else core
        painter.setPen(text)
        painter.drawText(QPointF(x, y), body)
        if tail := core[len(body) :]:
            painter.setPen(edge)
            painter.drawText(QPointF(x + self._advance(body), y), tail)

    def _cells(self, index: int, box: QRectF, text: QColor, edge: QColor) -> None:
        """Each character above the cells of its bytes; brackets at the side where a fragment was cut off."""
        painter, wide, piece = self._painter, cell(self._size), self._tokens.token(index)
        left = box.left() + max(0.0, (box.width() - wide * len(piece)) / 2)
        painter.setFont(self._small)
        fit = int(box.width() / wide) + 1
        for at, byte in enumerate(piece[:fit]):
            place = QRectF(left + at * wide, box.bottom() + 1, wide, 14 * theme.scale())
            painter.fillRect(place.adjusted(0.5, 0, -0.5, -1), theme.color("raised"))
            painter.setPen(theme.color("muted"))
            painter.drawText(place, Qt.AlignCenter, f"{byte:02X}")
        if self._tokens.named[index]:
            painter.setPen(text)
            painter.drawText(box.adjusted(-4, 0, 4, -1), Qt.AlignCenter, self._tokens.label(index))
            return
        for char, first, count in self._tokens.characters(index):
            if first >= fit:
                break
            whole = count == len(char.encode())
            place = QRectF(left + first * wide, box.top(), wide * count, box.height() - 2)
            shown = glyphs(char, self._marks)
            painter.setFont(self._small if len(shown) > 2 or not drawable(char) else self._mono)
            shown = shown if drawable(char) else f"U+{ord(char):X}"
            if QFontMetricsF(painter.font()).horizontalAdvance(shown) > place.width() + 6:
                shown = "…"  # a fragment of a character that has no glyph here
            painter.setPen(theme.color("muted") if not whole else edge if char in MARKS else text)
            painter.drawText(place.adjusted(-12, 0, 12, 0), Qt.AlignCenter, shown)
            if not whole:
                self._brackets(
                    place,
                    edge,
                    first == 0 and self._cut_before(index),
                    self._cut_behind(index, first + count),
                )

    def _cut_before(self, index: int) -> bool:
        start = int(self._tokens.starts[index])
        return start < len(self._tokens.text) and self._tokens.text[start] & 0xC0 == 0x80

    def _cut_behind(self, index: int, stop: int) -> bool:
        end = int(self._tokens.starts[index]) + stop
        return (
            end == self._tokens.ends[index]
            and end < len(self._tokens.text)
            and self._tokens.text[end] & 0xC0 == 0x80
        )

    def _brackets(self, box: QRectF, edge: QColor, before: bool, behind: bool) -> None:
        """An open bracket at each side where the rest of the character lies in another token."""
        self._painter.setPen(QPen(edge, 1.5))
        for wanted, x, way in ((before, box.left() + 1, 1), (behind, box.right() - 1, -1)):
            if wanted:
                top, low = box.top() + 3, box.bottom() - 2
                self._painter.drawPolyline(
                    [QPointF(x + 3 * way, top), QPointF(x, top), QPointF(x, low), QPointF(x + 3 * way, low)]
                )

    def underscore(self, x: float, width: float) -> None:
        """The mark of a token that is trained on: a bar under the chip."""
        self._painter.fillRect(QRectF(x, TOP + self._size.chip, width, 2), theme.color("success"))

    def _id(self, index: int, box: QRectF) -> None:
        self._painter.setFont(self._small)
        self._painter.setPen(theme.color("muted"))
        below = QRectF(box.left() - 4, box.bottom() + 1, box.width() + 8, 14 * theme.scale())
        self._painter.drawText(below, Qt.AlignHCenter | Qt.AlignVCenter, str(int(self._tokens.ids[index])))


def outline(painter: QPainter, box: QRectF, width: float) -> None:
    """The accent outline of a hover (1) or of a selection (1.6)."""
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setBrush(Qt.NoBrush)
    painter.setPen(QPen(theme.color("accent"), width))
    painter.drawRoundedRect(box, RADIUS["chip"] + 1, RADIUS["chip"] + 1)
