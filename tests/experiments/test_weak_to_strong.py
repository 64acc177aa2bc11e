"""A plan learnt on a tiny model, applied to a larger one that is trained on the way; resumed; refused."""

import inspect
import json
import textwrap
from dataclasses import replace

import pytest

from tokstudio import cli
from tokstudio.errors import ConfigError, TransferError
from tokstudio.experiments.weak_to_strong import WeakToStrongConfig, run, table
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.train.config import ModelConfig
from tokstudio.train.pretrain import new_model
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.transfer.export import write_tokenizer
from tokstudio.transfer.plan import load_plan

SMALL = ModelConfig(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=1,
    num_attention_heads=2,
    max_position_embeddings=512,
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    train_bpe([inspect.getsource(textwrap)], folder, vocab_size=320)
    return folder


def model(folder, tokenizer, seed=1):
    source = load_tokenizer(str(tokenizer))
    new_model(SMALL, source, seed=seed).save_pretrained(folder)
    write_tokenizer(source, folder)
    return str(folder)


@pytest.fixture
def config(tmp_path, tokenizer):
    texts = tmp_path / "texts"
    texts.mkdir()
    for number, part in enumerate(inspect.getsource(textwrap).split("\n\n")):
        (texts / f"{number}.txt").write_text(part)
    return WeakToStrongConfig(
        model=model(tmp_path / "small", tokenizer), tokenizer="", vocabulary=400, data=str(texts), steps=4,
        batch_size=2, window_bytes=200, held_out_bytes=2048, strong_steps=3, strong_data=str(texts), device="cpu",
        shape=replace(SMALL, hidden_size=48, num_hidden_layers=2),
        s2t2=S2t2Config(candidates=8, learning_rate=0.02),
    )  # fmt: skip


class StopAt:
    def __init__(self, poll: int):
        self.left = poll

    def poll(self):
        self.left -= 1
        return "stop" if self.left == 0 else None


def test_the_plan_of_the_small_model_is_applied_to_the_larger_one(config, tmp_path):
    said = []
    result = run(config, tmp_path / "out", said.append)
    weak, strong = result["models"]["weak"], result["models"]["strong"]
    for told in (weak, strong):
        each = told["bits_per_byte"]
        assert each["original"] > 0
        assert told["difference"]["bits_per_byte"] == pytest.approx(each["plan"] - each["mean-pieces"])
        assert told["bytes"] == weak["bytes"]  # the same windows
    assert strong["bits_per_byte"]["original"] != weak["bits_per_byte"]["original"]
    plan = load_plan(tmp_path / "out/weak/plan.safetensors")
    assert plan.source == load_tokenizer(config.model).fingerprint
    from tokstudio.models.load import load_model

    assert load_model(result["strong_model"]).config.hidden_size == 48
    assert "| larger, the plan applied |" in table(result)
    again = []
    assert run(config, tmp_path / "out", again.append) == result == json.loads(json.dumps(result))
    assert said
    assert not again
    with pytest.raises(ConfigError, match="another steps"):
        run(replace(config, steps=5), tmp_path / "out")


@pytest.mark.parametrize(
    "poll", [2, 5], ids=["while the larger model is trained", "while the plan is learnt"]
)
def test_a_stop_is_resumed(config, tmp_path, poll):
    assert run(config, tmp_path / "cut", control=StopAt(poll)) is None
    assert not (tmp_path / "cut/result.json").exists()
    resumed, whole = run(config, tmp_path / "cut"), run(config, tmp_path / "whole")
    assert resumed["models"] == whole["models"]


def test_a_larger_model_with_another_tokenizer_is_refused_before_any_work(config, tmp_path):
    train_bpe([inspect.getsource(json)], tmp_path / "tokenizer", vocab_size=320)
    other = model(tmp_path / "other", tmp_path / "tokenizer")
    with pytest.raises(TransferError, match="does not fit the other") as caught:
        run(replace(config, strong=other), tmp_path / "out")
    assert "same tokenizer" in caught.value.hint
    assert not (tmp_path / "out/weak").exists()


def test_the_command(config, tmp_path, tokenizer, capsys):
    strong = model(tmp_path / "strong", tokenizer, seed=2)
    sets = {
        "model": config.model, "tokenizer": '""', "vocabulary": 400, "batch_size": 2, "window_bytes": 200,
        "held_out_bytes": 2048, "device": "cpu", "s2t2.candidates": 8,
    }  # fmt: skip
    command = ["experiment", "weak-to-strong", "--text", config.data, "--strong", strong, "--steps", "2"]
    command += [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]
    assert cli.main([*command, "--output", str(tmp_path / "out"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["strong_model"] == strong
    assert set(result["models"]) == {"weak", "strong"}
    assert cli.main([*command, "--print-config"]) == 0
    assert "strong_steps" in capsys.readouterr().out
    assert cli.main([*command, "--seeds", "2"]) == 2
    assert "means nothing" in capsys.readouterr().err
    assert cli.main(["experiment", "domain", "--strong", strong]) == 2
