"""Room for a chart that is made when its data arrive: each takes about 50 ms, and the page should be there first."""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.ui.in_turns import Soon


class Late(QWidget):
    """`call(f)` runs `f(chart)` soon, in a turn of the event loop of its own; the first call makes the chart."""

    def __init__(self, make: Callable[[], QWidget], name: str):
        super().__init__()
        self._make, self._calls = make, []
        self.chart: QWidget | None = None
        self.setAccessibleName(name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._soon = Soon(self, self._run)

    def call(self, act: Callable[[QWidget], None]) -> None:
        self._calls.append(act)
        self._soon.start()

    def clear(self) -> None:
        """Forget what is waiting; an existing chart becomes empty."""
        self._calls = []
        if self.chart is not None:
            self.chart.clear_series()

    def _run(self) -> None:
        if self.chart is None:
            self.chart = self._make()
            self.layout().addWidget(self.chart)
        calls, self._calls = self._calls, []
        for act in calls:
            act(self.chart)
