"""Golden values follow from the formulas in `alm.py`, worked with mpmath; none is copied from a run of this code."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.tokens.base import Encoding
from tokstudio.train.config import AlmConfig, TransferConfig
from tokstudio.train.data import TokenBatch, token_batch
from tokstudio.train.objectives.alm import (
    EPSILON,
    Alm,
    binary_cross_entropy,
    chunk,
    divergence,
    log1mexp,
    merge,
    word_starts,
)
from tokstudio.train.objectives.base import Scores
from tokstudio.train.transfer import Pair

TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "The quick brown fox.\n", "x = 1234.5\t# 東京\n"]


def double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("x", [-1e-12, -1e-6, -0.1, -0.6931, -0.6932, -1.0, -5.0, -50.0, -700.0])
def test_05_log1mexp_has_all_digits(x):
    with mpmath.workdps(400):
        expected = float(mpmath.log(1 - mpmath.exp(mpmath.mpf(x))))
    assert log1mexp(double(x)).item() == pytest.approx(expected, rel=1e-12, abs=0)


def test_05_log1mexp_gradient_is_finite_and_right():
    x = double(-1e-6, -0.3, -0.6931472, -2.0, -800.0).requires_grad_()
    log1mexp(x).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert torch.allclose(x.grad, -1 / torch.expm1(-x.detach()))
    assert torch.autograd.gradcheck(log1mexp, double(-0.2, -0.7, -3.0).requires_grad_())


@pytest.mark.parametrize(
    ("teacher", "student", "tau", "expected"),
    [
        (-0.5, -2.0, 1.0, 1.2702765),
        (-0.5, -2.0, 5.0, 0.46753186),
        (-0.5, -2.0, 100.0, 0.039465968),
        (-1.0, -3.0, 1.0, 1.1359195),
        (-1.0, -3.0, 5.0, 0.63550603),
        (-1.0, -3.0, 100.0, 0.064745329),
        (-20.0, -25.0, 5.0, 0.098215037),
        (-20.0, -25.0, 100.0, 0.47816328),
    ],
)
def test_02_binary_ce_golden(teacher, student, tau, expected):
    value = divergence(double(teacher), double(student), temperature=tau, kind="binary_ce")
    assert value.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("teacher", "student", "expected"),
    [(-0.5, -2.0, 0.008047705), (-1.0, -3.0, 0.0089683575), (-20.0, -25.0, 0.004849387)],
)
def test_02_binary_kl_golden(teacher, student, expected):
    value = divergence(double(teacher), double(student), temperature=100.0, kind="binary_kl")
    assert value.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("teacher", "student", "expected"),
    [(-0.5, -2.0, -0.0074808411), (-1.0, -3.0, -0.0066330539), (-20.0, -25.0, -0.0018051506)],
)
def test_03_gradient_golden_and_formula(teacher, student, expected):
    s = double(student).requires_grad_()
    divergence(double(teacher), s, temperature=100.0, kind="binary_ce").sum().backward()
    a, b = np.exp(teacher / 100 - EPSILON), np.exp(student / 100 - EPSILON)
    assert s.grad.item() == pytest.approx((b - a) / (1 - b) / 100, rel=1e-9)
    assert s.grad.item() == pytest.approx(expected, rel=1e-6)


@given(st.floats(-60, 0), st.floats(-60, 0), st.floats(1, 200))
def test_kl_is_a_divergence(t, s, tau):
    kl = divergence(double(t), double(s), temperature=tau, kind="binary_kl").item()
    assert kl >= -1e-12
    assert divergence(double(t), double(t), temperature=tau, kind="binary_kl").item() == pytest.approx(
        0, abs=1e-12
    )


def test_equal_sides_cost_their_entropy():
    a = double(-1.5)
    p = float(a.exp())
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    assert binary_cross_entropy(a, a).item() == pytest.approx(entropy, rel=1e-12)


def test_scaled_limit():
    """tau * KL tends to (T - S) + T log(S/T) (worked for -1, -3: 0.90138771)."""
    tau = 1e3  # larger ones drown in EPSILON, which is in the scaled domain
    kl = divergence(double(-1.0), double(-3.0), temperature=tau, kind="binary_kl").item()
    assert tau * kl == pytest.approx(0.9013877, rel=5e-3)


def test_merge_by_hand():
    text = np.array([0, 0, 0, 0, 1, 1])
    boundary = np.array([False, True, False, False, False, True])
    assert merge(text, boundary).tolist() == [0, 0, 1, 1, 2, 2]
    assert merge(text, np.ones(6, bool)).tolist() == [0, 1, 2, 3, 4, 5]
    assert merge(text, np.zeros(6, bool)).tolist() == [0, 0, 0, 0, 1, 1]
    assert merge(text[:0], boundary[:0]).tolist() == []


def objective(english, code, **settings) -> Alm:
    pair = Pair(english, code, torch.device("cpu"))
    return Alm(pair, TransferConfig(alm=AlmConfig(**settings)))


def scores(batch: TokenBatch, vocab_size: int, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    return Scores.of(torch.randn(*batch.input_ids.shape, vocab_size, generator=generator), batch)


def both(english, code, texts=TEXTS):
    return token_batch(english, texts, limit=256), token_batch(code, texts, limit=256)


def test_chunks_cover_every_token_once_and_spell_the_same(english, code):
    teacher, student = both(english, code)
    chunks = chunk(teacher, student)
    for batch, tokenizer, token, where in (
        (teacher, english, chunks.teacher_token, chunks.teacher_chunk),
        (student, code, chunks.student_token, chunks.student_chunk),
    ):
        assert len(token) == batch.tokens
        following = batch.input_ids.flatten()[token + 1].tolist()
        spelled = [b""] * len(chunks.text)
        for i, c in zip(following, where, strict=True):
            spelled[c] += tokenizer.token_bytes(i)
        if batch is teacher:
            expected = spelled
    assert spelled == expected
    assert b"".join(spelled) == "".join(TEXTS).encode()


def test_without_bos_the_first_chunk_is_left_out_on_both_sides(english, code):
    teacher, student = both(english, code, TEXTS[:1])
    bare = TokenBatch(teacher.encodings, teacher.input_ids[:, 1:], offset=0)
    full, cut = chunk(teacher, student), chunk(bare, student)
    assert len(cut.text) == len(full.text) - 1
    assert (cut.student_end == full.student_end[1:]).all()
    assert (cut.teacher_token >= 0).all()
    assert len(cut.student_token) == (full.student_chunk > 0).sum()


def test_group_sums_are_the_text_probability(english, code):
    """Without boundary mass, all groups of a text together are log p(text), on both sides."""
    teacher, student = both(english, code)
    alm = objective(english, code, boundary_mass=False)
    t, s = scores(teacher, len(english)), scores(student, len(code), seed=1)
    groups = alm.prepare(student, teacher, t)
    assert groups.teacher.sum().item() == pytest.approx(t.picked.sum().item(), rel=1e-5)
    totals = torch.zeros(len(groups) + 1).index_add(0, groups.segment, s.picked.flatten())
    assert totals[:-1].sum().item() == pytest.approx(s.picked.sum().item(), rel=1e-5)
    assert totals[-1].item() == 0


def test_threshold_merges_to_whole_texts_or_nothing(english, code):
    teacher, student = both(english, code)
    t = scores(teacher, len(english))
    chunks = len(chunk(teacher, student).text)
    assert len(objective(english, code, threshold=1.0).prepare(student, teacher, t)) == len(TEXTS)
    assert len(objective(english, code, threshold=0.0).prepare(student, teacher, t)) == chunks


def test_boundary_mass_of_the_whole_vocabulary_is_one(english, code):
    student = both(english, code)[1]
    mass = scores(student, len(code)).mass(torch.tensor([3, 8]), torch.arange(len(code)))
    assert mass.abs().max().item() < 1e-5


def test_same_model_and_tokenizer_cost_nothing(english):
    batch = token_batch(english, TEXTS, limit=256)
    alm, s = objective(english, english), scores(batch, len(english))
    groups = alm.prepare(batch, batch, s)
    assert alm.count(batch, groups) == len(groups) > 3
    assert alm.loss_sum(s, batch, groups).item() == pytest.approx(0, abs=1e-6)


def test_padding_and_batch_mates_change_nothing(english, code):
    alm = objective(english, code)
    total = 0.0
    teacher, student = both(english, code)
    t, s = scores(teacher, len(english)), scores(student, len(code), seed=1)
    together = alm.loss_sum(s, student, alm.prepare(student, teacher, t)).item()
    for row, text in enumerate(TEXTS):
        one_t, one_s = both(english, code, [text])
        st_ = Scores.of(t.logits[row : row + 1, : one_t.input_ids.shape[1]], one_t)
        ss = Scores.of(s.logits[row : row + 1, : one_s.input_ids.shape[1]], one_s)
        total += alm.loss_sum(ss, one_s, alm.prepare(one_s, one_t, st_)).item()
    assert together == pytest.approx(total, rel=1e-5)


def test_word_starts_are_spaces_and_specials(code):
    starts = set(word_starts(code).tolist())
    assert set(code.special_tokens.values()) <= starts
    assert code.encode(" the").ids[0] in starts
    assert code.encode("the").ids[0] not in starts


def test_empty_texts_are_no_chunks(english, code):
    teacher, student = both(english, code, ["", ""])
    assert all(isinstance(e, Encoding) for e in teacher.encodings)
    assert len(chunk(teacher, student).text) == 0
