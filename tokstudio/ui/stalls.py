"""How long the window's thread is away: a heartbeat in the real window, while it goes through all its pages.

`tokstudio bench stalls` asks for it with TOKSTUDIO_STALL_PROBE=1. It prints one line on stderr: `stalls`, and one
JSON object, for each part of the tour the longest time between two beats in milliseconds (`ms`), and how much
of that time this thread was computing (`cpu_ms`): on a busy machine the rest is other programs' share.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, Qt, QTimer

from tokstudio.ui import page_list

BEAT = 2  # milliseconds
STAY = 1500  # milliseconds on each stop of the tour: what a page does late belongs to it
RUN = "steps = 4000\npause = 0.001\nsave_every = 100\nevaluate_every = 50"


class Heartbeat(QObject):
    """The longest gap since the last call of `name`, by name."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self.longest: dict[str, dict[str, float]] = {}
        self._name = ""
        self._timer = QTimer(self, interval=BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def name(self, name: str) -> None:
        self._beat()  # what went before ends here
        self._name = name
        self._timer.start()

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        if self._name:
            gap = {"ms": 1000 * (now - self._at), "cpu_ms": 1000 * (busy - self._busy)}
            longest = self.longest.get(self._name, {"ms": 0.0})
            self.longest[self._name] = max(longest, gap, key=lambda each: each["ms"])
        self._at, self._busy = now, busy


def _nothing() -> None:
    """Only look on."""


class Tour(QObject):
    """Every page twice, a key in the text of Compare, a run that streams its events; then the line, and the end."""

    def __init__(self, window):
        super().__init__(window)
        self._window, self._heart = window, Heartbeat(self)
        self._steps = list(self._stops())
        self._timer = QTimer(self, interval=STAY, singleShot=True)
        self._timer.timeout.connect(self._next)
        QTimer.singleShot(0, self, self._begin)

    def _begin(self) -> None:
        self._heart.name("start")
        self._timer.start()

    def _stops(self) -> Iterator[tuple[str, Callable[[], object]]]:
        names = [entry.name for entry in page_list.entries()]
        yield "key", self._type
        for name in names[1:]:
            yield f"first {name}", lambda name=name: self._window.show_page(name)
        for name in names:
            yield f"back to {name}", lambda name=name: self._window.show_page(name)
        for number in range(3):  # and stay: the run goes on
            yield "run", self._start_run if number == 0 else _nothing
        yield "scheme", self._window.toggle_scheme

    def _next(self) -> None:
        if not self._steps:
            self._tell()
            return
        name, act = self._steps.pop(0)
        self._heart.name(name)
        act()
        self._timer.start()

    def _type(self) -> None:
        edit = self._window.page("compare").text.editor.edit
        for at, letter in enumerate("a key is a key "):
            QTimer.singleShot(60 * at, edit, lambda letter=letter: edit.insertPlainText(letter))

    def _start_run(self) -> None:
        from tokstudio.runs.store import RunStore

        run = RunStore().create("selftest", "heartbeat", RUN)
        self._window.context.go("runs", start=run.folder.name)

    def _tell(self) -> None:
        found = {
            name: {kind: round(value, 1) for kind, value in gap.items()}
            for name, gap in self._heart.longest.items()
        }
        sys.stderr.write(f"stalls {json.dumps(found)}\n")
        sys.stderr.flush()
        for watch in self._window.page("runs").watches.values():
            watch.kill()
        self._window.end(0)
