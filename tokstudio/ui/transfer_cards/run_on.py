"""Where the run will work: here, on several devices of this machine, or on a Ray cluster."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from tokstudio.errors import InputError
from tokstudio.runs.launch import Launch
from tokstudio.ui import theme
from tokstudio.ui.transfer_cards.parts import fill
from tokstudio.ui.widgets.basic import label, row
from tokstudio.ui.widgets.controls import combo

PLACES = (("local", "This machine"), ("torchrun", "Several devices here"), ("ray", "Ray cluster"))


class RunOn(QWidget):
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.place = combo([words for _, words in PLACES], "Run on")
        self.place.setToolTip("Several devices share every batch; the result is that of one")
        self.count = _line("2", "Number of processes", "One a device; the batch is at least as large")
        self.count.setFixedWidth(56)
        self.address = _line("", "Address of the cluster", "http://HOST:8265; empty: one on this machine")
        self.address.setPlaceholderText("http://HOST:8265")
        fill(self, row(label("Run on", "small", "text2"), (self.place, 1), self.count, (self.address, 1)))
        self.place.currentIndexChanged.connect(self._show)
        for line in (self.count, self.address):
            line.textEdited.connect(self.changed)
        self._show()

    def _show(self) -> None:
        target = self._target()
        self.count.setVisible(target != "local")
        self.address.setVisible(target == "ray")
        self.changed.emit()

    def _target(self) -> str:
        return PLACES[self.place.currentIndex()][0]

    def launch(self) -> Launch:
        """What is chosen. Raises InputError."""
        target = self._target()
        if target == "local":
            return Launch()
        count = self.count.text().strip()
        if not count.isdecimal() or int(count) < 1:
            raise InputError(
                f"{count or 'Nothing'} is no number of processes.",
                hint="Write a whole number, for example 2.",
            )
        address = self.address.text().strip() if target == "ray" else ""
        return Launch(target, int(count), address=address).check()


def _line(text: str, name: str, help: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setAccessibleName(name)
    line.setToolTip(help)
    theme.set_font(line, "body")
    return line
