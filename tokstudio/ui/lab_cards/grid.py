"""A table of cells with a fill each, painted: the logit lens and the norms of every module at every token."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip

from tokstudio.ui import theme
from tokstudio.ui.widgets.token_text import glyphs

ROW, HEAD, STRONGEST = 24, 28, 110


class Grid(QAbstractScrollArea):
    """Only visible cells are painted. Row names stay at the left, column names on top."""

    def __init__(self, name: str, cell_width: int = 84, side: int = 180):
        super().__init__()
        self._name, self._cell, self._side = name, cell_width, side
        self._rows: list[str] = []
        self._columns: list[str] = []
        self._strength = np.zeros((0, 0))
        self._text: Callable[[int, int], str] = lambda r, c: ""
        self._about: Callable[[int, int], str] = lambda r, c: ""
        self.setFrameShape(QAbstractScrollArea.NoFrame)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName(name)
        self.viewport().setMouseTracking(True)
        theme.changed.connect(self.viewport().update)

    def set_cells(
        self,
        rows: list[str],
        columns: list[str],
        strength: np.ndarray,
        text: Callable[[int, int], str],
        about: Callable[[int, int], str],
    ) -> None:
        """`strength` [rows, columns] 0 to 1; NaN: an empty cell."""
        self._rows, self._columns, self._strength = rows, columns, strength
        self._text, self._about = text, about
        self.setAccessibleDescription(f"{len(rows)} rows by {len(columns)} columns")
        self._ranges()
        self.viewport().update()

    def _ranges(self) -> None:
        area = self.viewport().size()
        wide, high = self._side + self._cell * len(self._columns), HEAD + ROW * len(self._rows)
        self.horizontalScrollBar().setRange(0, max(0, wide - area.width()))
        self.horizontalScrollBar().setPageStep(area.width())
        self.horizontalScrollBar().setSingleStep(self._cell)
        self.verticalScrollBar().setRange(0, max(0, high - area.height()))
        self.verticalScrollBar().setPageStep(area.height())
        self.verticalScrollBar().setSingleStep(ROW)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._ranges()

    def sizeHint(self) -> QSize:
        return QSize(600, HEAD + ROW * min(12, len(self._rows) or 4))

    def cell_at(self, x: int, y: int) -> tuple[int, int] | None:
        row = (y - HEAD + self.verticalScrollBar().value()) // ROW
        column = (x - self._side + self.horizontalScrollBar().value()) // self._cell
        inside = (
            x >= self._side and y >= HEAD and 0 <= row < len(self._rows) and 0 <= column < len(self._columns)
        )
        return (row, column) if inside else None

    def paintEvent(self, _event) -> None:
        painter = QPainter(self.viewport())
        area = self.viewport().rect()
        left, top = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        ramp = theme.ramp()
        mono, small = theme.font("monos", mono=True), theme.font("small")
        metrics = QFontMetrics(mono)
        first, last = left // self._cell, (left + area.width()) // self._cell + 1
        columns = range(first, min(len(self._columns), last))
        rows = range(top // ROW, min(len(self._rows), (top + area.height()) // ROW + 1))
        painter.setFont(mono)
        for r in rows:
            for c in columns:
                value = self._strength[r, c]
                box = QRect(self._side + c * self._cell - left, HEAD + r * ROW - top, self._cell - 2, ROW - 2)
                if value == value:
                    painter.fillRect(box, QColor(*ramp[int(max(0.0, min(1.0, value)) * STRONGEST)].tolist()))
                shown = metrics.elidedText(glyphs(self._text(r, c), True), Qt.ElideRight, box.width() - 8)
                painter.setPen(theme.color("text"))
                painter.drawText(box.adjusted(4, 0, -4, 0), Qt.AlignVCenter | Qt.AlignLeft, shown)
        painter.fillRect(0, 0, area.width(), HEAD, theme.color("surface"))
        painter.setPen(theme.color("text2"))
        for c in columns:
            box = QRect(self._side + c * self._cell - left, 0, self._cell - 2, HEAD)
            shown = metrics.elidedText(glyphs(self._columns[c], True), Qt.ElideRight, box.width() - 8)
            painter.drawText(box.adjusted(4, 0, -4, 0), Qt.AlignVCenter | Qt.AlignLeft, shown)
        painter.fillRect(0, 0, self._side, area.height(), theme.color("surface"))
        painter.setFont(small)
        painter.setPen(theme.color("muted"))
        metrics = QFontMetrics(small)
        painter.setClipRect(0, HEAD, self._side, area.height())
        for r in rows:
            box = QRect(4, HEAD + r * ROW - top, self._side - 12, ROW - 2)
            shown = metrics.elidedText(self._rows[r], Qt.ElideLeft, box.width())
            painter.drawText(box, Qt.AlignVCenter | Qt.AlignLeft, shown)

    def viewportEvent(self, event) -> bool:
        if event.type() == QEvent.ToolTip:
            cell = self.cell_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), self._about(*cell), self) if cell else QToolTip.hideText()
            return True
        return super().viewportEvent(event)
