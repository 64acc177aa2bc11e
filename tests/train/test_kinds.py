"""Fine-tuning and distillation: run kinds beside transfer, for models that keep their tokenizer."""

import json
import tomllib
from dataclasses import replace

import pytest
import torch

from tokstudio.cli import main
from tokstudio.errors import ConfigError
from tokstudio.events import Metrics, Reference
from tokstudio.models.load import load_model
from tokstudio.runs.kinds import KINDS
from tokstudio.runs.store import RunStore
from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.control import NoControl
from tokstudio.train.kinds import PURPOSES, check_purpose, own_tokenizer, purpose_of
from tokstudio.train.recipes import recipe, recipes
from tokstudio.train.settings import to_dict, to_toml
from tokstudio.train.transfer import run


@pytest.fixture(autouse=True)
def unverified(monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})


def tuned(config, tmp_path, **changes):
    return list(run(replace(own_tokenizer(config), **changes), tmp_path, NoControl(), False))


def test_each_purpose_has_a_run_kind_a_recipe_and_a_command():
    from tokstudio.cli import command_names

    for name, purpose in PURPOSES.items():
        assert KINDS[name].load is not None
        assert recipe(purpose.recipe).kind == name
        assert name in command_names()


def test_settings_say_what_they_are_for():
    assert purpose_of(demo()) == "transfer"
    assert purpose_of(recipe("subword-to-bytes").config) == "transfer"
    fine = recipe("fine-tune").config
    assert (
        purpose_of(fine) == purpose_of(replace(fine, teacher="/a/model")) == "finetune"
    )  # no objective asks it
    distil = replace(recipe("distil").config, teacher="/a/model")
    assert purpose_of(distil) == "distil"


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("finetune", {"tokenizer": "demo:code"}, "these settings name another: demo:code"),
        ("distil", {}, "needs a teacher"),
        ("distil", {"tokenizer": "bytes", "teacher": "x"}, "these settings name another: bytes"),
    ],
)
def test_a_kind_refuses_what_is_none_of_it(kind, changes, says, tmp_path):
    config = replace(recipe("fine-tune").config, **changes)
    with pytest.raises(ConfigError, match=says):
        check_purpose(kind, config)
    with pytest.raises(ConfigError, match=says):
        RunStore(tmp_path).create(kind, "no", to_toml(config))


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_fine_tuning_starts_as_the_model_and_learns(tiny_config, tmp_path):
    config = replace(tiny_config, objectives=("next_token",), weights=(1.0,))
    config = replace(config, optimizer=replace(config.optimizer, copied_row_rate=1.0))
    report = tuned(config, tmp_path)[-2].values
    assert report["initialized"]["bits_per_byte"] == pytest.approx(
        report["source"]["bits_per_byte"], abs=1e-6
    )
    assert report["trained"]["bits_per_byte"] < report["source"]["bits_per_byte"]
    assert report["tokens_source"] == report["tokens_target"]
    assert report["gap_closed"] is None


def test_no_row_moves_where_nothing_is_trained(tiny_config, tmp_path):
    """A transfer matches rows by their bytes; the same tokenizer needs no matching."""
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.transfer.surgery import keep_vocabulary

    model, before = load_model(tiny_config.model), load_model(tiny_config.model)
    tokenizer = load_tokenizer(tiny_config.model)
    surgery = keep_vocabulary(model, tokenizer)
    assert surgery.counts()["copied"] == len(tokenizer)
    for (name, one), (_, two) in zip(model.named_parameters(), before.named_parameters(), strict=True):
        assert torch.equal(one, two), name
    model.resize_token_embeddings(len(tokenizer) + 64, mean_resizing=False)  # as many models pad them
    keep_vocabulary(model, tokenizer)
    assert model.config.vocab_size == len(tokenizer)
    assert torch.equal(model.get_input_embeddings().weight, before.get_input_embeddings().weight)


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_distillation_brings_a_student_to_its_teacher(tiny_config, make_model, tmp_path):
    teacher = make_model("english", hidden_size=48, intermediate_size=96)
    found = recipe("distil").config
    config = replace(
        tiny_config,
        objectives=found.objectives,
        weights=(0.0, 1.0),
        kd=found.kd,
        teacher=str(teacher),
        optimizer=replace(found.optimizer, learning_rate=5e-3, embedding_learning_rate=5e-3, warmup_steps=0),
        train=replace(tiny_config.train, steps=12),
    )
    events = tuned(config, tmp_path)
    assert purpose_of(own_tokenizer(config)) == "distil"
    levels = {e.label: e.value for e in events if isinstance(e, Reference)}
    assert levels["teacher"] == events[-2].values["teacher"]["bits_per_byte"]
    losses = [e.values["loss/kl"] for e in events if isinstance(e, Metrics) and "learning_rate" in e.values]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_a_teacher_with_another_tokenizer_is_refused(tiny_config, make_model, tmp_path):
    config = replace(tiny_config, objectives=("kl",), weights=(1.0,), teacher=str(make_model("code")))
    with pytest.raises(ConfigError, match="one vocabulary") as caught:
        tuned(config, tmp_path)
    assert "projected_kl" in caught.value.hint


def test_commands_print_what_they_would_run(capsys, tmp_path, corpus_file):
    words = ["finetune", "--text", str(corpus_file), "--steps", "7", "--lora", "--set", "train.seed=3"]
    assert main([*words, "--print-config"]) == 0
    told = tomllib.loads(capsys.readouterr().out)
    assert (told["model"], told["tokenizer"], told["mode"]) == ("demo:english", "demo:english", "lora")
    assert (told["data"]["corpus"], told["train"]["steps"], told["train"]["seed"]) == (str(corpus_file), 7, 3)
    assert main(["distil", "--teacher", "demo:english", "--print-config"]) == 0
    told = tomllib.loads(capsys.readouterr().out)
    assert (told["teacher"], told["objectives"]) == ("demo:english", ["next_token", "kl"])
    assert main(["distil", "--print-config"]) == 2
    assert "--teacher FOLDER" in capsys.readouterr().err
    assert main(["finetune", "--set", "tokenizer=bytes", "--print-config"]) == 2
    assert "keeps the model's own tokenizer" in capsys.readouterr().err


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_a_dry_run_names_the_command(tiny_config, capsys, corpus_file):
    words = ["finetune", "--model", tiny_config.model, "--text", str(corpus_file), "--steps", "5"]
    words += [
        "--set",
        "data.window_bytes=200",
        "--set",
        "train.batch_size=2",
        "--set",
        "data.held_out_bytes=1024",
    ]
    assert main([*words, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["steps"] == 5
    assert told["command"].startswith(f"tokstudio finetune --model {tiny_config.model} --text")


def test_the_recipes_of_both_kinds_are_transfer_settings():
    known = to_dict(TransferConfig())
    for one in recipes():
        assert set(to_dict(one.config)) == set(known)
