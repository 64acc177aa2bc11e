"""The head of a run: its name, its state, what can be done, and how far it is."""

import time

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QMenu, QVBoxLayout

from tokstudio.runs.state import RunState
from tokstudio.runs.store import RunInfo
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import button, eliding, label, row, tool
from tokstudio.ui.widgets.pill import Pill
from tokstudio.ui.words import clock, duration

RESUMABLE = ("stopped", "failed", "lost")


class Head(QFrame):
    stop_asked = Signal()
    kill_asked = Signal()
    resume_asked = Signal()
    start_asked = Signal()
    folder_asked = Signal()
    picked = Signal(str)  # another run, from the menu that stands in for the list in a narrow window

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.name = eliding("", "display")
        self.pill = Pill()
        self.others = tool("chevron-down", "Other runs")
        self.others.setMenu(QMenu(self.others))
        self.stop = button("Stop\N{HORIZONTAL ELLIPSIS}", "stop", "danger")
        self.stop_menu = self._stop_menu()
        self.stop.clicked.connect(
            lambda: self.stop_menu.popup(self.stop.mapToGlobal(self.stop.rect().bottomLeft()))
        )
        self.kill = button("End the process", "close", "danger")
        self.resume = button("Resume", "play")
        self.start = button("Start", "play")
        self.folder = button("Open folder", "folder")
        self.kill.clicked.connect(self.kill_asked)
        self.resume.clicked.connect(self.resume_asked)
        self.start.clicked.connect(self.start_asked)
        self.folder.clicked.connect(self.folder_asked)
        self.what = label("", "small", "text2")
        self.pair = eliding("", "small", "muted")
        self.steps = label("", "small", "text2")
        self.left = label("", "small", "muted")
        self.bar = ProgressBar(0.0, 6)
        self._layout()

    def _layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 14)
        layout.setSpacing(8)
        buttons = (self.kill, self.stop, self.resume, self.start, self.folder)
        layout.addWidget(row(self.name, self.others, self.pill, None, *buttons))
        layout.addWidget(row(self.what, (self.pair, 1), self.steps, self.left, spacing=12))
        layout.addWidget(self.bar)

    def _stop_menu(self) -> QMenu:
        menu = QMenu(self.stop)
        keep = menu.addAction("Stop and keep: write a checkpoint at the next step")
        keep.triggered.connect(self.stop_asked)
        now = menu.addAction("End now: go back to the last checkpoint")
        now.triggered.connect(self.kill_asked)
        return menu

    def set_others(self, infos: list[RunInfo], shown: bool) -> None:
        """The menu that stands in for the list."""
        self.others.setVisible(shown)
        if not shown or self.others.menu().isVisible():
            return
        self.others.menu().clear()
        for info in infos[:30]:
            action = self.others.menu().addAction(f"{info.name}   {info.state}")
            action.triggered.connect(lambda _checked=False, name=info.name: self.picked.emit(name))

    def show_run(self, info: RunInfo, shown: str, state: RunState, pair: str, stuck: bool) -> None:
        """`shown` is the word of the pill."""
        self.name.setText(info.name)
        self.pill.set_state(shown)
        self.what.setText(info.title)
        self.pair.setText(pair)
        self._show_buttons(shown, stuck)
        self._show_progress(info, shown, state)

    def _show_buttons(self, shown: str, stuck: bool) -> None:
        self.kill.setVisible(stuck)
        self.stop.setVisible(shown in ("preparing", "running", "stopping") and not stuck)
        busy = "Stopping\N{HORIZONTAL ELLIPSIS}" if shown == "stopping" else None
        if bool(self.stop.property("busy")) != bool(busy):
            self.stop.set_busy(busy)
        self.resume.setVisible(shown in RESUMABLE)
        self.start.setVisible(shown == "queued")

    def _show_progress(self, info: RunInfo, shown: str, state: RunState) -> None:
        total, step = state.total_steps or info.total_steps, state.step or info.step
        self.steps.setText(f"{step:,} of {total:,} steps" if total else "")
        self.bar.set(step / total if total else 0.0)
        self.left.setText(self._remaining(shown, state))

    def _remaining(self, shown: str, state: RunState) -> str:
        if shown == "preparing":
            return state.phase or "Preparing"
        if shown in ("running", "stopping"):
            left = state.seconds_left
            if left is None:
                return state.phase
            return f"{duration(left)} left, ends {clock(time.time() + left)}"
        if state.began_at and state.last_at > state.began_at:
            return f"took {duration(state.last_at - state.began_at)}, {clock(state.last_at)}"
        return ""
