"""Generation, token by token, with the odds of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import InputError, ModelError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. The filters act in this order: repetition, temperature, top-k, top-p."""

    temperature: float = 0.0  # 0: always the most likely token
    top_k: int = 0  # 0: all
    top_p: float = 1.0
    repetition_penalty: float = 1.0  # 1: none (Keskar et al. 2019, arXiv 1909.05858)
    seed: int = 17
    max_new_tokens: int = 128

    def __post_init__(self):
        for name, low, high in (
            ("temperature", 0.0, 100.0),
            ("top_k", 0, 10**9),
            ("top_p", 0.0, 1.0),
            ("repetition_penalty", 0.01, 100.0),
            ("max_new_tokens", 1, 10**6),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(
                    f"{name} = {getattr(self, name)} is out of range.", hint=f"Use {low} to {high}."
                )


@dataclass(frozen=True, eq=False)
class Drawn:
    """One new token. Probabilities are the model's own, before any filter."""

    token: int
    probability: float
    entropy: float  # bits of the model's own distribution
    alternatives: np.ndarray  # int64 [k] most likely tokens
    odds: np.ndarray  # float32 [k]
    ends: bool  # it is a token that ends the text


def write(
    model: "torch.nn.Module",
    ids: Sequence[int],
    sampling: Sampling,
    *,
    ends: frozenset[int] = frozenset(),
    alternatives: int = 5,
) -> Iterator[Drawn]:
    """Continue `ids` until one of `ends` or the limit; the model's context length is a limit, too.

    Leave the iterator whenever it is enough.
    """
    import torch

    if not ids:
        raise ModelError("There is no token to start from.", hint="Type a prompt.")
    device = next(model.parameters()).device
    random = torch.Generator(device=device).manual_seed(sampling.seed)
    room = getattr(model.config, "max_position_embeddings", None) or 10**9
    if len(ids) > room:
        raise ModelError(f"The prompt is {len(ids):,} tokens; the model reads {room:,}.", hint="Shorten it.")
    seen, step, cache = list(ids), list(ids), None
    model.eval()
    for _ in range(min(sampling.max_new_tokens, room - len(ids))):
        with torch.inference_mode():
            out = model(input_ids=torch.tensor([step], device=device), past_key_values=cache, use_cache=True)
            cache, logits = out.past_key_values, out.logits[0, -1].float()
            log_p = torch.log_softmax(logits, -1)
            token = draw(logits, seen, sampling, random)
            best = log_p.topk(min(alternatives, len(log_p)))
            entropy = float(-(log_p.exp() * log_p).sum() / np.log(2))
            drawn = Drawn(
                token,
                float(log_p[token].exp()),
                entropy,
                best.indices.cpu().numpy(),
                best.values.exp().cpu().numpy(),
                token in ends,
            )
        yield drawn
        if drawn.ends:
            return
        seen.append(token)
        step = [token]


def draw(logits: "torch.Tensor", seen: Sequence[int], sampling: Sampling, random: "torch.Generator") -> int:
    """One token id out of `logits` [v]."""
    import torch

    logits = logits.clone()
    if sampling.repetition_penalty != 1.0:
        before = torch.tensor(sorted(set(seen)), device=logits.device)
        kept = logits[before]
        logits[before] = torch.where(
            kept > 0, kept / sampling.repetition_penalty, kept * sampling.repetition_penalty
        )
    if sampling.temperature == 0:
        return int(logits.argmax())
    logits = logits / sampling.temperature
    if sampling.top_k:
        floor = logits.topk(min(sampling.top_k, len(logits))).values[-1]
        logits = logits.masked_fill(logits < floor, -torch.inf)
    if sampling.top_p < 1.0:
        ordered, order = logits.sort(descending=True)
        p = ordered.softmax(-1)
        outside = p.cumsum(-1) - p >= sampling.top_p  # the token that crosses the line stays
        outside[0] = False
        logits[order[outside]] = -torch.inf
    return int(torch.multinomial(logits.softmax(-1), 1, generator=random))
