"""Texts and models that do not fit: a sane result, or an error that says what to do."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.train.test_golden import alm_of
from tests.train.test_objectives import loss_of, made, scores_of, target_of
from tokstudio.errors import AlignmentError, ConfigError, TransferError
from tokstudio.models.load import load_model
from tokstudio.paths import resource
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.check import check_config
from tokstudio.train.chunks import check_lines_up, chunk, edges
from tokstudio.train.config import AggregateConfig, TransferConfig
from tokstudio.train.data import token_batch
from tokstudio.train.forward import scores_of as run_model
from tokstudio.train.objectives.base import OBJECTIVES, Widths
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.student_config import ExpansionConfig
from tokstudio.train.teachers import OtherModel
from tokstudio.transfer.surgery import replace_vocabulary

TEXTS = ["  The quick brown fox.\n", "def join(self):", "plain text"]


@pytest.fixture(scope="module")
def dropping(tmp_path_factory):
    """demo:code that drops the space around a text."""
    data = json.loads(resource("demo/code/tokenizer.json").read_text(encoding="utf-8"))
    data["normalizer"] = {"type": "Strip", "strip_left": True, "strip_right": True}
    folder = tmp_path_factory.mktemp("dropping")
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    return load_tokenizer(str(folder))


def test_documents_that_do_not_come_back_are_left_out(english, dropping):
    teacher, student = (token_batch(t, TEXTS, limit=64) for t in (english, dropping))
    found = chunk(teacher, student)
    assert sorted(set(found.text.tolist())) == [1, 2]
    assert len(edges(teacher, student)[0])
    check_lines_up(teacher, student)
    alone = [token_batch(t, TEXTS[:1], limit=64) for t in (english, dropping)]
    assert len(chunk(*alone).text) == 0
    with pytest.raises(AlignmentError, match="do not line up") as caught:
        check_lines_up(*alone)
    assert caught.value.hint


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_batch_with_nothing_to_learn_costs_nothing(name, english, code):
    target = target_of(name, english, code)
    objective = made(name, english, target)
    objective.module(Widths(8, 8))
    sides = [token_batch(t, TEXTS, limit=64) for t in (english, target)]
    teacher, student = (
        replace(side, learned=tuple(np.zeros(len(e), bool) for e in side.encodings)) for side in sides
    )
    mine = scores_of(student, len(target), 1)
    loss = loss_of(objective, student, teacher, mine, scores_of(teacher, len(english), 2))
    assert loss.item() == 0
    if loss.requires_grad and mine.logits.requires_grad:
        gradient = torch.autograd.grad(loss, mine.logits, allow_unused=True)[0]
        assert gradient is None or gradient.abs().max() == 0


def test_a_tokenizer_longer_than_the_matrix_is_refused(tiny_folder, english, code):
    model = load_model(str(tiny_folder))
    model.resize_token_embeddings(len(english) - 3, mean_resizing=False)
    with pytest.raises(TransferError, match="has only"):
        replace_vocabulary(model, english, code, method="mean", seed=1)


@pytest.mark.parametrize("whole", [True, False])
def test_padding_rows_of_the_teacher_get_no_probability(whole, tiny_folder, english, code):
    teacher, student = (token_batch(t, TEXTS, limit=64) for t in (english, code))
    alm, prepared = alm_of(english, code), []
    for rows in (0, 5):
        model = load_model(str(tiny_folder)).eval()
        if rows:
            size = len(english)
            model.resize_token_embeddings(size + rows, mean_resizing=False)
            with torch.no_grad():  # rows that would take everything
                model.get_output_embeddings().weight[size:] = (
                    model.get_output_embeddings().weight[:rows] * 100
                )
        said = OtherModel(model, english, 256)
        said.whole = whole
        scores = said.scores(0, teacher, frozenset(), "fp32")
        assert scores.picked.sum() > -1e4
        prepared.append(alm.prepare(student, teacher, scores).teacher)
    assert torch.allclose(*prepared, atol=1e-4)
    with torch.no_grad():
        spoiled = run_model(model, teacher, needs=frozenset(), precision="fp32", whole=whole)
    assert spoiled.picked.sum() < scores.picked.sum() - 10  # the check can fail


def test_settings_that_do_not_go_together():
    config = TransferConfig(expansion=ExpansionConfig(longest=16), s2t2=S2t2Config(steps=5))
    with pytest.raises(ConfigError, match="translation stage"):
        check_config(config)


@pytest.mark.parametrize("schedules", [("linear",), ("linear", "cubic")])
def test_schedules_that_are_none_are_refused_before_the_start(schedules):
    config = TransferConfig(aggregate=AggregateConfig("scheduled", schedules))
    with pytest.raises(ConfigError, match="2 objectives") as caught:
        check_config(config)
    assert "reverse_cosine" in caught.value.hint
