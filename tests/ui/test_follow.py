"""The thread between a run and the window."""

import time

import pytest
from PySide6.QtCore import QTimer

from tokstudio.errors import RunError
from tokstudio.events import Failed, Finished, Metrics
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.ui.follow import Follower


@pytest.fixture
def make_run(tmp_path):
    made = []

    def make(config: str) -> Run:
        made.append(RunStore(tmp_path / "runs").create("selftest", "count", config))
        return made[-1]

    yield make
    for run in made:
        run.kill()


def collect(qtbot, follower: Follower) -> list:
    """All events, once the thread has ended and everything it sent has arrived."""
    events: list = []
    follower.arrived.connect(events.extend)
    with qtbot.waitSignal(follower.finished, timeout=60_000):
        follower.start()
    qtbot.waitUntil(lambda: bool(events) and events[-1].terminal)
    return events


def test_fifty_thousand_events_arrive_in_order_and_the_window_beats_on(qtbot, make_run):
    steps = 50_000
    run = make_run(f"steps = {steps}\nsave_every = 1_000_000\nevaluate_every = 1_000_000")
    beats, batches = [], []
    heart = QTimer(interval=10)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start()
    follower = Follower(run, "fresh")
    follower.arrived.connect(batches.append)
    events = collect(qtbot, follower)
    heart.stop()
    assert [e.step for e in events if isinstance(e, Metrics) and "loss" in e.values] == list(
        range(1, steps + 1)
    )
    assert isinstance(events[-1], Finished)
    assert max(len(batch) for batch in batches) <= 1000
    assert len(beats) > 20  # it never had to wait for the whole run
    replayed = collect(qtbot, Follower(Run(run.folder)))
    assert len(replayed) == len(events)


def test_leaving_ends_the_thread_and_not_the_run(qtbot, make_run):
    run = make_run("steps = 100_000\npause = 0.02")
    follower = Follower(run, "fresh")
    with qtbot.waitSignal(follower.arrived, timeout=30_000):
        follower.start()
    follower.leave()
    assert follower.isFinished()
    assert run.alive()


def test_a_run_that_cannot_start_is_refused_in_words(qtbot, make_run, monkeypatch):
    run = make_run("steps = 1")

    def refuse(*_args, **_kwargs):
        raise RunError("The disk is full.", hint="Free some space.")

    monkeypatch.setattr(run, "start", refuse)
    follower = Follower(run, "fresh")
    with qtbot.waitSignal(follower.refused, timeout=10_000) as caught:
        follower.start()
    error = caught.args[0]
    follower.wait()
    assert (str(error), error.hint) == ("The disk is full.", "Free some space.")


def test_a_killed_run_arrives_as_its_end(qtbot, make_run):
    run = make_run("steps = 100_000\npause = 0.02")
    follower = Follower(run, "fresh")
    events: list = []
    follower.arrived.connect(events.extend)
    follower.start()
    qtbot.waitUntil(lambda: any(isinstance(e, Metrics) for e in events), timeout=30_000)
    with qtbot.waitSignal(follower.finished, timeout=30_000):
        run.kill()
    qtbot.waitUntil(lambda: isinstance(events[-1], Failed))
