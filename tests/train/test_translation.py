"""The staged run on a tiny model: translation, folding, training; resume to the bit; every solver and head."""

import inspect
import json
import textwrap
from dataclasses import replace

import numpy as np
import pytest
import torch

from tokstudio.errors import ConfigError, TransferError
from tokstudio.events import Checkpointed, Finished, Log, Metrics, Phase, Report, Started, Stopped
from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.train import checkpoint, transfer, translation
from tokstudio.train.check import check_config
from tokstudio.train.control import NoControl
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.transfer import run
from tokstudio.train.translated import translated_student
from tokstudio.transfer.export import export
from tokstudio.transfer.plan import load_plan
from tokstudio.transfer.surgery import replace_vocabulary
from tokstudio.transfer.translate import Translation
from tokstudio.transfer.verify import check


class StopAfter:
    def __init__(self, steps: int):
        self.left = steps

    def poll(self):
        self.left -= 1
        return "stop" if self.left == 0 else None


@pytest.fixture(scope="session")
def small_target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "target"
    train_bpe([inspect.getsource(textwrap)], folder, vocab_size=400)
    return str(folder)


@pytest.fixture
def staged(tiny_config, small_target):
    """Four steps of translation, four of training."""
    return replace(
        tiny_config,
        tokenizer=small_target,
        objectives=("next_token",),
        weights=(1.0,),
        s2t2=S2t2Config(steps=4, candidates=12, learning_rate=0.05),
    )


@pytest.fixture
def unverified(monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})


def figures(events, name):
    return {e.step: e.values[name] for e in events if isinstance(e, Metrics) and name in e.values}


def test_the_stages_follow_each_other(staged, tmp_path):
    events = list(run(staged, tmp_path, NoControl(), False))
    assert isinstance(events[-1], Finished)
    started = next(e for e in events if isinstance(e, Started))
    assert (started.step, started.total_steps) == (0, 8)
    assert sorted(s for s in figures(events, "loss") if s) == list(range(1, 9))
    assert [e.step for e in events if isinstance(e, Checkpointed)] == [2, 4, 6, 8]
    assert set(figures(events, "plan/entries_per_row")) >= {0, 2}
    names = [e.name for e in events if isinstance(e, Phase)]
    assert names.index("Learning the translation") < names.index("Training")
    report = next(e for e in events if isinstance(e, Report)).values
    told = report["translation"]
    assert told["folded"]["bits_per_byte"] == pytest.approx(
        told["bits_per_byte"], rel=1e-4
    )  # folding loses nothing
    assert report["export"]["checked"]
    assert report["export"]["max_abs_logit_difference"] <= 1e-5
    about = report["initialization"]
    assert [s["source"] for s in about["special_tokens"]] == ["<s>", "</s>"]
    assert about["digits_per_token"]["source"] > 0
    plan, now = (load_plan(tmp_path / f"{name}.safetensors") for name in ("plan", "plan-now"))
    assert np.array_equal(plan.input.weights, now.input.weights)
    assert np.allclose(plan.input.sums()[plan.input.counts > 0], 1, atol=1e-4)


def test_the_body_is_frozen_and_the_translation_learns(staged, tmp_path, unverified):
    config = replace(staged, s2t2=replace(staged.s2t2, finetune=False, steps=12))
    events = list(run(config, tmp_path, NoControl(), False))
    trained = checkpoint.load(tmp_path / "translation").model
    assert all("scores" in name for name in trained)
    before, after = load_model(config.model), load_model(str(tmp_path / "export"))
    body = dict(before.model.layers.named_parameters())
    for name, value in after.model.layers.named_parameters():
        assert torch.equal(value, body[name]), name
    start, end = load_plan(tmp_path / "plan-start.safetensors"), load_plan(tmp_path / "plan.safetensors")
    assert start.input.counts.sum() != end.input.counts.sum()
    losses = figures(events, "loss")
    assert losses[12] < losses[1]
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("stop", [2, 6], ids=["first stage", "second stage"])
def test_stop_and_resume_is_the_same_run(staged, tmp_path, unverified, stop):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    expected = list(run(staged, whole, NoControl(), False))
    control = StopAfter(stop)
    first = list(run(staged, cut, control, False))
    assert isinstance(first[-1], Stopped)
    assert first[-1].step == stop
    second = list(run(staged, cut, NoControl(), True))
    assert next(e for e in second if isinstance(e, Started)).step == stop
    assert figures(first, "loss") | figures(second, "loss") == figures(expected, "loss")
    a, b = (load_plan(folder / "plan.safetensors").input for folder in (whole, cut))
    assert np.array_equal(a.weights, b.weights)
    for name, value in checkpoint.load(whole).model.items():
        assert torch.equal(value, checkpoint.load(cut).model[name]), name


@pytest.mark.parametrize(
    "change",
    [
        {"solver": "entmax15"},
        {"solver": "softmax", "learning_rate": 0.5},
        {"solver": "free"},
        {"solver": "dykstra", "candidates": 0},
        {"solver": "alternation", "candidates": 0},
        {"candidates": 0, "marginal": "frequency"},
        {"marginal": "none", "alpha": 2.0, "alpha_end": 0.5},
        {"head": "prob"},
        {"shared": False},
        {"norm": "sources"},
        {"every": 3},
        {"residual": 4},
        {"residual": 4, "shared": False},
    ],
    ids=str,
)
def test_every_kind_of_translation_learns(staged, tmp_path, unverified, change):
    config = replace(staged, s2t2=replace(staged.s2t2, finetune=False, steps=6, **change))
    events = list(run(config, tmp_path, NoControl(), False))
    assert isinstance(events[-1], Finished)
    told = next(e for e in events if isinstance(e, Report)).values["translation"]
    if "alpha" not in change:  # a plan that is made sparser meanwhile may pay for it
        assert told["bits_per_byte"] < figures(events, "bits_per_byte")[0]
    assert check(tmp_path / "export")["checked"]
    if change.get("head") != "prob":  # what was learnt beside the plan is folded with it
        assert told["folded"]["bits_per_byte"] == pytest.approx(told["bits_per_byte"], rel=1e-4)
    if change.get("head") == "prob":
        assert any(isinstance(e, Log) and "cannot be folded" in e.message for e in events)


def test_annealing_alpha_makes_the_plan_sparser(staged, tmp_path, unverified):
    change = {"alpha": 2.0, "alpha_end": 0.25, "marginal": "none", "learning_rate": 0.0, "finetune": False}
    config = replace(staged, s2t2=replace(staged.s2t2, **change))
    entries = figures(run(config, tmp_path, NoControl(), False), "plan/entries_per_row")
    assert entries[4] <= entries[2] < entries[0]


def test_a_random_start_and_lora(staged, tmp_path, unverified):
    config = replace(staged, method="random", mode="lora")
    assert isinstance(list(run(config, tmp_path, NoControl(), False))[-1], Finished)


def test_a_saved_plan_moves_a_larger_model(staged, tmp_path, unverified, english, tiny_folder):
    """Weak to strong: learnt on the tiny model, applied to a wider one, no steps of translation."""
    import shutil

    from tests.train.conftest import TINY
    from tokstudio.train.pretrain import new_model

    weak, strong, larger = (tmp_path / name for name in ("weak", "strong", "larger"))
    for folder in (weak, strong):
        folder.mkdir()
    list(run(replace(staged, s2t2=replace(staged.s2t2, finetune=False)), weak, NoControl(), False))
    new_model(replace(TINY, hidden_size=48), english, seed=2).save_pretrained(larger)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny_folder / name, larger / name)
    plan = str(weak / "plan.safetensors")
    config = replace(staged, model=str(larger), s2t2=S2t2Config(plan=plan, candidates=12, spread=0.0))
    events = list(run(config, strong, NoControl(), False))
    assert isinstance(events[-1], Finished)
    a, b = load_plan(weak / "plan.safetensors").input, load_plan(strong / "plan.safetensors").input
    assert (
        np.abs(a.dot(np.eye(a.width, dtype=np.float32)) - b.dot(np.eye(b.width, dtype=np.float32))).max()
        < 1e-4
    )
    wrong = replace(config, tokenizer="demo:code")
    with pytest.raises(TransferError, match="target tokenizer"):
        list(run(wrong, tmp_path / "wrong", NoControl(), False))


def test_alpha_that_leaves_nothing_is_told():
    assert "one source token" in translation.odd(1.0, 32)
    assert "dense" in translation.odd(31.9, 32)
    assert translation.odd(6.0, 32) is None
    assert translation.odd(32.0, 32, dense=True) is None  # softmax: no alpha makes it sparse


def test_one_plan_serves_several_steps_and_all_parts_of_one(staged, tmp_path, unverified, monkeypatch):
    """Six steps of two parts each, solved every third step: twice with gradient. The gradient of one step is the
    same as without."""
    counted = []

    def solve(self, role="input", solve=Translation.solve):
        counted.append(torch.is_grad_enabled())
        return solve(self, role)

    monkeypatch.setattr(Translation, "solve", solve)
    s2t2 = replace(staged.s2t2, steps=6, every=3, finetune=False)
    config = replace(staged, s2t2=s2t2, train=replace(staged.train, accumulate=2))
    assert isinstance(list(run(config, tmp_path, NoControl(), False))[-1], Finished)
    assert sum(counted) == 2


@pytest.mark.parametrize("solver", ["sparsemax", "softmax", "free"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_kept_plan_has_the_gradient_of_a_new_one(staged, solver, shared):
    config = replace(staged, s2t2=replace(staged.s2t2, solver=solver, shared=shared))
    pair, model, corpus = transfer._set_up(config)
    layer = translation.make_layer(model, pair, corpus, config)
    student = translated_student(model, layer, head="logit")
    ids = torch.arange(40).view(2, 20)
    found = []
    for turn in (None, 0, 0, 1):
        student.tables.turn = turn
        layer.zero_grad()
        student.model(input_ids=ids).logits.log_softmax(-1)[..., 5].mean().backward()
        found.append(torch.cat([score.grad.flatten() for score in layer.scores.values()]))
    assert found[0].abs().max() > 0
    assert all(torch.allclose(other, found[0], rtol=1e-4, atol=1e-8) for other in found[1:])


def test_a_translation_starts_at_what_a_donor_says(staged, tmp_path, unverified, english):
    """OMP from a donor whose rows are the source's: the start is not that of another method."""
    folder = tmp_path / "donor"
    model, source, target = (
        load_model(staged.model),
        load_tokenizer(staged.model),
        load_tokenizer(staged.tokenizer),
    )
    replace_vocabulary(model, source, target, method="weighted-pieces", seed=0)
    export(model, target, folder)
    s2t2 = replace(staged.s2t2, steps=1, finetune=False)
    config = replace(staged, method="omp", donor=str(folder), s2t2=s2t2)
    (tmp_path / "run").mkdir()
    assert isinstance(list(run(config, tmp_path / "run", NoControl(), False))[-1], Finished)
    with pytest.raises(TransferError, match="needs a donor"):
        list(run(replace(config, donor=""), tmp_path / "run", NoControl(), False))


def test_weights_without_a_constraint_hand_on_no_probabilities(staged):
    with pytest.raises(ConfigError, match="may be negative"):
        check_config(replace(staged, s2t2=replace(staged.s2t2, solver="free", head="prob")))


@pytest.mark.parametrize("stage", [{"steps": 4}, {"steps": 0, "plan": "plan.safetensors"}])
@pytest.mark.parametrize("change", [{"input_norm": "sources"}, {"output_norm": "mean"}, {"cache": True}])
def test_what_a_translation_does_not_heed_is_refused(staged, stage, change):
    staged = replace(staged, s2t2=replace(staged.s2t2, **stage))
    check_config(staged)
    if "cache" in change:
        change = {"train": replace(staged.train, teacher_cache=True)}
    with pytest.raises(ConfigError, match="translation"):
        check_config(replace(staged, **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha_end": 1e-6}, r"The plan has 1\.00 entries a row.*larger alpha"),
        (
            {"alpha_end": 1000.0},
            r"The plan has (\d+) entries a row of \1 possible: it is dense\. A smaller alpha",
        ),
        ({"spread": 0.0, "candidates": 1}, r"The plan has 1\.00 entries a row"),
    ],
    ids=["one entry", "dense", "from the start"],
)
def test_a_run_warns_of_such_an_alpha_with_the_figure(staged, tmp_path, unverified, change, message):
    import re

    settings = {"marginal": "none", "learning_rate": 0.0, "finetune": False, "steps": 2, "spread": 0.2}
    config = replace(staged, method="random", s2t2=replace(staged.s2t2, **{**settings, **change}))
    events = list(run(config, tmp_path, NoControl(), False))
    warned = [e.message for e in events if isinstance(e, Log) and e.level == "warn"]
    assert any(re.search(message, said) for said in warned), warned


def test_a_source_marginal_that_is_missed_is_told():
    assert translation.missed(0.1) is None
    assert translation.missed(0.8).startswith("40 % of the plan's mass is in other columns")


def test_a_damaged_head_is_found_before_the_translation(staged, tmp_path, make_model):
    from tokstudio.errors import TransferError
    from tokstudio.models.load import load_model

    folder = make_model("english", tie_word_embeddings=False)
    model = load_model(str(folder))
    with torch.no_grad():
        model.get_output_embeddings().weight[5, 0] = float("nan")
    model.save_pretrained(folder)
    phases = []
    with pytest.raises(TransferError, match="row 5 is not finite"):
        phases.extend(run(replace(staged, model=str(folder)), tmp_path, NoControl(), False))
    assert not (tmp_path / "plan.safetensors").exists()


def test_methods_that_need_texts_get_the_corpus(tiny_config, tmp_path, unverified, small_target):
    config = replace(
        tiny_config, tokenizer=small_target, method="focus", objectives=("next_token",), weights=(1.0,)
    )
    assert isinstance(list(run(config, tmp_path, NoControl(), False))[-1], Finished)


def test_the_forecast_has_both_stages(staged):
    from tokstudio.train.memory import forecast

    told = forecast(staged).values()
    assert (told["translation_steps"], told["steps"]) == (4, 4)
    assert told["seconds_per_translation_step"] > 0
    wanted = 4 * (told["seconds_per_step"] + told["seconds_per_translation_step"])
    assert told["seconds"] == pytest.approx(wanted)
    assert told["tokens"] == pytest.approx(8 * told["tokens_per_step"])
    scores = (400 - 2) * staged.s2t2.candidates  # special tokens are pinned
    assert told["parts"]["translation"] == 16 * scores
    alone = forecast(replace(staged, s2t2=replace(staged.s2t2, finetune=False))).values()
    assert (alone["steps"], alone["parts"]["optimizer"]) == (0, 0)
    assert alone["seconds"] == pytest.approx(4 * alone["seconds_per_translation_step"])


def test_the_report_is_json(staged, tmp_path, unverified):
    report = next(e for e in run(staged, tmp_path, NoControl(), False) if isinstance(e, Report)).values
    assert json.loads(json.dumps(report)) == report
    assert load_tokenizer(staged.tokenizer).name


def test_held_out_text_that_a_tokenizer_does_not_give_back_is_told(staged, tmp_path, unverified):
    from tokenizers import Tokenizer, models, pre_tokenizers

    library = Tokenizer(models.WordLevel({"the": 0, "of": 1, "[UNK]": 2}, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.add_special_tokens(["[UNK]"])
    folder = tmp_path / "words"
    folder.mkdir()
    library.save(str(folder / "tokenizer.json"))
    config = replace(staged, tokenizer=str(folder), s2t2=replace(staged.s2t2, steps=2, finetune=False))
    events = list(run(config, tmp_path, NoControl(), False))
    told = [e.message for e in events if isinstance(e, Log) and "does not give back" in e.message]
    assert len(told) == 1  # the source gives everything back
    lossy = next(e for e in events if isinstance(e, Report)).values["lossy_windows"]
    assert lossy["source"] == 0 < lossy["target"]
    assert f"words does not give back {lossy['target']} of {lossy['target']} windows" in told[0]
