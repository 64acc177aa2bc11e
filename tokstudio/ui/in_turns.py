"""Work for the window's thread in pieces, so that the window answers in between.

All pieces wait in one queue, and a turn of the event loop takes from it what fits into `PIECE`: timers of their own
would all be due in the same turn on a busy machine, and their work would add up to one long turn.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

PIECE = 0.012  # seconds of processor time that small pieces take together


class _Queue(QObject):
    def __init__(self):
        super().__init__()
        self._waiting: deque[Soon] = deque()
        self._timer = QTimer(self, interval=0, singleShot=True)
        self._timer.timeout.connect(self._turn)

    def add(self, soon: "Soon") -> None:
        self._waiting.append(soon)
        self._timer.start()

    def _turn(self) -> None:
        begun = time.thread_time()
        for _ in range(len(self._waiting)):  # what comes meanwhile waits for the next turn
            if not self._waiting:
                break
            soon = self._waiting.popleft()
            if self._waiting:
                self._timer.start()  # now: what runs may open a dialog and wait for its end
            if isValid(soon):
                soon.run()
            if time.thread_time() - begun > PIECE:
                break


@lru_cache(maxsize=1)
def _queue() -> _Queue:
    return _Queue()


class Soon(QObject):
    """Calls `act` in one of the next turns, once for any number of calls of `start` before it."""

    due = Signal()  # a connection does not keep alive what it calls

    def __init__(self, parent: QObject | None, act: Callable[[], object]):
        super().__init__(parent)
        self.due.connect(act)
        self._wanted = self._queued = False

    def start(self) -> None:
        self._wanted = True
        if not self._queued:
            self._queued = True
            _queue().add(self)

    def stop(self) -> None:
        self._wanted = False

    def run(self) -> None:
        """Called by the queue."""
        wanted, self._wanted, self._queued = self._wanted, False, False
        if wanted:
            self.due.emit()


class InTurns(QObject):
    """Runs a generator, from one `yield` to the next in each turn. One at a time: another ends the one before.
    What it yields is how many milliseconds the next piece can wait; None: none."""

    ended = Signal()

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._work: Generator | None = None
        self._wait = 0  # milliseconds
        self._soon = Soon(self, self._piece)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._soon.start)

    @property
    def busy(self) -> bool:
        return self._work is not None

    def start(self, work: Generator, now: bool = False) -> None:
        """`now`: its first piece does not wait for a turn."""
        self.stop()
        self._work = work
        self._soon.start()
        if now:
            self._piece()

    def stop(self) -> None:
        """What is left is not done; `finally` in the generator is."""
        self._soon.stop()
        self._timer.stop()
        work, self._work = self._work, None
        if work is not None and not work.gi_running:  # its last act may be what ends it
            work.close()

    def finish(self) -> None:
        """What is left, now."""
        while self.busy:
            self._piece()
            time.sleep(self._wait / 1000)

    def _piece(self) -> None:
        work, self._wait = self._work, 0
        if work is None:
            return
        try:
            self._wait = next(work) or 0
        except BaseException as error:
            if self._work is work:
                self._work = None
            if not isinstance(error, StopIteration):
                raise
            self.ended.emit()
            return
        if self._wait:
            self._timer.start(self._wait)
        else:
            self._soon.start()


def polished(page: QWidget) -> Iterator[None]:
    """Style and size for all of a hidden page, which would otherwise be one long turn when it is shown."""
    begun = time.thread_time()
    for widget in reversed(
        page.findChildren(QWidget)
    ):  # the innermost first: Qt does all that is inside with each
        widget.ensurePolished()
        if time.thread_time() - begun > PIECE:
            yield
            begun = time.thread_time()
    if page.layout() is not None:
        page.layout().activate()
    yield
