"""One run in its own process: start, follow, stop, kill, resume, adopt."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from tests.runs.conftest import follow, until
from tokstudio.errors import RunError
from tokstudio.events import Checkpointed, Failed, Finished, Metrics, Phase, Report, Started, Stopped, dump
from tokstudio.runs.files import read_json, write_json
from tokstudio.runs.lock import FolderLock
from tokstudio.runs.process import Run, _kill, identity
from tokstudio.runs.state import RunState


def losses(events) -> list[int]:
    return [e.step for e in events if isinstance(e, Metrics) and "loss" in e.values]


def folded(run: Run) -> RunState:
    state = RunState()
    for event in follow(Run(run.folder)):
        state.apply(event)
    return state


def test_a_run_finishes(make_run):
    run = make_run(steps=500)
    assert run.state() == "queued"
    run.start()
    assert run.state() == "preparing"  # before the process has said a word
    events = follow(run)
    assert isinstance(events[0], Phase)
    assert isinstance(events[-1], Finished)
    assert losses(events) == list(range(1, 501))
    assert run.state() == "finished"
    assert json.loads((run.folder / "report.json").read_text())["export"]["checked"]


def test_a_stop_after_the_last_step_acts_at_the_next_border_of_a_phase(make_run):
    run = make_run(steps=5, save_every=5, finish=1.0)
    run.start()
    seen = until(run, Checkpointed)
    run.stop()
    events = follow(run)[len(seen) :]
    assert events[-1].kind == "stopped"
    assert events[-1].step == 5
    assert not any(isinstance(event, Report) for event in events)
    run.process.wait()
    run.start(resume=True)
    assert isinstance(follow(run)[-1], Finished)


def test_a_finished_run_replays(make_run):
    run = make_run(steps=5)
    run.start()
    assert follow(run) == follow(Run(run.folder))


def test_a_run_that_never_started_has_nothing_to_say(make_run):
    assert follow(make_run(steps=5)) == []


@pytest.mark.parametrize(
    ("how", "says", "hint"),
    [
        ({"die_at": 13}, "ended at step 12 with status 7", "checkpoint at step 10"),
        ({"raise_at": 13}, "ValueError('boom')", "checkpoint at step 10"),
        ({"error_at": 13}, "The loss became NaN.", "smaller learning rate"),
        ({"disk_full_at": 13}, "The disk is full at step 12.", "Free some space. Resume continues from the"),
    ],
)
def test_every_death_is_one_event_with_a_way_on(make_run, how, says, hint):
    run = make_run(steps=40, **how)
    run.start()
    last = follow(run)[-1]
    assert isinstance(last, Failed)
    assert says in last.message
    assert hint in last.hint
    assert run.state() == "failed"
    assert sum(event.terminal for event in follow(Run(run.folder))) == 1
    assert (run.folder / "checkpoints" / "step-10").is_dir()


def test_what_a_person_can_act_on_has_no_traceback(make_run):
    run = make_run(error_at=1)
    run.start()
    assert follow(run)[-1].detail == ""
    bug = make_run(raise_at=1)
    bug.start()
    assert "ValueError: boom" in follow(bug)[-1].detail


def test_stop_writes_a_checkpoint_and_resume_goes_on_from_it(make_run):
    run = make_run(steps=60, pause=0.01)
    run.start()
    until(run, Metrics, step=5)
    run.stop()
    stopped = follow(run)[-1]
    assert isinstance(stopped, Stopped)
    assert run.state() == "stopped"
    assert run.latest_checkpoint() == stopped.step
    assert not (run.folder / "control").exists()
    run.start(resume=True)
    events = follow(run)
    assert isinstance(events[-1], Finished)
    assert [e.step for e in events if isinstance(e, Started)] == [0, stopped.step]
    assert folded(run).columns["loss"].steps.tolist() == list(range(1, 61))


def test_stop_before_the_first_step(make_run):
    run = make_run(steps=60, prepare=0.3)
    run.start()
    run.stop()
    assert follow(run)[-1] == Stopped(step=0, at=follow(Run(run.folder))[-1].at)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_sigterm_stops_politely(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    os.kill(run.process.pid, signal.SIGTERM)
    last = follow(run)[-1]
    assert isinstance(last, Stopped)
    assert run.latest_checkpoint() == last.step > 0


def test_save_is_done_once(make_run):
    run = make_run(steps=10_000, pause=0.01, save_every=100_000)
    run.start()
    until(run, Metrics, step=2)
    from tokstudio.runs import control

    control.ask(run.folder, "save")
    assert [e for e in until(run, Checkpointed)]
    assert not (run.folder / "control").exists()
    run.stop()
    assert sum(isinstance(event, Checkpointed) for event in follow(run)) == 2


def test_kill_is_recorded_and_resume_voids_what_came_after_the_checkpoint(make_run):
    run = make_run(steps=60, pause=0.01)
    run.start()
    until(run, Metrics, step=15)
    run.kill()
    last = follow(run)[-1]
    assert isinstance(last, Failed)
    assert "was killed at step" in last.message
    assert last.hint == f"Resume continues from the checkpoint at step {run.latest_checkpoint()}."
    again = Run(run.folder)
    again.start(resume=True)
    assert isinstance(follow(again)[-1], Finished)
    assert folded(run).columns["loss"].steps.tolist() == list(range(1, 61))


def test_a_death_without_a_checkpoint_says_so(make_run):
    run = make_run(die_at=3)
    run.start()
    assert "starts from the beginning" in follow(run)[-1].hint


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_crash_in_a_library_names_its_signal(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    os.kill(run.process.pid, signal.SIGSEGV)
    last = follow(run)[-1]
    assert "SIGSEGV" in last.message
    assert "Segmentation fault" in last.detail  # the stack, from stderr.log


WINDOW = """
import sys, time
from pathlib import Path
from tokstudio.runs.process import Run, _kill, identity
run = Run(Path(sys.argv[1]))
run.start()
for batch in run.events():
    if any(event.kind == "metrics" for event in batch):
        print("running", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_run_outlives_its_window_and_is_adopted(make_run):
    run = make_run(steps=10_000, pause=0.01)
    window = subprocess.Popen([sys.executable, "-c", WINDOW, str(run.folder)], stdout=subprocess.PIPE)
    with window:
        assert window.stdout.readline() == b"running\n"
        window.kill()
    adopted = Run(run.folder)
    assert adopted.alive()
    assert adopted.state() == "running"
    assert isinstance(until(adopted, Metrics, step=5)[0], Phase)  # from the very first event on
    adopted.stop()
    assert isinstance(follow(adopted)[-1], Stopped)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_death_of_an_adopted_run_is_recorded(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    adopted = Run(run.folder)
    batches = adopted.events(poll=0.01)
    next(batches)
    os.kill(run.process.pid, signal.SIGKILL)
    last = [event for batch in batches for event in batch][-1]
    assert "was killed" in last.message
    assert Run(run.folder).state() == "failed"
    run.process.wait()


def test_a_run_that_nobody_saw_end_is_lost_and_told_but_not_rewritten(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=12)
    run.kill()
    late = Run(run.folder)
    assert late.state() == "lost"
    before = (run.folder / "events.jsonl").read_bytes()
    last = follow(late)[-1]
    assert "The run was lost at step" in last.message
    assert f"checkpoint at step {run.latest_checkpoint()}" in last.hint
    assert (run.folder / "events.jsonl").read_bytes() == before
    late.start(resume=True)  # closes the attempt that nobody saw end
    until(late, Metrics, step=(run.latest_checkpoint() or 0) + 5)
    late.stop()
    ends = [event for event in follow(late) if event.terminal]
    assert [type(event) for event in ends] == [Failed, Stopped]


def test_a_pid_that_belongs_to_somebody_else_by_now_is_no_run(make_run):
    run = make_run(steps=5)
    (run.folder / "events.jsonl").write_text(dump(Started(total_steps=5)))
    me = psutil.Process()
    stale = {
        "state": "running",
        "pid": me.pid,
        "started": me.create_time() - 100,
        "host": os.uname().nodename,
    }
    write_json(run.folder / "state.json", stale)
    assert not run.alive()
    assert run.state() == "lost"
    run.kill()  # must not end this test
    run.start()
    assert isinstance(follow(run)[-1], Finished)


def test_a_run_of_another_machine_lives_by_its_heartbeat(make_run):
    run = make_run(steps=5)
    (run.folder / "events.jsonl").write_text(dump(Started(total_steps=5)))
    there = {"state": "running", "pid": 1, "started": 0.0, "host": "elsewhere", "heartbeat": time.time()}
    write_json(run.folder / "state.json", there)
    assert run.state() == "running"
    write_json(run.folder / "state.json", {**there, "heartbeat": time.time() - 3600})
    assert run.state() == "lost"


def test_two_attempts_never_run_at_once(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    with pytest.raises(RunError, match="already going") as caught:
        Run(run.folder).start(resume=True)
    assert caught.value.hint
    with pytest.raises(RunError, match="another process"), FolderLock(run.folder):
        pass
    run.stop()
    assert sum(isinstance(event, Started) for event in follow(run)) == 1


def test_a_killed_process_that_is_slow_to_let_go_is_recorded_all_the_same(make_run):
    """While its memory is freed, the lock is still held."""
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    lock = FolderLock(run.folder)
    lock.__enter__()
    letting_go = threading.Timer(0.4, lock.__exit__, [None, None, None])
    letting_go.start()
    assert isinstance(follow(run)[-1], Failed)
    letting_go.join()
    assert read_json(run.folder / "state.json")["state"] == "failed"
    assert isinstance(follow(Run(run.folder))[-1], Failed)


def test_a_second_worker_leaves_at_once(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    command = [sys.executable, "-m", "tokstudio", "worker", str(run.folder)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode != 0
    assert "already going" in second.stderr
    run.stop()
    assert sum(isinstance(event, Started) for event in follow(run)) == 1


def test_a_torn_last_line_is_survived(make_run):
    run = make_run(steps=20)
    (run.folder / "events.jsonl").write_text(dump(Started(total_steps=20)) + '{"kind":"metr')
    run.start(resume=True)
    events = follow(run)
    assert isinstance(events[-1], Finished)
    assert [type(event).__name__ for event in events if event.kind == "unknown"] == ["Unknown"]


def test_a_refused_config_fails_in_words(make_run):
    run = make_run(steps=5)
    (run.folder / "config.toml").write_text("stepz = 5")
    run.start()
    last = follow(run)[-1]
    assert (last.message, last.hint) == ("There is no setting 'stepz'.", "Remove that line from config.toml.")


def test_state_json_tells_identity_progress_and_memory(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    state = read_json(run.folder / "state.json")
    assert state["pid"] == run.process.pid
    assert state["started"] == pytest.approx(psutil.Process(run.process.pid).create_time(), abs=0.05)
    assert 0 < state["memory"]["rss"] <= state["memory"]["peak"]
    run.stop()
    memory = [
        e.values["memory_bytes"] for e in follow(run) if isinstance(e, Metrics) and "memory_bytes" in e.values
    ]
    assert min(memory) > 1_000_000


def test_a_foreign_process_is_never_ended(store):
    """Somebody else has the pid of a run by now; or the run's process leads no session of its own."""
    run = store.create("selftest", "count", "steps = 3")
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        mine = identity(psutil.Process(other.pid))
        write_json(run.folder / "state.json", {**mine, "started": mine["started"] - 5, "state": "running"})
        run.kill()
        _kill(other.pid, mine["started"] - 5)
        assert other.poll() is None
        write_json(run.folder / "state.json", {**mine, "state": "running"})
        run.kill()
        assert other.wait(10) != 0
    finally:
        other.kill()
        other.wait()


def test_a_slow_start_is_not_taken_for_a_process_that_does_not_go(make_run, monkeypatch):
    """What the attempt before said last does not count for the one that has not said a word yet."""
    run = make_run(steps=30, pause=0.01)
    run.start()
    until(run, Metrics, step=3)
    run.stop()
    assert isinstance(follow(run)[-1], Stopped)
    monkeypatch.setattr("tokstudio.runs.process.GRACE", 0.02)  # less than any Python takes to start
    run.start(resume=True)
    assert isinstance(follow(run)[-1], Finished)
