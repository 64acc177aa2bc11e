import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.train.conftest import TINY
from tokstudio.errors import ConfigError, TransferError
from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.train.control import NoControl
from tokstudio.train.data import held_out_windows
from tokstudio.train.distill_rows import distance, distill_rows, fit_new_rows, frozen_copy
from tokstudio.train.pretrain import new_model
from tokstudio.train.student_config import RowFitConfig
from tokstudio.transfer.base import COPIED, ORIGINS, SOLVED
from tokstudio.transfer.surgery import numpy_of, replace_vocabulary


@pytest.fixture(scope="module")
def pair(english, documents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    train_bpe([d.text for d in documents], folder, vocab_size=600)
    return english, load_tokenizer(str(folder)), [d.text for d in documents]


def test_new_rows_come_nearer_and_copies_stay(pair):
    source, target, texts = pair
    teacher = new_model(TINY, source, seed=1).eval()
    student = copy.deepcopy(teacher)
    surgery = replace_vocabulary(student, source, target, method="mean", seed=0)
    before = numpy_of(student.get_input_embeddings().weight).copy()
    new = np.flatnonzero(surgery.origin != COPIED)
    settings = RowFitConfig(steps=80, batch_size=4, window_bytes=200, learning_rate=0.05)
    errors = list(distill_rows(teacher, student, source, target, new, texts, settings))
    assert np.mean(errors[-10:]) < 0.95 * np.mean(errors[:10])
    after = numpy_of(student.get_input_embeddings().weight)
    copied = np.flatnonzero(surgery.origin == COPIED)
    assert np.array_equal(after[copied], before[copied])
    assert not np.array_equal(after[new], before[new])


def test_equal_tokenizers_have_nothing_to_fit(pair):
    source, _, texts = pair
    teacher = new_model(TINY, source, seed=1).eval()
    found = list(
        distill_rows(
            teacher,
            copy.deepcopy(teacher),
            source,
            source,
            np.array([300]),
            texts,
            RowFitConfig(steps=1, window_bytes=200),
        )
    )
    assert found[0] < 1e-10


def test_without_texts_it_is_refused(pair):
    source, target, _ = pair
    with pytest.raises(TransferError, match="learns from texts"):
        next(distill_rows(None, None, source, target, np.array([1]), [], RowFitConfig()))


def test_a_frozen_copy_reads_as_before_and_holds_the_body_once(pair):
    import torch

    source, target, _ = pair
    model = new_model(TINY, source, seed=1).eval()
    ids = torch.arange(20)[None]
    with torch.no_grad():
        expected = model(input_ids=ids).logits
    teacher = frozen_copy(model)
    replace_vocabulary(model, source, target, method="mean", seed=0)
    with torch.no_grad():
        assert torch.equal(teacher(input_ids=ids).logits, expected)
    shared = {id(p) for p in model.parameters()} & {id(p) for p in teacher.parameters()}
    assert len(shared) == len(list(teacher.parameters())) - 1


def test_the_demo_pair_comes_nearer_in_a_few_steps(english, code, documents):
    texts = held_out_windows(documents, window_bytes=4000, total_bytes=40_000)
    model = load_model("demo:english").eval()
    teacher, trained = frozen_copy(model), [p.requires_grad for p in model.parameters()]
    surgery = replace_vocabulary(model, english, code, method="token-distillation", seed=0, texts=texts)
    before = numpy_of(model.get_input_embeddings().weight).copy()
    body = {n: numpy_of(p).copy() for n, p in model.named_parameters() if "embed" not in n}
    settings = RowFitConfig(steps=8, batch_size=4, window_bytes=256)

    def other() -> float:
        return distance(teacher, model, english, code, texts, settings, seed=9)

    first = other()
    fitted = fit_new_rows(teacher, model, english, code, surgery, texts, settings, seed=0)
    assert other() < 0.97 * first
    assert fitted.fit["last"] < 0.97 * fitted.fit["first"]
    new = surgery.origin != COPIED
    assert new.sum() == fitted.fit["rows"]
    after = numpy_of(model.get_input_embeddings().weight)
    moved = (after != before).any(1)
    assert not moved[~new].any()
    assert np.array_equal(moved, fitted.origin == SOLVED)
    assert new.sum() - moved.sum() == fitted.fit["unreached"] < new.sum()
    assert not fitted.mix.counts[moved].any()
    assert fitted.mix.counts[new & ~moved].all()  # still the means that they began as
    assert all(np.array_equal(body[n], numpy_of(p)) for n, p in model.named_parameters() if n in body)
    assert [p.requires_grad for p in model.parameters()] == trained


def test_no_step_and_no_new_row_change_nothing(pair):
    source, target, texts = pair
    model = new_model(TINY, source, seed=1).eval()
    surgery = replace_vocabulary(model, source, target, method="token-distillation", seed=0, texts=texts)
    assert fit_new_rows(None, model, source, target, surgery, texts, RowFitConfig(steps=0)) is surgery
    copies = replace(surgery, origin=np.full_like(surgery.origin, COPIED))
    assert fit_new_rows(None, model, source, target, copies, texts, RowFitConfig()) is copies


def test_a_fit_that_runs_away_is_told(pair):
    source, target, texts = pair
    model = new_model(TINY, source, seed=1).eval()
    teacher = frozen_copy(model)
    surgery = replace_vocabulary(model, source, target, method="mean-pieces", seed=0)
    settings = RowFitConfig(steps=1, batch_size=2, window_bytes=200, learning_rate=float("inf"))
    with pytest.raises(TransferError, match="not finite"):
        fit_new_rows(teacher, model, source, target, surgery, texts, settings)


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_run_fits_the_rows_before_it_trains(tiny_config, tmp_path, mode, monkeypatch):
    from tokstudio.train.transfer import run

    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    config = replace(
        tiny_config,
        method="token-distillation",
        mode=mode,
        row_fit=RowFitConfig(steps=3, batch_size=2, window_bytes=200),
        train=replace(tiny_config.train, steps=1),
    )
    events = list(run(config, tmp_path, NoControl(), False))
    assert any("rows were fitted in 3 steps" in getattr(e, "message", "") for e in events)
    start = json.loads((tmp_path / "baseline.json").read_text())
    counts = {name: start["initialized"][name] for name in ORIGINS}
    assert counts["solved"] > 0
    assert counts["sampled"] == 0
    fit = start["initialization"]["distillation"]
    assert (fit["rows"] - fit["unreached"], fit["unreached"]) == (counts["solved"], counts["composed"])


def test_a_translation_cannot_start_at_fitted_rows(tiny_config, tmp_path):
    from tokstudio.train.check import check_config

    config = replace(tiny_config, method="token-distillation", s2t2=replace(tiny_config.s2t2, steps=2))
    with pytest.raises(ConfigError, match="starts at mixtures"):
        check_config(config)
    check_config(replace(config, method="mean-pieces"))
