"""Events, folded."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tokstudio.events import (
    Checkpointed,
    Failed,
    Finished,
    Log,
    Metrics,
    Phase,
    Reference,
    Report,
    Sample,
    Started,
    Stopped,
    Unknown,
)
from tokstudio.runs.state import Column, RunState


def fold(*events) -> RunState:
    state = RunState()
    for event in events:
        state.apply(event)
    return state


def losses(first: int, last: int, value: float = 1.0):
    return [Metrics(step=step, at=float(step), values={"loss": value}) for step in range(first, last + 1)]


def test_an_attempt_from_start_to_finish():
    state = fold(
        Phase(name="Loading"),
        Started(total_steps=4, device="cuda"),
        Reference(metric="bits_per_byte", label="source model", value=1.4),
        *losses(1, 4),
        Log(level="info", message="hello"),
        Report(values={"gap_closed": 0.8}),
        Finished(),
    )
    assert (state.total_steps, state.step, state.fraction, state.device) == (4, 4, 1.0, "cuda")
    assert state.reference("bits_per_byte").value == 1.4
    assert state.reference("loss") is None
    assert state.latest("loss") == 1.0
    assert state.latest("nothing") is None
    assert state.report == {"gap_closed": 0.8}
    assert isinstance(state.ended, Finished)
    assert [type(e).__name__ for e in state.history] == ["Phase", "Started", "Log", "Finished"]


def test_a_resume_voids_later_steps_and_keeps_earlier_ones():
    sample = dict(who="target", prompt="a", text="b", tokenizer="bytes")
    state = fold(
        Started(total_steps=9),
        *losses(1, 7),
        Checkpointed(step=5, path="x"),
        Sample(step=5, **sample),
        Sample(step=7, **sample),
        Failed(message="killed"),
        Phase(name="Preparing"),
    )
    assert state.ended is None
    assert not state.started
    state.apply(Started(total_steps=9, step=5))
    assert state.started
    assert state.columns["loss"].steps.tolist() == [1, 2, 3, 4, 5]
    assert [s.step for s in state.samples] == [5]
    assert [c.step for c in state.checkpoints] == [5]
    for event in losses(6, 6, value=9.0):
        state.apply(event)
    assert state.columns["loss"].values.tolist() == [1, 1, 1, 1, 1, 9]


def test_a_start_from_nothing_voids_everything():
    state = fold(Started(total_steps=9), *losses(0, 3), Stopped(step=0), Started(total_steps=9))
    assert len(state.columns["loss"]) == 0
    assert state.step == 0


def test_what_is_left_follows_the_pace():
    assert fold(Started(total_steps=10), *losses(1, 1)).seconds_left is None
    assert fold(Started(total_steps=10), *losses(1, 4)).seconds_left == 6.0
    assert fold(Started(total_steps=4), *losses(1, 4)).seconds_left is None


def test_foreign_and_odd_events_do_no_harm():
    state = fold(Unknown(at=0.0, data={}), Metrics(step=1, values={"loss": float("nan"), "note": "text"}))
    assert np.isnan(state.columns["loss"].values).all()
    assert "note" not in state.columns


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.floats(-10, 10)), max_size=300))
def test_a_column_is_a_sorted_dictionary(points):
    column, expected = Column(), {}
    for step, value in points:
        column.put(step, value)
        expected[step] = value
    assert column.steps.tolist() == sorted(expected)
    assert column.values.tolist() == [expected[step] for step in sorted(expected)]
    column.cut(100)
    assert column.steps.tolist() == [step for step in sorted(expected) if step <= 100]
