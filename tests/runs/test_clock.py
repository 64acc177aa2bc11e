"""How long a run worked."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runs.conftest import follow, until
from tokstudio.events import (
    Continued,
    Failed,
    Finished,
    Metrics,
    Parked,
    Paused,
    Phase,
    Started,
    Unknown,
    dump,
)
from tokstudio.runs import clock, report
from tokstudio.runs.files import read_json, write_json
from tokstudio.runs.state import RunState
from tokstudio.runs.store import RunStore

HISTORY = (  # begun at 100; worked 10 s, paused 50 s, worked 5 s, parked 1,000 s, worked 7 s
    (Phase(name="Preparing"), 100.0),
    (Started(total_steps=9), 104.0),
    (Paused(step=3), 110.0),
    (Metrics(step=3, values={"bits_per_byte": 1.0}), 130.0),  # measured in the pause
    (Continued(step=3), 160.0),
    (Parked(step=4), 165.0),
    (Phase(name="Preparing"), 1165.0),
    (Finished(), 1172.0),
)


def recorded(history=HISTORY):
    return [replace(event, at=at) for event, at in history]


def of(events) -> clock.Clock:
    made = clock.Clock()
    for event in events:
        made.take(event)
    return made


def test_neither_a_pause_nor_a_park_is_work():
    made = of(recorded())
    assert (made.worked, made.elapsed, made.began, made.last) == (22.0, 1072.0, 100.0, 1172.0)
    state = RunState()
    for event in recorded():
        state.apply(event)
    assert state.clock == made


def test_a_park_in_a_pause_ends_it():
    history = (*HISTORY[:3], (Parked(step=3), 150.0), (Phase(name="Preparing"), 200.0), (Finished(), 203.0))
    assert of(recorded(history)).worked == 13.0


def test_what_has_no_time_and_a_clock_set_back():
    assert of([Unknown(at=0.0, data={})]).elapsed == 0.0
    assert of([Phase(name="a", at=10.0), Phase(name="b", at=4.0), Phase(name="c", at=6.0)]).worked == 2.0


def test_the_events_of_a_folder_give_the_same(tmp_path: Path):
    assert clock.read(tmp_path) == clock.Clock()
    torn = b'{"kind":"metr\n{"kind":"phase","at":1e,"name":"edited"}\n'
    (tmp_path / "events.jsonl").write_bytes(torn + "".join(map(dump, recorded())).encode())
    assert clock.read(tmp_path) == of(recorded())


@given(st.lists(st.tuples(st.sampled_from([event for event, _ in HISTORY]), st.floats(1, 1e9)), max_size=40))
def test_work_is_never_more_than_what_passed(history):
    history.sort(key=lambda pair: pair[1])
    made = of(recorded(history))
    assert 0 <= made.worked <= made.elapsed + 1e-3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.2, "1 s"), (59.2, "60 s"), (60, "1 min"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds, words):
    assert clock.duration(seconds) == words


def test_a_paused_and_parked_run_tells_its_work_everywhere(store: RunStore, make_run):
    run = make_run(steps=6, pause=0.02)
    run.start()
    run.ask("pause")  # long before its first step
    until(run, Paused)
    info = store.info(run.folder.name)
    assert info.times() is not None
    run.ask("park")
    events = follow(run)
    rest = next(e.at for e in events if isinstance(e, Parked)) - next(
        e.at for e in events if isinstance(e, Paused)
    )
    run.start(resume=True)
    events = follow(run)
    expected = of(events)
    assert expected.worked <= expected.elapsed - rest
    info = store.info(run.folder.name)
    assert info.times() == pytest.approx((expected.worked, expected.elapsed))
    told = read_json(run.folder / "report.json")["seconds"]
    assert told["worked"] <= expected.worked
    words = dict(report._facts(run.folder, report.read(run.folder)))
    assert words["Working time"] == clock.duration(expected.worked)
    assert words["Elapsed, with pauses and parks"] == clock.duration(expected.elapsed)


def test_a_run_of_an_older_version_is_read_from_its_events(store: RunStore, make_run):
    run = make_run(steps=2)
    (run.folder / "events.jsonl").write_text("".join(map(dump, recorded())))
    write_json(run.folder / "state.json", {"state": "finished", "step": 2, "total_steps": 2, "pid": 0})
    info = store.info(run.folder.name)
    assert info.worked is None
    assert info.times() == (22.0, 1072.0)


def test_the_time_after_a_death_that_nobody_saw_is_no_work(make_run):
    """Until its last heartbeat it may have worked."""
    run = make_run(steps=2)
    (run.folder / "events.jsonl").write_text("".join(map(dump, recorded(HISTORY[:2]))))
    write_json(run.folder / "state.json", {"state": "running", "heartbeat": 107.0, "pid": 0})
    run.start(resume=True)
    events = follow(run)
    assert next(e.at for e in events if isinstance(e, Failed)) == 107.0
    assert of(events).worked == pytest.approx(7.0 + of(events[3:]).worked)
