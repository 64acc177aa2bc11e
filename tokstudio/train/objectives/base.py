"""What an objective is: a sum over a batch, and what to divide it by.

A sum and a count instead of a mean: a step split into several batches, or several ranks, gives the same loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tokstudio.registry import Registry
from tokstudio.train.data import TokenBatch

if TYPE_CHECKING:
    import torch

    from tokstudio.train.config import TransferConfig
    from tokstudio.train.transfer import Pair


@dataclass(frozen=True, eq=False)
class Scores:
    """What objectives need of a model's output, in fp32."""

    logits: "torch.Tensor"  # [b, l, v]
    log_z: "torch.Tensor"  # [b, l] logsumexp over the vocabulary
    picked: "torch.Tensor"  # [b, l-1] log-probability of the token that follows, 0 where it is not scored

    @classmethod
    def of(cls, logits: "torch.Tensor", batch: TokenBatch) -> "Scores":
        import torch

        logits = logits.float()
        log_z = torch.logsumexp(logits, -1)
        following = logits[:, :-1].gather(-1, batch.input_ids[:, 1:, None])[..., 0]
        return cls(logits, log_z, torch.where(batch.scored(), following - log_z[:, :-1], 0.0))

    def mass(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        """Log-probability that the next token is one of `tokens` [t], after flat `positions` [p] of [b * l]."""
        import torch

        rows = self.logits.flatten(0, 1)[positions]
        return torch.logsumexp(rows[:, tokens], -1) - self.log_z.flatten()[positions]


class Objective(Protocol):
    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: Scores) -> Any:
        """What needs no gradient. `scores` are the teacher's."""

    def count(self, student: TokenBatch, prepared: Any) -> float: ...
    def loss_sum(self, scores: Scores, student: TokenBatch, prepared: Any) -> "torch.Tensor":
        """`scores` are the student's."""


@dataclass(frozen=True)
class Entry:
    name: str
    title: str
    needs_teacher: bool
    paper: str
    build: Callable[["Pair", "TransferConfig"], Objective]


OBJECTIVES: Registry[Entry] = Registry("tokstudio.train.objectives")


def objective(name: str, *, title: str, needs_teacher: bool = False, paper: str = "") -> Callable[[Any], Any]:
    """Register a class whose constructor takes (pair, config)."""

    def register(build):
        OBJECTIVES.add(name, Entry(name, title, needs_teacher, paper, build))
        return build

    return register
