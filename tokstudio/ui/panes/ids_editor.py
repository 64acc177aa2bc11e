"""The text from ids: paste them, get what they stand for; ids that do not exist or stand for nothing are named."""

import re
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QVBoxLayout, QWidget

from tokstudio.tokens.base import Tokenizer
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import combo, label

MOST_NAMED = 6
MOST_MARKED = 500
NUMBER = re.compile(r"(?:(?<!\w)-)?(?:0[xX][0-9a-fA-F]+|\d+)")
REST = re.compile(r"[\s,;|\[\](){}\"']+|np\.array|tensor|array|dtype=\w+")


@dataclass(frozen=True)
class Reading:
    """What a list of ids stands for."""

    text: bytes
    ids: tuple[int, ...]
    invalid: tuple[int, ...] = ()  # out of range
    silent: tuple[int, ...] = ()  # special tokens and unused ids, which add nothing to the text
    odd: str = ""  # what is no number


def read_ids(written: str, tokenizer: Tokenizer) -> Reading:
    """From "1 2 3", "[1, 2, 3]", a Python or JSON list, hexadecimal too."""
    numbers = [value for value, _, _ in _numbers(written)]
    odd = REST.sub("", NUMBER.sub("", written))
    size = len(tokenizer)
    invalid = tuple(i for i in numbers if not 0 <= i < size)
    valid = [i for i in numbers if 0 <= i < size]
    silent = tuple(i for i in valid if tokenizer.token_bytes(i) is None)
    text = tokenizer.decode(np.array(valid, np.int64)) if valid else b""
    return Reading(text, tuple(numbers), invalid, silent, odd[:20])


class IdsEditor(QWidget):
    read = Signal(object)  # Reading

    def __init__(self):
        super().__init__()
        self.whose = combo([], "Tokenizer of the ids")
        self.edit = QPlainTextEdit()
        self.edit.setProperty("bare", "1")
        self.edit.setFrameShape(QFrame.NoFrame)
        self.edit.setPlaceholderText("Paste ids: 9906 11 856  or  [9906, 11, 856]")
        self.edit.setAccessibleName("Ids")
        self.edit.setTabChangesFocus(True)
        theme.set_font(self.edit, "mono")
        self.note = label("", "small", "muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(11, 8, 8, 4)
        layout.setSpacing(6)
        layout.addWidget(self.whose)
        layout.addWidget(self.edit, 1)
        layout.addWidget(self.note)
        self._tokenizers: list[Tokenizer] = []
        self.edit.textChanged.connect(self.read_now)
        self.whose.currentIndexChanged.connect(self.read_now)

    def offer(self, tokenizers: list[Tokenizer]) -> None:
        """Those of the panes, in their order."""
        chosen = self.whose.currentText()
        self._tokenizers = tokenizers
        names = [tokenizer.name for tokenizer in tokenizers]
        self.whose.blockSignals(True)
        self.whose.clear()
        self.whose.addItems(names)
        self.whose.setCurrentIndex(names.index(chosen) if chosen in names else 0)
        self.whose.blockSignals(False)

    def tokenizer(self) -> Tokenizer | None:
        at = self.whose.currentIndex()
        return self._tokenizers[at] if 0 <= at < len(self._tokenizers) else None

    def _mark(self, size: int) -> None:
        """Ids that the vocabulary does not have are underlined where they stand."""
        marks = []
        for value, start, stop in _numbers(self.edit.toPlainText()):
            if not 0 <= value < size and len(marks) < MOST_MARKED:
                made = QTextEdit.ExtraSelection()
                made.cursor = QTextCursor(self.edit.document())
                made.cursor.setPosition(start)
                made.cursor.setPosition(stop, QTextCursor.KeepAnchor)
                made.format = QTextCharFormat()
                made.format.setUnderlineStyle(QTextCharFormat.WaveUnderline)
                made.format.setUnderlineColor(theme.color("danger"))
                made.format.setForeground(theme.color("danger"))
                marks.append(made)
        self.edit.setExtraSelections(marks)

    def read_now(self, *_args) -> None:
        tokenizer = self.tokenizer()
        if tokenizer is None:
            return
        found = read_ids(self.edit.toPlainText(), tokenizer)
        self.note.setText(_said(found, tokenizer))
        self._mark(len(tokenizer))
        theme.set_role(self.note, "danger" if found.invalid or found.odd else "muted")
        self.read.emit(found)


def _numbers(written: str) -> list[tuple[int, int, int]]:
    """(value, first, last character) of each number."""
    return [
        (int(found[0][:20], 16 if "x" in found[0].lower() else 10), *found.span())
        for found in NUMBER.finditer(written)
    ]


def _said(found: Reading, tokenizer: Tokenizer) -> str:
    if not found.ids and not found.odd:
        return ""
    parts = [f"{len(found.ids):,} id{'s' if len(found.ids) != 1 else ''}"]
    if found.odd:
        parts.append(f"“{found.odd}” is no number")
    if found.invalid:
        parts.append(f"not in the vocabulary (0 to {len(tokenizer) - 1:,}): {_some(found.invalid)}")
    if found.silent:
        names = {number: name for name, number in tokenizer.special_tokens.items()}
        parts.append(
            "special or unused, no text: " + _some(tuple(names.get(i, f"#{i}") for i in found.silent))
        )
    try:
        text = found.text.decode()
    except UnicodeDecodeError as error:
        parts.append(f"no valid UTF-8 at byte {error.start:,}: shown as \ufffd")
        return "; ".join(parts) + "."
    again = tokenizer.encode(text).ids.tolist()
    spoken = [i for i in found.ids if i not in found.invalid and i not in found.silent]
    if again != spoken:
        at = next(
            (n for n, (a, b) in enumerate(zip(again, spoken, strict=False)) if a != b),
            min(len(again), len(spoken)),
        )
        parts.append(f"the tokenizer itself would write this text otherwise, from id number {at + 1:,} on")
    return "; ".join(parts) + "."


def _some(values: tuple) -> str:
    shown = ", ".join(map(str, dict.fromkeys(values[: MOST_NAMED * 4])))
    return shown if len(values) <= MOST_NAMED * 4 else f"{shown} and more"
