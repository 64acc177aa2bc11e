"""Everything about one run: head, trouble, result, charts, samples, log."""

from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tokstudio.errors import RunError, TokstudioError
from tokstudio.events import Failed
from tokstudio.runs.axes import Axis
from tokstudio.runs.state import RunState
from tokstudio.runs.store import RunInfo
from tokstudio.ui.in_turns import InTurns
from tokstudio.ui.panels.base import PANELS, Panel
from tokstudio.ui.run_cards.head import Head
from tokstudio.ui.run_cards.log import LogCard
from tokstudio.ui.run_cards.notes import NotesForm
from tokstudio.ui.run_cards.pins import PinBar
from tokstudio.ui.run_cards.plan import PlanCard
from tokstudio.ui.run_cards.report import report
from tokstudio.ui.run_cards.result import ResultCard
from tokstudio.ui.run_cards.samples import SamplesCard
from tokstudio.ui.run_cards.tools import ChartTools
from tokstudio.ui.run_cards.watch import Watch
from tokstudio.ui.widgets.basic import segmented
from tokstudio.ui.widgets.problem import Problem

GAP = 8
MOST_COLUMNS = 2
FOOT = 196  # height of samples and log
LOG = 372  # width of the log beside the samples


class Board(QWidget):
    """`refresh` is called at most 10 times a second, whatever the run does."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        self.trouble = Problem()
        self.notes = NotesForm()
        self.result = ResultCard()
        self.plan = PlanCard()
        self.samples, self.log = SamplesCard(), LogCard()
        self.panels: list[Panel] = []
        self._state: RunState | None = None
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        self._columns = 0
        self._narrow = False
        self._told: tuple = ()
        self._tabs = segmented(["Samples and lines", "Log"], name="Samples or log")
        self._tabs.changed.connect(lambda _: self._show_tab())
        self.tools = ChartTools()
        self.tools.changed.connect(self._retool)
        self.pins = PinBar()
        self.pins.changed.connect(lambda: self._state is not None and self._show_pins(self._state))
        self.alarm = Problem()
        self._alarmed: tuple = ()
        self._placed: list[Panel] = []
        self._build()
        self.set_narrow(False, 2)
        self._making = InTurns(self)  # one chart a turn of the event loop: each takes 15 ms
        self._making.start(self._made())
        self._drawing = InTurns(self)

    def _build(self) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(GAP)
        foot.addWidget(self.samples, 1)
        foot.addWidget(self.log)
        for card in (self.samples, self.log):
            card.setFixedHeight(FOOT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        for part in (self.head, self.notes, self.trouble, self.result):
            layout.addWidget(part)
        layout.addWidget(self.alarm)
        layout.addWidget(self.plan)
        layout.addWidget(self.tools)
        layout.addWidget(self.pins)
        layout.addLayout(self._grid, 1)
        layout.addWidget(self._tabs)
        layout.addLayout(foot)

    def set_narrow(self, narrow: bool, columns: int) -> None:
        """In a narrow window the log is a tab of the samples; `columns` of charts side by side."""
        self._narrow = narrow
        self._tabs.setVisible(narrow)
        self.log.setMinimumWidth(0 if narrow else LOG)
        self.log.setMaximumWidth(16_777_215 if narrow else LOG)
        self._show_tab()
        if columns != self._columns:
            self._columns = columns
            self._placed = []
            self._place()

    def _place(self) -> None:
        """Panels with something to show, side by side; the first chart has its size before the others are there."""
        state = self._state or RunState()
        wanted = [panel for panel in self.panels if panel.wanted(state)]
        if wanted == self._placed and self._placed:
            return
        self._placed = wanted
        columns, places = self._columns, max(4, len(wanted))
        for panel in self.panels:
            self._grid.removeWidget(panel)
            if panel not in wanted:
                panel.hide()
        for place in range(MOST_COLUMNS):
            self._grid.setColumnStretch(place, int(place < columns))
        for place in range(
            max(places, len(self.panels))
        ):  # no further: a stretch makes its row, and rows stay
            self._grid.setRowStretch(place, int(place < -(-places // columns)))
        for place, panel in enumerate(wanted):
            last = place + 1 == places  # alone in its row, it takes all of it
            span = columns - place % columns if last else 1
            self._grid.addWidget(panel, place // columns, place % columns, 1, span)
            panel.show()
        self.layout().activate()  # now: else a new panel is painted over the head until its turn comes

    def _made(self) -> Iterator[None]:
        for cls in sorted((PANELS[name] for name in PANELS), key=lambda panel: panel.order):
            self._make_panel(cls)
            yield

    def _make_panel(self, cls: type[Panel]) -> None:
        panel = cls()
        panel.setParent(self)  # also where it gets no place: it must not become a window
        panel.hide()
        panel.chart.cursor_moved.connect(self._share_cursor)
        panel.chart.zoomed.connect(self._share_zoom)
        panel.chart.pin_asked.connect(self._pin)
        self.panels.append(panel)
        self._place()
        if self._state is not None:
            panel.axis = Axis(self._state, self.tools.axis)
            panel.refresh(self._state)

    def _retool(self) -> None:
        for panel in self.panels:
            panel.chart.set_log(self.tools.log.isChecked() and panel.logs)
            panel.chart.set_clip(self.tools.clip.isChecked())
        self._share_zoom(None)
        for panel in self.panels:
            panel.chart.set_zoom(None)
        if self._state is not None:
            self._draw_panels(self._state)

    def _share_zoom(self, zoom: tuple[float, float] | None) -> None:
        self.tools.whole.setEnabled(zoom is not None)
        for panel in self.panels:
            if panel.chart is not self.sender():
                panel.chart.set_zoom(zoom)

    def _draw_panels(self, state: RunState) -> None:
        for _ in self._panels_drawn(state):
            pass

    def _panels_drawn(self, state: RunState) -> Iterator[None]:
        axis = Axis(state, self.tools.axis)
        self._place()
        for panel in list(self._placed):
            yield
            panel.axis = axis
            panel.refresh(state)
        self.tools.tell_axis(axis.name)
        self._show_pins(state)

    def _pin(self, x: float) -> None:
        if self._state is not None:
            self.pins.toggle(Axis(self._state, self.tools.axis).back(x))

    def _show_pins(self, state: RunState) -> None:
        """A numbered line in each chart, and what they say there."""
        xs = Axis(state, self.tools.axis).of(np.array(self.pins.steps, float)).tolist()
        for panel in self._placed:
            panel.chart.set_pins(xs)
        told = [
            ", ".join(f"{p.title.lower()} {v}" for p in self._placed if (v := p.chart.value_at(x)))
            for x in xs
        ]
        self.pins.say([f"step {step:,}:  {words}" for step, words in zip(self.pins.steps, told, strict=True)])

    def _show_tab(self) -> None:
        self.samples.setVisible(not self._narrow or self._tabs.index() == 0)
        self.log.setVisible(not self._narrow or self._tabs.index() == 1)

    def _share_cursor(self, x: float | None) -> None:
        for panel in self.panels:
            if panel.chart is not self.sender():
                panel.chart.set_cursor(x)

    def refresh(self, watch: Watch, info: RunInfo, pair: str, place: int | None = None) -> None:
        """At once. `place` in the queue, from 1."""
        self._drawing.stop()
        for _ in self._refreshed(watch, info, pair, place):
            pass

    def follow(self, watch: Watch, info: RunInfo, pair: str, place: int | None = None) -> None:
        """The same, a part a turn of the event loop; while that goes on, another call is left out."""
        if not self._drawing.busy:
            self._drawing.start(self._refreshed(watch, info, pair, place))

    def _refreshed(self, watch: Watch, info: RunInfo, pair: str, place: int | None) -> Iterator[None]:
        shown, state = watch.shown_state(), watch.state
        self._state = state
        self.head.show_run(info, shown, state, pair, watch.stuck, place)
        self._show_trouble(watch, info, shown)
        self.result.refresh(state.report if shown == "finished" else {})
        self.plan.show_run(info.folder)
        self.pins.show_run(info.folder)
        yield from self._panels_drawn(state)
        self._show_alarm(watch, shown)
        yield
        self.samples.refresh(state)
        yield
        self.log.refresh(state)

    def _show_alarm(self, watch: Watch, shown: str) -> None:
        """The first thing that wants somebody, while the run goes."""
        found = watch.alarms() if shown in ("preparing", "running", "stopping") else []
        told = (watch.name, found[0].kind) if found else ()
        if told == self._alarmed:
            return
        self._alarmed = told
        if not found:
            self.alarm.clear()
            return
        ways = [
            ("Pause", lambda: self.head.asked.emit("pause")),
            ("Park", lambda: self.head.asked.emit("park")),
        ]
        self.alarm.show_error(RunError(found[0].message, hint=found[0].hint), ways, warning=True)

    def _show_trouble(self, watch: Watch, info: RunInfo, shown: str) -> None:
        ended = watch.state.ended
        if shown not in ("failed", "lost"):
            told: tuple = ()
        elif isinstance(ended, Failed):
            told = (info.name, ended.message, ended.hint)
        else:
            told = (info.name, info.message, watch.run.way_on())
        if told == self._told:
            return
        self._told = told
        if not told:
            self.trouble.clear()
            return
        error = RunError(told[1], hint=told[2])
        self.trouble.show_error(error, self._ways_on(watch, info), warning=shown == "lost")

    def _ways_on(self, watch: Watch, info: RunInfo) -> list[tuple[str, Callable]]:
        log = QUrl.fromLocalFile(str(info.folder / "stderr.log"))
        copy = lambda: QGuiApplication.clipboard().setText(report(watch, info))  # noqa: E731
        ways: list[tuple[str, Callable]] = []  # to resume is the head's
        if (info.folder / "stderr.log").exists():
            ways.append(("Open log", lambda: QDesktopServices.openUrl(log)))
        return [*ways, ("Copy report", copy)]

    def show_refusal(self, error: TokstudioError) -> None:
        """The run could not even be started."""
        self._told = ("refused", str(error))
        self.trouble.show_error(error)
