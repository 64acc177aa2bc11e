"""Several models with one vocabulary say together what comes next.

Models that were moved onto one tokenizer have the same tokens, though maybe other ids for them, other special tokens
and other padding of their matrices. What counts are the ordinary tokens that all of them have, found by their bytes,
and the end of a text, found by its role. With p_k, z_k the probabilities and logits of model k over these,

    probabilities:  p = mean_k p_k            logits:  p = softmax(mean_k z_k)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.align.overlap import byte_table
from tokstudio.errors import ModelError
from tokstudio.tokens.base import Tokenizer, special_id

if TYPE_CHECKING:
    import torch

COMBINE = ("probabilities", "logits")
LEAST_SHARED = 0.9  # of the largest vocabulary: below it, the models are not of one tokenizer


@dataclass(frozen=True)
class Member:
    model: Any
    tokenizer: Tokenizer


@dataclass(frozen=True)
class Score:
    nats: float
    tokens: int
    bytes: int

    @property
    def bits_per_byte(self) -> float:
        return self.nats / np.log(2) / max(1, self.bytes)


class Ensemble:
    """Raises ModelError where the members have not one vocabulary."""

    def __init__(self, members: Sequence[Member], combine: str = "probabilities"):
        if not members or combine not in COMBINE:
            raise ModelError(f"An ensemble needs models, and one of {', '.join(COMBINE)}.")
        self.members, self.combine = list(members), combine
        tables = [byte_table(m.tokenizer) for m in members]
        shared = set.intersection(*(set(table) for table in tables))
        largest = max(map(len, tables))
        if len(shared) < LEAST_SHARED * largest:
            names = " and ".join(dict.fromkeys(m.tokenizer.name for m in members))
            raise ModelError(
                f"{names} share {len(shared):,} of {largest:,} tokens, so these models cannot speak together.",
                hint="Move them onto one tokenizer first: tokstudio transfer.",
            )
        self.spelled = sorted(shared)
        ends = [special_id(m.tokenizer, "end") for m in members]
        self.ends = None not in ends
        columns = [[table[data] for data in self.spelled] for table in tables]
        self.columns = [
            np.array(c + ([end] if self.ends else []), np.int64) for c, end in zip(columns, ends, strict=True)
        ]

    @cached_property
    def _place(self) -> dict[bytes, int]:
        return {data: place for place, data in enumerate(self.spelled)}

    def log_probabilities(self, logits: "Sequence[torch.Tensor]") -> "torch.Tensor":
        """[..., n] over the shared tokens, the end of the text last, from each member's logits [..., v]."""
        import torch

        chosen = [
            z[..., torch.from_numpy(c).to(z.device)].float().to(logits[0].device)
            for z, c in zip(logits, self.columns, strict=True)
        ]
        if self.combine == "logits":
            return torch.log_softmax(torch.stack(chosen).mean(0), -1)
        each = torch.stack([torch.log_softmax(z, -1) for z in chosen])
        return torch.logsumexp(each, 0) - float(np.log(len(chosen)))

    def places(self, text: str) -> np.ndarray:
        """The text in shared tokens. Raises ModelError where the members cut it differently, or some lack a token."""
        found = [
            [m.tokenizer.token_bytes(int(t)) for t in m.tokenizer.encode(text).ids] for m in self.members
        ]
        if any(other != found[0] for other in found):
            raise ModelError(
                "The models' tokenizers cut this text differently.",
                hint="Move them onto one tokenizer first.",
            )
        if any(data not in self._place for data in found[0]):
            raise ModelError("The text has a token that not all of the models know.")
        return np.array([self._place[data] for data in found[0]], np.int64)

    def score(self, text: str) -> Score:
        """What the text costs; its first token is conditioned on each model's own begin token."""
        import torch

        places = self.places(text)
        logits = []
        with torch.inference_mode():
            for member, columns in zip(self.members, self.columns, strict=True):
                ids = torch.tensor(
                    [[_first(member.tokenizer), *columns[places].tolist()]], device=_device(member.model)
                )
                logits.append(member.model(input_ids=ids, use_cache=False).logits[0, :-1])
            said = self.log_probabilities(logits).gather(
                1, torch.from_numpy(places).to(logits[0].device)[:, None]
            )
        return Score(-float(said.double().sum()), len(places), len(text.encode()))

    def generate(self, prompt: str, *, max_new_tokens: int) -> str:
        """What they find most likely to follow, token by token, until the text ends or the limit is reached."""
        import torch

        new: list[int] = []
        steps = [
            [_first(m.tokenizer), *c[self.places(prompt)].tolist()]
            for m, c in zip(self.members, self.columns, strict=True)
        ]
        caches: list[Any] = [None] * len(self.members)
        with torch.inference_mode():
            while len(new) < max_new_tokens:
                logits = []
                for k, member in enumerate(self.members):
                    ids = torch.tensor([steps[k]], device=_device(member.model))
                    out = member.model(input_ids=ids, past_key_values=caches[k], use_cache=True)
                    caches[k] = out.past_key_values
                    logits.append(out.logits[0, -1])
                best = int(self.log_probabilities(logits).argmax())
                if best == len(self.spelled):
                    break
                new.append(best)
                steps = [[int(columns[best])] for columns in self.columns]
        return b"".join(self.spelled[place] for place in new).decode("utf-8", "replace")


def _first(tokenizer: Tokenizer) -> int:
    for role in ("begin", "end"):
        if (found := special_id(tokenizer, role)) is not None:
            return found
    raise ModelError(f"{tokenizer.name} has neither a begin nor an end token to start a text with.")


def _device(model: Any) -> "torch.device":
    return next(model.parameters()).device
