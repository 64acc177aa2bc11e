"""The S2T2 layer on real vocabularies: its start, both heads, gradients, folding, the saved plan."""

import inspect
import textwrap
from dataclasses import replace

import numpy as np
import pytest
import torch

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.transfer.base import METHODS, Donor, TransferProblem, assemble
from tokstudio.transfer.compose import mixtures
from tokstudio.transfer.plan import load_plan, save_plan
from tokstudio.transfer.start import make_start
from tokstudio.transfer.translate import Translation, handed_on

TEXTS = (
    inspect.getsource(textwrap),
    "def join(self, *args):\n    return self.sep.join(args)\n",
    "import os\nThe quick brown fox: naïve café\n",
)
WIDTHS = pytest.mark.parametrize("width", [0, 24], ids=["table", "candidates"])
SOLVERS = pytest.mark.parametrize("solver", ["sparsemax", "entmax15", "softmax"])


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """From the demo's 4,096 tokens to 400 that were learnt from a page of Python."""
    folder = tmp_path_factory.mktemp("target")
    train_bpe(TEXTS * 3, folder, vocab_size=400)
    source, target = load_tokenizer("demo:english"), load_tokenizer(str(folder))
    matrix = np.random.default_rng(3).standard_normal((len(source), 16)).astype(np.float32)
    return TransferProblem.of(source, target, matrix, seed=5, texts=TEXTS)


@WIDTHS
@pytest.mark.parametrize("marginal", ["plan", "none"])
def test_an_initializer_is_an_exact_fixed_point(problem, width, marginal):
    start = make_start(problem, method="mean-pieces", width=width, epsilon=0, marginal=marginal)
    layer = Translation(start, steps=5)
    expected = mixtures(problem, METHODS["mean-pieces"].rows(problem))
    found = layer.rows()
    assert np.array_equal(found.counts, expected.counts)
    assert np.array_equal(found.columns, expected.columns)
    assert np.abs(found.weights - expected.weights).max() < 1e-5
    values, _ = assemble(problem, METHODS["mean-pieces"].rows(problem))
    assert (
        np.abs(layer.table(layer.solve(), torch.from_numpy(problem.matrix)).detach().numpy() - values).max()
        < 1e-4
    )


@pytest.mark.parametrize("method", ["focus", "wechsel", "tokalign", "first-last", "omp", "clp"])
def test_other_initializers_are_fixed_points_too(problem, method):
    """Of OMP what is not negative: a plan has no signs."""
    random = np.random.default_rng(8)
    donor = Donor(problem.target, random.standard_normal((len(problem.target), 24)).astype(np.float32))
    problem = replace(problem, donor=donor, shared={})
    rows = mixtures(problem, METHODS[method].solve(problem))
    kept = rows.weights > 0
    shape = len(rows), rows.width
    expected = SparseRows.from_entries(
        rows.row[kept], rows.columns[kept], rows.weights[kept], shape
    ).normalized()
    start = make_start(problem, method=method, epsilon=0)
    found = Translation(start).rows()
    for token in start.free[expected.counts[start.free] > 0]:
        wanted, got = (np.zeros(rows.width, np.float32) for _ in range(2))
        for into, table in ((wanted, expected), (got, found)):
            own = slice(table.start[token], table.start[token + 1])
            into[table.columns[own]] = table.weights[own]
        assert np.abs(wanted - got).max() < 1e-4
    assert (expected.counts[start.free] > 0).mean() > 0.95


@WIDTHS
@SOLVERS
def test_rows_are_weighted_means_of_source_rows(problem, width, solver):
    start = make_start(problem, method="mean-pieces", width=width, epsilon=0.1)
    layer = Translation(start, solver=solver)
    rows = layer.rows()
    assert rows.weights.min() >= 0
    assert np.allclose(rows.sums(), 1, atol=1e-5)
    table = layer.table(layer.solve(), torch.from_numpy(problem.matrix)).detach().numpy()
    assert np.abs(table - rows.dot(problem.matrix[: rows.width])).max() < 1e-4
    assert layer.figures().column_error < 1e-3


def test_a_little_mass_elsewhere_reaches_every_candidate(problem):
    held = {}
    for epsilon in (0.0, 0.05):
        start = make_start(problem, method="mean-pieces", width=24, epsilon=epsilon)
        layer = Translation(start)
        table = layer.table(layer.solve(), torch.from_numpy(problem.matrix))
        (table**2).sum().backward()
        valid = torch.from_numpy(start.slots < len(start.columns))
        held[epsilon] = float((layer.scores["input"].grad[valid] != 0).float().mean())
    assert held[0.05] > 0.99 > 0.3 > held[0.0]


@pytest.mark.parametrize("solver", ["sparsemax", "softmax"])
def test_the_probability_head_is_a_distribution_of_handed_on_mass(problem, solver):
    start = make_start(problem, method="mean-pieces", width=8, epsilon=0.1)
    layer = Translation(start, solver=solver)
    hidden, matrix = torch.randn(2, 3, 16), torch.from_numpy(problem.matrix)
    found = handed_on(hidden, matrix, layer, layer.solve()).exp()
    assert found.shape == (2, 3, len(problem.target))
    assert torch.allclose(found.sum(-1), torch.ones(2, 3), atol=1e-4)
    found.log().sum().backward()
    assert torch.isfinite(layer.scores["input"].grad).all()


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_the_probability_head_by_hand(problem, shared):
    """p = (P diag(1/nu)) softmax(h L^T), P with the special tokens' rows, written out with whole matrices.
    `shared`: a special token stands for a source token that ordinary ones are made of, too."""
    start = make_start(problem, method="mean-pieces", width=8, epsilon=0.1)
    if shared:
        sources, mass = start.pinned_sources.copy(), start.mass.copy()
        sources[0] = start.columns[0]
        mass[start.pinned[0]] = 0.25
        mass /= mass.sum()
        start = replace(start, pinned_sources=sources, mass=mass)
    layer = Translation(start)
    with torch.no_grad():
        layer.scores["input"].add_(0.1 * torch.rand_like(layer.scores["input"]))
    rows = layer.rows()
    plan = torch.zeros(len(problem.target), rows.width, dtype=torch.float64)
    plan[torch.from_numpy(rows.row), torch.from_numpy(rows.columns)] = torch.from_numpy(rows.weights).double()
    plan *= torch.from_numpy(start.mass)[:, None]
    used = plan.sum(0) > 0
    hidden, matrix = torch.randn(5, 16), torch.from_numpy(problem.matrix)[: rows.width]
    source = (hidden @ matrix[used].T).double().softmax(-1)
    wanted = source @ (plan[:, used] / plan[:, used].sum(0)).T
    found = handed_on(hidden, torch.from_numpy(problem.matrix), layer, layer.solve()).double().exp()
    assert (found - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("head", ["logit", "prob"])
def test_autocast_leaves_the_translation_in_fp32(problem, head):
    layer = Translation(make_start(problem, method="mean-pieces", width=8, epsilon=0.1))
    hidden, matrix = torch.randn(3, 16), torch.from_numpy(problem.matrix)

    def made():
        if head == "prob":
            return handed_on(hidden, matrix, layer, layer.solve())
        return layer.table(layer.solve(), matrix)

    whole = made()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = made()
    assert found.dtype == torch.float32
    assert torch.equal(found, whole)


def test_two_plans_part(problem):
    layer = Translation(make_start(problem, method="mean-pieces", width=8), shared=False)
    assert layer.of("output") == "output"
    with torch.no_grad():
        layer.scores["output"].mul_(0.5).add_(torch.rand_like(layer.scores["output"]))
    a, b = (layer.table(layer.solve(r), torch.from_numpy(problem.matrix)) for r in ("input", "output"))
    assert (a - b).abs().max() > 0.01


def test_a_plan_is_saved_and_fits_any_model_of_its_source(problem, tmp_path):
    layer = Translation(make_start(problem, method="mean-pieces", width=16))
    plan = layer.plan(problem.source, problem.target)
    again = load_plan(save_plan(plan, tmp_path / "plan.safetensors"))
    again.check(problem.source, problem.target)
    wider = np.random.default_rng(1).standard_normal((len(problem.source), 40)).astype(np.float32)
    expected = layer.table(layer.solve(), torch.from_numpy(wider)).detach().numpy()
    assert np.abs(again.apply(wider, "input") - expected).max() < 1e-4
    assert np.array_equal(again.rows("output").weights, plan.input.weights)


def test_a_plan_of_other_tokenizers_is_refused(problem, tmp_path):
    plan = Translation(make_start(problem, method="mean-pieces", width=4)).plan(
        problem.source, problem.target
    )
    with pytest.raises(TransferError, match="source tokenizer") as caught:
        plan.check(problem.target, problem.target)
    assert problem.source.name in caught.value.hint
    with pytest.raises(TransferError, match="target tokenizer"):
        plan.check(problem.source, problem.source)
    broken = tmp_path / "plan.safetensors"
    broken.write_bytes(b"no plan")
    with pytest.raises(TransferError, match="no translation plan"):
        load_plan(broken)
    save_plan(replace(plan, mass=plan.mass[:-1]), broken)
    with pytest.raises(TransferError, match="do not fit together"):
        load_plan(broken)


def test_frequency_marginal_follows_the_texts(problem):
    start = make_start(problem, method="mean-pieces", width=16, epsilon=0.1, marginal="frequency")
    assert start.nu.sum() == pytest.approx(1)
    errors = [Translation(start, steps=steps).figures().column_error for steps in (1, 3, 60)]
    assert errors[0] > errors[1] > errors[2]
    assert np.allclose(Translation(start).rows().sums(), 1, atol=1e-5)


def test_random_starts_repeat_themselves(problem):
    for width in (0, 16):
        a, b = (make_start(problem, method="random", width=width) for _ in range(2))
        assert np.array_equal(a.weights, b.weights)
        assert np.allclose(a.weights.sum(1), 1, atol=1e-5)


def test_texts_without_target_tokens_are_refused(problem):
    for texts in ((), ("",)):
        with pytest.raises(TransferError, match="No target token occurs"):
            make_start(replace(problem, texts=texts, shared={}), method="random", width=4)


def test_nothing_to_translate_into_is_refused(problem):
    nothing = np.zeros(len(problem.source), bool)
    with pytest.raises(TransferError, match=r"no source token|nothing|hold mass"):
        make_start(problem, method="random", width=4, allowed=nothing)
    with pytest.raises(TransferError, match="no source token"):
        make_start(problem, method="random", allowed=nothing)


def test_sparse_rows():
    rows = SparseRows.from_entries([2, 0, 2, 2], [1, 3, 0, 1], [1.0, 2.0, 4.0, 0.5], (4, 5))
    assert rows.counts.tolist() == [1, 0, 2, 0]
    dense = np.zeros((4, 5), np.float32)
    dense[2, 1], dense[0, 3], dense[2, 0] = 1.5, 2, 4
    matrix = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    assert np.allclose(rows.dot(matrix), dense @ matrix)
    assert np.allclose(rows.take(np.array([2, 2, 1])).dot(matrix), (dense @ matrix)[[2, 2, 1]])
    assert np.allclose(rows.normalized().sums(), [1, 0, 1, 0])
    assert np.allclose(rows.column_sums(), dense.sum(0))
