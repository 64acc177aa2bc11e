"""Truths of cross-tokenizer distillation that follow from its definitions, numbered 1 to 29; every test's name begins
with its number. Here are 1 to 4 and 15 to 20; 5 in test_alm.py, 6 to 14 in test_golden_alignment.py and
test_golden_masks.py, 21, 26 and 29 in test_golden_models.py, 22, 23 and 25 in test_objectives.py, 24 in
test_expansion.py, 27 in test_run.py, 28 in tests/models/test_ensemble.py."""

import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.chunks import chunk
from tokstudio.train.config import AlmConfig, TransferConfig
from tokstudio.train.data import TokenBatch, token_batch
from tokstudio.train.divergences import DIVERGENCES, EPSILON, divergence
from tokstudio.train.objectives.alm import Alm
from tokstudio.train.scores import Scores
from tokstudio.train.transfer import Pair

CPU = torch.device("cpu")
TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "The quick brown fox.\n", "x = 1234.5\t# 東京\n"]
HARD = [
    "🙂🙃👩‍👩‍👧",
    "東京都に住んでいます",
    "مرحبا بالعالم",
    "cafe\u0301 café",
    "a\r\nb\r\n\r\nc",
    "\ta\t\tb",
    "  lead",
]


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def alm_of(source, target, **options) -> Alm:
    return Alm(Pair(source, target, CPU), TransferConfig(alm=AlmConfig(**options)))


def random_scores(batch: TokenBatch, size: int, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    return Scores.of(torch.randn(*batch.input_ids.shape, size, generator=generator), batch)


@pytest.mark.parametrize("kind", DIVERGENCES)
def test_01_same_model_and_tokenizer(kind):
    t = double(-0.3, -2.0, -30.0)
    s = t.clone().requires_grad_()
    loss = divergence(t, s, temperature=5.0, kind=kind)
    expected = torch.zeros(3, dtype=torch.float64)
    if kind == "binary_ce":
        p = (t / 5 - EPSILON).exp()
        expected = -(p * p.log() + (1 - p) * (1 - p).log())
    assert torch.allclose(loss, expected, atol=1e-9)
    loss.sum().backward()
    assert s.grad.abs().max() < 1e-7


@given(st.floats(-60, -1e-3), st.floats(-60, -1e-3), st.floats(1, 200))
def test_02_cross_entropy_less_entropy_is_kl_and_swapping_reverses_it(t, s, tau):
    def of(a, b, kind):
        return divergence(double(a), double(b), temperature=tau, kind=kind).item()

    kl = of(t, s, "binary_kl")
    assert of(t, s, "binary_ce") - of(t, t, "binary_ce") == pytest.approx(kl, abs=1e-10)
    assert of(s, t, "reverse_kl") == pytest.approx(kl, abs=1e-10)
    assert kl >= -1e-12


@pytest.mark.parametrize(
    ("teacher", "student", "reverse"),
    [(-0.5, -2.0, 0.012597683), (-1.0, -3.0, 0.012764536), (-20.0, -25.0, 0.0050963303)],
)
def test_02_reverse_kl_golden(teacher, student, reverse):
    found = divergence(double(teacher), double(student), temperature=100.0, kind="reverse_kl")
    assert found.item() == pytest.approx(reverse, rel=1e-6)


@given(st.floats(-40, -1e-2), st.floats(-40, -1e-2))
def test_03_gradient_points_from_student_to_teacher(t, s):
    student = double(s).requires_grad_()
    divergence(double(t), student, temperature=5.0, kind="binary_ce").sum().backward()
    a, b = np.exp(t / 5 - EPSILON), np.exp(s / 5 - EPSILON)
    assert student.grad.item() == pytest.approx((b - a) / (1 - b) / 5, rel=1e-6, abs=1e-12)


def test_04_limit():
    assert divergence(double(-1.0), double(-3.0), temperature=7.0, kind="limit").item() == pytest.approx(
        0.9013877, rel=1e-6
    )
    assert divergence(double(0.0), double(-3.0), temperature=7.0, kind="limit").isfinite().all()


@given(st.floats(-40, 0), st.floats(-40, 0))
def test_04_others_by_their_formulas(t, s):
    def of(kind, **more):
        return divergence(double(t), double(s), temperature=4.0, kind=kind, **more).item()

    r = (t - s) / 4
    assert of("absolute") == pytest.approx(abs(t - s))
    assert of("k2") == pytest.approx(r * r / 2)
    assert of("k3") == pytest.approx(np.exp(r) - 1 - r, rel=1e-6, abs=1e-12)
    assert of("tvd") == pytest.approx(abs(np.exp(t / 4 - EPSILON) - np.exp(s / 4 - EPSILON)), abs=1e-12)
    p, q = (min(np.exp(x / 4 - EPSILON), 1 - 1e-12) for x in (t, s))
    half = np.log(np.sqrt(p * q) + np.sqrt((1 - p) * (1 - q))) / -0.5
    assert of("renyi", renyi_alpha=0.5) == pytest.approx(half, rel=1e-6, abs=1e-9)
    assert of("renyi", renyi_alpha=1.0) == pytest.approx(of("binary_kl"), rel=1e-9, abs=1e-12)


def test_15_merging(english, code):
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    t = random_scores(teacher, len(english))
    count = len(chunk(teacher, student).text)
    assert len(alm_of(english, code, threshold=0.0).prepare(student, teacher, t)) == count
    assert len(alm_of(english, code, threshold=1.0).prepare(student, teacher, t)) == len(TEXTS)
    single = alm_of(english, code, chunks="unconstrained", boundary_mass=False).prepare(student, teacher, t)
    mass = t.mass(
        torch.from_numpy(chunk(teacher, student).teacher_end), alm_of(english, code).source_starts
    ).exp()
    threshold = float(mass.median())
    merged = alm_of(english, code, threshold=threshold, boundary_mass=False).prepare(student, teacher, t)
    assert alm_of(english, code).count(student, merged) == len(merged) < count
    prefix = torch.cat([torch.zeros(1), single.teacher.cumsum(0)])
    ends = torch.searchsorted(single.end, merged.end) + 1
    starts = torch.cat([torch.zeros(1, dtype=ends.dtype), ends[:-1]])
    assert torch.allclose(merged.teacher, prefix[ends] - prefix[starts], atol=1e-3)


def test_16_the_boundary_adds_exactly_its_mass(english, code):
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    t = random_scores(teacher, len(english))
    alm = alm_of(english, code, chunks="unconstrained")
    plain = alm_of(english, code, chunks="unconstrained", boundary_mass=False).prepare(student, teacher, t)
    added = alm.prepare(student, teacher, t).teacher - plain.teacher
    ends = torch.from_numpy(chunk(teacher, student).teacher_end)
    p = torch.softmax(t.logits, -1).flatten(0, 1)[ends][:, alm.source_starts].sum(-1).log()
    assert torch.allclose(added, p, atol=1e-4)
    alm.source_starts = torch.arange(len(english))
    assert torch.allclose(alm.prepare(student, teacher, t).teacher, plain.teacher, atol=1e-4)


class Toy:
    """A tokenizer of a few words, by the longest that fits."""

    special_tokens = types.MappingProxyType({"<s>": 0})
    name = reference = "toy"

    def __init__(self, *words: bytes):
        self.words = (None, *words)

    def __len__(self):
        return len(self.words)

    def token_bytes(self, token):
        return self.words[token]

    def encode(self, text, **_):
        data, ids, spans, at = text.encode(), [], [], 0
        while at < len(data):
            best = max(
                (i for i, w in enumerate(self.words) if w and data.startswith(w, at)),
                key=lambda i: len(self.words[i]),
            )
            ids.append(best)
            spans.append((at, at := at + len(self.words[best])))
        return Encoding(data, np.array(ids, np.int32), np.array(spans, np.int32))


def test_17_debiasing_makes_two_tokenizations_of_one_language_agree():
    """Words are "Wor" (0.3) and "World" (0.7), with spaces between. One side has a token for each word, the other
    spells "World" as "Wor" + "ld": there, "Wor" alone is the beginning of either. (What follows "Wor" stays
    biased on that side, by the same factor: that is what is approximate about it.)"""
    a, b = Toy(b"Wor", b"World", b" "), Toy(b"Wor", b"ld", b" ")
    after = {
        a: {b"": {1: 0.3, 2: 0.7}, b" ": {1: 0.3, 2: 0.7}, b"Wor": {3: 1.0}, b"World": {3: 1.0}},
        b: {b"": {1: 1.0}, b" ": {1: 1.0}, b"Wor": {3: 0.3, 2: 0.7}, b"ld": {3: 1.0}},
    }
    batches, scores = {}, {}
    for side in (a, b):
        batches[side] = token_batch(side, ["Wor", "World"], limit=64)
        ids = batches[side].input_ids
        logits = torch.full((*ids.shape, len(side)), -1e4)
        for row, at in np.ndindex(*ids.shape):
            for following, p in after[side][side.words[ids[row, at]] or b""].items():
                logits[row, at, following] = np.log(p)
        scores[side] = Scores.of(logits, batches[side])

    def gap(**options):
        alm = alm_of(a, b, divergence="absolute", chunks="unconstrained", **options)
        groups = alm.prepare(batches[b], batches[a], scores[a])
        return alm.loss_sum(scores[b], batches[b], groups).item()

    assert gap() == pytest.approx(0, abs=1e-4)
    assert gap(boundary_mass=False) == pytest.approx(-np.log(0.3), rel=1e-4)


def made_problem(config, size: int):
    from tokstudio.models.load import load_model
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.students import build_student
    from tokstudio.train.transfer import Transfer

    torch.manual_seed(0)
    pair = Pair(load_tokenizer(config.model), load_tokenizer(config.tokenizer), CPU)
    config = replace(config, train=replace(config.train, batch_size=size))
    student = build_student(load_model(config.model), pair, config)
    return Transfer(pair, student, load_corpus(config.data.corpus), config)


@pytest.mark.parametrize("name", ["sum", "gradmag", "gradmag_preserving", "pcgrad"])
def test_18_a_step_in_parts_is_the_step(name, tiny_config):
    from tokstudio.train.loop import step_losses

    config = replace(tiny_config, aggregate=replace(tiny_config.aggregate, name=name))
    texts = made_problem(config, 4).order[0]
    found = []
    for size in (4, 1):
        problem = made_problem(config, size)
        problem.order = [texts[i : i + size] for i in range(0, 4, size)]
        aggregate = problem.aggregate()
        aggregate.begin(0, 4, 4 // size)
        values = step_losses(problem, [problem.batch(i) for i in range(4 // size)], CPU, "fp32", aggregate)
        found.append((values["loss"], [p.grad.clone() for p in problem.model.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-3)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(one, other, atol=2e-4 * max(1.0, one.abs().max().item()))


def test_19_gradmag_does_not_see_the_scale_of_a_loss():
    from tokstudio.train.aggregate.gradmag import GradMag
    from tokstudio.train.aggregate.gradmag_preserving import GradMagPreserving

    gradients = []
    for c in (1.0, 50.0):
        for build in (GradMag, GradMagPreserving):
            torch.manual_seed(0)
            model = torch.nn.ModuleDict({"layers": torch.nn.ModuleList([torch.nn.Linear(3, 3)])})
            output = model["layers"][0](torch.ones(2, 3))
            means = {"a": output[0].sum(), "b": c * output[1].square().sum()}
            parameters = list(model.parameters())
            norms = {
                n: torch.cat([g.flatten() for g in torch.autograd.grad(m, parameters, retain_graph=True)])
                .norm()
                .item()
                for n, m in means.items()
            }
            aggregate = build(model, {"a": 1.0, "b": 1.0})
            aggregate.begin(0, 1, 1)
            aggregate.backward(means)
            weights = aggregate.finish({})
            assert weights["a"] / weights["b"] == pytest.approx(norms["b"] / norms["a"], rel=1e-5)
            if build is GradMag:
                gradients.append(parameters[0].grad)
            else:
                assert sum(weights.values()) == pytest.approx(1)
    assert torch.allclose(*gradients, atol=1e-5)


def test_20_adapters_begin_as_the_identity(tiny_config):
    full, lora = (made_problem(replace(tiny_config, mode=mode), 2).model.eval() for mode in ("full", "lora"))
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(full(input_ids=ids).logits, lora(input_ids=ids).logits)


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=40))
def test_any_text_lines_up(text):
    english, code = load_tokenizer("demo:english"), load_tokenizer("demo:code")
    teacher, student = token_batch(english, [text], limit=512), token_batch(code, [text], limit=512)
    found = chunk(teacher, student)
    assert len(found.student_token) == student.tokens
    assert len(found.teacher_token) == teacher.tokens
