"""Optimizers: which weights go where, and what is asked of packages that may be missing."""

import sys
from dataclasses import replace

import pytest
import torch

from tokstudio.errors import ConfigError
from tokstudio.models.load import load_model
from tokstudio.train.check import check_config
from tokstudio.train.config import OptimizerConfig, TransferConfig
from tokstudio.train.optim import Optimizers


@pytest.fixture
def model(make_model):
    return load_model(str(make_model("english"))).train()


def test_adamw_is_fused_and_reaches_every_weight(model):
    (adam,) = Optimizers(model, OptimizerConfig()).optimizers
    assert type(adam) is torch.optim.AdamW
    assert all(group["fused"] for group in adam.param_groups)
    assert {id(p) for g in adam.param_groups for p in g["params"]} == {id(p) for p in model.parameters()}


def test_a_missing_package_is_named_before_anything_is_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    config = TransferConfig(optimizer=replace(OptimizerConfig(), name="adamw8bit"))
    with pytest.raises(ConfigError, match="needs the package bitsandbytes") as caught:
        check_config(config)
    assert "tokstudio[eight-bit]" in caught.value.hint


def test_eight_bit_moments_are_small_saved_and_restored(make_model):
    pytest.importorskip("bitsandbytes")
    config = OptimizerConfig(name="adamw8bit")
    models = [
        load_model(str(make_model("english", hidden_size=128, intermediate_size=256))).train() for _ in "ab"
    ]

    def step(model, optimizers):
        model(input_ids=torch.arange(24)[None], labels=torch.arange(24)[None]).loss.backward()
        optimizers.step(1.0)

    first, second = (Optimizers(m, config) for m in models)
    for _ in range(2):
        step(models[0], first)
    state = {k: v for k, v in first.tensors().items() if v.dtype == torch.uint8}
    assert sum(v.numel() for v in state.values()) >= 2 * 128 * 128
    saved = {k: v.clone() for k, v in first.tensors().items()}
    models[1].load_state_dict(models[0].state_dict())
    second.load_tensors(saved)
    for m, o in zip(models, (first, second), strict=True):
        step(m, o)
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch 2.13 about itself, while it compiles
def test_a_compiled_model_learns_the_same(tiny_config, tmp_path, monkeypatch):
    from tokstudio.train.control import NoControl
    from tokstudio.train.transfer import run

    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    losses = []
    for name in ("plain", "compiled"):
        config = replace(tiny_config, train=replace(tiny_config.train, steps=3, compile=name == "compiled"))
        (tmp_path / name).mkdir()
        events = run(config, tmp_path / name, NoControl(), False)
        losses.append([e.values["loss"] for e in events if "learning_rate" in getattr(e, "values", {})])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
