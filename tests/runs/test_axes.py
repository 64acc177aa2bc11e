"""Steps on other axes: sums worked by hand, and the way back."""

import numpy as np
import pytest

from tokstudio.events import Metrics, Started
from tokstudio.runs.axes import AXES, Axis
from tokstudio.runs.state import RunState


def state(**speeds: float) -> RunState:
    made = RunState()
    made.apply(Started(total_steps=3))
    for step, seconds in ((1, 2.0), (2, 3.0), (3, 5.0)):
        made.apply(Metrics(step=step, values={"seconds": seconds, **speeds}))
    return made


@pytest.mark.parametrize(
    ("name", "expected"),
    [("step", [1, 2, 3]), ("seconds", [2, 5, 10]), ("tokens", [20, 50, 100]), ("bytes", [60, 150, 300])],
)
def test_sums(name, expected):
    axis = Axis(state(tokens_per_second=10.0, bytes_per_second=30.0), name)
    assert axis.name == name
    assert axis.of(np.array([1, 2, 3])).tolist() == expected
    assert [axis.back(x) for x in expected] == [1, 2, 3]


@pytest.mark.parametrize("name", AXES[1:])
def test_a_run_that_does_not_tell_is_drawn_by_steps(name):
    made = RunState()
    made.apply(Metrics(step=4, values={"loss": 1.0}))
    axis = Axis(made, name)
    assert (axis.name, axis.of(np.array([4])).tolist(), axis.back(4.2)) == ("step", [4], 4)
