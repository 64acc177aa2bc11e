"""How fast the run reads its text."""

import numpy as np

from tokstudio.runs.state import Column, RunState
from tokstudio.ui.chart_data import number
from tokstudio.ui.charts import LineChart
from tokstudio.ui.panels.base import NOTHING, Panel

WINDOW = 100  # steps of the median that is written out


class TokensPerSecondPanel(Panel):
    title = "Tokens per second"
    logs = False
    order = 3

    def make_chart(self) -> LineChart:
        return LineChart(self.title, zero=True, x_label="step", whole=True)

    def refresh(self, state: RunState) -> None:
        column = state.columns.get("tokens_per_second") or Column()
        self.chart.set_series("tokens per second", self.x(column.steps), column.values, series=2)
        self.frame(state)
        if len(column):
            recent = column.values[-WINDOW:]
            self.say(number(float(np.nanmedian(recent))), f"median of the last {len(recent)} steps")
        else:
            self.say(NOTHING)
