"""One forward pass: hidden states and scores, with as little of the logits as the objectives ask for."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from tokstudio.errors import ConfigError
from tokstudio.models.device import autocast
from tokstudio.train.data import TokenBatch
from tokstudio.train.head import split
from tokstudio.train.projector import refresh
from tokstudio.train.scores import AnyScores, HeadScores, Scores

QKV = ("q_proj", "k_proj", "v_proj")


def scores_of(
    model: Any,
    batch: TokenBatch,
    *,
    needs: frozenset[str],
    precision: str,
    whole: bool = False,
    tokens: int = 0,
) -> AnyScores:
    """`needs`: as objectives name them. `whole`: with all logits at once, as for a head that is no plain matrix.
    `tokens`: rows beyond are padding and get no probability; 0: there are none."""
    device = batch.input_ids.device
    inputs: dict[str, Any] = {"input_ids": batch.input_ids, "use_cache": False}
    if batch.position_ids is not None:
        inputs["position_ids"] = batch.position_ids
    if needs & {"hidden", "all_hidden", "embeddings"}:
        inputs["output_hidden_states"] = True
    refresh(model)
    parts = None if whole or _small(model, batch, needs) else split(model)
    with autocast(device, precision) as mode, _captured(model, "qkv" in needs) as captured:
        output = model(**inputs) if parts is None else parts[0](**inputs)
    latents = _latents(output, captured, needs)
    if "head" in needs:
        latents["head"] = [model.get_output_embeddings().weight]
    with torch.autocast(device.type, enabled=False):  # sums and exponentials stay in fp32
        if parts is None:
            return Scores.of(output.logits[..., :tokens] if tokens else output.logits, batch, latents)
        dtype = torch.bfloat16 if mode is not None else None
        head = parts[1].first(tokens) if tokens else parts[1]
        return HeadScores(output.last_hidden_state, head, batch, dtype=dtype, latents=latents)


def _small(model: Any, batch: TokenBatch, needs: frozenset[str]) -> bool:
    """Are distributions asked for, and so few that making them twice is all that a few rows at a time would do?"""
    from tokstudio.train.readings import WHOLE_ELEMENTS

    rows = model.get_input_embeddings().weight.shape[0]
    return "distributions" in needs and batch.input_ids.numel() * rows <= WHOLE_ELEMENTS


def _latents(output: Any, captured: dict[str, list], needs: frozenset[str]) -> dict[str, list]:
    found = {}
    if "hidden" in needs:
        found["hidden"] = [output.hidden_states[-1]]
    if "all_hidden" in needs:
        found["all_hidden"] = list(output.hidden_states[1:])
    if "embeddings" in needs:
        found["embeddings"] = [output.hidden_states[0]]
    if "qkv" in needs:
        found["qkv"] = [torch.cat(layer, -1) for layer in zip(*captured.values(), strict=True)]
    return found


@contextlib.contextmanager
def _captured(model: Any, wanted: bool) -> Iterator[dict[str, list]]:
    """Outputs of the query, key and value projections while the context lasts, in order of the layers."""
    found: dict[str, list] = {name: [] for name in QKV}
    if not wanted:
        yield found
        return
    hooks = []
    for name, module in model.named_modules():
        if (last := name.rpartition(".")[2]) in QKV:
            hooks.append(module.register_forward_hook(lambda m, i, o, last=last: found[last].append(o)))
    if not hooks:
        raise ConfigError(
            "This architecture has no separate query, key and value projections.",
            hint="Set latents.what to last_hidden or all_hidden.",
        )
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
