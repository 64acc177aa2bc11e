"""What a person may ask of a run while it goes."""

import time

import pytest

from tests.runs.conftest import follow, until
from tokstudio.errors import InputError
from tokstudio.events import Checkpointed, Continued, Log, Metrics, Parked, Paused, Phase, Stopped
from tokstudio.runs import control
from tokstudio.runs.control import Control
from tokstudio.runs.process import Run


def wait_for(run: Run, state: str) -> float:
    """Seconds until the run is in `state`."""
    began = time.monotonic()
    while run.state() != state:
        assert time.monotonic() - began < 20, run.state()
        time.sleep(0.01)
    return time.monotonic() - began


def test_requests_wait_in_their_order_and_none_is_lost(tmp_path):
    for word in ("save", "evaluate", "set steps 30"):
        control.ask(tmp_path, word)
    assert control.asked(tmp_path) == ["save", "evaluate", "set steps 30"]
    reader = Control(tmp_path)
    assert [reader.poll() for _ in range(4)] == ["save", "evaluate", "set steps 30", None]
    assert list(tmp_path.iterdir()) == []


def test_at_the_border_of_a_phase_only_an_end_is_answered(tmp_path):
    for word in ("save", "park"):
        control.ask(tmp_path, word)
    reader = Control(tmp_path)
    assert reader.ends() == "park"
    assert reader.poll() == "park"


def test_a_word_written_by_hand_counts_and_nonsense_does_not(tmp_path):
    (tmp_path / "control").write_text("save\n")
    assert Control(tmp_path).poll() == "save"
    (tmp_path / "control").write_text("dance")
    assert Control(tmp_path).poll() is None
    with pytest.raises(InputError):
        control.ask(tmp_path, "dance")


def test_pause_keeps_the_process_and_resume_goes_on(make_run):
    run = make_run(steps=10_000, pause=0.01, save_every=100_000)
    run.start()
    until(run, Metrics, step=2)
    pid = run.process.pid
    run.ask("pause")
    assert wait_for(run, "paused") < 2.0
    assert not list((run.folder / "checkpoints").glob("*"))
    at = Run(run.folder)
    first = next(step for batch in at.events() for step in [e.step for e in batch if isinstance(e, Paused)])
    run.ask("save")  # is done while the run waits
    assert [e.step for e in until(run, Checkpointed) if isinstance(e, Checkpointed)] == [first]
    assert run.state() == "paused"
    run.ask("resume")
    assert wait_for(run, "running") < 2.0
    assert run.process.pid == pid
    assert any(isinstance(e, Continued) for e in until(run, Metrics, step=first + 3))
    run.stop()
    assert isinstance(follow(run)[-1], Stopped)


def test_park_frees_the_memory_and_resume_goes_on_from_its_step(make_run):
    run = make_run(steps=300, pause=0.01, save_every=100_000)
    run.start()
    until(run, Metrics, step=5)
    began = time.monotonic()
    run.ask("park")
    last = follow(run)[-1]
    assert time.monotonic() - began < 10
    assert isinstance(last, Parked)
    assert run.latest_checkpoint() == last.step > 0
    assert not run.alive()
    assert run.state() == "parked"
    run.start(resume=True)
    steps = [e.step for e in follow(run) if isinstance(e, Metrics) and "loss" in e.values]
    assert steps == list(range(1, 301))


def test_a_paused_run_parks(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    run.ask("pause")
    wait_for(run, "paused")
    run.ask("park")
    assert isinstance(follow(run)[-1], Parked)


def test_a_paused_run_that_is_killed_is_lost_and_resumes_from_its_checkpoint(make_run):
    run = make_run(steps=200, pause=0.01, save_every=5)
    run.start()
    until(run, Metrics, step=12)
    run.ask("pause")
    wait_for(run, "paused")
    run.kill()
    again = Run(run.folder)
    assert again.state() == "lost"
    again.start(resume=True)
    assert again.state() != "paused"
    steps = [e.step for e in follow(again) if isinstance(e, Metrics) and "loss" in e.values]
    assert steps[-1] == 200


def test_pause_before_the_first_step(make_run):
    run = make_run(steps=20, prepare=0.5)
    run.start()
    until(run, Phase)
    run.ask("pause")
    wait_for(run, "paused")
    run.ask("resume")
    assert follow(run)[-1].kind == "finished"


def test_what_is_asked_and_not_yet_read_is_shown(make_run):
    run = make_run(steps=10_000, pause=3.0)
    run.start()
    until(run, Log)
    for word, state in (("pause", "pausing"), ("stop", "stopping")):
        run.ask(word)
        assert run.state() == state
