"""The solver against POT's exact plan, finite differences, and worked-out cases."""

import pytest
import torch

from tokstudio.errors import TransferError
from tokstudio.transfer.exactness import plan_error
from tokstudio.transfer.layout import Candidates, Table
from tokstudio.transfer.sinkhorn import SOLVERS, sinkhorn


def marginals(u, n, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    mu, nu = (torch.rand(size, generator=generator, dtype=dtype) + 0.1 for size in (u, n))
    return mu / mu.sum(), nu / nu.sum()


def scores(u, n, seed, scale=0.1):
    return torch.randn(u, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * scale


def as_candidates(x):
    """The same problem, written as candidates in another order and with an empty slot a row."""
    u, n = x.shape
    order = torch.stack([torch.randperm(n, generator=torch.Generator().manual_seed(i)) for i in range(u)])
    layout = Candidates(torch.nn.functional.pad(order, (0, 1), value=n).int(), n)
    return layout, torch.nn.functional.pad(x.gather(1, order), (0, 1), value=0.5)


@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # POT still passes `disp`
@pytest.mark.parametrize("seed", range(4))
def test_the_plan_is_the_exact_one(seed):
    """POT solves the same dual with L-BFGS."""
    ot = pytest.importorskip("ot")
    (mu, nu), x = marginals(12, 17, seed), scores(12, 17, seed)
    exact = ot.smooth.smooth_ot_dual(
        mu.numpy(), nu.numpy(), -x.numpy(), 1.0, reg_type="l2", stopThr=1e-15, numItermax=20_000
    )
    layout, slots = as_candidates(x)
    for found in (
        sinkhorn(x, mu, nu, steps=200),
        sinkhorn(slots, mu, nu, layout=layout, steps=200),
        sinkhorn(x, mu, nu, steps=1000, solver="dykstra"),
    ):
        assert abs(found.dense().numpy() - exact).max() < 1e-6


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_hold_their_mass_exactly_and_columns_in_the_end(solver):
    (mu, nu), x = marginals(6, 9, 1), scores(6, 9, 1)
    for steps in (1, 3, 400):
        assert torch.allclose(sinkhorn(x, mu, nu, steps=steps, solver=solver).dense().sum(1), mu, atol=1e-12)
    assert torch.allclose(sinkhorn(x, mu, nu, steps=400, solver=solver).dense().sum(0), nu, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("steps", [1, 3, 5])
@pytest.mark.parametrize("free", [False, True], ids=["both", "rows"])
def test_gradients_of_a_table(solver, steps, free):
    mu, nu = marginals(4, 6, 2)
    x = scores(4, 6, 2).requires_grad_()
    nu = None if free else nu
    assert torch.autograd.gradcheck(lambda x: sinkhorn(x, mu, nu, steps=steps, solver=solver).dense(), x)


@pytest.mark.parametrize("solver", ["sparsemax", "entmax15"])
def test_gradients_where_columns_are_over_relaxed(solver):
    """From the eleventh step on, the last one apart; a shut column stays shut."""
    mu, nu = marginals(4, 6, 2)
    nu[1] = 0
    nu /= nu.sum()
    x = scores(4, 6, 2, scale=0.5).requires_grad_()
    for steps in (11, 12, 14):
        assert torch.autograd.gradcheck(
            lambda x, k=steps: sinkhorn(x, mu, nu, steps=k, solver=solver).dense(), x
        )
    assert (sinkhorn(x, mu, nu, steps=14, solver=solver).dense()[:, 1] == 0).all()


@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")
def test_costs_from_0_to_1_are_solved_to_the_sixth_digit():
    """Scores far above the plan's entries: plain steps were 1e-4 away in one of these cases."""
    pytest.importorskip("ot")
    error, cases = plan_error()
    assert (error < 1e-6, cases) == (True, 20)


@pytest.mark.parametrize("solver", ["sparsemax", "entmax15", "softmax"])
def test_gradients_and_values_of_candidates_are_those_of_the_table(solver):
    mu, nu = marginals(5, 7, 3)
    x = scores(5, 7, 3).requires_grad_()
    layout, slots = as_candidates(x.detach())
    slots.requires_grad_()
    table = sinkhorn(x, mu, nu, solver=solver).dense()
    found = sinkhorn(slots, mu, nu, layout=layout, solver=solver).dense()
    assert torch.allclose(found, table, atol=1e-12)
    weights = scores(5, 7, 9)
    (table * weights).sum().backward()
    (found * weights).sum().backward()
    assert torch.allclose(slots.grad[:, :-1], x.grad.gather(1, layout.sources[:, :-1].long()), atol=1e-12)
    assert (slots.grad[:, -1] == 0).all()
    assert torch.autograd.gradcheck(
        lambda x: sinkhorn(x, mu, nu, layout=layout, solver=solver).dense(), slots
    )


def test_rows_alone_are_sparsemax_entmax_and_softmax():
    entmax = pytest.importorskip("entmax")
    x, ones = scores(5, 8, 4, scale=1.0), torch.ones(5, dtype=torch.float64)
    assert torch.allclose(sinkhorn(x, ones).dense(), entmax.sparsemax(x, -1))
    assert torch.allclose(sinkhorn(x / 2, ones, solver="entmax15").dense(), entmax.entmax15(x, -1))
    assert torch.allclose(sinkhorn(x, ones, solver="softmax").dense(), x.softmax(-1))


def test_a_plan_is_its_own_fixed_point():
    """Scores that are a plan already: both duals stay zero, whatever the number of steps."""
    mu, _ = marginals(6, 9, 5)
    plan = torch.rand(6, 9, dtype=torch.float64).clamp_min(0.5) - 0.5
    plan[:, 0] += 0.1
    plan *= (mu / plan.sum(1))[:, None]
    for steps in (1, 3, 10):
        found = sinkhorn(plan, mu, plan.sum(0), steps=steps)
        assert abs(found.dense() - plan).max() < 1e-15
        assert abs(found.f).max() < 1e-15


def test_a_shut_column_gets_nothing():
    (mu, nu), x = marginals(5, 7, 6), scores(5, 7, 6)
    nu[2] = 0
    nu /= nu.sum()
    x[:, 2] += 10
    for solver in SOLVERS:
        assert (sinkhorn(x, mu, nu, solver=solver).dense()[:, 2] == 0).all()


def test_blocks_change_nothing(monkeypatch):
    (mu, nu), x = marginals(7, 11, 7), scores(7, 11, 7)
    whole = sinkhorn(x, mu, nu)
    monkeypatch.setattr("tokstudio.transfer.layout.BLOCK", 13)
    cut = sinkhorn(x, mu, nu)
    assert torch.allclose(cut.values, whole.values, atol=1e-15)
    assert torch.equal(cut.row, whole.row)
    assert torch.equal(cut.column, whole.column)


@pytest.mark.parametrize("solver", ["sparsemax", "entmax15", "softmax"])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 100.0])
def test_rare_rows_hold_their_mass_in_fp32(solver, scale):
    """Masses over seven orders of magnitude, beside scores that are far larger than any of them."""
    generator = torch.Generator().manual_seed(0)
    mu = 10 ** (-7 * torch.rand(30, generator=generator))
    nu = 10 ** (-7 * torch.rand(40, generator=generator))
    x = (torch.randn(30, 40, generator=generator) * scale).requires_grad_()
    found = sinkhorn(x, mu / mu.sum(), nu / nu.sum(), solver=solver)
    share = found.dense().sum(1) / (mu / mu.sum())
    assert (share - 1).abs().max() < 1e-4
    found.values.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_half_precision_is_computed_in_fp32():
    (mu, nu), x = marginals(6, 9, 8), scores(6, 9, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = sinkhorn(x.bfloat16(), mu, nu)
    assert found.values.dtype == torch.float32
    assert torch.allclose(found.dense().sum(1), mu.float(), atol=1e-6)


def test_only_the_scores_and_the_duals_are_kept_for_the_gradient():
    u, n, steps = 20, 3000, 3
    (mu, nu), x = marginals(u, n, 9), scores(u, n, 9).requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        sinkhorn(x, mu, nu, steps=steps)
    assert sum(t.numel() for t in kept) == u * n + steps * (u + n)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda x, mu, nu: (x * float("nan"), mu, nu), "NaN"),
        (lambda x, mu, nu: (x, mu, nu * 2), "do not fit"),
        (lambda x, mu, nu: (x, mu * 0, nu), "no mass"),
        (lambda x, mu, nu: (x, mu, nu - 1), "negative"),
        (lambda x, mu, nu: (x, mu * 1e-12, nu * 0), "do not fit|nothing to translate"),
    ],
)
def test_bad_problems_are_refused(break_it, message):
    x, mu, nu = break_it(scores(4, 6, 1), *marginals(4, 6, 1))
    with pytest.raises(TransferError, match=message):
        sinkhorn(x, mu, nu)


def test_a_row_whose_candidates_are_all_shut_is_named():
    mu = torch.tensor([0.5, 0.5])
    layout = Candidates(torch.tensor([[0, 1], [2, 2]], dtype=torch.int32), 3)
    with pytest.raises(TransferError, match="Row 1"):
        sinkhorn(torch.rand(2, 2), mu, torch.tensor([0.5, 0.5, 0.0]), layout=layout)


def test_projections_need_a_table():
    layout = Candidates(torch.zeros(2, 1, dtype=torch.int32), 1)
    with pytest.raises(TransferError, match="whole table"):
        sinkhorn(torch.rand(2, 1), torch.tensor([0.5, 0.5]), layout=layout, solver="dykstra")
    with pytest.raises(TransferError, match="no solver"):
        sinkhorn(torch.rand(2, 1), torch.tensor([0.5, 0.5]), layout=Table(2, 1), solver="sinkhorn")
