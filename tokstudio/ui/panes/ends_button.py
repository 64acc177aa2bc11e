"""Says which characters end the lines of a text, and changes them."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from tokstudio.ui import theme
from tokstudio.ui.panes.line_ends import MIXED, NAMES
from tokstudio.ui.widgets.controls import Button

WORDS = ("LF, \\n: Linux, macOS", "CRLF, \\r\\n: Windows", "CR, \\r: old Mac")


class EndsButton(Button):
    """Small, for the foot of an editor."""

    chosen = Signal(int)  # number in `NAMES`

    def __init__(self):
        super().__init__(NAMES[0], None, "foot")
        theme.set_font(self, "caption")
        menu = QMenu(self)
        menu.addSection("Line ends")
        group = QActionGroup(menu)
        self._actions = [menu.addAction(words) for words in WORDS]
        for number, action in enumerate(self._actions):
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, number=number: self.chosen.emit(number))
        self._group = group
        self.setMenu(menu)
        self.show_name(NAMES[0])

    def show_name(self, name: str) -> None:
        """ "LF", "CRLF", "CR" or "Mixed"."""
        self._group.setExclusive(name != MIXED)
        for known, action in zip(NAMES, self._actions, strict=True):
            action.setChecked(known == name)
        self.setText(name)
        tip = f"Line ends: {'of several kinds' if name == MIXED else name}. Click to change all of them."
        self.setToolTip(tip)
        self.setAccessibleName(f"Line ends: {name}")
