"""Runs that count steps, each in a real process of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tokstudio.events import RunEvent
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def make_run(store: RunStore) -> Iterator[Callable[..., Run]]:
    """`make_run(steps=10)`: a queued self-test. Whatever a test forgets to end is ended."""
    made: list[Run] = []

    def make(**config) -> Run:
        lines = (f"{key} = {str(value).lower()}" for key, value in config.items())
        made.append(store.create("selftest", "count", "\n".join(lines)))
        return made[-1]

    yield make
    for run in made:
        run.kill()


def follow(run: Run) -> list[RunEvent]:
    """All events, until the run is over."""
    return [event for batch in run.events(poll=0.01) for event in batch]


def until(run: Run, kind: type, *, step: int = 0) -> list[RunEvent]:
    """Follows until an event of `kind` at `step` or later, and leaves the run to itself."""
    seen: list[RunEvent] = []
    for batch in run.events(poll=0.01):
        seen += batch
        if any(isinstance(event, kind) and getattr(event, "step", 0) >= step for event in batch):
            return seen
    raise AssertionError(f"the run ended before: {seen[-1:]}")
