"""Card 3: how long, how much at once, on which text; and the learning rate that follows from it."""

import dataclasses
from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy

from tokstudio.train.config import DataConfig, OptimizerConfig, TrainConfig, TransferConfig
from tokstudio.train.optim import schedule
from tokstudio.ui import numbers
from tokstudio.ui.charts import LineChart
from tokstudio.ui.transfer_cards.facts import CorpusFacts, Expected
from tokstudio.ui.transfer_cards.parts import Field, Numbered
from tokstudio.ui.transfer_cards.picker import Picker
from tokstudio.ui.widgets.basic import label, row
from tokstudio.ui.words import size

TEXT_FILES = "Text (*.txt *.md *.py *.rst *.jsonl *.ndjson *.parquet *.arrow *.feather *.gz);;All files (*)"
STREAM = "Stream from the Hub\N{HORIZONTAL ELLIPSIS}"
FETCH = "Download from the Hub\N{HORIZONTAL ELLIPSIS}"
STREAMED = "stream "  # before the reference of a data set that is streamed, in the list
FIELDS: dict[str, tuple[type, str]] = {
    "train.steps": (TrainConfig, "steps"),
    "train.batch_size": (TrainConfig, "batch_size"),
    "optimizer.learning_rate": (OptimizerConfig, "learning_rate"),
}


def read_number(text: str, kind: type, low: float | None) -> tuple[Any, str]:
    """(value, ""), or (None, what to write instead)."""
    try:
        value = numbers.whole(text) if kind is int else numbers.decimal(text)
    except ValueError:
        example = "a whole number, for example 100." if kind is int else "a number, for example 0.0003."
        return None, f"Write {example}"
    if not np.isfinite(value) or (low is not None and value < low) or (kind is float and value == 0):
        return None, f"Write a number of at least {low:g}." if kind is int else "Write a number above 0."
    return value, ""


class BudgetCard(Numbered):
    edited = Signal(dict)

    def __init__(self) -> None:
        super().__init__(3, "Budget")
        self.fields: dict[str, Field] = {}
        for key, (cls, name) in FIELDS.items():
            field = next(f for f in dataclasses.fields(cls) if f.name == name)
            self.fields[key] = made = Field(field.metadata["title"], "", field.metadata["help"])
            made.edited.connect(lambda text, key=key, field=field: self._read(key, field, text))
        self.corpus = Picker(
            "Corpus",
            [("python", "The library of this Python")],
            files=TEXT_FILES,
            ways=(STREAM, FETCH),
        )
        self.corpus.picked.connect(self._picked)
        self._streams: dict[str, dict[str, Any]] = {}  # settings of those in the list
        self._reads = label("", "small", "muted", wrap=True)
        self.chart = LineChart("Learning rate", zero=True, x_label="step", whole=True, y_words=_rate)
        steps, batch, rate = self.fields.values()
        self.body.addWidget(row((steps, 1), (batch, 1), (rate, 1)))
        self.body.addWidget(self.corpus)
        self.body.addWidget(self._reads)
        self._above = label("Learning rate over the steps", "caption", "muted", wrap=True)
        self.body.addWidget(self._above)
        for words in (self._reads, self._above):  # they take the card's width, they do not ask for more
            words.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self.body.addWidget(self.chart, 1)
        self.curve = LineChart("Expected bits per byte", x_label="step", whole=True)
        self.curve.hide()
        self.body.addWidget(self.curve, 1)

    @property
    def valid(self) -> bool:
        return all(not field.line.accessibleDescription() for field in self.fields.values())

    def show_config(self, config: TransferConfig) -> None:
        """Leaves a field alone while somebody types in it."""
        for key, field in self.fields.items():
            section, name = key.split(".")
            value = getattr(getattr(config, section), name)
            if not field.line.hasFocus():
                field.line.setText(f"{value:,}" if isinstance(value, int) else f"{value:g}")
                field.set_problem("")
        self._show_corpus(config.data)
        steps = np.linspace(0, config.train.steps - 1, min(400, config.train.steps)).round()
        factors = [schedule(int(step), config.train.steps, config.optimizer) for step in steps]
        self.chart.set_series("learning rate", steps + 1, config.optimizer.learning_rate * np.array(factors))
        self.chart.set_x_range(0, config.train.steps)

    def _show_corpus(self, data: DataConfig) -> None:
        if not data.stream:
            self.corpus.set_reference(data.corpus)
            return
        reference = f"{STREAMED}{data.corpus} {data.files}".strip()
        names = ("corpus", "stream", "revision", "files")
        self._streams[reference] = {f"data.{name}": getattr(data, name) for name in names}
        shown = " ".join(filter(None, (data.corpus.removeprefix("hub:"), data.files)))
        self.corpus.set_reference(reference, f"{shown} (streamed)")

    def _picked(self, reference: str) -> None:
        here = {"data.corpus": reference, "data.stream": False, "data.revision": "", "data.files": ""}
        self.edited.emit(self._streams.get(reference, here))

    def show_corpus(self, facts: CorpusFacts, config: TransferConfig) -> None:
        staged = config.s2t2.steps > 0
        steps = config.s2t2.steps + (config.train.steps if config.s2t2.finetune or not staged else 0)
        read = steps * config.train.batch_size * config.train.accumulate * config.data.window_bytes
        who = "Both stages read" if staged and steps > config.s2t2.steps else "The run reads"
        self.corpus.set_note(size(facts.train_bytes) if facts.train_bytes else "")
        if config.data.stream:
            self._reads.setText(f"{who} {size(read)} of text over the network.")
            return
        share = read / facts.train_bytes if facts.train_bytes else 0.0
        part = f"{100 * share:.0f} %" if share >= 0.01 else "less than 1 %"
        times = f"{share:.1f} times the corpus" if share >= 1 else f"{part} of the corpus"
        self._reads.setText(f"{who} {size(read)} of text, {times}.")

    def forget_corpus(self) -> None:
        """It cannot be read."""
        self.corpus.set_note("")
        self._reads.setText("")

    def show_expected(self, found: Expected | None, config: TransferConfig) -> None:
        """The curve of an earlier run like this one, in place of the rate; stretched to the steps of this one."""
        self.chart.setVisible(found is None)
        self.curve.setVisible(found is not None)
        if found is None:
            self._above.setText("Learning rate over the steps")
            return
        first, last = float(found.values[0]), float(found.values[-1])
        goal = f", the original {found.source:.3f}" if found.source is not None else ""
        self._above.setText(f"Expected bits per byte, as in {found.run}: {first:.3f} to {last:.3f}{goal}")
        stretch = config.train.steps / max(1, int(found.steps[-1]))
        self.curve.set_series("expected", found.steps * stretch, found.values, series=1, width=2, points=True)
        self.curve.set_reference("source", found.source)
        self.curve.set_x_range(0, config.train.steps)

    def _read(self, key: str, field: dataclasses.Field, text: str) -> None:
        kind = int if isinstance(field.default, int) else float
        value, problem = read_number(text, kind, field.metadata["low"])
        self.fields[key].set_problem(problem)
        self.edited.emit({key: value} if not problem else {})


def _rate(value: float) -> str:
    return f"{value:.1e}".replace("e-0", "e-") if value else "0"
