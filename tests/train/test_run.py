"""The whole run on a tiny model: events, resume to the bit, accumulation, LoRA, export."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.train.following import losses
from tokstudio.errors import RunError, TransferError
from tokstudio.events import (
    Checkpointed,
    Finished,
    Metrics,
    Phase,
    Reference,
    Report,
    Sample,
    Started,
    Stopped,
)
from tokstudio.train import checkpoint, transfer
from tokstudio.train.control import NoControl
from tokstudio.train.optim import Optimizers
from tokstudio.train.transfer import run


class StopAfter:
    """Asks for a stop once `steps` steps are done."""

    def __init__(self, steps: int):
        self.left = steps

    def poll(self):
        self.left -= 1
        return "stop" if self.left == 0 else None


@pytest.fixture
def unverified(monkeypatch):
    """Skip the fresh process: one test pays for it, not all."""
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})


def test_a_run_tells_everything(tiny_config, tmp_path):
    events = list(run(tiny_config, tmp_path, NoControl(), False))
    kinds = [type(e) for e in events]
    assert kinds[0] is Phase
    assert kinds[-2:] == [Report, Finished]
    assert kinds.index(Started) < kinds.index(Metrics) < kinds.index(Reference)
    assert sorted(losses(events)) == [1, 2, 3, 4]
    assert {e.who for e in events if isinstance(e, Sample)} == {"source", "target"}
    assert [e.step for e in events if isinstance(e, Checkpointed)] == [2, 4]
    report = events[-2].values
    json.dumps(report)  # whoever runs it writes it down
    assert report["export"]["checked"]
    assert report["export"]["max_abs_logit_difference"] <= 1e-5
    assert report["target"]["vocab_size"] == report["export"]["embedding_rows"] == 4160
    assert 0 < report["tokens_target"] <= report["tokens_source"]
    assert 0 < report["trained"]["bits_per_byte"] < 20


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_27_stop_and_resume_is_the_same_run_to_the_bit(tiny_config, tmp_path, unverified, mode):
    config = replace(tiny_config, mode=mode)
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
    for name in a.model:
        assert torch.equal(a.model[name], b.model[name]), name
    assert {k: v.tolist() for k, v in a.optimizer.items()} == {k: v.tolist() for k, v in b.optimizer.items()}


def test_resume_without_a_checkpoint_starts_anew(tiny_config, tmp_path, unverified):
    events = list(run(tiny_config, tmp_path, NoControl(), True))
    assert next(e for e in events if isinstance(e, Started)).step == 0
    assert isinstance(events[-1], Finished)


def test_accumulation_is_one_large_batch(tiny_config, tmp_path, unverified):
    """Gradients of a step do not depend on how it is split, whatever merges into how many chunks."""
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.loop import step_losses
    from tokstudio.train.students import build_student
    from tokstudio.train.transfer import Pair, Transfer

    device = torch.device("cpu")
    pair = Pair(load_tokenizer(tiny_config.model), load_tokenizer(tiny_config.tokenizer), device)
    student = build_student(load_model(tiny_config.model), pair, tiny_config)
    corpus = load_corpus(tiny_config.data.corpus)
    gradients = []
    for size in (4, 2):
        config = replace(tiny_config, train=replace(tiny_config.train, batch_size=size))
        problem = Transfer(pair, student, corpus, config)
        texts = Transfer(
            pair, student, corpus, replace(config, train=replace(config.train, batch_size=4))
        ).order[0]
        parts = [texts[i : i + size] for i in range(0, 4, size)]
        problem.order = parts
        student.model.zero_grad()
        values = step_losses(problem, [problem.batch(i) for i in range(len(parts))], device, "fp32")
        gradients.append((values["loss"], [p.grad.clone() for p in student.model.parameters()]))
    assert gradients[0][0] == pytest.approx(gradients[1][0], rel=1e-5)
    for a, b in zip(gradients[0][1], gradients[1][1], strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_lora_keeps_the_body_and_the_teacher(tiny_config, tmp_path, unverified):
    from tokstudio.models.load import load_model

    config = replace(tiny_config, mode="lora")
    list(run(config, tmp_path, NoControl(), False))
    trained = checkpoint.load(tmp_path).model
    assert all("lora_" in name or "embed_tokens" in name or "lm_head" in name for name in trained)
    assert any("lora_B" in name and value.abs().max() > 0 for name, value in trained.items())
    exported = load_model(str(tmp_path / "export"))
    assert not any("lora" in name for name, _ in exported.named_parameters())


def test_lora_adapts_the_matrices_that_are_named(tiny_config, tmp_path, unverified):
    from tokstudio.errors import ConfigError

    wanted = replace(tiny_config.lora, targets=("q_proj", "down_proj"))
    config = replace(tiny_config, mode="lora", lora=wanted)
    list(run(config, tmp_path, NoControl(), False))
    adapted = {
        name.split(".lora_")[0].rpartition(".")[2]
        for name in checkpoint.load(tmp_path).model
        if "lora_" in name
    }
    assert adapted == {"q_proj", "down_proj"}
    for name in ("proj", "lm_head"):
        with pytest.raises(ConfigError, match="no linear map"):
            list(
                run(
                    replace(config, lora=replace(wanted, targets=(name,))),
                    tmp_path / name,
                    NoControl(),
                    False,
                )
            )


def test_teacher_is_the_untouched_source_in_both_modes(tiny_config):
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.students import build_student
    from tokstudio.train.transfer import Pair

    pair = Pair(load_tokenizer(tiny_config.model), load_tokenizer(tiny_config.tokenizer), torch.device("cpu"))
    ids = torch.arange(12)[None]
    source = load_model(tiny_config.model).eval()
    with torch.no_grad():
        expected = source(input_ids=ids).logits
    for mode in ("full", "lora"):
        student = build_student(load_model(tiny_config.model), pair, replace(tiny_config, mode=mode))
        with torch.no_grad():
            for parameter in student.model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1)
        assert torch.equal(student.teacher_logits(ids), expected), mode
        assert len(student.model.get_input_embeddings().weight) == len(pair.target)


def test_a_loss_that_is_not_finite_ends_the_run_with_a_way_on(tiny_config, tmp_path, unverified):
    config = replace(
        tiny_config,
        optimizer=replace(
            tiny_config.optimizer, learning_rate=1e30, embedding_learning_rate=1e30, gradient_clip=0.0
        ),
    )
    with pytest.raises(RunError, match="NaN or infinite") as caught:
        list(run(config, tmp_path, NoControl(), False))
    assert "learning rate" in caught.value.hint


def test_a_last_step_that_spoils_the_model_is_told(tiny_config, tmp_path, unverified, monkeypatch):
    """No loss comes after it: what is measured at the end says so."""
    step = Optimizers.step

    def spoil(self, factor):
        norm = step(self, factor)
        for group in self.optimizers[0].param_groups:
            with torch.no_grad():
                group["params"][0].fill_(float("nan"))
        return norm

    monkeypatch.setattr(Optimizers, "step", spoil)
    config = replace(tiny_config, train=replace(tiny_config.train, steps=1))
    with pytest.raises(RunError, match="NaN or infinite at step 1"):
        list(run(config, tmp_path, NoControl(), False))
    assert not (tmp_path / "export").exists()


def test_a_target_that_cannot_be_exported_is_refused_before_training(tiny_config, tmp_path):
    events = []

    def collect():
        events.extend(
            run(replace(tiny_config, tokenizer="tiktoken:cl100k_base"), tmp_path, NoControl(), False)
        )

    with pytest.raises(TransferError, match=r"tokenizer\.json"):
        collect()
    assert not any(isinstance(e, Metrics) for e in events)


def test_samples_name_a_tokenizer_that_loads(tiny_config, tmp_path, unverified):
    from tokstudio.tokens.reference import load_tokenizer

    events = list(run(tiny_config, tmp_path, NoControl(), False))
    for sample in (e for e in events if isinstance(e, Sample)):
        tokenizer = load_tokenizer(sample.tokenizer)
        assert isinstance(tokenizer.encode(sample.text).ids, np.ndarray)
    assert transfer.PROMPTS
