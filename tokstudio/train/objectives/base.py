"""What an objective is: a sum over a batch, and what to divide it by.

A sum and a count instead of a mean: a step split into several batches, or several ranks, gives the same loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tokstudio.registry import Registry
from tokstudio.train.data import TokenBatch
from tokstudio.train.scores import AnyScores, Scores

if TYPE_CHECKING:
    import torch

    from tokstudio.train.config import TransferConfig
    from tokstudio.train.transfer import Pair

__all__ = ["OBJECTIVES", "AnyScores", "Entry", "Objective", "Scores", "Widths", "objective"]


@dataclass(frozen=True)
class Widths:
    """Sizes of the hidden states, for objectives that project one side's onto the other's."""

    teacher: int
    student: int


class Objective(Protocol):
    def expect(self, scores: AnyScores, student: TokenBatch, prepared: Any) -> None:
        """Tell `scores` what `loss_sum` will ask of it, before any objective asks."""

    def module(self, widths: Widths) -> "torch.nn.Module | None":
        """What is trained beside the student and left out of the export. Made once, before the first step."""
        return None

    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: AnyScores) -> Any:
        """What needs no gradient. `scores` are the teacher's."""

    def count(self, student: TokenBatch, prepared: Any) -> float: ...
    def loss_sum(self, scores: AnyScores, student: TokenBatch, prepared: Any) -> "torch.Tensor":
        """`scores` are the student's."""


@dataclass(frozen=True)
class Entry:
    """`needs`: what of a model's output it asks for beyond scores of tokens: "distributions" (over the
    vocabulary), "hidden" (the last states), "all_hidden", "qkv", "embeddings" (input rows), "head" (its matrix)."""

    name: str
    title: str
    needs_teacher: bool
    paper: str
    build: Callable[["Pair", "TransferConfig"], Objective]
    needs: Callable[["TransferConfig"], frozenset[str]]
    cached: bool  # is what the teacher cache holds enough?
    label: str  # where there is little room; no two are alike


OBJECTIVES: Registry[Entry] = Registry("tokstudio.train.objectives")


def objective(
    name: str,
    *,
    title: str,
    needs_teacher: bool = False,
    paper: str = "",
    needs: tuple[str, ...] | Callable[["TransferConfig"], frozenset[str]] = (),
    cached: bool = False,
    label: str = "",
) -> Callable[[Any], Any]:
    """Register a class whose constructor takes (pair, config). `label`: the name in brackets at the end of `title`, or
    all of it, unless said."""
    asks = needs if callable(needs) else (lambda config: frozenset(needs))

    def register(build):
        OBJECTIVES.add(
            name, Entry(name, title, needs_teacher, paper, build, asks, cached, label or _short(title))
        )
        return build

    return register


def _short(title: str) -> str:
    """ "Chunk likelihoods (ALM)" is ALM; without such a name, the words."""
    words, _, name = title.removesuffix(")").partition(" (")
    return name if name and " " not in name else words
