"""Sparse Sinkhorn: a joint plan P [u, n] with given row sums, near given column sums, out of scores x.

    minimize  -<x, P> + R(P)   over   P >= 0, P 1 = mu, P^T 1 = nu

with R half the squared norm ("sparsemax"), the Tsallis-1.5 entropy ("entmax15") or the negative Shannon entropy
("softmax"). For the first, P is the Euclidean projection of x onto the plans: quadratically regularized transport
(Essid and Solomon 2018). The solution is P = mass(x - f - g): two vectors say it all.

Dual block ascent, the default, fits f to the rows and g to the columns in turn. `steps` counts row steps, and the
last step is a row step, so rows hold their mass exactly and columns nearly. Its gradient needs the pairs (f, g)
of the steps and nothing else: each step is differentiated through what it solves. Duals are kept in fp64 beside
scores in fp32: a rare token's mass is far below the rounding of a common one's scores.

`dykstra` and `alternation` project the plan itself in turn, with and without Boyle and Dykstra's corrections. They
are kept by name because it is not known which of the three the S2T2 paper used. Plain alternation ends in another
plan than the nearest one. Both need a table and the memory of automatic differentiation.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tokstudio.errors import TransferError
from tokstudio.transfer.kernels import KERNELS, Kernel
from tokstudio.transfer.layout import Layout, Support, Table

if TYPE_CHECKING:
    from torch import Tensor

SOLVERS = ("sparsemax", "entmax15", "softmax", "dykstra", "alternation")
PLAIN, BEYOND = 10, 0.8  # column steps that are not over-relaxed, and how much the others are
MARGIN_TOLERANCE = 1e-4  # relative difference of the two marginals' sums


@dataclass(frozen=True, eq=False)
class Solution:
    """The entries of a plan that have mass, ascending by row, and the duals that made it."""

    values: "Tensor"  # [k], with gradient to the scores
    row: "Tensor"  # int64 [k]
    column: "Tensor"  # int64 [k]
    f: "Tensor"  # [u]
    g: "Tensor"  # [n]

    def dense(self) -> "Tensor":
        out = self.values.new_zeros(len(self.f), len(self.g))
        return out.index_put((self.row, self.column), self.values)


def sinkhorn(
    x: "Tensor",
    mu: "Tensor",
    nu: "Tensor | None" = None,
    *,
    layout: Layout | None = None,
    steps: int = 3,
    solver: str = "sparsemax",
    g: "Tensor | None" = None,
) -> Solution:
    """The plan of scores `x` [u, n] (or [u, width] of `layout`) with row sums `mu` [u] and column sums `nu` [n].

    `nu` None: columns may hold anything, and every row is the kernel's own map of its scores. A column whose `nu`
    is 0 gets nothing. `g`: duals to start from, held as constants. Half precision is computed in fp32.
    Raises TransferError for marginals that do not fit each other, and for scores that are not finite.
    """
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()
    layout = layout or Table(*x.shape)
    exact = x.dtype if x.device.type == "mps" else torch.float64
    mu = mu.to(x.device, exact)
    nu = None if nu is None else nu.to(x.device, exact)
    check_problem(x, mu, nu, layout)
    if solver in ("dykstra", "alternation"):
        return _projections(
            x, mu.to(x), None if nu is None else nu.to(x), layout, steps, corrected=solver == "dykstra"
        )
    if solver not in KERNELS:
        raise TransferError(f"There is no solver {solver!r}.", hint=f"Choose one of: {', '.join(SOLVERS)}.")
    start = mu.new_zeros(layout.columns) if g is None else g.to(mu)
    if nu is not None:
        start = torch.where(nu > 0, start, torch.inf)
    rounds = 1 if nu is None else steps
    values, flat, f, g = _DualAscent.apply(x, mu, nu, start, layout, KERNELS[solver], rounds)
    row = torch.div(flat, layout.width, rounding_mode="floor")
    return Solution(values, row, layout.column_of(flat), f, g)


def check_problem(x: "Tensor", mu: "Tensor", nu: "Tensor | None", layout: Layout) -> None:
    """Raises TransferError with what is wrong."""
    if not bool(torch.isfinite(x.detach().sum())):  # isfinite of every entry would copy x
        raise TransferError(
            "The scores of the translation hold NaN or infinite values.",
            hint="Lower the translation's learning rate.",
        )
    if not bool((mu > 0).all()) or not bool(torch.isfinite(mu).all()):
        raise TransferError(
            "Some target token has no mass.", hint="Smooth the target frequencies: every token needs some."
        )
    if nu is None:
        return
    if not bool((nu >= 0).all()) or not bool(torch.isfinite(nu).all()):
        raise TransferError("The source marginal holds negative or infinite values.")
    rows, columns = float(mu.double().sum()), float(nu.double().sum())
    if abs(rows - columns) > MARGIN_TOLERANCE * rows:
        raise TransferError(
            f"The marginals do not fit: target tokens hold {rows:.6g} in all, source tokens {columns:.6g}.",
            hint="Scale both to the same sum.",
        )
    if not bool((nu > 0).any()):
        raise TransferError("No source token has any mass, so there is nothing to translate into.")


class _DualAscent(torch.autograd.Function):
    """Saves x, and (f, g) of every round."""

    @staticmethod
    def forward(ctx, x, mu, nu, g, layout: Layout, kernel: Kernel, rounds: int):
        pairs, f = [], torch.zeros_like(mu)
        for step in range(rounds):
            if step:
                before, g = g, _settled(kernel, layout.column_duals(kernel, x, f, nu), g, nu, x.dtype)
                if beyond := _beyond(step, rounds, kernel):
                    g = torch.where(nu > 0, g + beyond * (g - before), torch.inf)
            f = _settled(kernel, layout.row_duals(kernel, x, g, mu), f, mu, x.dtype)
            if not bool(torch.isfinite(f).all()):
                raise _shut_out(f)
            pairs += [f, g]
        support = layout.support(kernel, x, f, g)
        ctx.layout, ctx.kernel = layout, kernel
        ctx.save_for_backward(x, *pairs)
        ctx.mark_non_differentiable(support.flat, f, g)
        ctx.set_materialize_grads(False)
        return kernel.mass(support.slack).to(x.dtype), support.flat, f, g

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, wanted, *_):
        if wanted is None:
            return (None,) * 7
        x, *pairs = ctx.saved_tensors
        dx = _pull_back(x, pairs, wanted, ctx.layout, ctx.kernel)
        return dx, None, None, None, None, None, None


def _beyond(step: int, rounds: int, kernel: Kernel) -> float:
    """How far a column step goes beyond what it finds, as a share of the step (successive over-relaxation, Young
    1954): where many are asked for, the last digits of a plan come many times sooner. The first ones and the last
    go no further than they find."""
    return BEYOND if kernel.sparse and PLAIN <= step < rounds - 1 else 0.0


def _settled(
    kernel: Kernel, found: "Tensor", before: "Tensor", total: "Tensor", precision: torch.dtype
) -> "Tensor":
    """`before` where the difference is rounding alone. Without this, a plan that is a solution already would get
    crumbs of mass, a billionth of a row, in every cell: a sparse start would be dense."""
    if not kernel.sparse:
        return found
    crumb = 128 * torch.finfo(precision).eps * kernel.width(total)
    return torch.where((found - before).abs() <= crumb, before, found)


def _pull_back(x, pairs, wanted, layout: Layout, kernel: Kernel) -> "Tensor":
    """Gradient to the scores. A row step solves sum_j mass(x_ij - f_i - g_j) = mu_i, hence
    df_i = sum_j w_ij (dx_ij - dg_j) with w the slopes, scaled to sum to 1 in each row; columns alike."""
    gradient = torch.zeros_like(x, memory_format=torch.contiguous_format)
    dx = gradient.view(-1)
    held = layout.support(kernel, x, *pairs[-2:])
    flow = wanted * kernel.slope(held.slack)
    dx[held.flat] = flow.to(dx.dtype)
    df = -_sums(flow, held.row, layout.rows)
    dg = -_sums(flow, held.column, layout.columns)
    for at in range(len(pairs) - 2, -1, -2):
        f, g = pairs[at], pairs[at + 1]
        if at < len(pairs) - 2:
            held = layout.support(kernel, x, f, g)
        flow = _shares(held, held.row, df, kernel)
        dx.index_add_(0, held.flat, flow.to(dx.dtype))
        if at == 0:  # g of the first round is a constant
            break
        dg = dg - _sums(flow, held.column, layout.columns)
        beyond = _beyond(at // 2, len(pairs) // 2, kernel)
        found = (g + beyond * pairs[at - 1]) / (1 + beyond)  # what the columns asked for
        held = layout.support(kernel, x, pairs[at - 2], found)
        flow = _shares(held, held.column, (1 + beyond) * dg, kernel)
        dx.index_add_(0, held.flat, flow.to(dx.dtype))
        df = -_sums(flow, held.row, layout.rows)
        dg = -beyond * dg
    return gradient  # itself, not a view of it: a view would be copied into x.grad


def _shares(held: Support, segment, outer, kernel: Kernel) -> "Tensor":
    slope = kernel.slope(held.slack)
    return slope * (outer / _sums(slope, segment, len(outer)).clamp_min(1e-30)).index_select(0, segment)


def _sums(values, segment, size: int) -> "Tensor":
    return values.new_zeros(size).index_add_(0, segment, values)


def _shut_out(f: "Tensor") -> TransferError:
    row = int((~torch.isfinite(f)).nonzero()[0, 0])
    return TransferError(
        f"Row {row} of the plan has no source token that may hold mass.",
        hint="Give it more candidates, or choose another source marginal.",
    )


def _projections(x, mu, nu, layout: Layout, steps: int, *, corrected: bool) -> Solution:
    if not isinstance(layout, Table):
        raise TransferError(
            "Dykstra's algorithm and plain alternation need the whole table.",
            hint='Choose the solver "sparsemax", or leave the candidates out.',
        )
    open_ = torch.arange(layout.columns, device=x.device) if nu is None else nu.nonzero()[:, 0]
    nu = None if nu is None else nu[open_]
    plan, row_rest, column_rest = x[:, open_], 0.0, 0.0
    for step in range(1 if nu is None else steps):
        if step:
            before = plan + column_rest if corrected else plan
            plan = _onto_simplex(before.t(), nu).t()
            column_rest = before - plan if corrected else 0.0
        before = plan + row_rest if corrected else plan
        plan = _onto_simplex(before, mu)
        row_rest = before - plan if corrected else 0.0
    row, column = (plan > 0).nonzero(as_tuple=True)
    return Solution(plan[row, column], row, open_[column], torch.zeros_like(mu), x.new_zeros(layout.columns))


def _onto_simplex(y: "Tensor", total: "Tensor") -> "Tensor":
    """Each row of `y` projected onto the vectors that are not negative and sum to `total` of that row."""
    ordered = y.detach().sort(1, descending=True).values
    count = torch.arange(1, y.shape[1] + 1, dtype=y.dtype, device=y.device)
    threshold = (ordered.cumsum(1) - total[:, None]) / count
    size = (ordered > threshold).sum(1, keepdim=True).clamp_min(1)
    held = y >= ordered.gather(1, size - 1)
    held &= (total > 0)[:, None]
    cut = ((y * held).sum(1, keepdim=True) - total[:, None]) / held.sum(1, keepdim=True).clamp_min(1)
    return torch.where(held, (y - cut).clamp_min(0), 0.0)
