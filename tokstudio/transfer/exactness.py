"""How exact the solver is: its plans beside those of another one, its gradients beside finite differences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tokstudio.transfer.layout import Candidates
from tokstudio.transfer.sinkhorn import sinkhorn

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 200
CASES = 20
LARGEST = 20
NUDGE = 1e-6


def plan_error(cases: int = CASES) -> tuple[float, int] | None:
    """Largest difference of an entry to the exact plan by POT (l2, L-BFGS on the dual) after 200 steps, over random
    cases of 2 to 20 rows and columns, with costs from 0 to 1 and weight 1; and how many there were.

    None where POT is not installed. Scores far larger than the plan's entries need more steps than 200.
    """
    try:
        import ot
    except ImportError:
        return None
    import warnings

    worst = 0.0
    for x, mu, nu in _problems(cases):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # POT passes SciPy what that deprecates
            exact = ot.smooth.smooth_ot_dual(
                mu.numpy(), nu.numpy(), -x.numpy(), 1.0, reg_type="l2", stopThr=1e-15, numItermax=20_000
            )
        found = sinkhorn(x, mu, nu, steps=STEPS).dense().numpy()
        worst = max(worst, float(abs(found - exact).max()))
    return worst, cases


def gradient_error(cases: int = CASES // 4) -> tuple[float, int]:
    """Largest error of a gradient's entry, beside its own largest entry, for tables and candidates in fp64 with 1, 3
    and 5 steps; and how many there were."""
    worst, count = 0.0, 0
    for x, mu, nu in _problems(cases, largest=9):
        for steps in (1, 3, 5):
            for layout in (None, _reordered(*x.shape)):
                worst, count = max(worst, _gradient_error(x, mu, nu, layout, steps)), count + 1
    return worst, count


def _problems(count: int, largest: int = LARGEST) -> "Iterator[tuple[Tensor, Tensor, Tensor]]":
    import torch

    random = torch.Generator().manual_seed(0)
    for _ in range(count):
        u, n = torch.randint(2, largest + 1, (2,), generator=random).tolist()
        mu, nu = (torch.rand(size, generator=random, dtype=torch.float64) + 0.05 for size in (u, n))
        yield -torch.rand(u, n, generator=random, dtype=torch.float64), mu / mu.sum(), nu / nu.sum()


def _reordered(u: int, n: int) -> Candidates:
    """The whole table, written as candidates."""
    import torch

    return Candidates(torch.stack([torch.arange(n).roll(i) for i in range(u)]).int(), n)


def _gradient_error(x, mu, nu, layout, steps: int) -> float:
    import torch

    random = torch.Generator().manual_seed(1)
    weights = torch.randn(x.shape, generator=random, dtype=torch.float64)

    def value(x: "Tensor") -> "Tensor":
        return (sinkhorn(x, mu, nu, layout=layout, steps=steps).dense() * weights).sum()

    own = x.clone().requires_grad_()
    value(own).backward()
    measured = torch.zeros_like(x)
    for place in range(x.numel()):
        moved = torch.zeros_like(x)
        moved.view(-1)[place] = NUDGE
        with torch.no_grad():
            measured.view(-1)[place] = (value(x + moved) - value(x - moved)) / (2 * NUDGE)
    return float((own.grad - measured).abs().max() / measured.abs().max().clamp_min(1e-12))
