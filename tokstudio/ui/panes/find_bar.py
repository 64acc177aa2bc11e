"""Find in the text and in the tokens: words, an id as #123, bytes as 0xe2, a place as @1000."""

import re
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit

from tokstudio.tokens.base import Encoding
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import label, tool

MOST = 100_000  # places


def places(query: str, text: bytes, encodings: Sequence[Encoding]) -> list[tuple[int, int]]:
    """Byte ranges, ascending. Words without capitals are found in either case.

    Raises ValueError, in words, for an id or bytes that are none.
    """
    if query.startswith("#") and len(query) > 1:
        return _of_id(query[1:], encodings)
    if query.startswith("@") and query[1:].isdecimal():
        at = int(query[1:])
        return [(at, at + 1)] if at < len(text) else []
    if query[:2].lower() == "0x":
        digits = query[2:].replace(" ", "").replace("0x", "")
        if len(digits) % 2 or not re.fullmatch("[0-9a-fA-F]*", digits):
            raise ValueError("Write bytes as pairs of hexadecimal digits, for example 0xe29c93.")
        return _of_bytes(bytes.fromhex(digits), text)
    if query == query.lower():
        folded = text.lower()  # of ASCII alone, so places stay the same
        return _of_bytes(query.encode(errors="replace").lower(), folded)
    return _of_bytes(query.encode(errors="replace"), text)


def _of_id(digits: str, encodings: Sequence[Encoding]) -> list[tuple[int, int]]:
    if not digits.isdecimal():
        raise ValueError("Write an id as # and a whole number, for example #25977.")
    found = set()
    for encoding in encodings:
        for at in np.flatnonzero(encoding.ids == int(digits))[:MOST].tolist():
            start, stop = encoding.spans[at].tolist()
            found.add((start, max(stop, start)))
    return sorted(found)


def _of_bytes(wanted: bytes, text: bytes) -> list[tuple[int, int]]:
    found, at = [], -1
    while wanted and (at := text.find(wanted, at + 1)) >= 0 and len(found) < MOST:
        found.append((at, at + len(wanted)))
    return found


class FindBar(QFrame):
    """Hidden until Ctrl+F or /. Enter: next, Shift+Enter: previous, Escape: close."""

    asked = Signal(str, int)  # query, direction (0: it was typed)
    closed = Signal()
    field: QLineEdit | None = (
        None  # of the class, as Qt still calls `eventFilter` of an object that was emptied
    )

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "inset")
        self.field = QLineEdit()
        self.field.setPlaceholderText("Text, #id, 0xbytes")
        self.field.setAccessibleName("Find")
        self.field.setToolTip("A text, an id as #123, bytes as 0xe2, or a place as @1000")
        theme.set_font(self.field, "small")
        self.count = label("", "small", "muted")
        back, on = tool("chevron-up", "Previous (Shift+Enter)", 24), tool("chevron-down", "Next (Enter)", 24)
        shut = tool("close", "Close (Esc)", 24)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 3, 4, 3)
        layout.setSpacing(4)
        layout.addWidget(self.field, 1)
        for part in (self.count, back, on, shut):
            layout.addWidget(part)
        self.field.textChanged.connect(lambda text: self.asked.emit(text, 0))
        back.clicked.connect(lambda: self.asked.emit(self.field.text(), -1))
        on.clicked.connect(lambda: self.asked.emit(self.field.text(), 1))
        shut.clicked.connect(self.shut)
        self.field.installEventFilter(self)
        self.hide()

    def start(self) -> None:
        self.show()
        self.field.selectAll()
        self.field.setFocus(Qt.ShortcutFocusReason)

    def start_at(self) -> None:
        """Ctrl+G: to a byte."""
        self.field.setText("@")
        self.start()
        self.field.end(False)

    def shut(self) -> None:
        self.hide()
        self.closed.emit()

    def show_count(self, at: int | None, count: int, problem: str = "") -> None:
        """`at` counts from 0."""
        self.count.setText("" if not self.field.text() else f"{0 if at is None else at + 1:,} of {count:,}")
        if problem:
            self.count.setText("?")
        self.count.setToolTip(problem)
        theme.set_role(self.count, "danger" if problem or (self.field.text() and not count) else "muted")

    def eventFilter(self, watched, event) -> bool:
        if watched is self.field and event.type() == QEvent.KeyPress:
            if event.key() == Qt.Key_Escape:
                self.shut()
                return True
            if event.key() in (Qt.Key_Return, Qt.Key_Enter):
                self.asked.emit(self.field.text(), -1 if event.modifiers() & Qt.ShiftModifier else 1)
                return True
        return False
