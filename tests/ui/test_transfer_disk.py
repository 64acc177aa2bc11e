"""The forecast of a run's disk, against folders of runs that were made."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.conftest import *  # noqa: F403 the tiny model and its texts
from tokstudio.runs.store import RunStore
from tokstudio.train.control import NoControl
from tokstudio.train.transfer import run
from tokstudio.ui.transfer_cards import facts


def weights_on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
@pytest.mark.parametrize(
    ("mode", "targets", "apart"),
    [
        ("full", (), False),
        ("lora", (), False),
        ("lora", ("q_proj", "v_proj"), True),
        ("lora", ("down_proj",), False),
    ],
)
def test_disk_is_what_a_run_leaves(tiny_config, mode, targets, apart, tmp_path):
    lora = replace(tiny_config.lora, rank=32, targets=targets, save_adapters=apart)
    config = replace(tiny_config, mode=mode, lora=lora, check_export=False)
    list(run(config, tmp_path, NoControl(), False))
    pair = facts.pair_facts(config.model, config.tokenizer, ("x = 1\n",))
    told = facts.estimate(facts.model_facts(config.model), pair, config, RunStore(tmp_path / "runs"))
    assert told.disk == pytest.approx(weights_on_disk(tmp_path), rel=0.05)


def test_adapters_are_those_of_the_named_maps():
    model = facts.model_facts("demo:english")
    assert len(model.maps) == 7 * model.layers
    config = facts.TransferConfig(mode="lora")
    named = replace(config, lora=replace(config.lora, targets=("q_proj", "v_proj")))
    assert facts._adapters(model, named) == config.lora.rank * model.layers * 2 * 2 * model.hidden
    every = 4 * 2 * model.hidden + 3 * (model.hidden + model.intermediate)
    assert facts._adapters(model, config) == config.lora.rank * model.layers * every
    one = replace(config, lora=replace(config.lora, targets=("layers.0.mlp.up_proj",)))
    assert facts._adapters(model, one) == config.lora.rank * (model.hidden + model.intermediate)
