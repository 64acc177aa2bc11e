"""The three regularizers of transport: how an entry's mass follows from its slack y = x - f - g.

| name | mass | plan | rows alone are |
| --- | --- | --- | --- |
| sparsemax | [y]_+ | quadratically regularized, sparse | sparsemax |
| entmax15 | [y]_+^2 | Tsallis 1.5, sparse but softer | entmax with alpha 1.5 of 2 y |
| softmax | e^y | entropic, dense | softmax |

A threshold is the dual variable of one row or column: it makes the masses of that row add up to what it shall
hold. It is searched on the entries near the row's largest one alone: an entry further below than the whole mass
can have none, so the search touches a few entries a row however long the row is.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PATIENCE = 100  # passes; a threshold needs 3 to 15


@dataclass(frozen=True)
class Kernel:
    """`power` 1 and 2: masses are [y]_+ to that power; 0: the exponential."""

    name: str
    power: int

    @property
    def sparse(self) -> bool:
        return self.power > 0

    def mass(self, slack: "torch.Tensor") -> "torch.Tensor":
        if self.power == 0:
            return slack.exp()
        slack = slack.clamp_min(0)
        return slack if self.power == 1 else slack * slack

    def slope(self, slack: "torch.Tensor") -> "torch.Tensor":
        """Derivative of `mass` where there is mass; `slack` is above 0 for the sparse kernels."""
        import torch

        if self.power == 0:
            return slack.exp()
        return torch.ones_like(slack) if self.power == 1 else 2 * slack

    def score(self, mass: "torch.Tensor") -> "torch.Tensor":
        """The slack that has this mass: how a given plan becomes the start of a search."""
        if self.power == 0:
            return mass.log()
        return mass if self.power == 1 else mass.sqrt()

    def width(self, total: "torch.Tensor") -> "torch.Tensor":
        """An entry this far below its row's largest holds nothing, where the row holds `total`."""
        return self.score(total)


KERNELS = {k.name: k for k in (Kernel("sparsemax", 1), Kernel("entmax15", 2), Kernel("softmax", 0))}


def thresholds(
    kernel: Kernel, below: "torch.Tensor", segment: "torch.Tensor", total: "torch.Tensor"
) -> "torch.Tensor":
    """Thresholds [s], relative to each segment's largest entry.

    `below` [k], at most 0: entries relative to the largest of their segment, all that are within `width`;
    `segment` int64 [k]; `total` [s]: what the masses of a segment add up to. Segments without entries get 0.
    """
    return _linear(below, segment, total) if kernel.power == 1 else _quadratic(below, segment, total)


def _linear(below, segment, total):
    """Exact: the support shrinks from pass to pass until it stays (Michelot 1986)."""
    for _ in range(PATIENCE):
        count = _sums(below.new_ones(()).expand(len(below)), segment, total).clamp_min(1)
        found = (_sums(below, segment, total) - total) / count
        kept = (below > found.index_select(0, segment)).nonzero()[:, 0]
        if len(kept) == len(below):
            break
        below, segment = below.index_select(0, kept), segment.index_select(0, kept)
    return found


def _quadratic(below, segment, total):
    """Newton on the norm of the slacks, from the left: monotone, exact in one pass for a single entry."""
    import torch

    norm = total.sqrt()
    found, precision = -norm, 32 * torch.finfo(total.dtype).eps
    for _ in range(PATIENCE):
        slack = below - found.index_select(0, segment)
        kept = (slack > 0).nonzero()[:, 0]
        below, segment, slack = (t.index_select(0, kept) for t in (below, segment, slack))
        size = _sums(slack * slack, segment, total).sqrt()
        step = ((size - norm) * size / _sums(slack, segment, total)).nan_to_num(0, 0, 0).clamp_min(0)
        found = found + step
        if bool((size - norm <= precision * norm).all()):
            break
    return found


def _sums(values, segment, like):
    return like.new_zeros(len(like)).index_add_(0, segment, values)
