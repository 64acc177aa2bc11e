"""What objectives see of a model's output: the whole logits, or only what they ask for.

Three kinds with one face: `Scores` holds all logits; `HeadScores` holds hidden states and makes scores a few rows at
a time; a teacher cache (`teacher_cache.py`) holds numbers of an earlier pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tokstudio.train.data import TokenBatch

if TYPE_CHECKING:
    import torch

    from tokstudio.train.head import Head
    from tokstudio.train.readings import AnyReading

    Latents = Mapping[str, "list[torch.Tensor]"]


class AnyScores(Protocol):
    """All in fp32."""

    @property
    def log_z(self) -> "torch.Tensor":
        """[b, l] logsumexp over the vocabulary, of what is no padding."""

    @property
    def picked(self) -> "torch.Tensor":
        """[b, l-1] log-probability of the token that follows, 0 where it is not scored."""

    @property
    def latents(self) -> "Latents":
        """Hidden states [b, l, d] by kind, where an objective asked for them."""

    def reading(self, positions: "torch.Tensor") -> "AnyReading":
        """Whole distributions after flat `positions` [p], a few rows at a time. An objective that asks for them
        says so where it is registered."""

    def expect(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> None:
        """`mass` of these very tensors will be asked for, so that one pass gives all."""

    def mass(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        """Log-probability that the next token is one of `tokens` [t], after flat `positions` [p] of [b * l]."""


@dataclass(frozen=True, eq=False)
class Scores:
    """From the whole logits."""

    logits: "torch.Tensor"
    log_z: "torch.Tensor"
    picked: "torch.Tensor"
    latents: "Latents" = field(default_factory=dict)

    @classmethod
    def of(cls, logits: "torch.Tensor", batch: TokenBatch, latents: "Latents | None" = None) -> "Scores":
        import torch

        logits = logits.float()
        log_z = torch.logsumexp(logits, -1)
        following = logits[:, :-1].gather(-1, batch.input_ids[:, 1:, None])[..., 0]
        picked = torch.where(batch.scored(), following - log_z[:, :-1], 0.0)
        return cls(logits, log_z, picked, latents or {})

    def reading(self, positions: "torch.Tensor") -> "AnyReading":
        from tokstudio.train.readings import Given

        return Given(self.logits.flatten(0, 1)[positions])

    def expect(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> None:
        pass

    def mass(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        import torch

        rows = self.logits.flatten(0, 1)[positions]
        return torch.logsumexp(rows[:, tokens], -1) - self.log_z.flatten()[positions]


class HeadScores:
    """From hidden states [b, l, d], without ever holding the logits of more than a few rows."""

    def __init__(
        self,
        hidden: "torch.Tensor",
        head: "Head",
        batch: TokenBatch,
        *,
        dtype: "torch.dtype | None" = None,
        latents: "Latents | None" = None,
    ):
        self.hidden, self.head, self.batch, self.dtype = hidden, head, batch, dtype
        self.latents = latents or {}
        self._expected: tuple[torch.Tensor, torch.Tensor] | None = None

    def reading(self, positions: "torch.Tensor") -> "AnyReading":
        from tokstudio.train.readings import Reading

        rows = self.hidden.flatten(0, 1)[positions]
        return Reading(rows, self.head, self.dtype or rows.dtype)

    def expect(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> None:
        if self._expected is None and "_pass" not in self.__dict__:
            self._expected = positions, tokens

    @cached_property
    def _rows(self) -> "torch.Tensor":
        """Flat positions of what is no padding: nothing is computed of the rest."""
        import torch

        return torch.from_numpy(self.batch.occupied()).to(self.hidden.device)

    @cached_property
    def _pass(self) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
        """(log_z, logit of the following token, mass before log_z is taken off), each [b * l], 0 at padding."""
        import torch

        ids = self.batch.input_ids.flatten()
        size = len(ids)
        marked = torch.zeros(size, dtype=torch.bool, device=ids.device)
        members = torch.zeros(0, dtype=torch.int64, device=ids.device)
        if self._expected is not None:
            positions, members = self._expected
            marked[positions] = True
        following = torch.roll(ids, -1)[self._rows]
        return tuple(
            self._spread(v, size) for v in self._scores(self._rows, following, marked[self._rows], members)
        )

    def _spread(self, values: "torch.Tensor", size: int) -> "torch.Tensor":
        import torch

        return torch.zeros(size, dtype=values.dtype, device=values.device).index_copy(0, self._rows, values)

    def _scores(self, rows, following, marked, members):
        from tokstudio.train.head import token_scores

        return token_scores(
            self.hidden.flatten(0, 1)[rows], self.head, following, marked, members, dtype=self.dtype
        )

    @property
    def logits(self) -> "torch.Tensor":
        return self.head.logits(self.hidden if self.dtype is None else self.hidden.to(self.dtype))

    @property
    def log_z(self) -> "torch.Tensor":
        return self._pass[0].view(self.batch.input_ids.shape)

    @cached_property
    def picked(self) -> "torch.Tensor":
        import torch

        log_z, following, _ = self._pass
        value = (following - log_z).view(self.batch.input_ids.shape)[:, :-1]
        return torch.where(self.batch.scored(), value, 0.0)

    def mass(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        import torch

        self.expect(positions, tokens)
        if self._expected is not None and self._expected[0] is positions and self._expected[1] is tokens:
            log_z, _, mass = self._pass
            return mass[positions] - log_z[positions]
        every = torch.ones(len(positions), dtype=torch.bool, device=positions.device)
        log_z, _, mass = self._scores(positions, torch.zeros_like(positions), every, tokens)
        return mass - log_z
