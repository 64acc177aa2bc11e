"""The values that were pinned in the charts of a run, listed; kept beside the run."""

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.runs.files import read_json, write_json
from tokstudio.ui.widgets.basic import button, eliding, label, row, tool

MOST = 6  # pins of a run
FILE = "pins.json"


class PinBar(QWidget):
    """Hidden while nothing is pinned."""

    changed = Signal()
    pinned = Signal(object, list, list)  # by a person: the folder, the steps before and after

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Pinned values")
        self.steps: list[int] = []
        self._folder: Path | None = None
        self._rows: list[tuple[QWidget, object]] = []
        self.clear = button("Remove all pins", "close", "link")
        self.clear.setParent(self)
        self.clear.hide()
        self.clear.clicked.connect(lambda: self._pin([]))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(4, 0, 0, 0)
        self._layout.setSpacing(2)
        self.hide()

    def show_run(self, folder: Path) -> None:
        """Reads what was pinned before."""
        if folder == self._folder:
            return
        self._folder = folder
        found = read_json(folder / FILE).get("steps", [])
        self.steps = (
            [step for step in found if isinstance(step, int)][:MOST] if isinstance(found, list) else []
        )
        self._rebuild()

    def toggle(self, step: int) -> None:
        """A step that is pinned already is not any more; the oldest makes room for a new one."""
        kept = [other for other in self.steps if other != step]
        self._pin(kept if step in self.steps else [*kept, step][-MOST:])

    def _pin(self, steps: list[int]) -> None:
        folder, before = self._folder, self.steps
        self.put(folder, steps)
        self.pinned.emit(folder, before, steps)

    def put(self, folder: Path | None, steps: list[int]) -> None:
        """The pins of this run, whether it is the one that is shown or not."""
        if folder is not None:
            with suppress(OSError):  # a folder that cannot be written keeps no pins
                write_json(folder / FILE, {"steps": steps})
        if folder == self._folder:
            self.steps = steps
            self._rebuild()
            self.changed.emit()

    def _rebuild(self) -> None:
        self.clear.setParent(self)
        for line, _ in self._rows:
            line.hide()
            line.deleteLater()
        self._rows = []
        for place, step in enumerate(self.steps):
            words = eliding("", "small", "text2")
            away = tool("close", f"Remove pin {place + 1}", 24)
            away.clicked.connect(lambda _checked=False, step=step: self.toggle(step))
            parts = [label(f"{place + 1}", "strong", "accent"), (words, 1)]
            line = row(*parts, *([self.clear] if place == 0 else []), away)
            self._layout.addWidget(line)
            self._rows.append((line, words))
        self.clear.setVisible(len(self.steps) > 1)
        self.setVisible(bool(self.steps))

    def say(self, texts: list[str]) -> None:
        """One for each pin."""
        for (_, words), text in zip(self._rows, texts, strict=False):
            if words.text() != text:
                words.setText(text)
