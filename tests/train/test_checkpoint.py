import errno

import pytest
import torch
from safetensors import SafetensorError

from tokstudio.errors import RunError
from tokstudio.train import checkpoint
from tokstudio.train.checkpoint import Checkpoint
from tokstudio.train.config import OptimizerConfig
from tokstudio.train.optim import schedule


def make(step: int) -> Checkpoint:
    return Checkpoint(
        step,
        {"w": torch.arange(4.0) + step},
        {"0.0.exp_avg": torch.ones(4)},
        {"cpu": torch.get_rng_state()},
        {"note": 1},
    )


def test_round_trip_and_pruning(tmp_path):
    for step in (2, 4, 10):
        checkpoint.save(tmp_path, make(step), keep=2)
    assert checkpoint.steps(tmp_path) == [4, 10]
    found = checkpoint.load(tmp_path)
    assert found.step == 10
    assert found.extra == {"note": 1}
    assert torch.equal(found.model["w"], make(10).model["w"])
    assert torch.equal(found.rng["cpu"], torch.get_rng_state())


def test_a_full_disk_keeps_the_older_ones(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, make(1), keep=3)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(RunError, match=r"of step 2 could not be written .*: the disk is full") as caught:
        checkpoint.save(tmp_path, make(2), keep=3)
    assert "The checkpoint at step 1 is whole" in caught.value.hint
    assert checkpoint.steps(tmp_path) == [1]
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step-1"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Error while serializing: I/O error: No space left on device (os error 28)", "the disk is full"),
        ("Error while serializing: I/O error: Input/output error (os error 5)", "Input/output error"),
        ("Error while serializing: I/O error: failed to write whole buffer", "the disk does not take it"),
    ],
)
def test_a_first_checkpoint_that_does_not_fit_says_what_is_true(tmp_path, monkeypatch, words, reason):
    def full(*args, **kwargs):
        raise SafetensorError(words)

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(RunError, match=rf": {reason}\.$") as caught:
        checkpoint.save(tmp_path, make(2), keep=3)
    assert "no checkpoint yet, so it starts from the beginning" in caught.value.hint
    assert "serializing" not in str(caught.value)
    assert "another" not in caught.value.hint


def test_half_a_checkpoint_is_none(tmp_path):
    checkpoint.save(tmp_path, make(1), keep=3)
    (tmp_path / "checkpoints" / "step-9").mkdir()
    assert checkpoint.steps(tmp_path) == [1]


def test_a_damaged_one_is_named(tmp_path):
    folder = checkpoint.save(tmp_path, make(1), keep=3)
    (folder / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(RunError, match="cannot be read") as caught:
        checkpoint.load(tmp_path)
    assert "Remove that folder" in caught.value.hint


def test_none_at_all(tmp_path):
    with pytest.raises(RunError, match="no checkpoint"):
        checkpoint.load(tmp_path)


def test_schedule_by_hand():
    config = OptimizerConfig(warmup_steps=4, decay_share=0.5)
    assert [round(schedule(s, 10, config), 3) for s in range(10)] == [
        0.2,
        0.4,
        0.6,
        0.8,
        1,
        1,
        0.8,
        0.6,
        0.4,
        0.2,
    ]
