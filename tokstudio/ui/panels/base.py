"""What every dashboard panel provides."""

from typing import ClassVar

from PySide6.QtWidgets import QFrame, QVBoxLayout

from tokstudio.registry import Registry
from tokstudio.runs.state import RunState
from tokstudio.ui.charts import Legend, LineChart
from tokstudio.ui.widgets.basic import eliding, label, row

PANELS: Registry[type["Panel"]] = Registry("tokstudio.ui.panels")
NOTHING = "\N{EN DASH}"  # where a number will be


class Panel(QFrame):
    """One card on the dashboard: title, legend, the newest value, a chart. A subclass in a file here is
    on the dashboard, at its `order`. `refresh` is called at most 10 times a second, on the UI thread."""

    title: ClassVar[str]
    order: ClassVar[int] = 100

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        PANELS.add(cls.__module__.rpartition(".")[2], cls)

    def __init__(self) -> None:
        super().__init__()
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
        self.setMinimumHeight(130)

    def make_chart(self) -> LineChart:
        return LineChart(self.title, x_label="step", whole=True)

    def refresh(self, state: RunState) -> None:
        raise NotImplementedError

    def say(self, value: str, remark: str = "") -> None:
        self.value.setText(value)
        self.remark.setText(remark)

    def frame(self, state: RunState) -> None:
        """All panels share their x axis; a triangle for every checkpoint."""
        self.chart.set_x_range(0, max(1, state.step))
        self.chart.set_marks([saved.step for saved in state.checkpoints])
