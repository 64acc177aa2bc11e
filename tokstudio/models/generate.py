"""Greedy continuation of a prompt."""

from typing import TYPE_CHECKING

import numpy as np

from tokstudio.tokens.base import Tokenizer

if TYPE_CHECKING:
    import torch


def greedy(
    model: "torch.nn.Module",
    tokenizer: Tokenizer,
    prompt: str,
    *,
    max_new_tokens: int,
    prefix: int | None = None,
) -> str:
    """What `model` finds most likely to follow `prompt`, until it ends the text or the limit is reached.

    `prefix`: the token to put in front (BOS). Bytes that are no valid UTF-8 come back as U+FFFD.
    """
    import torch

    ids = [*([] if prefix is None else [prefix]), *tokenizer.encode(prompt).ids.tolist()]
    device = next(model.parameters()).device
    ends = set(tokenizer.special_tokens.values())
    was_training, cache, step_ids, new = model.training, None, ids or [0], []
    model.eval()
    with torch.inference_mode():
        while len(new) < max_new_tokens:
            out = model(
                input_ids=torch.tensor([step_ids], device=device), past_key_values=cache, use_cache=True
            )
            token, cache = int(out.logits[0, -1].argmax()), out.past_key_values
            if token in ends:
                break
            new.append(token)
            step_ids = [token]
    model.train(was_training)
    return tokenizer.decode(np.array(new, np.int32)).decode("utf-8", "replace")
