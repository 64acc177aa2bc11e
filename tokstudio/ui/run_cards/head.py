"""The head of a run: its name, its state, what can be done, and how far it is."""

import time

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QMenu, QVBoxLayout

from tokstudio.runs.clock import told
from tokstudio.runs.state import RunState
from tokstudio.runs.store import RunInfo
from tokstudio.ui.run_cards.change import ChangeForm
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import button, eliding, label, row, tool
from tokstudio.ui.widgets.pill import Pill
from tokstudio.ui.words import clock, duration

RESUMABLE = ("stopped", "parked", "failed", "lost")
GOING = ("preparing", "running", "pausing", "paused", "stopping")
DOTS = "\N{HORIZONTAL ELLIPSIS}"
NOW = (  # what a run can be asked for while it goes: request, words
    ("save", "Save a checkpoint now"),
    ("evaluate", "Measure now"),
    ("sample", "Write samples now"),
)
MORE = (
    ("folder", "Show in folder"),
    ("path", "Copy path"),
    ("notes", "Tags and note" + DOTS),
    ("report", "Write a report" + DOTS),
    ("duplicate", "Set up another one like it"),
    ("trash", "Move to the trash"),
)


class Head(QFrame):
    stop_asked = Signal()
    kill_asked = Signal()
    resume_asked = Signal()
    start_asked = Signal()
    folder_asked = Signal()
    asked = Signal(str)  # "pause", "park", "discard", "queue", "unqueue", a word of NOW or MORE
    changed = Signal(object)  # dict, "steps" or "learning_rate": the text that was typed
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
        self.pause, self.park = button("Pause", "pause"), button("Park", "park")
        self.pause.setToolTip("Wait after this step; the memory is kept")
        self.park.setToolTip("Write a checkpoint and free the memory; go on whenever you like")
        self.resume = button("Resume", "play")
        self.start = button("Start", "play")
        self.queue, self.unqueue = button("Add to queue", "clock"), button("Leave the queue", "close")
        self.more = tool("more", "More")
        self.more.setMenu(self._more_menu())
        for part, signal in ((self.kill, self.kill_asked), (self.resume, self.resume_asked)):
            part.clicked.connect(signal)
        self.start.clicked.connect(self.start_asked)
        for word, part in (("pause", self.pause), ("park", self.park), ("queue", self.queue)):
            part.clicked.connect(lambda _checked=False, word=word: self.asked.emit(word))
        self.unqueue.clicked.connect(lambda: self.asked.emit("unqueue"))
        self.change = ChangeForm()
        self.change.changed.connect(self.changed)
        self.what = label("", "small", "text2")
        self.pair = eliding("", "small", "muted")
        self.where = label("", "small", "text2")
        self.where.hide()
        self.steps = label("", "small", "text2")
        self.left = label("", "small", "muted")
        self.bar = ProgressBar(0.0, 6)
        self._layout()

    def _layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 14)
        layout.setSpacing(8)
        buttons = (self.kill, self.resume, self.pause, self.park, self.stop, self.start, self.queue)
        layout.addWidget(row(self.name, self.others, self.pill, None, *buttons, self.unqueue, self.more))
        layout.addWidget(row(self.what, (self.pair, 1), self.where, self.steps, self.left, spacing=12))
        layout.addWidget(self.bar)
        layout.addWidget(self.change)

    def _stop_menu(self) -> QMenu:
        menu = QMenu(self.stop)
        keep = menu.addAction("Stop and keep: write a checkpoint at the next step")
        keep.triggered.connect(self.stop_asked)
        discard = menu.addAction("Stop and discard: end at once and move to the trash")
        discard.triggered.connect(lambda: self.asked.emit("discard"))
        menu.addSeparator()
        now = menu.addAction("End now: go back to the last checkpoint")
        now.triggered.connect(self.kill_asked)
        return menu

    def _more_menu(self) -> QMenu:
        menu = QMenu(self.more)
        self._now = [menu.addAction(text) for _, text in NOW]
        self._set = menu.addAction("Change rate or steps" + DOTS)
        menu.addSeparator()
        rest = {word: menu.addAction(text) for word, text in MORE}
        for (word, _), action in zip(NOW, self._now, strict=True):
            action.triggered.connect(lambda _checked=False, word=word: self.asked.emit(word))
        for word, action in rest.items():
            action.triggered.connect(lambda _checked=False, word=word: self.asked.emit(word))
        self._set.triggered.connect(lambda: self.change.open())
        self._trash = rest["trash"]
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

    def show_run(
        self, info: RunInfo, shown: str, state: RunState, pair: str, stuck: bool, place: int | None = None
    ) -> None:
        """`shown` is the word of the pill; `place` in the queue, from 1."""
        if self.name.text() != info.name:
            self.change.hide()
        self.name.setText(info.name)
        self.pill.set_state("queued" if place else shown)
        self.what.setText(info.title)
        self.pair.setText(pair)
        self.where.setText(info.where)
        self.where.setVisible(bool(info.where))
        self._show_buttons(shown, stuck, place is not None)
        self._show_progress(info, shown, state, place)
        self.change.know(state)

    def _show_buttons(self, shown: str, stuck: bool, waits: bool) -> None:
        going = shown in GOING
        self.kill.setVisible(stuck)
        self.stop.setVisible(going and not stuck)
        _busy(self.stop, "Stopping" + DOTS if shown == "stopping" else None)
        self.pause.setVisible(going and shown not in ("paused", "stopping") and not stuck)
        _busy(self.pause, "Pausing" + DOTS if shown == "pausing" else None)
        self.park.setVisible(going and shown not in ("stopping", "pausing") and not stuck)
        over = shown in RESUMABLE
        self.resume.setVisible((over and not waits) or shown == "paused")
        self.start.setVisible(shown == "queued")
        self.start.setText("Start now" if waits else "Start")
        self.queue.setVisible((shown == "queued" or over) and not waits)
        self.unqueue.setVisible(waits)
        for action in (*self._now, self._set):
            action.setEnabled(shown in ("running", "paused"))
        self._trash.setEnabled(not going)

    def _show_progress(self, info: RunInfo, shown: str, state: RunState, place: int | None) -> None:
        total, step = state.total_steps or info.total_steps, state.step or info.step
        self.steps.setText(f"{step:,} of {total:,} steps" if total else "")
        self.bar.set(step / total if total else 0.0)
        self.left.setText(f"number {place} in the queue" if place else self._remaining(shown, state))
        self.left.setToolTip(told(state.clock.worked, state.clock.elapsed) if state.clock.elapsed else "")

    def _remaining(self, shown: str, state: RunState) -> str:
        if shown == "preparing":
            return state.phase or "Preparing"
        if shown == "paused":
            return "waits, memory kept"
        if shown == "parked":
            return f"since {clock(state.last_at)}, memory free" if state.last_at else "memory free"
        if shown in ("running", "stopping", "pausing"):
            left = state.seconds_left
            if left is None:
                return state.phase
            return f"{duration(left)} left, ends {clock(time.time() + left)}"
        return f"took {duration(state.clock.worked)}, {clock(state.last_at)}" if state.clock.elapsed else ""


def _busy(part, words: str | None) -> None:
    """Only where it changes: the width is fixed for the words."""
    if bool(part.property("busy")) != bool(words):
        part.set_busy(words)
