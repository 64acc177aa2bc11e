"""What is changed in mid-run: recorded, kept across a resume, the same to the bit."""

from dataclasses import replace

import pytest

from tokstudio.events import Changed, Finished, Log, Metrics, Parked, Report
from tokstudio.train.changes import Changes
from tokstudio.train.transfer import run


class Script:
    """Asks for things at steps: {step: [requests]}. A step is one poll that ends in None."""

    def __init__(self, asks: dict[int, list[str]], at: int = 0):
        self.asks, self.step = {key: list(value) for key, value in asks.items()}, at + 1

    def poll(self):
        if waiting := self.asks.get(self.step):
            return waiting.pop(0)
        self.step += 1
        return None


@pytest.fixture
def short(tiny_config):
    return replace(tiny_config, train=replace(tiny_config.train, steps=8), check_export=False)


def losses(events) -> dict[int, float]:
    return {
        e.step: e.values["loss"] for e in events if isinstance(e, Metrics) and "loss" in e.values and e.step
    }


def test_rate_and_steps_are_changed_recorded_and_resumed(short, tmp_path):
    asks = {3: ["set learning_rate 0.0001"], 4: ["set steps 6"]}
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = list(run(short, tmp_path / "whole", Script(asks), False))
    changed = [(e.step, e.name, e.after) for e in whole if isinstance(e, Changed)]
    assert changed == [(3, "learning_rate", 0.0001), (4, "steps", 6.0)]
    assert list(losses(whole)) == [1, 2, 3, 4, 5, 6]
    last = [e for e in whole if isinstance(e, Metrics) and "bits_per_byte" in e.values][-1]
    assert last.step == 6
    assert isinstance(whole[-1], Finished)
    rates = {
        e.step: e.values["learning_rate"]
        for e in whole
        if isinstance(e, Metrics) and "learning_rate" in e.values
    }
    assert rates[4] < rates[3] / 2

    first = list(run(short, tmp_path / "parts", Script({**asks, 5: ["park"]}), False))
    assert isinstance(first[-1], Parked)
    second = list(run(short, tmp_path / "parts", Script({}, at=5), True))
    assert next(e for e in second if e.kind == "started").total_steps == 6
    assert {**losses(first), **losses(second)} == losses(whole)


def test_save_evaluate_and_sample_now(short, tmp_path):
    events = list(run(short, tmp_path, Script({2: ["save", "evaluate", "sample"]}), False))
    assert any(isinstance(e, Metrics) and e.step == 2 and "bits_per_byte" in e.values for e in events)
    assert any(e.kind == "sample" and e.step == 2 for e in events)
    assert any(e.kind == "checkpointed" and e.step == 2 for e in events)
    assert any(isinstance(e, Report) for e in events)


@pytest.mark.parametrize("request_", ["set steps soon", "set speed 3", "set learning_rate -1"])
def test_nonsense_changes_nothing_and_is_told(tmp_path, request_):
    changes = Changes(tmp_path)
    event = changes.take(request_, 3, {"steps": 8, "learning_rate": 0.1})
    assert isinstance(event, Log)
    assert changes.steps(3, 8) == 8


def test_fewer_steps_than_are_done_end_the_run_now(tmp_path):
    changes = Changes(tmp_path)
    event = changes.take("set steps 2", 5, {"steps": 8})
    assert (event.after, changes.steps(5, 8), Changes(tmp_path).last("steps", 8)) == (5.0, 5, 5.0)
