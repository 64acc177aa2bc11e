"""How long a run worked, and how long ago it began: a pause, a park and the time between two attempts are no work."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from tokstudio.events import KINDS, Continued, Paused, RunEvent

HEAD = re.compile(rb'^\{"kind":"(\w+)","at":([0-9.eE+-]+)', re.MULTILINE)  # as `events.dump` writes a line
TERMINAL = frozenset(kind for kind, cls in KINDS.items() if cls.terminal)


@dataclass
class Clock:
    """Takes the events of a run in their order. In seconds; `began` and `last` since the epoch, 0: no event yet."""

    began: float = 0.0
    last: float = 0.0
    worked: float = 0.0
    paused: bool = False
    over: bool = False  # was the last event the end of an attempt?

    @property
    def elapsed(self) -> float:
        """From the first event to the last one, whatever the run did meanwhile."""
        return max(0.0, self.last - self.began)

    def take(self, event: RunEvent) -> None:
        self.tick(event.kind, event.at)

    def tick(self, kind: str, at: float) -> None:
        """An event of `kind` at `at`; 0: nobody knows when."""
        if at:
            if self.began and not (self.paused or self.over):
                self.worked += max(0.0, at - self.last)  # a clock that was set back took no work away
            self.began, self.last = self.began or at, at
        self.over = kind in TERMINAL
        if kind == Paused.kind:
            self.paused = True
        elif kind == Continued.kind or self.over:
            self.paused = False


def read(folder: Path) -> Clock:
    """Of what was recorded so far; a tenth of a second for 100,000 events. A folder without events: nothing."""
    clock = Clock()
    try:
        text = (folder / "events.jsonl").read_bytes()
    except OSError:
        return clock
    for kind, at in HEAD.findall(text):
        try:
            clock.tick(kind.decode(), float(at))
        except ValueError:  # a line that somebody edited
            continue
    return clock


def duration(seconds: float) -> str:
    """45 s, 15 min, 2 h 5 min."""
    if seconds < 60:
        return f"{max(0, math.ceil(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def told(worked: float, elapsed: float) -> str:
    """Both, for people."""
    return (
        f"Worked {duration(worked)}; {duration(elapsed)} from start to last event, pauses and parks included"
    )
