"""What a run looks like now: its events, folded. No Qt, no clocks, no files."""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tokstudio.events import (
    Changed,
    Checkpointed,
    Continued,
    Failed,
    HeldOut,
    Log,
    Metrics,
    Paused,
    Phase,
    Reference,
    Report,
    RunEvent,
    Sample,
    Started,
)
from tokstudio.runs.clock import Clock

TOLD = (
    Phase,
    Log,
    Checkpointed,
    Changed,
    Paused,
    Continued,
    Started,
)  # what a log lists, and every end of a run
WARNINGS = ("warn", "error")  # levels of a Log
KEPT = 2000  # entries of it
RATE_STEPS = 20  # steps that a forecast looks back on: enough to smooth, few enough to follow a change


class Column:
    """One metric against steps, growing by doubling. `version` changes when points were taken back."""

    def __init__(self) -> None:
        self._steps = np.empty(64, np.int64)
        self._values = np.empty(64, np.float64)
        self._n = 0
        self.version = 0

    def __len__(self) -> int:
        return self._n

    @property
    def steps(self) -> np.ndarray:
        """int64 [n], ascending; a view, valid until the next change."""
        return self._steps[: self._n]

    @property
    def values(self) -> np.ndarray:
        """float64 [n]; a view, valid until the next change."""
        return self._values[: self._n]

    def put(self, step: int, value: float) -> None:
        """A step that is there already gets the new value: it was measured again after a resume."""
        if self._n and step <= self._steps[self._n - 1]:
            self._insert(step, value)
            return
        if self._n == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty_like(self._steps)])
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._steps[self._n], self._values[self._n] = step, value
        self._n += 1

    def _insert(self, step: int, value: float) -> None:
        place = bisect_left(self.steps, step)
        if self._steps[place] != step:
            self._steps = np.insert(self._steps, place, step)
            self._values = np.insert(self._values, place, value)
            self._n += 1
        self._values = self._values.copy()  # who keeps what was there by its memory sees that it is another
        self._values[place] = value
        self.version += 1

    def cut(self, step: int) -> None:
        """Forget what came after `step`."""
        keep = int(np.searchsorted(self.steps, step, side="right"))
        if keep != self._n:
            self._n = keep
            self._values = self._values.copy()
            self.version += 1


@dataclass
class RunState:
    total_steps: int = 0
    first_step: int = 0  # where the present attempt began
    step: int = 0
    device: str = ""
    phase: str = ""
    columns: dict[str, Column] = field(default_factory=lambda: defaultdict(Column))
    references: dict[tuple[str, str], Reference] = field(default_factory=dict)  # by metric and label
    samples: list[Sample] = field(default_factory=list)
    held_out: HeldOut | None = None  # the newest one
    history: deque[RunEvent] = field(default_factory=lambda: deque(maxlen=KEPT))
    checkpoints: list[Checkpointed] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    started: bool = False  # has the present attempt reached its first step?
    paused: bool = False
    marks: list[tuple[int, str]] = field(
        default_factory=list
    )  # step and words: pauses, changes, resumes, warnings
    ended: RunEvent | None = None  # the terminal event, None while it goes on
    clock: Clock = field(default_factory=Clock)
    events: int = 0
    _pace: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=RATE_STEPS))

    def apply(self, event: RunEvent) -> None:
        self.events += 1
        self.clock.take(event)
        if event.kind == "unknown":
            return
        if self.ended is not None:
            self.started = False  # a new attempt
        if event.terminal:
            self.paused = False
        if isinstance(event, Failed):
            self.marks.append((self.step, f"failed: {event.message}"))
        self.ended = event if event.terminal else None
        if event.terminal or isinstance(event, TOLD):
            self.history.append(event)
        if (fold := FOLDS.get(type(event))) is not None:
            fold(self, event)

    @property
    def last_at(self) -> float:
        """When the newest event happened, seconds since the epoch; 0: there is none."""
        return self.clock.last

    @property
    def fraction(self) -> float:
        """Share of the steps that is done, 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """By the pace of the last steps; None where that says nothing yet."""
        if len(self._pace) < 2 or self.step >= self.total_steps:
            return None
        (first, then), (last, now) = self._pace[0], self._pace[-1]
        return (self.total_steps - self.step) * (now - then) / (last - first) if last > first else None

    def latest(self, metric: str) -> float | None:
        column = self.columns.get(metric)
        return float(column.values[-1]) if column else None

    def reference(self, metric: str) -> Reference | None:
        """The first level that was announced for `metric`."""
        return next((level for (name, _), level in self.references.items() if name == metric), None)

    def _started(self, event: Started) -> None:
        """Steps after the checkpoint did not happen; a start from nothing voids everything."""
        for column in self.columns.values():
            column.cut(event.step if event.step else -1)
        self.samples = [sample for sample in self.samples if event.step and sample.step <= event.step]
        if self.held_out is not None and not (event.step and self.held_out.step <= event.step):
            self.held_out = None
        self.checkpoints = [saved for saved in self.checkpoints if event.step and saved.step <= event.step]
        self.marks = [mark for mark in self.marks if event.step and mark[0] <= event.step]
        if event.step:
            self.marks.append((event.step, "resumed"))
        self.report = {}
        self.started, self.paused = True, False
        self.total_steps, self.device = event.total_steps, event.device
        self.step = self.first_step = event.step
        self._pace.clear()

    def _phase(self, event: Phase) -> None:
        self.phase = event.name

    def _metrics(self, event: Metrics) -> None:
        if event.step > self.step:
            self._pace.append((event.step, event.at))
        self.step = max(self.step, event.step)
        for name, value in event.values.items():
            if isinstance(value, int | float):
                self.columns[name].put(event.step, float(value))

    def _log(self, event: Log) -> None:
        """What a run warns of, numbers that are none among it, belongs to the step that it comes after."""
        if event.level in WARNINGS:
            self.marks.append((self.step, event.message))

    def _changed(self, event: Changed) -> None:
        if event.name == "steps":
            self.total_steps = int(event.after)
        self.marks.append((event.step, f"{event.name.replace('_', ' ')} {event.before:g} to {event.after:g}"))

    def _paused(self, event: Paused) -> None:
        self.paused = True
        self.marks.append((event.step, "paused"))

    def _continued(self, event: Continued) -> None:
        self.paused = False
        self._pace.clear()  # the pause is no part of it

    def _reference(self, event: Reference) -> None:
        self.references[event.metric, event.label] = event

    def _sample(self, event: Sample) -> None:
        self.samples.append(event)

    def _held_out(self, event: HeldOut) -> None:
        self.held_out = event

    def _checkpointed(self, event: Checkpointed) -> None:
        self.checkpoints.append(event)

    def _report(self, event: Report) -> None:
        self.report = event.values


FOLDS: dict[type[RunEvent], Callable] = {
    Started: RunState._started,
    Phase: RunState._phase,
    Metrics: RunState._metrics,
    Reference: RunState._reference,
    Sample: RunState._sample,
    HeldOut: RunState._held_out,
    Log: RunState._log,
    Checkpointed: RunState._checkpointed,
    Changed: RunState._changed,
    Paused: RunState._paused,
    Continued: RunState._continued,
    Report: RunState._report,
}
