"""The choice to learn a sparse translation between the vocabularies before anything else is trained."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tokstudio.train.config import TransferConfig
from tokstudio.train.settings import to_dict
from tokstudio.ui.widgets.basic import check, eliding
from tokstudio.ui.words import counted

# Fitted to two CPU cores and about two minutes with the demo; the rest of [s2t2] keeps its defaults.
DEMO: dict[str, Any] = {
    "s2t2.steps": 40,
    "s2t2.candidates": 32,
    "s2t2.learning_rate": 0.005,
    "s2t2.spread": 0.01,
    "s2t2.finetune": True,
    "objectives": ["next_token"],
    "weights": [1.0],
    "teacher": "",
    "input_norm": "none",
    "output_norm": "none",
    "train.teacher_cache": False,
    "optimizer.embedding_learning_rate": 0.001,  # rows are mixtures now, and all of them learn at this rate
    "train.steps": 80,
    "train.evaluate_every": 10,
    "train.checkpoint_every": 40,
    "train.sample_every": 40,
    "data.held_out_bytes": 16_384,
}


class S2t2Choice(QWidget):
    """`edited` carries all that the choice needs; unchecked, what was there before."""

    edited = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self._config = TransferConfig()
        self._before: dict[str, Any] = {}
        self.box = check("Sparse translation first (S2T2)")
        self.box.setToolTip(
            "Each target token becomes a mixture of source tokens, learnt with the model frozen; then the "
            "mixtures are folded into ordinary rows and training goes on. All settings are in the section s2t2."
        )
        self.about = eliding("", "small", "muted")
        self.box.clicked.connect(self._switch)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.box)
        layout.addWidget(self.about, 1)

    def show_config(self, config: TransferConfig) -> None:
        self._config = config
        settings = config.s2t2
        self.box.setChecked(settings.steps > 0)
        if not settings.steps:
            self.about.setText("")
            return
        wide = f"{settings.candidates} candidates" if settings.candidates else "all source tokens"
        after = f"{config.train.steps:,} more after" if settings.finetune else "none after"
        self.about.setText(f"{counted(settings.steps, 'step')}, {after}; {wide}")

    def _switch(self, on: bool) -> None:
        data = to_dict(self._config)
        if on:
            self._before = {name: _value(data, name) for name in DEMO}
            self.edited.emit(dict(DEMO))
        else:
            before, self._before = self._before, {}
            self.edited.emit({**before, "s2t2.steps": 0})


def _value(data: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        data = data[part]
    return data
