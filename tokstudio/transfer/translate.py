"""The S2T2 layer: a learnt sparse translation between two vocabularies (Sparse Sinkhorn Token Translation,
arXiv 2411.00593), in front of a source model's body and behind it.

With P the joint plan [u, v] of sinkhorn.py, mu its row sums and nu its column sums:

    input rows      E' = diag(1/mu) P E                       each a weighted mean of source rows
    head, "logit"   L' = diag(1/mu) P L, p = softmax(h L'^T)  ordinary tables once folded
    head, "prob"    p = (P diag(1/nu)) softmax(h L^T)         source probabilities handed on; cannot be folded

It is not known which head the paper has: both are here by name. One plan serves both ends, or each has its own.

The trained scores z are in units of row probability: x = mu z / alpha for sparsemax, so that without a source
marginal a row is sparsemax(z / alpha), whatever its mass. A small alpha makes rows sparse. entmax15 and softmax
are scaled alike.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.kernels import KERNELS
from tokstudio.transfer.layout import Candidates, Layout, Table
from tokstudio.transfer.plan import Plan
from tokstudio.transfer.sinkhorn import SOLVERS, Solution, sinkhorn
from tokstudio.transfer.start import Start

if TYPE_CHECKING:
    from torch import Tensor

FREE = "free"  # weights of any sign without a constraint: the baseline "unconstrained translation"
HEADS = ("logit", "prob")
TINY = 1e-30


@dataclass(frozen=True)
class PlanFigures:
    """What a plan looks like, for a chart."""

    entries_per_row: float
    entropy: float  # bits, mean over rows of the row's distribution
    column_error: float  # |P^T 1 - nu| summed: twice the share of mass in wrong columns; 0 without nu

    def values(self, role: str = "") -> dict[str, float]:
        """By the names of their charts; `role` is set behind where there is a plan of its own for it."""
        end = f"/{role}" if role else ""
        return {
            f"plan/entries_per_row{end}": self.entries_per_row,
            f"plan/row_entropy{end}": self.entropy,
            f"plan/column_error{end}": self.column_error,
        }


class Translation(torch.nn.Module):
    """The plan, and what it makes of source tables. `alpha` may be changed between steps (annealing)."""

    def __init__(
        self,
        start: Start,
        *,
        solver: str = "sparsemax",
        steps: int = 3,
        alpha: float = 1.0,
        shared: bool = True,
        norm: str = "none",
        residual: int = 0,
        width: int = 0,
    ):
        """`norm` "sources": a mixture gets the mean length of its rows. `residual`: rank of a signed correction of
        the free rows, `width` wide, that starts at zero."""
        super().__init__()
        if solver != FREE and solver not in SOLVERS:
            raise TransferError(
                f"There is no solver {solver!r}.", hint=f"Choose one of: {', '.join((*SOLVERS, FREE))}."
            )
        self.start, self.solver, self.steps, self.alpha = start, solver, steps, alpha
        scores = _first_scores(start, solver, alpha)
        self.scores = torch.nn.ParameterDict({"input": torch.nn.Parameter(scores)})
        if not shared:
            self.scores["output"] = torch.nn.Parameter(scores.clone())
        self.norm = norm
        self.residual = torch.nn.ModuleDict(
            {role: Correction(len(start.free), residual, width) for role in self.scores if residual}
        )
        self.register_buffer("mu", torch.tensor(start.mu, dtype=torch.float32), persistent=False)
        nu = None if start.nu is None else torch.tensor(start.nu, dtype=torch.float32)
        self.register_buffer("nu", nu, persistent=False)
        self.register_buffer("columns", torch.from_numpy(start.columns), persistent=False)
        pinned = start.pinned_sources
        place = np.argsort(np.concatenate([start.free, start.pinned]), kind="stable")
        self.register_buffer("place", torch.from_numpy(place), persistent=False)
        self.register_buffer("pinned", torch.from_numpy(pinned), persistent=False)
        slots = None if start.slots is None else torch.from_numpy(start.slots)
        self.register_buffer("slots", slots, persistent=False)
        self._layout: Layout = Table(len(start.free), len(start.columns))

    @property
    def layout(self) -> Layout:
        """On the device that the layer is on."""
        if self.slots is None:
            return self._layout
        if not isinstance(self._layout, Candidates) or self._layout.sources is not self.slots:
            self._layout = Candidates(self.slots, len(self.start.columns))
        return self._layout

    @property
    def possible(self) -> float:
        """Source tokens that a target token may draw on, mean over rows."""
        if self.slots is None:
            return float(len(self.columns))
        return float((self.slots < len(self.columns)).float().sum(1).mean())

    def of(self, role: str) -> str:
        return role if role in self.scores else "input"

    def solve(self, role: str = "input") -> Solution:
        """The plan now, fp32 under autocast. `values` are joint masses: rows sum to mu."""
        scores = self.scores[self.of(role)]
        with torch.autocast(scores.device.type, enabled=False):
            if self.solver == FREE:
                return self._unconstrained(scores)
            return sinkhorn(
                self._scaled(scores),
                self.mu,
                self.nu,
                layout=self.layout,
                steps=self.steps,
                solver=self.solver,
            )

    def _scaled(self, z: "Tensor") -> "Tensor":
        power = KERNELS[self.solver].power if self.solver in KERNELS else 1
        if power == 1:
            return z * (self.mu / self.alpha)[:, None]
        if power == 2:
            return z * (self.mu.sqrt() / (2 * self.alpha))[:, None]
        return z / self.alpha + self.mu.log()[:, None]

    def _unconstrained(self, z: "Tensor") -> Solution:
        width = self.layout.width
        flat = torch.arange(z.numel(), device=z.device)
        if isinstance(self.layout, Candidates):
            flat = flat[self.layout.sources.flatten() < self.layout.columns]
        row = torch.div(flat, width, rounding_mode="floor")
        values = (z * (self.mu / self.alpha)[:, None]).flatten()[flat]
        return Solution(
            values, row, self.layout.column_of(flat), self.mu, self.mu.new_zeros(self.layout.columns)
        )

    def shares(self, solution: Solution) -> "Tensor":
        """Entries of diag(1/mu) P [k]. Sparse rows sum to 1 to the last digit but for rounding."""
        total = self.mu
        if self.solver != FREE:
            total = torch.zeros_like(self.mu, dtype=torch.float64)
            total = total.index_add(0, solution.row, solution.values.double()).to(self.mu)
        return solution.values / total.index_select(0, solution.row)

    def table(self, solution: Solution, matrix: "Tensor", role: str = "input") -> "Tensor":
        """Rows for every target id out of a source `matrix` [>= v, d]: [v_target, d] in fp32."""
        with torch.autocast(matrix.device.type, enabled=False):
            matrix = matrix.float()
            used, shares = matrix.index_select(0, self.columns), self.shares(solution)
            free = weighted_rows(solution, shares, used, len(self.mu))
            if self.norm == "sources":
                lengths = used.norm(dim=1, keepdim=True)
                wanted = weighted_rows(solution, shares.abs(), lengths, len(self.mu))
                free = free * wanted / free.norm(dim=1, keepdim=True).clamp_min(TINY)
            if self.residual:
                free = self.residual[self.of(role)](free)
            pinned = matrix.index_select(0, self.pinned.clamp_min(0))
            pinned = torch.where(self.pinned[:, None] >= 0, pinned, matrix[: self.start.size].mean(0))
            return torch.cat([free, pinned]).index_select(0, self.place)

    def bias(self, solution: Solution, vector: "Tensor") -> "Tensor":
        """What the head adds to each target token's logit, out of the source's `vector` [>= v]: fp32 [v_target]."""
        vector = vector.float()[:, None]
        used = vector.index_select(0, self.columns)
        free = weighted_rows(solution, self.shares(solution), used, len(self.mu))
        pinned = vector.index_select(0, self.pinned.clamp_min(0))
        pinned = torch.where(self.pinned[:, None] >= 0, pinned, vector[: self.start.size].mean(0))
        return torch.cat([free, pinned]).index_select(0, self.place)[:, 0]

    @torch.no_grad()
    def all_figures(self) -> dict[str, float]:
        """Of the input's plan, and of the output's where it has one."""
        own = self.figures("output").values("output") if "output" in self.scores else {}
        return {**self.figures().values(), **own}

    @torch.no_grad()
    def figures(self, role: str = "input") -> PlanFigures:
        found = self.solve(role)
        share = self.shares(found)
        kept = share.abs()[share != 0]
        rows = len(self.mu)
        entropy = float(-(kept * kept.clamp_min(TINY).log2()).sum() / rows)
        error = 0.0
        if self.nu is not None:
            sums = torch.zeros_like(self.nu).index_add(0, found.column, found.values)
            error = float((sums - self.nu).abs().sum())
        return PlanFigures(len(kept) / rows, entropy, error)

    @torch.no_grad()
    def rows(self, role: str = "input") -> SparseRows:
        """diag(1/mu) P with the pinned rows, [v_target, v_source]."""
        found = self.solve(role)
        share = self.shares(found).double().cpu().numpy()
        row = self.start.free[found.row.cpu().numpy()]
        column = self.start.columns[found.column.cpu().numpy()]
        kept = self.start.pinned_sources >= 0
        return SparseRows.from_entries(
            np.concatenate([row, self.start.pinned[kept]]),
            np.concatenate([column, self.start.pinned_sources[kept]]),
            np.concatenate([share, np.ones(int(kept.sum()))]),
            (len(self.place), self._source_size()),
        )

    def _source_size(self) -> int:
        return int(max(self.start.columns.max(), self.start.pinned_sources.max(initial=0))) + 1

    def plan(self, source: Tokenizer, target: Tokenizer) -> Plan:
        """The plan as a value, to save and to apply to other models."""
        output = self.rows("output") if "output" in self.scores else None
        wide = [
            None if r is None else SparseRows(r.start, r.columns, r.weights, len(source))
            for r in (self.rows(), output)
        ]
        mass = self.start.mass.astype(np.float32)
        return Plan(
            *wide, mass, source.fingerprint, target.fingerprint, (source.name, target.name), norm=self.norm
        )

    @torch.no_grad()
    def corrections(self) -> dict[str, np.ndarray]:
        """What is added to the rows of each role, float32 [v_target, d]; {} without a correction."""
        found = {}
        for role, part in self.residual.items():
            free = (part.down @ part.up).cpu().numpy()
            found[role] = np.zeros((len(self.place), free.shape[1]), np.float32)
            found[role][self.start.free] = free
        return found


class Correction(torch.nn.Module):
    """Rows plus a product of two thin matrices; at first it adds nothing. A plan has no negative entries, and what a
    mixture of rows cannot be is left to this."""

    def __init__(self, rows: int, rank: int, width: int):
        super().__init__()
        self.down = torch.nn.Parameter(torch.zeros(rows, rank))
        random = torch.Generator().manual_seed(0)
        self.up = torch.nn.Parameter(torch.randn(rank, width, generator=random) * width**-0.5)

    def forward(self, rows: "Tensor") -> "Tensor":
        return torch.addmm(rows, self.down, self.up)


def weighted_rows(solution: Solution, weights: "Tensor", matrix: "Tensor", rows: int) -> "Tensor":
    """Sparse times dense: [rows, d], with gradient to the weights and the matrix."""
    edges = torch.searchsorted(solution.row, torch.arange(rows + 1, device=weights.device))
    return functional.embedding_bag(
        solution.column, matrix, edges, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


def handed_on(
    hidden: "Tensor",
    matrix: "Tensor",
    translation: Translation,
    solution: Solution,
    bias: "Tensor | None" = None,
) -> "Tensor":
    """Log-probabilities of the target tokens, [..., v_target]: the source's, each handed on to the target tokens
    in proportion to their share of its column. Source tokens without mass are left out of the softmax, so that
    the result is a distribution."""
    layer = translation
    with torch.autocast(hidden.device.type, enabled=False):
        mass = torch.tensor(layer.start.mass, dtype=torch.float32, device=hidden.device)
        pinned_mass = mass[torch.from_numpy(layer.start.pinned).to(hidden.device)]
        kept = layer.pinned >= 0
        # a special token may stand for a source token that others use, too: one logit, one share of the softmax
        sources, place = torch.cat([layer.columns, layer.pinned[kept]]).unique(return_inverse=True)
        row = torch.cat([solution.row, len(layer.mu) + kept.nonzero()[:, 0]])
        column = torch.cat([place[solution.column], place[len(layer.columns) :]])
        free = 1 - pinned_mass[kept].sum()
        value = torch.cat([solution.values * free, pinned_mass[kept]])
        total = torch.zeros(len(sources), device=value.device).index_add(0, column, value)
        logits = hidden.float() @ matrix.float().index_select(0, sources).T
        if bias is not None:
            logits = logits + bias.float().index_select(0, sources)
        logits = logits.masked_fill(total <= 0, -torch.inf)
        source = logits.softmax(-1).flatten(0, -2).T  # [n, tokens]
        whole = Solution(value, row, column, layer.mu, total)
        handed = weighted_rows(
            whole, value / total.index_select(0, column), source.contiguous(), len(layer.place)
        )
        found = handed.index_select(0, layer.place).T
        return found.clamp_min(TINY).log().view(*hidden.shape[:-1], -1)


def _first_scores(start: Start, solver: str, alpha: float) -> "Tensor":
    """Scores whose plan is `start.weights`."""
    weights = torch.from_numpy(start.weights)
    if solver in (FREE, "dykstra", "alternation", "sparsemax"):
        return weights * alpha
    if solver == "entmax15":
        return 2 * alpha * weights.sqrt()
    return alpha * weights.clamp_min(1e-9).log()
