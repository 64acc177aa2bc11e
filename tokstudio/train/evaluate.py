"""Bits per byte: the one loss that means the same for every tokenizer.

    BpB = - sum over windows and tokens of log2 p(token | tokens before it) / bytes of text
        = log2(perplexity per token) * tokens / bytes

The model is conditioned on its BOS (else EOS) and never scored on it; the first token of the text is scored;
an end-of-text token is neither scored nor counted. Windows are cut at line ends and have the same bytes for all
tokenizers, each on its own: nobody sees more text than the other. Of chats whose answers alone are learnt, these
alone are measured: their tokens, and their bytes. A tokenizer splits a text in one canonical
way while other splits have some probability too, so this is an upper bound of the text's true information.
Intervals, two models on the same windows, reference lines and multiple choice: tokstudio.train.evaluation.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.train.data import TokenBatch, token_batch
from tokstudio.train.marked import trained_bytes

if TYPE_CHECKING:
    import torch


WHOLE_ELEMENTS = {"cpu": 1 << 22, "cuda": 1 << 26}  # logits up to which they are made at once: 17 and 268 MB


@dataclass(frozen=True)
class BitsPerByte:
    value: float
    nats: float
    tokens: int
    bytes: int
    windows: int
    lossy: int  # windows that the tokenizer does not give back exactly: their bits miss what was lost
    unscored: int = 0  # first tokens of windows, where there was no token to condition on

    @property
    def perplexity(self) -> float:
        """Per scored token: of no use beside that of another tokenizer, whose tokens are other pieces of text."""
        mean = self.nats / max(self.tokens - self.unscored, 1)
        if not mean < 700:  # e^709 is the largest that a float holds
            return math.inf
        ppl = math.exp(mean)
        again = math.log2(ppl) * (self.tokens - self.unscored) / max(self.bytes, 1)
        assert math.isclose(again, self.value, rel_tol=1e-9, abs_tol=1e-12)
        return ppl


def next_token_nats(logits: "torch.Tensor", batch: TokenBatch) -> "torch.Tensor":
    """Sum of -ln p over the scored tokens; `logits` [b, l-1, v] in fp32 are those of all positions but the last."""
    return _cross_entropy(logits, batch, "sum")


def _cross_entropy(logits: "torch.Tensor", batch: TokenBatch, reduction: str) -> "torch.Tensor":
    import torch

    targets = batch.input_ids[:, 1:].masked_fill(~batch.counted(), -100)
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction=reduction
    )


def token_nats(model: "torch.nn.Module", batch: TokenBatch) -> np.ndarray:
    """-ln p of each token after those before it, float64 [b, l-1], 0 where nothing is scored.

    Large vocabularies are scored a few rows at a time, where the head is a plain matrix: a quarter less time on a CPU,
    whose cache a few rows fit (measured: 64 KiB of text in 1.7 s instead of 2.3 s), and a fraction of the memory.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    if batch.input_ids.numel() * rows > WHOLE_ELEMENTS.get(batch.input_ids.device.type, 1 << 26):
        from tokstudio.train.forward import scores_of
        from tokstudio.train.head import splits_well

        if splits_well(model):
            picked = scores_of(model, batch, needs=frozenset(), precision="fp32").picked
            return -picked.where(batch.counted(), 0.0).double().cpu().numpy()
    logits = model(input_ids=batch.input_ids, use_cache=False).logits[:, :-1].float()
    nats = _cross_entropy(logits, batch, "none")
    return nats.view(logits.shape[:2]).double().cpu().numpy()


def bits_per_byte(
    model: "torch.nn.Module",
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    batch_size: int = 16,
    limit: int = 0,
    each: Callable[[Encoding, np.ndarray], object] | None = None,
) -> BitsPerByte:
    """Measure `model` on `texts`. `limit`: longest input in tokens (default: what the model's config says). `each` is
    given every text with -ln p of its tokens, 0 where one is not scored."""
    import torch

    device = next(model.parameters()).device
    limit = limit or model.config.max_position_embeddings
    was_training = model.training
    model.eval()
    nats = tokens = lossy = unscored = 0
    with torch.inference_mode():
        order = sorted(texts, key=len)  # neighbours of equal length: little padding
        for start in range(0, len(order), batch_size):
            batch = token_batch(tokenizer, order[start : start + batch_size], limit=limit, device=device)
            found = token_nats(model, batch)
            nats += float(found.sum())
            if each is not None:
                for encoding, own in zip(batch.encodings, found, strict=True):
                    each(
                        encoding,
                        np.append(np.zeros(1 - batch.offset), own[: len(encoding) + batch.offset - 1]),
                    )
            tokens += batch.tokens
            unscored += batch.tokens - int(batch.counted().sum())
            if not batch.learned:  # special tokens of a chat give back nothing
                lossy += sum(tokenizer.decode(np.asarray(e.ids)) != e.text for e in batch.encodings)
    model.train(was_training)
    size = sum(trained_bytes(t) for t in texts)
    return BitsPerByte(nats / np.log(2) / max(size, 1), nats, tokens, size, len(texts), lossy, unscored)
