"""How well a model predicts a text: bits of every token, and of every byte, so that tokenizers compare."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.models.lab.watch import forward
from tokstudio.tokens.base import Encoding, Tokenizer, special_id

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Score:
    encoding: Encoding
    bits: np.ndarray  # float32 [n] of each token; NaN where nothing came before it
    byte_bits: (
        np.ndarray
    )  # float32 [bytes]: a token's bits spread evenly over its bytes; NaN where no token is
    bits_per_byte: float

    @property
    def bytes(self) -> int:
        return len(self.encoding.text)


def prefix_of(tokenizer: Tokenizer) -> list[int]:
    """What stands before every text: BOS, else EOS, else nothing."""
    begin = special_id(tokenizer, "begin")
    found = special_id(tokenizer, "end") if begin is None else begin
    return [] if found is None else [found]


def score(model: "torch.nn.Module", tokenizer: Tokenizer, text: str) -> Score:
    """Bits = -log2 p(token | everything before it). The same measure as `train.evaluate`, for one text."""
    import torch

    encoding = tokenizer.encode(text)
    prefix = prefix_of(tokenizer)
    ids = [*prefix, *encoding.ids.tolist()]
    logits = forward(model, ids).logits[0].float()
    log_p = torch.log_softmax(logits[:-1], -1)
    following = torch.tensor(ids[1:], device=logits.device)
    nats = -log_p.gather(-1, following[:, None])[:, 0].cpu().numpy()
    bits = np.full(len(encoding), np.nan, np.float32)
    bits[len(bits) - len(nats) :] = nats / np.log(2)
    size = len(encoding.text)
    return Score(encoding, bits, spread(encoding, bits), float(np.nansum(bits)) / max(size, 1))


def spread(encoding: Encoding, bits: np.ndarray) -> np.ndarray:
    """Bits of each byte. A token that stands for no text gives its bits to none; where tokens overlap, all of them
    add up."""
    total = np.zeros(len(encoding.text) + 1, np.float64)
    covered = np.zeros(len(encoding.text) + 1, np.int64)
    starts, ends = encoding.spans[:, 0].astype(np.int64), encoding.spans[:, 1].astype(np.int64)
    known = (ends > starts) & ~np.isnan(bits)
    each = bits[known] / (ends - starts)[known]
    np.add.at(total, starts[known], each)
    np.add.at(total, ends[known], -each)
    np.add.at(covered, starts[known], 1)
    np.add.at(covered, ends[known], -1)
    inside = np.cumsum(covered)[:-1] > 0
    return np.where(inside, np.cumsum(total)[:-1], np.nan).astype(np.float32)
