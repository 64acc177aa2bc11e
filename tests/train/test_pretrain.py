"""A tiny language model from nothing: events, resume to the bit, an export that loads."""

from dataclasses import replace

import pytest
import torch

from tests.train.conftest import TINY
from tokstudio.events import Checkpointed, Finished, Metrics, Phase, Sample, Started, Stopped
from tokstudio.models.load import load_model
from tokstudio.train import checkpoint
from tokstudio.train.config import DataConfig, OptimizerConfig, PretrainConfig, TrainConfig
from tokstudio.train.control import NoControl
from tokstudio.train.pretrain import run


class StopAfter:
    """Asks for a stop once `steps` steps are done."""

    def __init__(self, steps: int):
        self.left = steps

    def poll(self):
        self.left -= 1
        return "stop" if self.left == 0 else None


@pytest.fixture
def config(corpus_file) -> PretrainConfig:
    return PretrainConfig(
        model=TINY,
        data=DataConfig(corpus=str(corpus_file), window_bytes=200, held_out_bytes=1024),
        optimizer=OptimizerConfig(warmup_steps=1),
        train=TrainConfig(
            steps=4,
            batch_size=2,
            evaluate_every=2,
            checkpoint_every=2,
            sample_every=4,
            sample_tokens=4,
            device="cpu",
        ),
    )


def losses(events):
    return {e.step: e.values["loss"] for e in events if isinstance(e, Metrics) and "loss" in e.values}


def test_a_run_trains_measures_and_exports(config, tmp_path, english):
    longer = replace(
        config, train=replace(config.train, steps=8), optimizer=OptimizerConfig(learning_rate=0.01)
    )
    events = list(run(longer, tmp_path, NoControl(), False))
    assert isinstance(events[0], Phase)
    assert isinstance(events[-1], Finished)
    assert sorted(losses(events)) == list(range(1, 9))
    assert losses(events)[8] < losses(events)[1]
    assert [e.step for e in events if isinstance(e, Checkpointed)] == [2, 4, 6, 8]
    assert {e.who for e in events if isinstance(e, Sample)} == {"target"}
    bits = [
        e.values["bits_per_byte"] for e in events if isinstance(e, Metrics) and "bits_per_byte" in e.values
    ]
    assert bits[-1] < bits[0] < 12
    model = load_model(str(tmp_path / "export"))
    assert model.get_input_embeddings().weight.shape == (len(english), TINY.hidden_size)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_stop_and_resume_is_the_same_run_to_the_bit(config, tmp_path, name):
    config = replace(config, optimizer=replace(config.optimizer, name=name))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    expected = list(run(config, whole, NoControl(), False))
    first = list(run(config, cut, StopAfter(3), False))
    assert isinstance(first[-1], Stopped)
    assert first[-1].step == 3
    second = list(run(config, cut, NoControl(), True))
    assert next(e for e in second if isinstance(e, Started)).step == 3
    assert losses(first) | losses(second) == losses(expected)
    a, b = checkpoint.load(whole), checkpoint.load(cut)
    assert a.step == b.step == 4
    for key in a.model:
        assert torch.equal(a.model[key], b.model[key]), key
    assert {k: v.tolist() for k, v in a.optimizer.items()} == {k: v.tolist() for k, v in b.optimizer.items()}
