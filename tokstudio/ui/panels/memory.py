"""Memory of the run: the device's on a GPU, the process's own on the CPU."""

from tokstudio.runs.state import Column, RunState
from tokstudio.ui.charts import LineChart
from tokstudio.ui.panels.base import NOTHING, Panel
from tokstudio.ui.words import size


class MemoryPanel(Panel):
    title = "Memory"
    logs = False
    order = 4

    def make_chart(self) -> LineChart:
        return LineChart(self.title, zero=True, x_label="step", whole=True, y_words=size)

    def refresh(self, state: RunState) -> None:
        column = state.columns.get("memory_bytes") or Column()
        self.chart.set_series("memory", self.x(column.steps), column.values, series=3, filled=True)
        self.frame(state)
        if not len(column):
            self.say(NOTHING)
            return
        total = state.reference("memory_total")
        peak = f"peak {size(float(column.values.max()))}"
        of = f"of {size(total.value)}, " if total is not None else ""
        self.say(size(float(column.values[-1])), of + peak)
