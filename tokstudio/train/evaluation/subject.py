"""A model with its tokenizer, ready to be measured: nats of every token of any encodings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import InputError, ModelError
from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.train.data import batch_of, prefix_id
from tokstudio.train.evaluate import token_nats

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Subject:
    name: str
    model: "torch.nn.Module"
    tokenizer: Tokenizer

    @property
    def prefix(self) -> int | None:
        """What every window is conditioned on: the tokenizer's BOS, else its EOS, else what the model's config says
        is one, where this tokenizer agrees that it is special."""
        found = prefix_id(self.tokenizer)
        if found is not None:
            return found
        special = set(self.tokenizer.special_tokens.values())
        named = [getattr(self.model.config, name, None) for name in ("bos_token_id", "eos_token_id")]
        return next((token for token in named if isinstance(token, int) and token in special), None)

    @property
    def prefix_text(self) -> str | None:
        names = {token: name for name, token in self.tokenizer.special_tokens.items()}
        return None if self.prefix is None else names.get(self.prefix, f"#{self.prefix}")

    @property
    def limit(self) -> int:
        """Tokens that the model reads; families without a fixed number have no limit here."""
        return getattr(self.model.config, "max_position_embeddings", None) or 1 << 30

    def nats(self, encodings: Sequence[Encoding], *, batch_size: int = 16) -> list[np.ndarray]:
        """-ln p of each token, float64 [n] an encoding; NaN for a first token with nothing before it.

        Raises InputError for what is too long for the model, or has ids that the model does not.
        """
        self._check(encodings)
        found: list[np.ndarray] = [np.zeros(0)] * len(encodings)
        was_training = self.model.training
        self.model.eval()
        try:
            for at, nats in self._batches(encodings, batch_size):
                found[at] = nats
        finally:
            self.model.train(was_training)
        known = 0 if self.prefix is not None else 1
        if not all(np.isfinite(nats[known:]).all() for nats in found):
            raise ModelError(
                f"{self.name} gives scores that are no numbers.",
                hint="Its weights hold NaN or infinity: training may have diverged.",
            )
        return found

    def _batches(self, encodings: Sequence[Encoding], batch_size: int) -> Iterator[tuple[int, np.ndarray]]:
        import torch

        device, prefix = next(self.model.parameters()).device, self.prefix
        order = sorted(range(len(encodings)), key=lambda i: len(encodings[i]))  # little padding
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                batch = batch_of(self.tokenizer, [encodings[i] for i in chosen], device=device, prefix=prefix)
                for i, row in zip(chosen, token_nats(self.model, batch), strict=True):
                    size = len(encodings[i])
                    nats = np.full(size, np.nan)
                    scored = size if batch.offset else max(size - 1, 0)
                    nats[size - scored :] = row[:scored]
                    yield i, nats

    def _check(self, encodings: Sequence[Encoding]) -> None:
        rows = self.model.get_input_embeddings().weight.shape[0]
        largest = max((int(e.ids.max()) for e in encodings if len(e)), default=0)
        if largest >= rows:
            raise InputError(
                f"{self.tokenizer.name} has the id {largest:,}; {self.name} has {rows:,} rows.",
                hint="This model was made for another tokenizer: name its own with --tokenizer.",
            )
        longest = max(encodings, key=len, default=None)
        if longest is not None and len(longest) + (self.prefix is not None) > self.limit:
            fits = max(32, len(longest.text) * self.limit // len(longest) * 3 // 4)
            raise InputError(
                f"A text is {len(longest) + (self.prefix is not None):,} tokens of {self.tokenizer.name}; "
                f"{self.name} reads {self.limit:,}.",
                hint=f"Measure shorter texts, of about {fits:,} bytes: --window-bytes {fits}.",
            )
