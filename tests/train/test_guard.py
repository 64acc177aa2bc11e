"""A loss that is no number: back to a good state, which is the start where there is no checkpoint yet."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.train.following import go, losses
from tokstudio.errors import RunError
from tokstudio.events import Finished, Log, Metrics
from tokstudio.train import checkpoint
from tokstudio.train.guard import Guard


@pytest.fixture(scope="session")
def tiny_folder(make_model) -> Path:
    return make_model("english")


@pytest.fixture
def alm_config(tiny_config):
    return replace(tiny_config, objectives=("next_token", "alm"), weights=(1.0, 1.0), check_export=False)


def test_a_loss_that_is_no_number_goes_back_and_on(alm_config, tmp_path, monkeypatch):
    from tokstudio.train import loop

    plain, calls = loop.step_losses, []

    def sometimes(*args):
        values = plain(*args)
        calls.append(1)
        return {**values, "loss": float("nan")} if len(calls) == 4 else values  # the first is of the baseline

    monkeypatch.setattr(loop, "step_losses", sometimes)
    config = replace(alm_config, train=replace(alm_config.train, checkpoint_every=1))
    events = go(config, tmp_path / "run")
    assert isinstance(events[-1], Finished)
    told = [e.message for e in events if isinstance(e, Log) and e.level == "warn"]
    assert len(told) == 1
    assert "back to the checkpoint" in told[0]
    assert checkpoint.load(tmp_path / "run").extra["guard"] == {"factor": 0.5, "used": 1, "skipped": []}


def test_a_gradient_that_is_no_number_never_reaches_the_weights(alm_config, tmp_path, monkeypatch):
    from tokstudio.train.aggregate.sum import Sum

    plain = Sum.finish

    def poison(self, values):
        used = plain(self, values)
        next(p for p in self.model.parameters() if p.grad is not None).grad[0] = torch.nan
        return used

    config = replace(alm_config, train=replace(alm_config.train, checkpoint_every=1, recoveries=1, steps=3))
    go(config, tmp_path / "run")
    monkeypatch.setattr(Sum, "finish", poison)
    config = replace(config, train=replace(config.train, steps=5))
    with pytest.raises(RunError, match="NaN or infinite"):
        go(config, tmp_path / "run", resume=True)
    assert all(torch.isfinite(v).all() for v in checkpoint.load(tmp_path / "run").model.values())


def test_a_guard_that_fails_twice_takes_an_older_checkpoint():
    guard = Guard(3)
    assert guard.back_to(7, [4, 6]) == 6
    assert guard.back_to(7, [4, 6]) == 4
    assert guard.factor == 0.25
    assert guard.back_to(9, [4, 6]) == 6
    assert guard.back_to(9, [4, 6]) is None
    assert guard.skipped == {7}  # twice at any rate: its batch, then
    assert Guard(3).back_to(2, []) is None


def test_a_guard_at_the_start_leaves_a_batch_out_before_it_blames_the_rate():
    guard = Guard(2)
    assert guard.back_to(0, [0]) == 0  # no step was taken: another rate gives the same numbers
    assert (guard.factor, guard.skipped) == (1.0, {0})
    assert guard.told(0, 0).endswith("at step 1: its batch is left out.")
    assert guard.back_to(2, [0]) == 0
    assert (guard.factor, guard.skipped) == (0.5, {0})
    assert guard.told(2, 0).endswith("at step 3: back to the start, on with 0.5 of the learning rate.")
    again = Guard(2)
    again.load(guard.state())
    assert again.state() == guard.state() == {"factor": 0.5, "used": 2, "skipped": [0]}


def spoil(monkeypatch, when) -> list[int]:
    """Losses of training steps for which `when(n, step)` holds are NaN: n, the how-manieth time the loop asks, and the
    step it asks for, from 1. Returns the steps asked for."""
    from tokstudio.train.loop import _Loop

    plain, asked = _Loop.losses, []

    def losses(self, batches, total):
        asked.append(self.step + 1)
        values = plain(self, batches, total)
        return {**values, "loss": float("nan")} if when(len(asked), self.step + 1) else values

    monkeypatch.setattr(_Loop, "losses", losses)
    return asked


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_before_the_first_checkpoint_the_run_goes_back_to_its_start(mode, alm_config, tmp_path, monkeypatch):
    config = replace(alm_config, mode=mode, train=replace(alm_config.train, checkpoint_every=3))
    first = losses(go(config, tmp_path / "plain"))
    asked = spoil(monkeypatch, lambda n, step: n == 3)
    events = go(config, tmp_path / "run")
    assert isinstance(events[-1], Finished)
    assert asked == [1, 2, 3, 1, 2, 3, 4]
    assert ["back to the start" in e.message for e in events if isinstance(e, Log) and e.level == "warn"] == [
        True
    ]
    trained = [e for e in events if isinstance(e, Metrics) and "learning_rate" in e.values]
    assert [e.step for e in trained] == [1, 2, 1, 2, 3, 4]
    assert trained[2].values["loss"] == trained[0].values["loss"] == first[1]  # the same weights, to the bit
    assert trained[2].values["learning_rate"] == trained[0].values["learning_rate"] / 2
    assert not (tmp_path / "run" / "start").exists()


def test_a_batch_that_never_has_a_loss_is_left_out(alm_config, tmp_path, monkeypatch):
    asked = spoil(monkeypatch, lambda n, step: step in (1, 3))
    config = replace(alm_config, train=replace(alm_config.train, recoveries=3))
    events = go(config, tmp_path / "run")
    assert asked == [1, 2, 3, 2, 3, 2, 4]
    told = [e.message for e in events if isinstance(e, Log) and e.level == "warn"]
    assert [message.rpartition(": ")[2] for message in told] == [
        "its batch is left out.",
        "back to the start, on with 0.5 of the learning rate.",
        "back to the start, on with 0.25 of the learning rate, its batch is left out.",
    ]
    assert isinstance(events[-1], Finished)


def test_what_never_has_a_loss_is_given_up_with_the_reason(alm_config, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda n, step: True)
    with pytest.raises(RunError, match=r"at step 2, after 2 recoveries, ") as caught:
        go(alm_config, tmp_path / "run")
    assert "No weight was changed yet" in caught.value.hint
    assert not (tmp_path / "run" / "start").exists()


def test_a_rate_that_no_half_of_helps_is_given_up(alm_config, tmp_path):
    wild = replace(alm_config.optimizer, learning_rate=1e30, embedding_learning_rate=1e30)
    with pytest.raises(
        RunError, match=r"after 2 recoveries, the last with 0\.25 of the learning rate\.$"
    ) as caught:
        go(replace(alm_config, optimizer=wild), tmp_path / "run")
    assert caught.value.hint.endswith("with a lower learning rate.")


def test_without_recoveries_nothing_is_written_at_the_start(alm_config, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda n, step: step == 2)
    config = replace(alm_config, train=replace(alm_config.train, recoveries=0))
    with pytest.raises(RunError, match=r"at step 2\.$"):
        go(config, tmp_path / "run")
    assert not (tmp_path / "run" / "start").exists()


def test_a_stop_before_the_first_checkpoint_keeps_what_a_resumed_run_goes_back_to(
    alm_config, tmp_path, monkeypatch
):
    class Stop:
        def poll(self):
            return "stop"

    go(alm_config, tmp_path / "run", control=Stop())
    assert checkpoint.good(tmp_path / "run") == [0, 1]
    asked = spoil(monkeypatch, lambda n, step: n == 1)
    events = go(alm_config, tmp_path / "run", resume=True)
    assert asked == [2, 1, 2, 3, 4]
    assert isinstance(events[-1], Finished)
