"""No objective ever holds the logits of a whole batch, and each gives what it gives with all of them."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tokstudio.train import forward, readings
from tokstudio.train.config import ModelConfig, TransferConfig
from tokstudio.train.data import token_batch
from tokstudio.train.head import Head
from tokstudio.train.objectives.base import OBJECTIVES, Widths
from tokstudio.train.pretrain import new_model
from tokstudio.train.readings import Given, Reading, total
from tokstudio.train.transfer import Pair

SHAPE = ModelConfig(
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    max_position_embeddings=128,
)
TEXTS = [
    "def join(self, *args):\n    return 'naïve 🙂'\n" * 2,
    "The quick brown fox jumps.\n" * 3,
    "x = 1.5\n",
]


@pytest.fixture(scope="module")
def sides(english, code):
    """Objective -> (objective, [(model, batch) of teacher and student])."""
    models = {len(t): new_model(SHAPE, t, seed) for seed, t in enumerate((english, code))}

    def made(name):
        target = english if name == "kl" else code
        torch.manual_seed(5)
        objective = OBJECTIVES[name].build(Pair(english, target, torch.device("cpu")), TransferConfig())
        objective.module(Widths(16, 16))
        return objective, [(models[len(t)], token_batch(t, TEXTS, limit=128)) for t in (english, target)]

    return made


def loss_of(name, objective, both):
    needs = OBJECTIVES[name].needs(TransferConfig())
    (teacher, said), (student, batch) = both
    with torch.no_grad():
        scores = forward.scores_of(teacher, said, needs=needs, precision="fp32")
        prepared = objective.prepare(batch, said, scores)
    scores = forward.scores_of(student, batch, needs=needs, precision="fp32")
    objective.expect(scores, batch, prepared)
    return objective.loss_sum(scores, batch, prepared)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_few_rows_at_a_time_give_what_all_logits_give(name, sides, monkeypatch):
    objective, both = sides(name)
    student = both[1][0]
    found = []
    for limit, rows in ((1 << 40, 1 << 40), (0, 7)):
        monkeypatch.setattr(readings, "WHOLE_ELEMENTS", limit)
        monkeypatch.setattr(readings, "chunk_rows", lambda sides, rows=rows: rows)
        loss = loss_of(name, objective, both)
        gradients = torch.autograd.grad(loss, list(student.parameters()), allow_unused=True)
        found.append((loss.detach(), gradients))
    (loss, gradients), (mine, others) = found
    assert mine.item() == pytest.approx(loss.item(), rel=1e-4, abs=1e-5)
    seen = 0
    for a, b in zip(gradients, others, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a - b).abs().max() <= 1e-3 * a.abs().max() + 1e-6
            seen += float(a.abs().max()) > 0
    assert seen


class Largest(TorchDispatchMode):
    """The most elements that any operation gave back, beside those of the sizes that are known."""

    def __init__(self, known):
        super().__init__()
        self.known, self.found = known, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = func(*args, **(kwargs or {}))
        for one in given if isinstance(given, tuple | list) else (given,):
            if isinstance(one, torch.Tensor) and one.untyped_storage().nbytes() not in self.known:
                self.found = max(self.found, one.untyped_storage().nbytes() // one.element_size())
        return given


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_no_objective_holds_the_logits_of_a_batch(name, sides, monkeypatch):
    """Every result of every operation, forward and backward, is smaller than half of one batch's logits."""
    monkeypatch.setattr(readings, "WHOLE_ELEMENTS", 0)
    for module in (readings, __import__("tokstudio.train.head", fromlist=["head"])):
        monkeypatch.setattr(module, "CHUNK_ELEMENTS", {"cpu": 1 << 15})
        monkeypatch.setattr(module, "CHUNK_ROWS", 4)
    objective, both = sides(name)
    weights = {p.untyped_storage().nbytes() for model, _ in both for p in model.parameters()}
    dense = min(len(model.get_output_embeddings().weight) * b.input_ids.numel() for model, b in both)
    loss_of(name, objective, both)  # tables that are made once
    with Largest(weights) as largest:
        loss_of(name, objective, both).backward()
    for model, _ in both:
        model.zero_grad()
    assert largest.found < dense / 2


def test_the_sum_over_chunks_and_its_gradient_by_gradcheck():
    generator = torch.Generator().manual_seed(1)

    def some(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    h, w, b, h2, w2 = some(9, 3), some(5, 3), some(5), some(9, 2), some(4, 2)

    def run(h, w, b, h2, w2, rows=4, given=False):
        one, two = Head(w, b, 0.5, 3.0), Head(w2)
        sides = [Reading(h, one, h.dtype), Reading(h2, two, h2.dtype)]
        if given:
            sides = [Given(side.logits(slice(None))) for side in sides]
        factor = torch.arange(1.0, 10.0, dtype=torch.float64)
        return total(
            lambda part, x, y: (factor[part] * x.logsumexp(-1) * y.square().sum(-1)).sum(), *sides, rows=rows
        )

    assert torch.autograd.gradcheck(run, (h, w, b, h2, w2))
    assert run(h, w, b, h2, w2).item() == pytest.approx(run(h, w, b, h2, w2, given=True).item())
    with torch.no_grad():
        assert run(h, w, b, h2, w2).item() == pytest.approx(run(h, w, b, h2, w2, rows=100).item())
    assert run(h[:0], w, b, h2[:0], w2).item() == 0
