"""Labels, cards, rows and switches. Colors come from role properties, never from inline style sheets."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from tokstudio.ui import theme
from tokstudio.ui.widgets.controls import Button, Check, Combo, Tool, button, check, combo, tool

__all__ = [
    "Button",
    "Card",
    "Check",
    "Combo",
    "Eliding",
    "Segmented",
    "Stat",
    "Tool",
    "button",
    "card",
    "check",
    "col",
    "combo",
    "eliding",
    "frame",
    "hline",
    "label",
    "row",
    "segmented",
    "stat",
    "tool",
    "vline",
]

Margins = tuple[int, int, int, int]
Item = "QWidget | int | None | tuple[QWidget, int]"


def label(
    text: str, kind: str = "body", role: str = "text", mono: bool = False, wrap: bool = False
) -> QLabel:
    """Kinds are those of `theme.font`; roles those of `theme_qss.ROLES`; `theme.set_role` changes one."""
    made = QLabel(text)
    made.setTextFormat(Qt.PlainText)
    made.setProperty("role", role)
    theme.set_font(made, kind, mono)
    made.setWordWrap(wrap)
    return made


class Eliding(QLabel):
    """A label that may get narrower than its text: it then ends in … and its tooltip has the whole."""

    def __init__(self, text: str, mode: Qt.TextElideMode = Qt.ElideRight):
        super().__init__(text)
        self._mode = mode
        self.setTextFormat(Qt.PlainText)
        self.setMinimumWidth(0)
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Preferred)

    def minimumSizeHint(self):
        hint = super().minimumSizeHint()
        hint.setWidth(0)
        return hint

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        box = self.contentsRect()
        shown = QFontMetrics(self.font()).elidedText(self.text(), self._mode, box.width())
        tip = self.text() if shown != self.text() else ""
        if self.toolTip() != tip:
            self.setToolTip(tip)
        painter.setPen(theme.color(self.property("role") or "text" if self.isEnabled() else "disabled"))
        painter.drawText(box, int(self.alignment()), shown)


def eliding(
    text: str,
    kind: str = "body",
    role: str = "text",
    mono: bool = False,
    mode: Qt.TextElideMode = Qt.ElideRight,
) -> Eliding:
    made = Eliding(text, mode)
    made.setProperty("role", role)
    theme.set_font(made, kind, mono)
    return made


def _fill(layout, items: Sequence, margins: Margins, spacing: int) -> None:
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, tuple):
            layout.addWidget(item[0], item[1])
        else:
            layout.addWidget(item)


def row(*items, margins: Margins = (0, 0, 0, 0), spacing: int = 8) -> QWidget:
    """Items side by side: a widget, (widget, stretch), a gap in pixels, or None for a stretch."""
    made = QWidget()
    _fill(QHBoxLayout(made), items, margins, spacing)
    return made


def col(*items, margins: Margins = (0, 0, 0, 0), spacing: int = 8) -> QWidget:
    """Items below each other; see `row`."""
    made = QWidget()
    _fill(QVBoxLayout(made), items, margins, spacing)
    return made


def frame(
    kind: str, *items, vertical: bool = True, margins: Margins = (0, 0, 0, 0), spacing: int = 0
) -> QFrame:
    """A QFrame whose `frame` property the style sheet reads: card, inset, float, selected…"""
    made = QFrame()
    made.setProperty("frame", kind)
    _fill(QVBoxLayout(made) if vertical else QHBoxLayout(made), items, margins, spacing)
    return made


def hline() -> QFrame:
    made = frame("line")
    made.setFixedHeight(1)
    return made


def vline() -> QFrame:
    made = frame("line")
    made.setFixedWidth(1)
    return made


class Card(QFrame):
    """A surface with a hairline. `body` takes the content; `header_layout` is None without a title."""

    def __init__(
        self, title: str | None = None, subtitle: str | None = None, actions: Sequence[QWidget] = ()
    ):
        super().__init__()
        self.setProperty("frame", "card")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 10, 12, 12)
        outer.setSpacing(8)
        self.header_layout: QHBoxLayout | None = None
        self.title = eliding(title or "", "h2")
        self.subtitle = eliding(subtitle or "", "small", "muted")
        if title is not None or actions:
            self.header_layout = QHBoxLayout()
            self.header_layout.setContentsMargins(0, 0, 0, 0)
            self.header_layout.setSpacing(8)
            self.header_layout.addWidget(self.title)
            self.header_layout.addWidget(self.subtitle, 1)
            for action in actions:
                self.header_layout.addWidget(action)
            outer.addLayout(self.header_layout)
        else:
            self.title.setParent(self)
            self.subtitle.setParent(self)
            self.title.hide()
            self.subtitle.hide()
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        outer.addLayout(self.body, 1)


def card(title: str | None = None, subtitle: str | None = None, actions: Sequence[QWidget] = ()) -> Card:
    return Card(title, subtitle, actions)


class _Segment(QPushButton):
    """One part of a Segmented: arrow keys go to its neighbors."""

    stepped = Signal(int)

    def keyPressEvent(self, event) -> None:
        steps = {Qt.Key_Left: -1, Qt.Key_Up: -1, Qt.Key_Right: 1, Qt.Key_Down: 1}
        if event.key() in steps:
            self.stepped.emit(steps[event.key()])
        else:
            super().keyPressEvent(event)


class Segmented(QFrame):
    """One choice of a few, side by side. Arrow keys move it."""

    changed = Signal(int)

    def __init__(self, names: Sequence[str], on: int = 0, name: str = ""):
        super().__init__()
        self.setProperty("frame", "segmented")
        self.setAccessibleName(name or " or ".join(names))
        self.setFixedHeight(30)
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(0)
        self._group = QButtonGroup(self)
        for number, text in enumerate(names):
            part = _Segment(text)
            part.setProperty("segment", "1")
            part.setCheckable(True)
            part.setChecked(number == on)
            part.setFocusPolicy(Qt.TabFocus)
            part.setAccessibleName(text)
            theme.set_font(part, "small")
            part.stepped.connect(self._step)
            self._group.addButton(part, number)
            layout.addWidget(part)
        self._group.idToggled.connect(lambda number, checked: self.changed.emit(number) if checked else None)

    def index(self) -> int:
        return self._group.checkedId()

    def set_index(self, number: int) -> None:
        """Emits `changed` where it differs."""
        self._group.button(number).setChecked(True)

    def _step(self, by: int) -> None:
        shown = [n for n in range(len(self._group.buttons())) if not self._group.button(n).isHidden()]
        to = shown[(shown.index(self.index()) + by) % len(shown)]
        self.set_index(to)
        self._group.button(to).setFocus(Qt.TabFocusReason)

    def button(self, number: int) -> QPushButton:
        return self._group.button(number)


def segmented(names: Sequence[str], on: int = 0, name: str = "") -> Segmented:
    return Segmented(names, on, name)


class Stat(QWidget):
    """Caption, number, and what it is measured against."""

    def __init__(self, name: str, value: str, note: str = ""):
        super().__init__()
        self._name, self._caption = name, eliding(name, "caption", "muted")
        self.value = label(value, "title")
        self.note = eliding(note, "small", "muted")
        line = row(self.value, self.note, None, spacing=4)
        _fill(QVBoxLayout(self), [self._caption, line], (0, 0, 0, 0), 1)
        self.set(value, note)

    def set(self, value: str, note: str = "") -> None:
        self.value.setText(value)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.setAccessibleName(f"{self._name}: {value} {note}".strip())

    def show_name(self, shown: str) -> None:
        """A shorter caption where there is little room; the whole name is still what is spoken."""
        self._caption.setText(shown)
        self._caption.setToolTip(self._name if shown != self._name else "")


def stat(name: str, value: str, note: str = "") -> Stat:
    return Stat(name, value, note)
