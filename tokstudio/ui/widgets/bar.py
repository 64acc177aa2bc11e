"""Progress and shares. Progress moves only on real progress."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.ui import theme


class StackedBar(QWidget):
    """Parts of a whole: (share 0-1, color role, hatched). The hatch is the second channel beside color.

    A role may also be "series0" to "series5".
    """

    def __init__(self, parts: Sequence[tuple] = (), height: int = 8, name: str = ""):
        super().__init__()
        self._parts, self._height = tuple(parts), height
        self._marks: tuple[float, ...] = ()
        self.setFixedHeight(height)
        self.setMinimumWidth(20)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setAccessibleName(name or "Shares")

    def set_parts(self, parts: Sequence[tuple], marks: Sequence[float] = ()) -> None:
        """`marks`: positions 0-1 of ticks in the text color."""
        self._parts, self._marks = tuple(parts), tuple(marks)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, self._height)

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        width, height = self.width(), self.height()
        edge = min(3.0, height / 2)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(0, 0, width, height), edge, edge)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), theme.color("raised"))
        left = 0.0
        for share, role, *hatched in self._parts:
            box = QRectF(left, 0, max(0.0, width * share - (1 if len(self._parts) > 1 else 0)), height)
            painter.fillRect(box, _fill(role))
            if hatched and hatched[0]:
                painter.fillRect(box, QBrush(theme.color("surface", 0.55), Qt.BDiagPattern))
            left += width * share
        for mark in self._marks:
            painter.fillRect(QRectF(width * mark - 1, 0, 2, height), theme.color("text"))


def _fill(role: str):
    if role.startswith("series"):
        return theme.color(theme.table()["series"][int(role[6:])])
    return theme.color(role)


class ProgressBar(StackedBar):
    """How much is done, 0 to 1."""

    def __init__(self, fraction: float = 0.0, height: int = 4, name: str = "Progress"):
        super().__init__((), height, name)
        self._name = name
        self.set(fraction)

    def set(self, fraction: float) -> None:
        self.fraction = min(1.0, max(0.0, fraction))
        self.set_parts([(self.fraction, "accent_fill")])
        self.setAccessibleDescription(f"{self._name}: {self.fraction:.0%}")
