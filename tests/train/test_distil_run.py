"""Distillation as whole runs on a tiny model: teachers, their cache, every objective, aggregation, recovery."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.following import go, losses
from tokstudio.errors import ConfigError, RunError
from tokstudio.events import Finished, Log, Metrics, Stopped
from tokstudio.train import checkpoint
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.optim import schedule
from tokstudio.train.teacher_cache import TeacherCache
from tokstudio.train.transfer import check_config


@pytest.fixture(scope="session")
def tiny_folder(make_model) -> Path:
    return make_model("english")


@pytest.fixture(autouse=True)
def unverified(monkeypatch, tmp_path):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    monkeypatch.setattr("tokstudio.train.teacher_cache.cache_folder", lambda: tmp_path / "cache")


@pytest.fixture
def alm_config(tiny_config):
    return replace(tiny_config, objectives=("next_token", "alm"), weights=(1.0, 1.0))


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_losses_are_the_same_with_a_teacher_cache(alm_config, tmp_path, mode):
    config = replace(alm_config, mode=mode)
    cached = replace(config, train=replace(config.train, teacher_cache=True))
    expected = losses(go(config, tmp_path / "plain"))
    first = go(cached, tmp_path / "first")
    assert losses(first) == expected
    assert any(isinstance(e, Log) and "teacher cache holds" in e.message for e in first)
    again = go(replace(cached, train=replace(cached.train, steps=5)), tmp_path / "again")
    assert any(isinstance(e, Log) and "4 of 5 batches were there" in e.message for e in again)
    folder = next((tmp_path / "cache" / "teacher").iterdir())
    cache = TeacherCache(folder)
    assert cache.batches() == 5
    assert cache.bytes() == 8 * sum(len(cache.batch(i)) for i in range(5))


def test_a_killed_writer_leaves_a_cache_that_goes_on(tmp_path):
    cache = TeacherCache.of({"a": 1}, tmp_path)
    values = [np.full((n, 2), n, np.float32) for n in (3, 5, 2)]
    for value in values:
        cache.append(value)
    for cut in (1, 8, 15, 17, 40):
        (cache.folder / "numbers").write_bytes((cache.folder / "numbers").read_bytes()[:-cut])
        count = TeacherCache(cache.folder).batches()
        again = TeacherCache(cache.folder)
        assert count == again.batches()
        for value in values[count:]:
            again.append(value)
        assert all((again.batch(i) == v).all() for i, v in enumerate(values))
    (cache.folder / "ends").write_bytes((cache.folder / "ends").read_bytes()[:-3])
    assert TeacherCache(cache.folder).batches() == 2


def test_another_text_or_model_is_another_cache(tmp_path):
    assert TeacherCache.of({"a": 1}, tmp_path).folder != TeacherCache.of({"a": 2}, tmp_path).folder


@pytest.mark.parametrize("name", sorted(set(OBJECTIVES) - {"kl", "sft", "next_token"}))
def test_every_objective_trains(name, tiny_config, tmp_path):
    config = replace(
        tiny_config, objectives=(name,), weights=(1.0,), train=replace(tiny_config.train, steps=2)
    )
    if name == "byte_kl":
        config = replace(config, tokenizer="bytes")
    events = go(config, tmp_path / name)
    assert isinstance(events[-1], Finished)
    assert all(np.isfinite(v) for v in losses(events).values())


def test_a_projection_is_trained_saved_and_left_out_of_the_export(tiny_config, tmp_path):
    config = replace(
        tiny_config,
        objectives=("alm_latents", "alm"),
        latents=replace(tiny_config.latents, project=True, what="all_hidden"),
    )
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    expected = losses(go(config, whole))

    class Stop:
        left = 3

        def poll(self):
            self.left -= 1
            return "stop" if self.left == 0 else None

    first = go(config, cut, control=Stop())
    assert isinstance(first[-1], Stopped)
    assert losses(first) | losses(go(config, cut, resume=True)) == expected
    assert "beside_alm_latents.weight" in checkpoint.load(whole).model
    from safetensors import safe_open

    with safe_open(whole / "export" / "model.safetensors", "pt") as file:
        assert not [name for name in file.keys() if "beside" in name]  # noqa: SIM118


def test_another_model_teaches(tiny_config, tmp_path, make_model):
    """A larger model with another tokenizer; the student keeps its own."""
    teacher = make_model("code", hidden_size=48, num_hidden_layers=3)
    config = replace(
        tiny_config,
        tokenizer="demo:english",
        teacher=str(teacher),
        objectives=("next_token", "alm", "alm_latents", "projected_kl"),
        weights=(1.0, 1.0, 1.0, 1.0),
        latents=replace(tiny_config.latents, project=True),
    )
    events = go(config, tmp_path / "run")
    assert isinstance(events[-1], Finished)
    cached = replace(
        config, objectives=("alm",), weights=(1.0,), train=replace(config.train, teacher_cache=True)
    )
    plain = replace(cached, train=config.train)
    assert losses(go(cached, tmp_path / "cached")) == losses(go(plain, tmp_path / "plain"))


@pytest.mark.parametrize("name", ["gradmag", "gradnorm", "pcgrad", "scheduled"])
def test_aggregation_survives_a_resume(name, alm_config, tmp_path):
    config = replace(
        alm_config, aggregate=replace(alm_config.aggregate, name=name, schedules=("cosine", "linear"))
    )
    expected = go(config, tmp_path / "whole")
    half = replace(config.train, steps=4, checkpoint_every=2)
    folder = tmp_path / "cut"
    go(replace(config, train=half), folder)
    import shutil

    shutil.rmtree(folder / "checkpoints" / "step-4")
    again = losses(go(config, folder, resume=True))
    assert again == {k: v for k, v in losses(expected).items() if k > 2}
    if name != "pcgrad":
        assert any("weight/alm" in e.values for e in expected if isinstance(e, Metrics))


def test_long_windows_are_cut_and_short_ones_packed(alm_config, tmp_path):
    long = replace(alm_config.data, window_bytes=4000)
    with pytest.raises(ConfigError, match="window"):
        go(replace(alm_config, data=long), tmp_path / "refused")
    for data in (replace(long, too_long="cut"), replace(alm_config.data, pack=True, window_bytes=100)):
        short = replace(alm_config, data=data, train=replace(alm_config.train, steps=2))
        from tokstudio.train.students import build_student
        from tokstudio.train.transfer import Transfer, _set_up

        pair, model, corpus = _set_up(short)
        problem = Transfer(pair, build_student(model, pair, short), corpus, short)
        batch = problem.batch(0)
        assert all(torch.isfinite(v) for v in problem.loss_sums(batch).values())
        teacher, student = problem.token_batches(0)
        assert student.input_ids.shape[1] <= problem.limit
        if data.pack:
            assert len(student.input_ids) == len(teacher.input_ids) < len(student.encodings)


def test_schedules_end_low_unless_constant(tiny_config):
    config = replace(tiny_config.optimizer, warmup_steps=4)
    for name, last in (("linear", 0.01), ("cosine", 0.001), ("constant", 1.0)):
        rates = [schedule(step, 100, replace(config, schedule=name)) for step in range(100)]
        assert rates[0] == pytest.approx(0.2)
        assert rates[-1] == pytest.approx(last, abs=1e-3)
        assert max(rates) <= 1
        assert rates[5:] == sorted(rates[5:], reverse=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"objectives": ("alm", "alm"), "weights": (1.0, 1.0)}, "twice"),
        ({"objectives": ("uld",), "weights": (1.0,), "cache": True}, "does not hold"),
        ({"objectives": ("alm",)}, "weights"),
    ],
)
def test_settings_that_do_not_go_together(change, says, tiny_config):
    cache = change.pop("cache", False)
    config = replace(tiny_config, **change)
    with pytest.raises(ConfigError, match=says):
        check_config(replace(config, train=replace(config.train, teacher_cache=cache)))


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_to_bytes_and_back_from_the_export(mode, tiny_config, tmp_path):
    """The export is loaded by plain transformers and gives the same logits."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = replace(
        tiny_config,
        tokenizer="bytes",
        mode=mode,
        objectives=("next_token", "alm", "alm_latents"),
        weights=(1.0, 1.0, 1.0),
        aggregate=replace(tiny_config.aggregate, name="gradmag_preserving"),
    )
    events = go(config, tmp_path / "run")
    report = events[-2].values
    assert report["target"]["vocab_size"] == 258
    assert report["tokens_target"] >= report["held_out_bytes"]
    folder = tmp_path / "run" / "export"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("héllo 🙂", add_special_tokens=False)["input_ids"]
    assert ids == list("héllo 🙂".encode())
    assert tokenizer.decode(ids) == "héllo 🙂"
    out = model.generate(torch.tensor([ids]), max_new_tokens=4, do_sample=False)
    assert out.shape == (1, len(ids) + 4)


BYTES = (
    "tokenizer=bytes",
    'objectives=["next_token", "alm", "alm_latents"]',
    "weights=[1.0, 1.0, 1.0]",
    "data.window_bytes=512",
    "data.too_long=cut",
    "train.gradient_checkpointing=true",
)
TWO = ("mode=lora", 'objectives=["next_token", "alm"]', "weights=[1.0, 1.0]")


def test_forecast_names_its_parts_and_counts_tokens(alm_config):
    from tokstudio.train.memory import forecast

    config = replace(alm_config, train=replace(alm_config.train, steps=50, accumulate=2))
    told = forecast(config).values()
    weights = 4160 * 32 + 2 * (4 * 32 * 32 + 3 * 32 * 64 + 2 * 32) + 32
    assert told["parts"]["weights"] == told["parts"]["gradients"] == 4 * weights
    assert told["parts"]["optimizer"] == 8 * weights
    assert told["steps"] == 50
    assert told["tokens"] == pytest.approx(50 * told["tokens_per_step"])
    assert told["measured_bytes"] > told["parts"]["weights"]
    cached = replace(config, mode="lora", train=replace(config.train, teacher_cache=True))
    assert forecast(cached).parts["teacher"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        (),
        ("mode=lora",),
        BYTES,
        (*TWO, "train.batch_size=4"),
        (*TWO, "train.batch_size=4", "data.held_out_bytes=4096"),
    ],
    ids=["demo", "lora", "bytes", "lora-4", "little held out"],
)
def test_the_estimate_is_close_to_what_two_steps_take(changed):
    """Each in a process of its own, which never gives back what it once had."""
    from tokstudio.runs.probe import probe
    from tokstudio.train.config import demo
    from tokstudio.train.settings import apply_overrides

    told = probe(apply_overrides(demo(), list(changed)))
    assert told["estimated_bytes"] == pytest.approx(told["measured_bytes"], rel=0.2)


def test_a_probe_says_what_is_wrong_with_the_settings(tiny_config):
    from tokstudio.runs.probe import probe

    with pytest.raises(RunError, match="2 weights") as caught:
        probe(replace(tiny_config, objectives=("next_token",), weights=(1.0, 1.0)))
    assert "one weight for each" in caught.value.hint


def test_recipes_are_settings_with_a_reason():
    from tokstudio.train.recipes import recipe, recipes

    found = {r.name: r for r in recipes()}
    assert {"subword-to-subword", "subword-to-bytes", "two-models-one-tokenizer", "large-to-small"} <= set(
        found
    )
    for one in found.values():
        assert one.title
        assert len(one.about) > 80
        check_config(one.config)
    assert found["paper"].config.alm.temperature == 100
    with pytest.raises(ConfigError, match="no recipe"):
        recipe("soup")


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_gradient_checkpointing_changes_no_loss(mode, alm_config, tmp_path):
    config = replace(alm_config, mode=mode, train=replace(alm_config.train, steps=3))
    saving = replace(config, train=replace(config.train, gradient_checkpointing=True))
    plain, again = (losses(go(c, tmp_path / n)) for c, n in ((config, "plain"), (saving, "saving")))
    assert again == pytest.approx(plain, rel=1e-4)
