"""Own line icons (resources/icons, 20 grid, 1.5 stroke), colored from the table while painting."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from tokstudio.paths import resource
from tokstudio.ui import theme


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    """SVG text with `currentColor` in it. Raises FileNotFoundError for a name that has no file."""
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def pixmap(name: str, color: str, size: int, dpr: float = 1.0) -> QPixmap:
    """`color` as "#rrggbb"; `size` in device-independent pixels."""
    made = QPixmap(round(size * dpr), round(size * dpr))
    made.setDevicePixelRatio(dpr)
    made.fill(Qt.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.Antialiasing)
    svg = QSvgRenderer(QByteArray(_source(name).replace("currentColor", color).encode()))
    svg.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return made


def draw(painter: QPainter, name: str, role: str, x: float, y: float, size: int = 16) -> None:
    """Draws at the painter's own resolution; `role` is a role of the table."""
    dpr = painter.device().devicePixelRatioF()
    painter.drawPixmap(QPoint(round(x), round(y)), pixmap(name, theme.table().get(role, role), size, dpr))


class _Engine(QIconEngine):
    """Reads the token table each time it paints, so a live theme change needs nobody to rebuild icons."""

    def __init__(self, name: str, role: str, on_role: str):
        super().__init__()
        self._what = (name, role, on_role)

    def _role(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        _, role, on_role = self._what
        if mode == QIcon.Disabled:
            return "disabled"
        return on_role if state == QIcon.On else role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        dpr = painter.device().devicePixelRatioF()
        size = min(rect.width(), rect.height())
        image = pixmap(self._what[0], theme.table()[self._role(mode, state)], size, dpr)
        painter.drawPixmap(
            rect.x() + (rect.width() - size) // 2, rect.y() + (rect.height() - size) // 2, image
        )

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        """`size` is in device-independent pixels (Qt 6.9 to 6.11)."""
        color = theme.table()[self._role(mode, state)]
        return pixmap(self._what[0], color, min(size.width(), size.height()), scale)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def clone(self) -> QIconEngine:
        return _Engine(*self._what)


def icon(name: str, role: str = "text2", on_role: str = "accent") -> QIcon:
    """`on_role` colors the icon of a checked button."""
    _source(name)  # a wrong name fails here, not in a paint event
    return QIcon(_Engine(name, role, on_role))


class IconLabel(QWidget):
    """An icon that stands alone."""

    def __init__(self, name: str, role: str = "muted", size: int = 16):
        super().__init__()
        self._name, self._role = name, role
        self.setFixedSize(size, size)

    def set(self, name: str, role: str | None = None) -> None:
        self._name, self._role = name, role or self._role
        self.update()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        draw(painter, self._name, self._role if self.isEnabled() else "disabled", 0, 0, self.width())


def icon_label(name: str, role: str = "muted", size: int = 16) -> IconLabel:
    return IconLabel(name, role, size)
