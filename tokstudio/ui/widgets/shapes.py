"""Pictures whose parts a person points at: each part has an outline, words and something that it lists."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QSizePolicy

from tokstudio.ui import theme
from tokstudio.ui.widgets.plot import Pointed, read_out, ring

NEXT = {Qt.Key_Right: 1, Qt.Key_Down: 1, Qt.Key_Left: -1, Qt.Key_Up: -1}


class Shapes(Pointed):
    """Subclasses bring `lay`, `told` and `draw`. Arrow keys walk along the parts, Enter and a click choose one."""

    chosen = Signal(int)  # number of the part

    def __init__(self, name: str, tip: str = ""):
        super().__init__()
        self.name, self.at = name, -1
        self._paths: list[QPainterPath] | None = None
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMinimumHeight(60)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        theme.changed.connect(self.relay)

    # ---------------------------------------------------------------- what a subclass says

    def lay(self) -> list[QPainterPath]:
        """The outline of each part, for the size and the fonts as they are."""
        raise NotImplementedError

    def told(self, number: int) -> str:
        raise NotImplementedError

    def draw(self, painter: QPainter) -> None:
        """All of it but the outline of the part pointed at."""
        raise NotImplementedError

    def words(self) -> str:
        """What it shows, for those who do not see it."""
        return ", ".join(self.told(number) for number in range(len(self.paths()))) or "nothing yet"

    # ---------------------------------------------------------------- laying out and painting

    def paths(self) -> list[QPainterPath]:
        if self._paths is None:
            self._paths = self.lay()
        return self._paths

    def relay(self) -> None:
        self._paths = None
        self.update()

    def renew(self) -> None:
        """The data are others."""
        self._paths, self.at = None, -1
        self.setAccessibleDescription(self.words())
        self.update()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._paths = None

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        paths = self.paths()
        self.draw(painter)
        if 0 <= self.at < len(paths):
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawPath(paths[self.at])
            box = paths[self.at].boundingRect()
            room = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            y = box.bottom() + 3 if box.bottom() + 24 < room.bottom() else max(room.top(), box.top() - 24)
            read_out(painter, self.told(self.at), QPointF(box.left(), y), room)
        if self._ring:
            ring(painter, QRectF(self.rect()))

    def sizeHint(self) -> QSize:
        return QSize(240, 90)

    # ---------------------------------------------------------------- pointer and keys

    def part_at(self, point: QPointF) -> int:
        """The topmost part there, -1 without one."""
        paths = self.paths()
        return next((n for n in reversed(range(len(paths))) if paths[n].contains(point)), -1)

    def point(self, number: int) -> None:
        if number != self.at:
            self.at = number
            self.setAccessibleDescription(self.words() if number < 0 else self.told(number))
            self.setCursor(Qt.ArrowCursor if number < 0 else Qt.PointingHandCursor)
            self.update()

    def mouseMoveEvent(self, event) -> None:
        self.point(self.part_at(event.position()))

    def mouseReleaseEvent(self, event) -> None:
        number = self.part_at(event.position())
        if event.button() == Qt.LeftButton and number >= 0:
            self.chosen.emit(number)

    def keyPressEvent(self, event) -> None:
        count = len(self.paths())
        if event.key() in NEXT and count:
            self.point(max(0, min(count - 1, self.at + NEXT[event.key()] if self.at >= 0 else 0)))
        elif event.key() in (Qt.Key_Home, Qt.Key_End) and count:
            self.point(0 if event.key() == Qt.Key_Home else count - 1)
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space) and self.at >= 0:
            self.chosen.emit(self.at)
        elif event.key() == Qt.Key_Escape and self.at >= 0:
            self.point(-1)
        else:
            super().keyPressEvent(event)

    def let_go(self) -> None:
        self.point(-1)
