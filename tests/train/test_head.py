"""Scores made a few rows at a time against the plain form, forward and backward."""

import pytest
import torch

from tokstudio.train.data import token_batch
from tokstudio.train.forward import scores_of
from tokstudio.train.head import Head, split, splits_well, token_scores
from tokstudio.train.scores import HeadScores, Scores

N, D, V = 23, 16, 151


def plain(hidden, weight, bias, head, following, marked, members):
    z = hidden.to(weight.dtype) @ weight.T
    z = z.float() if z.dtype != torch.float64 else z
    if bias is not None:
        z = z + bias
    z = z * head.scale
    if head.cap:
        z = head.cap * torch.tanh(z / head.cap)
    mass = torch.where(marked, torch.logsumexp(z[:, members], -1), 0.0)
    return torch.logsumexp(z, -1), z.gather(1, following[:, None])[:, 0], mass


def inputs(dtype, bias=False):
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(N, D, generator=generator, dtype=dtype).requires_grad_()
    weight = torch.randn(V, D, generator=generator, dtype=dtype).requires_grad_()
    b = torch.randn(V, generator=generator, dtype=dtype).requires_grad_() if bias else None
    following = torch.randint(0, V, (N,), generator=generator)
    marked = torch.rand(N, generator=generator) < 0.4
    members = torch.randperm(V, generator=generator)[:40]
    return hidden, weight, b, following, marked, members


@pytest.mark.parametrize("columns", [40, 1000])
@pytest.mark.parametrize("rows", [1, 7, 100])
@pytest.mark.parametrize(("scale", "cap", "bias"), [(1.0, 0.0, False), (0.5, 8.0, True)])
def test_values_and_gradients_are_those_of_the_plain_form(rows, columns, scale, cap, bias):
    hidden, weight, b, following, marked, members = inputs(torch.float32, bias)
    head = Head(weight, b, scale, cap)
    leaves = [t for t in (hidden, weight, b) if t is not None]
    factors = torch.randn(3, N, generator=torch.Generator().manual_seed(5))
    found = []
    for values in (
        token_scores(hidden, head, following, marked, members, rows=rows, columns=columns),
        plain(hidden, weight, b, head, following, marked, members),
    ):
        loss = sum((f * v).sum() for f, v in zip(factors, values, strict=True))
        found.append((values, torch.autograd.grad(loss, leaves)))
    for mine, theirs in zip(found[0][0], found[1][0], strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)
    for mine, theirs in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(mine, theirs, atol=1e-4, rtol=1e-4)


def test_gradcheck():
    hidden, weight, b, following, marked, members = inputs(torch.float64, bias=True)

    def run(h, w, bias):
        return token_scores(h, Head(w, bias, 0.7, 5.0), following, marked, members, rows=9, columns=50)

    assert torch.autograd.gradcheck(run, (hidden, weight, b))


def test_bf16_products_are_those_of_the_plain_form_in_bf16():
    hidden, weight, _, following, marked, members = inputs(torch.float32)
    head = Head(weight)
    mine = token_scores(hidden, head, following, marked, members, dtype=torch.bfloat16, rows=7)
    low, table = hidden.bfloat16(), weight.bfloat16()
    theirs = plain(low, table, None, head, following, marked, members)
    for a, b in zip(mine, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-3)
    for a, b in zip(
        torch.autograd.grad(sum(v.sum() for v in mine), (hidden, weight)),
        torch.autograd.grad(sum(v.sum() for v in theirs), (hidden, weight)),
        strict=True,
    ):
        assert (a - b).abs().max() < 0.03 * b.abs().max()


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_a_set_that_is_very_unlikely_keeps_its_digits(columns):
    """log(sum(softmax)) would be log(0): the set has a probability of e^-200."""
    weight = torch.tensor([[200.0], [0.0], [-1.0]], dtype=torch.float32).requires_grad_()
    hidden = torch.ones(1, 1)
    one = torch.ones(1, dtype=torch.bool)
    log_z, _, mass = token_scores(
        hidden, Head(weight), torch.zeros(1, dtype=torch.int64), one, torch.tensor([1, 2]), columns=columns
    )
    assert (mass - log_z).item() == pytest.approx(-200 + 0.3132617, rel=1e-6)
    gradient = torch.autograd.grad((mass - log_z).sum(), weight)[0][:, 0]
    assert gradient.tolist() == pytest.approx([-1.0, 0.7310586, 0.2689414], abs=1e-5)


TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "x = 1\n", ""]


def test_head_scores_are_scores(tiny_folder, english):
    from tokstudio.models.load import load_model

    model = load_model(str(tiny_folder))
    assert splits_well(model)
    batch = token_batch(english, TEXTS, limit=256)
    lazy = scores_of(model, batch, needs=frozenset(), precision="fp32")
    whole = scores_of(model, batch, needs=frozenset(), precision="fp32", whole=True)
    assert isinstance(lazy, HeadScores)
    assert isinstance(whole, Scores)
    positions, tokens = torch.tensor([0, 3, 7]), torch.arange(50, 300)
    lazy.expect(positions, tokens)
    assert torch.allclose(lazy.picked, whole.picked, atol=1e-5)
    assert torch.allclose(lazy.mass(positions, tokens), whole.mass(positions, tokens), atol=1e-5)
    other = torch.tensor([1, 2])
    assert torch.allclose(lazy.mass(other, tokens), whole.mass(other, tokens), atol=1e-5)
    assert torch.allclose(lazy.logits, whole.logits, atol=1e-5)
    parameters = list(model.parameters())
    gradients = [
        torch.autograd.grad(s.picked.sum() + s.mass(positions, tokens).sum(), parameters, retain_graph=True)
        for s in (lazy, whole)
    ]
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, atol=1e-4, rtol=1e-4)


def test_a_head_that_is_no_plain_matrix_is_not_split(tiny_folder):
    from tokstudio.models.load import load_model

    model = load_model(str(tiny_folder))

    class Louder(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.weight = inner.weight

        def forward(self, hidden):
            return 2 * self.inner(hidden)

    model.lm_head = Louder(model.lm_head)
    assert split(model) is None
    assert not splits_well(model)


def test_a_wrong_reading_of_the_config_is_noticed(tiny_folder):
    from tokstudio.models.load import load_model

    model = load_model(str(tiny_folder))
    model.config.logits_scaling = 8.0  # a Llama does not look at it
    assert not splits_well(model)
