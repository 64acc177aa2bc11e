"""The transfer that a model came from: its plan, and the model before it to lay beside this one."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.embed.known import matrix_path
from tokstudio.errors import TokstudioError
from tokstudio.train.config import TransferConfig
from tokstudio.train.settings import load_toml
from tokstudio.ui.run_cards.plan import PlanCard
from tokstudio.ui.run_cards.plan_data import START
from tokstudio.ui.widgets.basic import button, eliding, row


def run_of(model: Path) -> Path | None:
    """The folder of the run whose export `model` is, where that run kept its plan."""
    return next((place for place in (model, *model.parents[:2]) if (place / START).is_file()), None)


class TransferView(QWidget):
    before_wanted = Signal(str)  # path of the model before the transfer

    def __init__(self) -> None:
        super().__init__()
        self.plan = PlanCard()
        self.plan.grow()
        self.words = eliding("", "small", "muted")
        self.before = button("Model before as B", "plus")
        self.before.setToolTip("Neighbors before and after beside each other")
        self.before.clicked.connect(lambda: self.before_wanted.emit(self._source))
        self._source = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(row((self.words, 1), self.before))
        layout.addWidget(self.plan, 1)

    def show_model(self, model: Path) -> bool:
        """Whether `model` is the export of a run with a plan."""
        folder = run_of(model)
        if folder is None:
            self.plan.leave()
            return False
        self._source = ""
        try:
            reference = load_toml(TransferConfig, folder / "config.toml").model
            self._source = str(matrix_path(reference))
            self.words.setText(f"{folder.name}: every token of the new vocabulary as a mixture of old ones")
        except TokstudioError as error:
            self.words.setText(str(error))
        self.before.setEnabled(bool(self._source))
        self.plan.show_run(folder)
        return True

    def close_down(self) -> None:
        self.plan.close_down()
