"""Buttons, check boxes and drop-downs that paint themselves where a style sheet falls short."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QToolButton,
)

from tokstudio.ui import icons, theme

GAP = 7  # pixels between icon and text of a button


class Button(QPushButton):
    """Text with an icon beside it. Kinds: plain, primary, danger, quiet, link, foot (small, among captions)."""

    def __init__(self, text: str, icon: str | None = None, kind: str = "plain"):
        super().__init__(text)
        self._icon = icon
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.TabFocus)  # a ring for the keyboard only
        theme.set_font(self, "small" if kind == "link" else "strong")

    def set_icon(self, name: str | None) -> None:
        self._icon = name
        self.updateGeometry()
        self.update()

    def set_busy(self, text: str | None) -> None:
        """A verb for what goes on ("Pausing…") and no click; None: back to normal. The width stays."""
        if text is not None and not self.property("busy"):
            self._rest = self.text()
            self.setMinimumWidth(self.width() if self.isVisible() else self.sizeHint().width())
            self.setText(text)
        elif text is None and self.property("busy"):
            self.setText(self._rest)
            self.setMinimumWidth(0)
        self.setEnabled(text is None)
        theme.set_role(self, "" if text is None else "true", "busy")

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return hint if self._icon is None else QSize(hint.width() + 16 + GAP, hint.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _role(self) -> str:
        if not self.isEnabled():
            return "muted" if self.property("busy") else "disabled"
        kinds = {
            "primary": "on_accent",
            "danger": "danger",
            "quiet": "text2",
            "link": "accent",
            "foot": "muted",
        }
        return kinds.get(self.property("kind"), "text")

    def paintEvent(self, _event) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        self.style().drawControl(QStyle.CE_PushButtonBevel, option, painter, self)
        role, text = self._role(), self.text()
        width = QFontMetrics(self.font()).horizontalAdvance(text)
        lead = 16 + GAP if self._icon else 0
        left = (self.width() - width - lead) / 2
        if self._icon:
            shade = "text2" if role == "text" else role
            icons.draw(painter, self._icon, shade, left, (self.height() - 16) / 2)
        painter.setPen(theme.color(role))
        painter.drawText(
            QRectF(left + lead, 0, width + 4, self.height()), Qt.AlignVCenter | Qt.AlignLeft, text
        )


def button(text: str, icon: str | None = None, kind: str = "plain") -> Button:
    return Button(text, icon, kind)


class Tool(QToolButton):
    """A button that is an icon only; its tooltip is its name."""

    def __init__(self, icon: str, tip: str, size: int = 28, role: str = "muted"):
        super().__init__()
        self.setIcon(icons.icon(icon, role))
        self.setIconSize(QSize(16, 16))
        self.setFixedSize(size, size)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.TabFocus)
        self.setPopupMode(QToolButton.InstantPopup)

    def set_icon(self, icon: str, tip: str, role: str = "muted") -> None:
        self.setIcon(icons.icon(icon, role))
        self.setToolTip(tip)
        self.setAccessibleName(tip)


def tool(icon: str, tip: str, size: int = 28) -> Tool:
    return Tool(icon, tip, size)


class Check(QCheckBox):
    """A box, or a ring with `radio=True`, and its words."""

    def __init__(self, text: str, on: bool = False, radio: bool = False):
        super().__init__(text)
        self._radio = radio
        self.setChecked(on)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.TabFocus)
        theme.set_font(self, "small")

    def sizeHint(self) -> QSize:
        return QSize(26 + QFontMetrics(self.font()).horizontalAdvance(self.text()), max(28, theme.px(20)))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, position) -> bool:
        return self.rect().contains(position)

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        top = (self.height() - 16) // 2
        box, on = QRectF(1.75, top + 0.75, 14.5, 14.5), self.isChecked()
        fill, ring = ("accent_fill", "accent_fill") if on else ("surface", "control")
        if not self.isEnabled():
            fill, ring = "raised", "border_strong"
        painter.setPen(QPen(theme.color(ring), 1.5))
        painter.setBrush(theme.color(fill if not self._radio else "surface"))
        if self._radio:
            self._paint_ring(painter, box, ring, on)
        else:
            painter.drawRoundedRect(box, 3.5, 3.5)
            if on:
                icons.draw(painter, "check", "on_accent" if self.isEnabled() else "disabled", 3, top + 2, 12)
        if self.hasFocus():
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 3, -1, -3), 5, 5)
        painter.setPen(theme.color("text2" if self.isEnabled() else "disabled"))
        painter.drawText(QRect(23, 0, self.width(), self.height()), Qt.AlignVCenter, self.text())

    def _paint_ring(self, painter: QPainter, box: QRectF, ring: str, on: bool) -> None:
        painter.drawEllipse(box)
        if on:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.color(ring))
            painter.drawEllipse(QPointF(box.center()), 4, 4)


def check(text: str, on: bool = False, radio: bool = False) -> Check:
    return Check(text, on, radio)


class Combo(QComboBox):
    """A drop-down that shows a remark at its right (item role `NOTE`) and leaves the wheel to the page."""

    NOTE = Qt.UserRole + 1

    def __init__(self, items: Sequence[str] = (), name: str = ""):
        super().__init__()
        self.addItems(list(items))
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.TabFocus)
        self.setMinimumWidth(60)
        theme.set_font(self, "body")

    def wheelEvent(self, event) -> None:
        event.ignore() if not self.hasFocus() else super().wheelEvent(event)

    def paintEvent(self, _event) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter = QPainter(self)
        self.style().drawComplexControl(QStyle.CC_ComboBox, option, painter, self)
        role = "muted" if self.isEnabled() else "disabled"
        icons.draw(painter, "chevron-down", role, self.width() - 26, (self.height() - 14) / 2, 14)
        note = self.currentData(self.NOTE) or ""
        box = self.rect().adjusted(12, 0, -32, 0)
        metrics = QFontMetrics(theme.font("small"))
        if note and metrics.horizontalAdvance(note) < box.width() // 2:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color(role))
            painter.drawText(box, Qt.AlignVCenter | Qt.AlignRight, note)
            box.setRight(box.right() - metrics.horizontalAdvance(note) - 8)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.color("text" if self.isEnabled() else "disabled")))
        shown = self.currentText() or self.placeholderText()
        painter.drawText(
            box, Qt.AlignVCenter, QFontMetrics(self.font()).elidedText(shown, Qt.ElideRight, box.width())
        )


def combo(items: Sequence[str] = (), name: str = "") -> Combo:
    return Combo(items, name)
