"""Training loss against steps, raw and smoothed."""

import math

import numpy as np

from tokstudio.runs.state import Column, RunState
from tokstudio.ui.chart_data import number
from tokstudio.ui.panels.base import NOTHING, Panel

SHORT = {"alm", "dskd", "gold", "kl", "sft", "uld"}  # names of objectives that are abbreviations
FACTOR = 0.9  # share of the past in the smoothed line


class Smoothed:
    """An exponential mean that only ever looks at what is new. It is divided by the weight seen so far, so that
    it does not lag behind at the start."""

    def __init__(self, factor: float = FACTOR):
        self._factor = factor
        self._version = -1
        self._values: list[float] = []
        self._sum = self._weight = 0.0

    def of(self, column: Column) -> np.ndarray:
        """float64 [len(column)]. A value that is no number leaves the mean where it was."""
        if column.version != self._version or len(column) < len(self._values):
            self._version, self._values = column.version, []
            self._sum = self._weight = 0.0
        for value in column.values[len(self._values) :].tolist():
            if math.isfinite(value):
                self._sum = self._factor * self._sum + (1 - self._factor) * value
                self._weight = self._factor * self._weight + (1 - self._factor)
            self._values.append(self._sum / self._weight if self._weight else value)
        return np.array(self._values)


class LossPanel(Panel):
    title = "Training loss"
    order = 1

    def __init__(self) -> None:
        super().__init__()
        self._smoothed = Smoothed()
        self._drawn: Column | None = None
        self._parts: dict[str, Smoothed] = {}
        self._shown: list[str] = []

    def refresh(self, state: RunState) -> None:
        column = state.columns.get("loss") or Column()
        if column is not self._drawn:  # another run
            self._smoothed, self._drawn = Smoothed(), column
            self._parts.clear()
        smooth = self._smoothed.of(column)
        self.chart.set_series("raw", self.x(column.steps), column.values, faded=True)
        self.chart.set_series("smoothed", self.x(column.steps), smooth, width=2)
        self._show_parts(state)
        self.frame(state)
        if len(column):
            self.say(
                number(float(smooth[-1])),
                f"smoothed, last step {number(float(column.values[-1]))}",
            )
        else:
            self.say(NOTHING, "starts with the first step")

    def _show_parts(self, state: RunState) -> None:
        """Each objective's own loss, smoothed and dashed."""
        names = sorted(
            name for name in state.columns if name.startswith("loss/") and len(state.columns[name])
        )
        for gone in set(self._shown) - set(names):
            self.chart.remove_series(gone)
        self._shown = names
        for place, name in enumerate(names):
            column = state.columns[name]
            smooth = self._parts.setdefault(name, Smoothed()).of(column)
            series = 1 + place % 5
            self.chart.set_series(name, self.x(column.steps), smooth, series=series, dashed=True)
        parts = [(_called(name), 1 + i % 5, "dash") for i, name in enumerate(names)]
        self.legend.set_entries([("raw", 0, "faded"), ("smoothed", 0, "line"), *parts])


def _called(metric: str) -> str:
    """ "loss/projected_kl" is "projected KL"."""
    words = metric.partition("/")[2].split("_")
    return " ".join(word.upper() if word in SHORT else word for word in words)
