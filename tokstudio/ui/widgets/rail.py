"""The left rail: the pages, color scheme and settings at the foot."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout

from tokstudio.ui import icons, theme
from tokstudio.ui.widgets.basic import tool

WIDE, NARROW = 72, 48
AIR = 12  # pixels around the widest word


class RailButton(QAbstractButton):
    """Icon above its word; a bar marks the page in front, a dot says that something is alive there."""

    def __init__(self, icon: str, text: str, shortcut: str):
        super().__init__()
        self._icon, self.alive, self._narrow = icon, False, False
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(f"{text} ({shortcut})")
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.TabFocus)
        self.setAttribute(Qt.WA_Hover)

    def set_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self.updateGeometry()
        self.update()

    def set_alive(self, alive: bool) -> None:
        self.alive = alive
        self.setAccessibleDescription("a run is alive" if alive else "")
        self.update()

    def room(self) -> int:
        """Pixels that its word takes."""
        return QFontMetrics(theme.font("rail")).horizontalAdvance(self.text())

    def sizeHint(self) -> QSize:
        wide = max(WIDE, self.room() + AIR) - 1
        return QSize(NARROW - 1, 48) if self._narrow else QSize(wide, max(60, 46 + theme.px(14)))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        box = QRectF(4, 3, self.width() - 8, self.height() - 6)
        painter.setPen(Qt.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(theme.color("accent_soft" if self.isChecked() else "hover"))
            painter.drawRoundedRect(box, 8, 8)
        if self.isChecked():
            painter.setBrush(theme.color("accent_fill" if not theme.is_dark() else "accent"))
            painter.drawRoundedRect(QRectF(0, self.height() / 2 - 12, 3, 24), 1.5, 1.5)
        if self.hasFocus():
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 7, 7)
        role, left = ("accent" if self.isChecked() else "muted"), (self.width() - 20) // 2
        icons.draw(painter, self._icon, role, left, 14 if self._narrow else 11, 20)
        if not self._narrow:
            painter.setFont(theme.font("rail"))
            painter.setPen(theme.color(role))
            painter.drawText(QRectF(0, 34, self.width(), self.height() - 42), Qt.AlignCenter, self.text())
        if self.alive:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.color("accent_fill"))
            painter.drawEllipse(QPointF(left + 22, 13), 4, 4)


class Rail(QFrame):
    chosen = Signal(str)

    def __init__(self, entries: Sequence[tuple[str, str, str]]):
        """`entries`: (page name, title, icon)."""
        super().__init__()
        self.setProperty("frame", "rail")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 8)
        layout.setSpacing(4)
        self.buttons: dict[str, RailButton] = {}
        for number, (name, title, icon) in enumerate(entries, 1):
            made = RailButton(icon, title, f"Ctrl+{number}")
            made.clicked.connect(lambda _checked, name=name: self.chosen.emit(name))
            self.buttons[name] = made
            layout.addWidget(made)
        layout.addStretch(1)
        self.scheme = tool("moon", "Dark colors")
        self.settings = tool("settings", "Settings")
        layout.addWidget(self.scheme, 0, Qt.AlignHCenter)
        layout.addWidget(self.settings, 0, Qt.AlignHCenter)
        self._narrow = False
        theme.changed.connect(self._restyle)
        self._restyle()

    def set_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self._restyle()
        for button in self.buttons.values():
            button.set_narrow(narrow)

    def check(self, name: str) -> None:
        self.buttons[name].setChecked(True)

    def _restyle(self) -> None:
        words = max(button.room() for button in self.buttons.values())
        self.setFixedWidth(NARROW if self._narrow else max(WIDE, words + AIR))
        dark = theme.is_dark()
        self.scheme.set_icon("sun" if dark else "moon", "Light colors" if dark else "Dark colors")
