"""The queue, the trash, tags and notes, and what differs between runs."""

import json
import time

import pytest

from tests.runs.conftest import follow, until
from tokstudio.cli import main
from tokstudio.errors import InputError
from tokstudio.events import Metrics
from tokstudio.runs.configs import difference
from tokstudio.runs.process import Run
from tokstudio.runs.queue import Queue
from tokstudio.runs.store import RunStore
from tokstudio.runs.trash import Trash


@pytest.fixture
def store(tokstudio_home) -> RunStore:
    return RunStore()


@pytest.fixture
def queue(store):
    made = Queue(store)
    yield made
    for name in made.names():
        made.remove(name)
    deadline = time.monotonic() + 10
    while made.kept() and time.monotonic() < deadline:
        time.sleep(0.05)


def states(store: RunStore) -> dict[str, str]:
    return {info.name: info.state for info in store.runs()}


def wait_until(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_after_the_other_in_the_order_and_on_after_a_failure(make_run, store, queue):
    names = [make_run(steps=20, pause=0.02, error_at=at).folder.name for at in (5, -1, -1)]
    queue.hold(True)
    for name in names:
        queue.add(name)
    queue.move(names[2], 1)
    assert queue.names() == [names[0], names[2], names[1]]
    queue.hold(False)
    seen: list[set[str]] = []

    def over() -> bool:
        now = states(store)
        seen.append({name for name, state in now.items() if state in ("preparing", "running")})
        return set(now.values()) <= {"finished", "failed"}

    wait_until(over)
    assert max(len(live) for live in seen) == 1  # one slot a device
    assert states(store) == {names[0]: "failed", names[1]: "finished", names[2]: "finished"}
    began = {name: (store.folder / name / "events.jsonl").read_text().splitlines()[0] for name in names}
    at = {name: json.loads(line)["at"] for name, line in began.items()}
    assert at[names[0]] < at[names[2]] < at[names[1]]
    wait_until(lambda: not queue.kept())


def test_a_parked_run_goes_on_when_its_turn_comes(make_run, store, queue):
    run = make_run(steps=60, pause=0.02)
    run.start()
    until(run, Metrics, step=3)
    run.ask("park")
    follow(run)
    queue.add(run.folder.name)
    wait_until(lambda: states(store)[run.folder.name] == "finished")


def test_who_goes_cannot_wait(make_run, queue):
    run = make_run(steps=1000, pause=0.02)
    run.start()
    with pytest.raises(InputError):
        queue.add(run.folder.name)
    run.kill()


def test_the_trash_gives_back(make_run, store):
    run = make_run(steps=1000, pause=0.02)
    run.start()
    until(run, Metrics, step=12)
    trash = Trash(store)
    trash.throw(run.folder.name)
    assert store.runs() == []
    assert run.wait(5)
    assert [one.name for one in trash.runs()] == ["count-01"]
    trash.restore("count-01")
    assert states(store)["count-01"] in ("failed", "lost")
    assert Run(run.folder).latest_checkpoint() == 10
    trash.throw("count-01")
    assert trash.empty() == 1
    with pytest.raises(InputError):
        trash.restore("count-01")


def test_commands(capsys, make_run, store, queue):
    for steps in (5, 7):
        make_run(steps=steps)
    assert main(["runs", "tag", "count-01", "baseline,", "small"]) == 0
    assert main(["runs", "note", "count-01", "the first try"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "count-01: baseline, small; the first try"
    assert main(["runs", "diff", "count-01", "count-02", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {"steps": [5, 7]}
    assert difference([store.folder / "count-01"]) == []
    assert main(["runs", "hold"]) == 0
    assert main(["runs", "queue", "count-01"]) == main(["runs", "queue", "count-02"]) == 0
    capsys.readouterr()
    assert main(["runs", "move", "count-02", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"queue": ["count-02", "count-01"], "held": True}
    assert main(["runs", "unqueue", "count-02"]) == main(["runs", "discard", "count-01"]) == 0
    assert queue.names() == []
    assert main(["runs", "restore", "count-01"]) == 0
    assert set(states(store)) == {"count-01", "count-02"}


def test_steering_by_command(capsys, make_run):
    run = make_run(steps=10_000, pause=0.02)
    run.start()
    until(run, Metrics, step=2)
    assert main(["runs", "pause", "count-01"]) == 0
    assert run.state() == "paused"
    assert main(["runs", "resume", "count-01", "--background"]) == 0
    wait_until(lambda: run.state() == "running")
    assert main(["runs", "set", "count-01", "speed=3"]) == 2
    assert main(["runs", "park", "count-01", "--json"]) == 0
    assert json.loads("{" + capsys.readouterr().out.split("\n{", 1)[-1].lstrip("{"))["state"] == "parked"
    assert run.state() == "parked"
