"""Python's search for garbage, on the window's thread alone.

Python searches on whichever thread has just made an object. What it finds may be part of the window, as an object and a
lambda that names it keep each other; but Qt's objects may be deleted only on the thread that they live on. Seen with
PySide6 6.11: "Timers cannot be stopped from another thread", and once in 10,000 random events a segmentation fault.
"""

import gc

from PySide6.QtCore import QObject, QTimer

EVERY = 250  # milliseconds


class Collector(QObject):
    """Searches from `begin` to `end`, in place of Python; for one or for several windows."""

    _going = 0  # collectors between `begin` and `end`

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._timer = QTimer(self, interval=EVERY)
        self._timer.timeout.connect(look)

    def begin(self) -> None:
        if not self._timer.isActive():
            Collector._going += 1
            gc.disable()
            self._timer.start()

    def end(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            Collector._going -= 1
            if not Collector._going:
                gc.enable()


def look() -> None:
    """Searches as far back as Python would by now."""
    for generation, (count, most) in reversed(
        list(enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)))
    ):
        if 0 < most < count:
            gc.collect(generation)
            return
