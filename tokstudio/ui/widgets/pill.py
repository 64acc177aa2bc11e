"""The state of a run as shape + word + color, never color alone."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import icons, theme

# state -> (word, role, shape)
STATES = {
    "queued": ("Queued", "muted", "ring"),
    "preparing": ("Preparing", "accent", "ring"),
    "running": ("Running", "accent", "pulse"),
    "pausing": ("Pausing", "text2", "bars"),
    "paused": ("Paused", "text2", "bars"),
    "parked": ("Parked", "text2", "park"),
    "stopping": ("Stopping", "muted", "stop"),
    "stopped": ("Stopped", "muted", "stop"),
    "finished": ("Finished", "success", "check"),
    "failed": ("Failed", "danger", "close"),
    "lost": ("Lost", "warning", "alert"),
}
HEIGHT = 20


class Pill(QWidget):
    def __init__(self, state: str = "queued"):
        super().__init__()
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
        self.set_state(state)

    def set_state(self, state: str) -> None:
        """Raises KeyError for a word that is no state."""
        self._word, self._role, self._shape = STATES[state]
        self.state = state
        self.setAccessibleName(f"State: {self._word}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(theme.font("caption")).horizontalAdvance(self._word)
        return QSize(int(width) + 30, max(HEIGHT, theme.px(HEIGHT)))

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        soft = f"{self._role}_soft"
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.color(soft if soft in theme.table() else "raised"))
        height = self.height()
        painter.drawRoundedRect(QRectF(0, 0, self.width(), height), height / 2, height / 2)
        self._paint_shape(painter, 13, height / 2)
        painter.setPen(theme.color(self._role))
        painter.setFont(theme.font("caption"))
        painter.drawText(QRectF(22, 0, self.width(), height), Qt.AlignVCenter | Qt.AlignLeft, self._word)

    def _paint_shape(self, painter: QPainter, x: float, y: float) -> None:
        fill = theme.color(self._role)
        if self._shape == "ring":
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(fill, 1.5))
            painter.drawEllipse(QPointF(x, y), 3.6, 3.6)
        elif self._shape == "pulse":
            painter.setBrush(fill)
            painter.drawEllipse(QPointF(x, y), 3, 3)
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(theme.color(self._role, 0.45), 1.5))
            painter.drawEllipse(QPointF(x, y), 5.2, 5.2)
        elif self._shape == "bars":
            painter.setBrush(fill)
            painter.drawRect(QRectF(x - 3.5, y - 4, 2.2, 8))
            painter.drawRect(QRectF(x + 1.3, y - 4, 2.2, 8))
        elif self._shape == "stop":
            painter.setBrush(fill)
            painter.drawRoundedRect(QRectF(x - 4, y - 4, 8, 8), 2, 2)
        else:
            icons.draw(painter, self._shape, self._role, x - 6, y - 6, 12)
