"""Another learning rate or another number of steps for a run that goes."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.runs.state import RunState
from tokstudio.ui.transfer_cards.budget import read_number
from tokstudio.ui.transfer_cards.parts import Field
from tokstudio.ui.widgets.basic import button, label, row


class ChangeForm(QWidget):
    """Hidden until `open`."""

    changed = Signal(object)  # dict, name -> text

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Change rate or steps")
        self.steps = Field(
            "Steps in all", "", "At most so many steps; fewer than are done ends the training now."
        )
        self.rate = Field("Learning rate", "", "The peak rate of the body; the other rates change with it.")
        self._said = label("", "small", "muted", wrap=True)
        self.apply, self.cancel = button("Apply", "check"), button("Cancel", kind="quiet")
        self.apply.clicked.connect(self._apply)
        self.cancel.clicked.connect(self.hide)
        self._peak: float | None = None
        self._total = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(row((self.steps, 1), (self.rate, 1), self.apply, self.cancel))
        layout.addWidget(self._said)
        self._said.setText(
            "It counts from the next step on, is recorded, and a resumed run does the same again."
        )
        self.hide()

    def know(self, state: RunState) -> None:
        """What holds now; leaves alone what somebody types."""
        self._total = state.total_steps
        peaks = state.columns.get("learning_rate")
        self._peak = float(peaks.values.max()) if peaks else None

    def open(self) -> None:
        self.steps.line.setText(f"{self._total:,}")
        self.rate.line.setText("")
        self.rate.line.setPlaceholderText(
            "as it is" if self._peak is None else f"so far up to {self._peak:.2g}"
        )
        for field in (self.steps, self.rate):
            field.set_problem("")
        self.show()
        self.steps.line.setFocus(Qt.OtherFocusReason)

    def _apply(self) -> None:
        wanted: dict[str, str] = {}
        for name, field, kind in (("steps", self.steps, int), ("learning_rate", self.rate, float)):
            text = field.line.text().strip()
            if not text:
                continue
            value, problem = read_number(text, kind, 1 if kind is int else 0)
            field.set_problem(problem)
            if problem:
                return
            if name != "steps" or value != self._total:
                wanted[name] = f"{value}"
        if wanted:
            self.changed.emit(wanted)
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self._apply()
        elif event.key() == Qt.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
