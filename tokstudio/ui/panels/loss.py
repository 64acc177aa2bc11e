"""Training loss against steps, raw and smoothed."""

import math

import numpy as np

from tokstudio.runs.state import Column, RunState
from tokstudio.ui.chart_data import number
from tokstudio.ui.panels.base import NOTHING, Panel

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
        self.legend.set_entries([("raw", 0, "faded"), ("smoothed", 0, "line")])

    def refresh(self, state: RunState) -> None:
        column = state.columns.get("loss") or Column()
        if column is not self._drawn:  # another run
            self._smoothed, self._drawn = Smoothed(), column
        smooth = self._smoothed.of(column)
        self.chart.set_series("raw", column.steps, column.values, faded=True)
        self.chart.set_series("smoothed", column.steps, smooth, width=2)
        self.frame(state)
        if len(column):
            self.say(
                number(float(smooth[-1])), f"smoothed {FACTOR:g}, now {number(float(column.values[-1]))}"
            )
        else:
            self.say(NOTHING, "starts with the first step")
