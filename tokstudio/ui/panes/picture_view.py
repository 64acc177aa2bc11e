"""Draws what a model did with one word: its characters on top, below them a bar for each step."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from tokstudio.tokens.trace.picture import Bar, Picture
from tokstudio.ui import theme
from tokstudio.ui.widgets.token_text import glyphs, hue

ROW, HEAD, UNIT, GAP = 22, 20, 17, 2  # pixels
FEW = 10  # units; a word of so few gets wider columns, so that ranks fit


class PictureView(QWidget):
    def __init__(self, picture: Picture):
        super().__init__()
        self.picture = picture
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(spoken(picture))

    def _unit(self) -> float:
        metrics = QFontMetricsF(theme.font("mono"))
        widest = max((metrics.horizontalAdvance(glyphs(u, True)) for u in self.picture.units), default=0)
        least = 34 if len(self.picture.units) <= FEW else UNIT
        return max(least, widest + 6) * theme.scale()

    def sizeHint(self) -> QSize:
        wide = self._unit() * max(1, len(self.picture.units)) + 2
        high = HEAD + ROW * max(0, self.picture.rows - 1) + 4
        return QSize(round(wide), round(high * theme.scale()))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _box(self, bar: Bar) -> QRectF:
        unit, scale = self._unit(), theme.scale()
        top = (HEAD + (bar.row - 1) * ROW) * scale if bar.row else 0
        return QRectF(bar.start * unit, top, (bar.stop - bar.start) * unit - GAP, (ROW - 3) * scale)

    def paintEvent(self, _event) -> None:
        painter, unit = QPainter(self), self._unit()
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setFont(theme.font("mono"))
        painter.setPen(theme.color("text"))
        for at, text in enumerate(self.picture.units):
            painter.drawText(
                QRectF(at * unit, 0, unit - GAP, HEAD * theme.scale()), Qt.AlignCenter, glyphs(text, True)
            )
        for bar in self.picture.bars:
            if bar.row or bar.kind == "token":
                self._paint(painter, bar)

    def _paint(self, painter: QPainter, bar: Bar) -> None:
        box = self._box(bar)
        if not bar.row:  # a single unit that is a token: a line under it says so
            painter.fillRect(
                QRectF(box.left() + 1, HEAD * theme.scale() - 3, box.width() - 2, 2), theme.color("accent")
            )
            return
        fill, text, edge = self._colors(bar)
        painter.setPen(QPen(edge, 1, Qt.DashLine if bar.kind == "tried" else Qt.SolidLine))
        painter.setBrush(fill if fill is not None else Qt.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setFont(theme.font("mono"))
        metrics = QFontMetricsF(painter.font())
        shown = glyphs(bar.text, True)
        room = box.width() - 8
        note = QFontMetricsF(theme.font("monoid"))
        wide, aside = metrics.horizontalAdvance(shown), note.horizontalAdvance(bar.note)
        painter.setPen(text)
        if bar.note and wide + aside + 10 <= room:
            painter.drawText(box.adjusted(4, 0, -4, 0), Qt.AlignVCenter | Qt.AlignLeft, shown)
            painter.setFont(theme.font("monoid"))
            painter.setPen(theme.color("muted") if bar.kind != "token" else text)
            painter.drawText(box.adjusted(4, 0, -4, 0), Qt.AlignVCenter | Qt.AlignRight, bar.note)
        elif wide <= room + 6:
            painter.drawText(box, Qt.AlignCenter, shown)
        else:
            painter.setFont(theme.font("monoid"))
            painter.drawText(box, Qt.AlignCenter, note.elidedText(shown, Qt.ElideRight, room))

    @staticmethod
    def _colors(bar: Bar) -> tuple[QColor | None, QColor, QColor]:
        if bar.kind == "token":
            shade = theme.table()["tok"][hue(bar.text.encode())]
            return theme.color(shade["bg"]), theme.color(shade["fg"]), theme.color(shade["edge"])
        if bar.kind == "tried":
            return None, theme.color("muted"), theme.color("border_strong")
        return theme.color("neutral_tok"), theme.color("text2"), theme.color("border_strong")

    def mouseMoveEvent(self, event) -> None:
        for bar in self.picture.bars:
            if self._box(bar).contains(event.position()):
                words = {"token": "token", "made": "", "tried": "not in the vocabulary"}[bar.kind]
                parts = [glyphs(bar.text, True), bar.note, words]
                QToolTip.showText(event.globalPosition().toPoint(), ", ".join(filter(None, parts)), self)
                return
        QToolTip.hideText()


def spoken(picture: Picture) -> str:
    tokens = [bar.text for bar in sorted(picture.bars, key=lambda bar: bar.start) if bar.kind == "token"]
    steps = [f"{bar.text} {bar.note}".strip() for bar in picture.bars if bar.kind == "made"][:40]
    return f"{''.join(picture.units)}: tokens {' | '.join(tokens)}" + (
        f"; steps {', '.join(steps)}" if steps else ""
    )
