"""Where the entries of a plan are: in every cell of a table, or in a few candidates a row.

Both answer the same three questions for scores `x` and duals `f` [u], `g` [n]: which f makes the rows hold their
mass, which g the columns, and which entries have mass. A column whose g is infinite is shut. Everything is done in
blocks, so the memory taken beyond `x` does not grow with it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tokstudio.transfer.kernels import Kernel, thresholds

if TYPE_CHECKING:
    import torch

BLOCK = 1 << 16  # entries looked at together on the CPU: they stay in its cache
DEVICE_BLOCK = 1 << 24  # elsewhere a few large steps are faster


def block_of(x: "torch.Tensor") -> int:
    return BLOCK if x.device.type == "cpu" else DEVICE_BLOCK


@dataclass(frozen=True, eq=False)
class Support:
    """Entries that have mass, ascending by row: `flat` are their places in `x`."""

    flat: "torch.Tensor"  # int64 [k]
    row: "torch.Tensor"  # int64 [k]
    column: "torch.Tensor"  # int64 [k]
    slack: "torch.Tensor"  # [k]


class Layout:
    """`rows` x `columns` of the plan; `x` is [rows, width]."""

    rows: int
    columns: int
    width: int

    def ready(self, g: "torch.Tensor") -> "torch.Tensor":
        """`g` as `scores_less` takes it."""
        return g

    def scores_less(self, x, g, start: int, stop: int):
        """x - g of some rows, [stop - start, width]; `g` is ready."""
        raise NotImplementedError

    def column_of(self, flat: "torch.Tensor") -> "torch.Tensor":
        raise NotImplementedError

    def column_duals(self, kernel: Kernel, x, f, nu) -> "torch.Tensor":
        """g [columns]; infinite where nu is 0."""
        raise NotImplementedError

    def row_duals(self, kernel: Kernel, x, g, mu) -> "torch.Tensor":
        import torch

        parts, g = [], self.ready(g)
        for start, stop in self._blocks(x):
            y, total = self.scores_less(x, g, start, stop), mu[start:stop]
            if kernel.sparse:
                top = y.amax(1)
                y.sub_(top[:, None])
                near = (y > -kernel.width(total)[:, None]).flatten().nonzero()[:, 0]
                row = torch.div(near, self.width, rounding_mode="floor")
                parts.append(top + thresholds(kernel, y.flatten().index_select(0, near), row, total))
            else:
                parts.append(torch.logsumexp(y, 1) - total.log())
        return torch.cat(parts)

    def support(self, kernel: Kernel, x, f, g) -> Support:
        import torch

        flats, slacks, g = [], [], self.ready(g)
        for start, stop in self._blocks(x):
            y = self.scores_less(x, g, start, stop).sub_(f[start:stop, None])
            held = (y > 0) if kernel.sparse else (y > -torch.inf)
            place = held.flatten().nonzero()[:, 0]
            flats.append(place + start * self.width)
            slacks.append(y.flatten().index_select(0, place))
        flat = torch.cat(flats)
        return Support(
            flat, torch.div(flat, self.width, rounding_mode="floor"), self.column_of(flat), torch.cat(slacks)
        )

    def _blocks(self, x):
        size = max(1, block_of(x) // max(self.width, 1))
        return [(at, min(at + size, self.rows)) for at in range(0, self.rows, size)]


@dataclass(frozen=True, eq=False)
class Table(Layout):
    """Every row may draw on every column: `x` is [rows, columns]."""

    rows: int
    columns: int

    @property
    def width(self) -> int:
        return self.columns

    def scores_less(self, x, g, start, stop):
        return x[start:stop] - g

    def column_of(self, flat):
        return flat % self.columns

    def column_duals(self, kernel, x, f, nu):
        import torch

        parts = []
        size = max(1, block_of(x) // self.rows)
        for start in range(0, self.columns, size):
            y, total = x[:, start : start + size] - f[:, None], nu[start : start + size]
            if kernel.sparse:
                top = y.amax(0)
                y.sub_(top)
                near = (y > -kernel.width(total)).t().nonzero()
                parts.append(top + thresholds(kernel, y[near[:, 1], near[:, 0]], near[:, 0], total))
            else:
                parts.append(torch.logsumexp(y, 0) - total.log())
        return torch.where(nu > 0, torch.cat(parts), torch.inf)


@dataclass(frozen=True, eq=False)
class Candidates(Layout):
    """Row i may draw on the columns `sources[i]`; a slot that is not used names `columns`, one past the last."""

    sources: "torch.Tensor"  # int32 [rows, width]
    columns: int

    @property
    def rows(self) -> int:
        return self.sources.shape[0]

    @property
    def width(self) -> int:
        return self.sources.shape[1]

    @cached_property
    def _by_column(self):
        """Places in `x` sorted by column, the column of each, and where each column begins."""
        import torch

        flat = self.sources.flatten()
        order = torch.argsort(flat, stable=True)
        count = torch.bincount(flat, minlength=self.columns + 1)[: self.columns]
        order = order[: int(count.sum())].int()
        edges = torch.nn.functional.pad(count.cumsum(0), (1, 0))
        return order, flat.index_select(0, order), edges

    def ready(self, g):
        import torch

        return torch.nn.functional.pad(g, (0, 1), value=torch.inf)

    def scores_less(self, x, g, start, stop):
        return x[start:stop] - g.index_select(0, self.sources[start:stop].flatten()).view(-1, self.width)

    def column_of(self, flat):
        return self.sources.flatten().index_select(0, flat).long()

    def column_duals(self, kernel, x, f, nu):
        import torch

        order, column, edges = self._by_column
        y = (x - f[:, None]).flatten().index_select(0, order)
        top = torch.segment_reduce(y, "max", offsets=edges)
        y.sub_(top.index_select(0, column))
        if kernel.sparse:
            near = (y > -kernel.width(nu).index_select(0, column)).nonzero()[:, 0]
            found = thresholds(kernel, y.index_select(0, near), column.index_select(0, near).long(), nu)
        else:
            found = torch.segment_reduce(y.exp_(), "sum", offsets=edges).log() - nu.log()
        return torch.where(nu > 0, top + found, torch.inf)
