"""A drop-down of what is on this machine, with "another one" at its end."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from tokstudio.ui.widgets.basic import combo, label
from tokstudio.ui.widgets.controls import Combo

ANOTHER = "Choose a folder\N{HORIZONTAL ELLIPSIS}"
FILE = "Choose a file\N{HORIZONTAL ELLIPSIS}"


class Picker(QWidget):
    """Emits a reference: "demo:english", "tiktoken:…", or the path of a folder."""

    picked = Signal(str)
    asked = Signal(str)

    def __init__(
        self, name: str, entries: list[tuple[str, str]], *, files: str = "", ways: tuple[str, ...] = ()
    ):
        """`entries`: (reference, as shown). `files`: a filter of names, where a file can be chosen, too. `ways`: to
        something that is not here yet; `asked` says which."""
        super().__init__()
        self._name = name
        self.combo = combo((), name)
        for reference, shown in entries:
            self.combo.addItem(shown, reference)
        self._files = files
        if files:
            self.combo.addItem(FILE, FILE)
        self.combo.addItem(ANOTHER, "")
        self._ways = ways
        for way in ways:
            self.combo.addItem(way, way)
        self.combo.activated.connect(self._activated)
        self._current = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label(name, "caption", "muted"))
        layout.addWidget(self.combo)

    @property
    def reference(self) -> str:
        """What is chosen; "" for the library of this Python, which is no file."""
        return "" if self._current == "python" else self._current

    def set_reference(self, reference: str, shown: str = "") -> None:
        """Adds it where it is not in the list yet. `shown`: its name there; empty: the last part of a path."""
        self._current = reference
        place = self.combo.findData(reference)
        if place < 0:
            place = self.combo.count() - len(self._ways) - (2 if self._files else 1)
            self.combo.insertItem(place, shown or Path(reference).name or reference, reference)
        self.combo.setCurrentIndex(place)
        self.combo.setToolTip(reference)

    def set_note(self, note: str) -> None:
        self.combo.setItemData(self.combo.currentIndex(), note, Combo.NOTE)
        self.combo.update()

    def _activated(self, place: int) -> None:
        reference = self.combo.itemData(place)
        if reference in self._ways:
            self.set_reference(self._current)
            self.asked.emit(reference)
            return
        if not reference:
            reference = QFileDialog.getExistingDirectory(self, self._name)
        elif reference == FILE:
            reference, _ = QFileDialog.getOpenFileName(self, self._name, "", self._files)
        if reference and reference != self._current:
            self.set_reference(reference)
            self.picked.emit(reference)
        else:
            self.set_reference(self._current)
