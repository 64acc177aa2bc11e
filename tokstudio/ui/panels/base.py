"""What every dashboard panel provides."""

from typing import ClassVar

import numpy as np
from PySide6.QtWidgets import QFrame, QVBoxLayout

from tokstudio.registry import Registry
from tokstudio.runs.axes import Axis
from tokstudio.runs.state import Column, RunState
from tokstudio.ui import theme
from tokstudio.ui.chart_data import number
from tokstudio.ui.charts import Legend, LineChart
from tokstudio.ui.widgets.basic import eliding, label, row

PANELS: Registry[type["Panel"]] = Registry("tokstudio.ui.panels")
NOTHING = "\N{EN DASH}"  # where a number will be


class Panel(QFrame):
    """One card on the dashboard: title, legend, the newest value, a chart. A subclass in a file here is
    on the dashboard, at its `order`. `refresh` is called at most 10 times a second, on the UI thread."""

    title: ClassVar[str]
    order: ClassVar[float] = 100
    logs: ClassVar[bool] = True  # does a logarithmic scale make sense?

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        if "title" in cls.__dict__:  # else it is a base for others
            PANELS.add(cls.__module__.rpartition(".")[2], cls)

    def __init__(self) -> None:
        super().__init__()
        self.axis = Axis(RunState())
        self.setProperty("frame", "card")
        self.setAccessibleName(self.title)
        self.legend = Legend()
        self.value = label("", "display")
        self.remark = eliding("", "small", "muted")
        self.chart = self.make_chart()
        self.chart.setAccessibleName(f"Chart: {self.title}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 8, 6)
        layout.setSpacing(2)
        layout.addWidget(row(label(self.title, "h2"), None, self.legend))
        layout.addWidget(row(self.value, (self.remark, 1), spacing=6))
        layout.addWidget(self.chart, 1)
        self._grow()
        theme.changed.connect(self._grow)

    def _grow(self) -> None:
        """Larger text takes nothing from the chart's own height."""
        self.setMinimumHeight(max(130, round(130 * theme.scale())))

    def make_chart(self) -> LineChart:
        return LineChart(self.title, x_label="step", whole=True)

    def refresh(self, state: RunState) -> None:
        raise NotImplementedError

    def wanted(self, state: RunState) -> bool:
        """Is there something to show? Else the panel leaves its place to others."""
        return True

    def x(self, steps: np.ndarray) -> np.ndarray:
        """Where `steps` lie on the axis that the person chose."""
        return self.axis.of(steps)

    def say(self, value: str, remark: str = "") -> None:
        self.value.setText(value)
        self.remark.setText(remark)

    def frame(self, state: RunState) -> None:
        """All panels share their x axis; a triangle for every checkpoint."""
        right = float(self.axis.of(np.array([state.step]))[0])
        self.chart.set_x_range(0, right if right > 0 else 1)
        self.chart.set_x_label(self.axis.name)
        self.chart.set_marks(self.axis.of(np.array([saved.step for saved in state.checkpoints])))
        places = self.axis.of(np.array([step for step, _ in state.marks]))
        self.chart.set_events(list(zip(places.tolist(), [words for _, words in state.marks], strict=True)))


class SinglePanel(Panel):
    """One metric, shown only where a run has it."""

    metric: ClassVar[str]
    series: ClassVar[int] = 0
    remark_text: ClassVar[str] = ""

    def wanted(self, state: RunState) -> bool:
        return len(state.columns.get(self.metric, ())) > 0

    def refresh(self, state: RunState) -> None:
        column = state.columns.get(self.metric) or Column()
        self.chart.set_series(
            self.metric, self.x(column.steps), column.values, series=self.series, points=len(column) < 40
        )
        self._draw_output(state)
        self.frame(state)
        if len(column):
            self.say(
                self.words(float(column.values[-1])), self.remark_text or f"step {int(column.steps[-1]):,}"
            )
        else:
            self.say(NOTHING)

    def _draw_output(self, state: RunState) -> None:
        """A second line where the output side has figures of its own."""
        column, name = state.columns.get(f"{self.metric}/output") or Column(), f"{self.metric}/output"
        if not len(column):
            self.chart.remove_series(name)
            self.legend.set_entries([])
            return
        series = (self.series + 1) % 6
        points = len(column) < 40
        self.chart.set_series(
            name, self.x(column.steps), column.values, series=series, dashed=True, points=points
        )
        self.legend.set_entries([("input", self.series, "line"), ("output", series, "dash")])

    def words(self, value: float) -> str:
        return number(value)
