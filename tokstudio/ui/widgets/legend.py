"""Color boxes with words."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import theme

BOX, GAP, BETWEEN = 10, 7, 12


class Legend(QWidget):
    """Entries (words, role); a role may be "series0" to "series5"."""

    def __init__(self, entries: Sequence[tuple[str, str]] = ()):
        super().__init__()
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
        self.set(entries)

    def set(self, entries: Sequence[tuple[str, str]]) -> None:
        self._entries = list(entries)
        self.setAccessibleName("Legend: " + ", ".join(words for words, _ in self._entries))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(theme.font("caption"))
        width = sum(BOX + GAP + metrics.horizontalAdvance(words) + BETWEEN for words, _ in self._entries)
        return QSize(max(0, width - BETWEEN) + 2, max(16, metrics.height()))

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setFont(theme.font("caption"))
        metrics = QFontMetrics(theme.font("caption"))
        x, middle = 0.0, self.height() / 2
        for words, role in self._entries:
            series = theme.table()["series"]
            fill = series[int(role[6:])] if role.startswith("series") else role
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.color(fill))
            painter.drawRoundedRect(QRectF(x, middle - BOX / 2, BOX, BOX), 2, 2)
            painter.setPen(theme.color("text2"))
            width = metrics.horizontalAdvance(words)
            painter.drawText(QRectF(x + BOX + GAP, 0, width + 4, self.height()), Qt.AlignVCenter, words)
            x += BOX + GAP + width + BETWEEN
