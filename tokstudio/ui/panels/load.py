"""How busy the processor is with the run, and the GPU."""

from tokstudio.runs.state import Column, RunState
from tokstudio.ui.charts import LineChart
from tokstudio.ui.panels.base import NOTHING, Panel

PARTS = (("gpu_percent", "GPU", 0), ("cpu_percent", "CPU", 1))


def percent(value: float) -> str:
    return f"{value:.0f} %"


class LoadPanel(Panel):
    title = "Load"
    logs = False
    order = 7

    def make_chart(self) -> LineChart:
        chart = LineChart(self.title, zero=True, x_label="step", whole=True, y_words=percent)
        chart.set_reference("all", 100.0)  # 30 % are to look like 30 %
        return chart

    def wanted(self, state: RunState) -> bool:
        return any(len(state.columns.get(metric, ())) for metric, _, _ in PARTS)

    def refresh(self, state: RunState) -> None:
        newest = []
        for metric, name, series in PARTS:
            column = state.columns.get(metric) or Column()
            if not len(column):
                self.chart.remove_series(name)
                continue
            self.chart.set_series(name, self.x(column.steps), column.values, series=series)
            newest.append((name, series, float(column.values[-1])))
        self.legend.set_entries([(name, series, "line") for name, series, _ in newest])
        self.frame(state)
        if not newest:
            self.say(NOTHING)
            return
        rest = [f"{name} {percent(value)} of all cores" for name, _, value in newest[1:]]
        first = "of the GPU" if newest[0][0] == "GPU" else "of all cores"
        self.say(percent(newest[0][2]), ", ".join([first, *rest]))
