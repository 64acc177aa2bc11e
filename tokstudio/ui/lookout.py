"""Runs that go on while their page is not there yet: the dot on the rail, and a job each in the status bar.

The Runs page follows runs event by event, but building it takes longer than a start may. Until somebody opens
it, what `state.json` says every other second is enough.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from tokstudio.errors import TokstudioError
from tokstudio.ui.background import Worker
from tokstudio.ui.context import Context

if TYPE_CHECKING:  # imports psutil, which a start does not wait for
    from tokstudio.runs.alarms import Alarm
    from tokstudio.runs.store import RunInfo
    from tokstudio.ui.desktop import Notifier

AFTER = 700  # milliseconds after the window is shown: the panes have their colors by then
LOOK = 2000  # milliseconds between two looks: others start runs, too


def live_runs() -> list["RunInfo"]:
    """Newest first. Reads files; for a thread."""
    return [info for info in all_runs()[0] if info.live]


def all_runs() -> tuple[list["RunInfo"], dict[str, list["Alarm"]]]:
    """All runs, newest first, and what is wrong with those that go. Reads files; for a thread."""
    from tokstudio.runs.alarms import of_folder
    from tokstudio.runs.store import RunStore

    infos = RunStore().runs()
    return infos, {info.name: of_folder(info.folder) for info in infos if info.live}


class Lookout(QObject):
    def __init__(self, context: Context, parent: QObject | None = None):
        super().__init__(parent)
        self._context = context
        self._names: set[str] = set()  # of the runs with a job in the status bar
        self._busy = False
        self._notifier: Notifier | None = None  # from the first live run on
        self._worker = Worker(self)
        self._worker.done.connect(self._seen)
        self._timer = QTimer(self, interval=LOOK)
        self._timer.timeout.connect(self._look)

    def begin(self) -> None:
        self._look()
        self._timer.start()

    def leave(self) -> None:
        """The Runs page takes over, or the window closes."""
        self._timer.stop()
        self._worker.close()
        self._show([])

    def _look(self) -> None:
        if not self._busy:  # a slow disk gets no queue
            self._busy = True
            self._worker.submit("all", all_runs)

    def _seen(
        self, _key: str, found: "tuple[list[RunInfo], dict[str, list[Alarm]]] | TokstudioError"
    ) -> None:
        self._busy = False
        if not self._timer.isActive():  # it was on its way when this ended
            return
        if isinstance(found, TokstudioError):
            self._show([])
            return
        infos, alarms = found
        if self._notifier is None and any(info.live for info in infos):
            from tokstudio.ui.desktop import Notifier

            self._notifier = Notifier(self._context, self)
        if self._notifier is not None:
            self._notifier.see(infos, alarms)
        self._show([info for info in infos if info.live])

    def _show(self, found: list["RunInfo"]) -> None:
        """What cannot be read is the Runs page's to tell."""
        for info in found:
            done = info.step / info.total_steps if info.total_steps else 0.0
            self._context.job(f"run:{info.name}", info.name, done, stopper(info))
        names = {info.name for info in found}
        for gone in self._names - names:
            self._context.job_done(f"run:{gone}")
        if self._names or names:
            self._context.badge("runs", bool(names))
        self._names = names


def stopper(info: "RunInfo") -> Callable[[], None]:
    """What asks this run to stop; takes nothing, because a button would hand it its state."""

    def stop() -> None:
        from tokstudio.runs.process import Run

        Run(info.folder).stop()

    return stop
