"""One run as the window follows it."""

import time
from typing import Literal

from PySide6.QtCore import QObject, Signal

from tokstudio.errors import TokstudioError
from tokstudio.events import Changed, Continued, Paused
from tokstudio.runs.alarms import Alarm, of_folder, of_state
from tokstudio.runs.configs import flat
from tokstudio.runs.process import ENDS, Run
from tokstudio.runs.state import RunState
from tokstudio.ui.follow import Follower

LOOK = 5.0  # seconds between two looks at the folder for alarms
GOING = ("preparing", "running", "pausing", "paused", "stopping")
SAID = {Paused: "pause", Continued: "resume"}
STUCK = 20.0  # seconds after a request to stop, before ending the process is offered


class Watch(QObject):
    """Folds what a Follower delivers into a RunState, and knows what the person asked for meanwhile."""

    changed = Signal()  # something new to draw; at most one signal a batch
    over = Signal()  # no attempt goes any more
    refused = Signal(object)  # TokstudioError: it could not be started

    def __init__(self, run: Run):
        super().__init__()
        self.run = run
        self.name = run.folder.name
        self.state = RunState()
        self._looked = 0.0  # monotonic
        self._of_folder: list[Alarm] = []
        self._follower: Follower | None = None
        self._asked_at = 0.0  # when this window started the present attempt, seconds since the epoch
        self._stop_asked: float | None = None  # monotonic
        self._asked = ""  # "pause", "park" or "resume", until the run says that it did

    @property
    def following(self) -> bool:
        return self._follower is not None

    def follow(self, start: Literal["fresh", "resume"] | None = None) -> None:
        """Starts, resumes or only reads. Everything is read again from the first event."""
        if self._follower is not None:
            return
        self.state = RunState()
        self._asked_at = time.time() if start else 0.0
        self._stop_asked, self._asked = None, ""
        self._follower = follower = Follower(self.run, start)
        follower.arrived.connect(self._take)
        follower.refused.connect(self._refuse)
        follower.finished.connect(self._ended)
        follower.start()

    def stop(self) -> None:
        """Raises RunError where the folder cannot be written."""
        self.run.stop()
        self._stop_asked = time.monotonic()
        self.changed.emit()

    def ask(self, request: str) -> None:
        """Anything but a stop; see `runs.control`. Raises RunError where the folder cannot be written."""
        self.run.ask(request)
        if request in ("pause", "park", "resume"):
            self._asked = request
        if request == "park":
            self._stop_asked = time.monotonic()
        self.changed.emit()

    def before_change(self, name: str, at: float) -> str | None:
        """What `name` ("steps" or "learning_rate") was before the change that was asked for at `at`, seconds since the
        epoch: as the run told, or what it is still, where the run has not read the request. None: nobody knows yet."""
        told = [event for event in self.state.history if isinstance(event, Changed) and event.name == name]
        if answer := next((event for event in told if event.at >= at), None):
            return f"{answer.before!r}"
        if told:
            return f"{told[-1].after!r}"
        if name == "steps":
            return f"{self.state.total_steps}" if self.state.total_steps else None
        frozen = flat(self.run.folder)  # the stages of a translation have rates of their own
        rate = None if frozen.get("s2t2.steps") else frozen.get("optimizer.learning_rate")
        return f"{rate!r}" if rate else None

    def alarms(self) -> list[Alarm]:
        """What wants somebody. The folder is looked at every few seconds only."""
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked, self._of_folder = now, of_folder(self.run.folder)
        return [*of_state(self.state), *self._of_folder]

    def kill(self) -> None:
        self.run.kill()

    def leave(self) -> None:
        """The run goes on; this window looks away."""
        if (follower := self._follower) is not None:
            self._follower = None
            follower.leave()

    @property
    def stuck(self) -> bool:
        return self._stop_asked is not None and time.monotonic() - self._stop_asked > STUCK

    def shown_state(self) -> str:
        """The word of the pill: what goes on, or what the person has just asked for."""
        if self.state.last_at < self._asked_at and self.following:
            return "preparing"  # visible with the click; the process needs a moment for its first word
        if self.state.ended is not None or not self.following or not self.state.events:
            now = self.run.state()
            told = ENDS.get(type(self.state.ended), now)
            return (
                told if now in GOING and self.following else now
            )  # its last word comes before its state.json
        if self._asked in ("pause", "park"):
            return "pausing"
        if self._stop_asked is not None:
            return "stopping"
        if self.state.paused:
            return "paused"
        return "running" if self.state.started else "preparing"

    def _stale(self) -> bool:
        """A signal that was on its way when its follower was left still arrives; its sender may be gone by then,
        and None is nobody's follower."""
        return self._follower is None or self.sender() is not self._follower

    def _take(self, batch: list) -> None:
        if self._stale():
            return
        for event in batch:
            self.state.apply(event)
            if isinstance(event, Paused | Continued) and self._asked == SAID[type(event)]:
                self._asked = ""
        self.changed.emit()

    def _refuse(self, error: TokstudioError) -> None:
        if self._stale():
            return
        self.refused.emit(error)

    def _ended(self) -> None:
        if self._stale():
            return
        self._follower = None
        self._stop_asked, self._asked = None, ""
        self.changed.emit()
        self.over.emit()
