"""The panes as a figure: each tokenizer's name and figures, and its tokens as they are drawn in the window."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from tokstudio import __version__
from tokstudio.ui import theme
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.widgets.token_view import TokenView

GAP, HEAD, FOOT, SIDE = 8, 52, 26, 11  # pixels: between panes, above and below the tokens, left of words
MOST_ROWS = 200  # of a pane; a longer text begins with the row at the top of the view


class Picture:
    """Laid out when it is made; `size` in pixels of the screen."""

    def __init__(self, panes: Sequence[PaneState], views: Sequence[TokenView]):
        self._panes, self._views = panes, views
        self._rows = [view.rows_from_top(MOST_ROWS) for view in views]
        heights = [len(rows) * view.row_height for rows, view in zip(self._rows, views, strict=True)]
        self._widths = [view.viewport().width() for view in views]
        width = sum(self._widths) + GAP * (len(views) + 1)
        self.size = QSize(width, HEAD + max(heights, default=0) + 2 * FOOT + 2 * GAP)

    def paint(self, painter: QPainter) -> None:
        painter.fillRect(QRectF(QPointF(), self.size.toSizeF()), theme.color("bg"))
        painter.setRenderHint(QPainter.Antialiasing)
        left = float(GAP)
        for at, width in enumerate(self._widths):
            self._pane(painter, at, QRectF(left, GAP, width, self.size.height() - FOOT - GAP))
            left += width + GAP
        self._words(
            painter,
            f"Made by Tokstudio {__version__}",
            "caption",
            "muted",
            GAP + 3,
            self.size.height() - 9,
            left,
        )

    def _pane(self, painter: QPainter, at: int, card: QRectF) -> None:
        pane, view, rows = self._panes[at], self._views[at], self._rows[at]
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        left, room = card.left() + SIDE, card.width() - 2 * SIDE
        self._words(painter, pane.name, "strong", "text", left, card.top() + 20, room)
        self._words(painter, figures(pane), "small", "muted", left, card.top() + 39, room)
        top = card.top() + HEAD
        painter.setPen(QPen(theme.color("border"), 1))
        painter.drawLine(QPointF(card.left(), top - 6.5), QPointF(card.right(), top - 6.5))
        for number, row in enumerate(rows):
            painter.save()
            painter.translate(card.left(), top + number * view.row_height)
            view.paint_row(painter, row)
            painter.restore()
        if len(rows) < view.row_count:
            words = f"Rows {rows.start + 1:,} to {rows.stop:,} of {view.row_count:,}"
            self._words(painter, words, "caption", "muted", left, card.bottom() - 9, room)

    def _words(
        self, painter: QPainter, words: str, kind: str, role: str, x: float, y: float, room: float
    ) -> None:
        font = theme.font(kind)
        painter.setFont(font)
        painter.setPen(theme.color(role))
        painter.drawText(QPointF(x, y), QFontMetricsF(font).elidedText(words, Qt.ElideRight, room))


def figures(pane: PaneState) -> str:
    count = len(pane.encoding)
    parts = [f"{count:,} token{'s' if count != 1 else ''}"]
    if pane.measures is not None and count:
        parts.append(f"{pane.measures.bytes_per_token:.2f} bytes / token")
    return ", ".join([*parts, pane.tokenizer.algorithm])
