"""Several models with one tokenizer as one: they predict the next token together.

    logits:  softmax of sum_i w_i z_i, the weighted geometric mean of their distributions
    probs:   log sum_i w_i softmax(z_i), the weighted arithmetic mean

By the concavity of the logarithm, the mean of probabilities never scores a text worse than the members do on average.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch

from tokstudio.errors import InputError, TransferError
from tokstudio.models.load import load_model
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer

MEANS = ("probs", "logits")


class Ensemble(torch.nn.Module):
    """Is asked like a causal language model of transformers. `weights` add up to 1."""

    def __init__(self, members: Sequence[Any], size: int, weights: Sequence[float], mean: str = "probs"):
        """`size`: ids of the tokenizer; rows beyond it, which pad some models, predict nothing."""
        super().__init__()
        self.members = torch.nn.ModuleList(members)
        self.size, self.weights, self.mean = size, tuple(weights), mean
        room = [getattr(m.config, "max_position_embeddings", None) or 1 << 30 for m in members]
        self.config = SimpleNamespace(max_position_embeddings=min(room))

    def forward(
        self, input_ids: torch.Tensor, past_key_values: Any = None, use_cache: bool = False, **more: Any
    ) -> Any:
        """`logits` [b, l, v]: of a distribution over the tokenizer's ids; for probs they are log-probabilities."""
        caches = past_key_values or [None] * len(self.members)
        said = [
            member(input_ids=input_ids, past_key_values=cache, use_cache=use_cache, **more)
            for member, cache in zip(self.members, caches, strict=True)
        ]
        logits = self._together([out.logits[..., : self.size].float() for out in said])
        kept = [out.past_key_values for out in said] if use_cache else None
        return SimpleNamespace(logits=logits, past_key_values=kept)

    def _together(self, logits: Sequence[torch.Tensor]) -> torch.Tensor:
        if self.mean == "logits":
            return sum(w * z for w, z in zip(self.weights, logits, strict=True))
        total = None
        for weight, z in zip(self.weights, logits, strict=True):
            if weight > 0:  # the logarithm of 0 is none
                own = torch.log_softmax(z, -1) + torch.log(torch.tensor(weight))
                total = own if total is None else torch.logaddexp(total, own)
        return total

    def get_input_embeddings(self) -> Any:
        return self.members[0].get_input_embeddings()

    def get_output_embeddings(self) -> None:
        """There is no one matrix."""


def load_ensemble(
    references: Sequence[str], *, weights: Sequence[float] = (), mean: str = "probs", device: Any = "cpu"
) -> tuple[Ensemble, Tokenizer]:
    """Raises TransferError where tokenizers differ, InputError for weights that cannot be used, ModelError."""
    if len(references) < 2:
        raise InputError("An ensemble needs two models or more.", hint="Name each: --model A --model B.")
    shares = _shares(weights, len(references))
    tokenizers = [load_tokenizer(reference) for reference in references]
    check_same(references, tokenizers)
    members = [load_model(reference).to(device).eval().requires_grad_(False) for reference in references]
    for reference, member in zip(references, members, strict=True):
        rows = member.get_input_embeddings().weight.shape[0]
        if rows < len(tokenizers[0]):
            raise TransferError(
                f"{reference} has {rows:,} token rows, but its tokenizer has {len(tokenizers[0]):,} tokens.",
                hint="Put the tokenizer that the model was trained with into its folder.",
            )
    return Ensemble(members, len(tokenizers[0]), shares, mean).eval(), tokenizers[0]


def check_same(references: Sequence[str], tokenizers: Sequence[Tokenizer]) -> None:
    """Raises TransferError where one has another tokenizer than the first."""
    first = tokenizers[0]
    for reference, other in zip(references[1:], tokenizers[1:], strict=True):
        if other.fingerprint != first.fingerprint:
            raise TransferError(
                f"{references[0]} and {reference} have different tokenizers ({len(first):,} and {len(other):,} "
                "tokens), so their predictions cannot be averaged.",
                hint="Move them onto one tokenizer first: `tokstudio transfer --recipe two-models-one-tokenizer`.",
            )


def _shares(weights: Sequence[float], count: int) -> list[float]:
    if not weights:
        return [1 / count] * count
    total = sum(weights)
    if len(weights) != count or min(weights) < 0 or not 0 < total < float("inf"):
        raise InputError(
            f"The weights {', '.join(f'{w:g}' for w in weights)} cannot be used for {count} models.",
            hint="Give one number for each model, none of them negative, not all 0.",
        )
    return [weight / total for weight in weights]
