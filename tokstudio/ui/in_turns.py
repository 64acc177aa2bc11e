"""Work for the window's thread in pieces: one a turn of the event loop, so that the window answers in between."""

import time
from collections.abc import Generator, Iterator

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

PIECE = 0.012  # seconds of processor time that small pieces take together


class InTurns(QObject):
    """Runs a generator, from one `yield` to the next in each turn. One at a time: another ends the one before.
    What it yields is how many milliseconds the next piece can wait; None: none."""

    ended = Signal()

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._work: Generator | None = None
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._piece)

    @property
    def busy(self) -> bool:
        return self._work is not None

    def start(self, work: Generator) -> None:
        self.stop()
        self._work = work
        self._timer.start(0)

    def stop(self) -> None:
        """What is left is not done; `finally` in the generator is."""
        self._timer.stop()
        work, self._work = self._work, None
        if work is not None and not work.gi_running:  # its last act may be what ends it
            work.close()

    def finish(self) -> None:
        """What is left, now."""
        while self.busy:
            self._piece()
            time.sleep(self._timer.interval() / 1000)

    def _piece(self) -> None:
        work = self._work
        if work is None:
            return
        try:
            self._timer.setInterval(next(work) or 0)
        except BaseException as error:
            self._timer.stop()
            if self._work is work:
                self._work = None
            if not isinstance(error, StopIteration):
                raise
            self.ended.emit()


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
