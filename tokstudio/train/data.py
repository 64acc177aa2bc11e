"""Windows of text in a fixed, resumable order, and windows as padded id tensors."""

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tokstudio.errors import ConfigError, InputError
from tokstudio.tokens.base import Encoding, Tokenizer, special_id
from tokstudio.train.corpus import Document
from tokstudio.train.marked import cut, encode, masks

if TYPE_CHECKING:
    import torch

    from tokstudio.train.config import DataConfig, TrainConfig

SHARD = 32 << 20  # bytes of text that are mixed together, of documents that do not fit into memory
_POOL = 16  # batches sorted by length together: little padding, still well mixed


class WindowOrder:
    """Batch `i` of an endless pass over documents: a pure function of (documents, size, seed, i).

    Each epoch cuts the documents elsewhere and mixes them anew, so resuming needs no more than a number. Documents
    on the disk are mixed, and then taken a shard at a time, so that an epoch is never in memory as a whole.
    """

    def __init__(self, documents: Sequence[Document], *, window_bytes: int, batch_size: int, seed: int):
        self.documents, self.window_bytes, self.batch_size, self.seed = (
            documents,
            window_bytes,
            batch_size,
            seed,
        )
        self.shards = max(1, min(-(-getattr(documents, "bytes", 0) // SHARD), len(documents)))
        self._part, self._first, self._batches = -1, 0, []

    def __getitem__(self, index: int) -> list[str]:
        if index < self._first:
            self._part, self._first, self._batches = -1, 0, []
        while index >= self._first + len(self._batches):
            self._first += len(self._batches)
            self._part += 1
            self._batches = self._cut(*divmod(self._part, self.shards))
        return self._batches[index - self._first]

    def _shard(self, epoch: int, shard: int) -> Iterator[Document]:
        if self.shards == 1:
            yield from self.documents
            return
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.documents))
        for index in np.array_split(order, self.shards)[shard]:
            yield self.documents[int(index)]

    def _cut(self, epoch: int, shard: int) -> list[list[str]]:
        random = random_of(self.seed, epoch, shard)
        found = mixed(self._shard(epoch, shard), self.window_bytes, self.batch_size, random)
        if not found:
            raise nothing_to_learn()
        return found


def random_of(seed: int, epoch: int, shard: int) -> np.random.Generator:
    return np.random.default_rng((seed, epoch, shard) if shard else (seed, epoch))


def nothing_to_learn() -> InputError:
    return InputError("There is nothing to learn in this text.", hint="Choose another text to train on.")


def mixed(
    documents: Iterable[Document],
    window_bytes: int,
    size: int,
    random: np.random.Generator,
    *,
    fill: bool = True,
) -> list[list[str]]:
    """Batches of `size` windows in random order; none where there is nothing to learn. `fill`: fewer windows than a
    batch are repeated, else they are none."""
    pieces = []
    for document in documents:
        first = int(random.integers(window_bytes // 4, window_bytes + 1))
        pieces += cut(document.text, window_bytes, first=first)
    while fill and pieces and len(pieces) < size:  # a tiny corpus still fills a batch
        pieces = pieces + pieces
    shuffled = [pieces[i] for i in random.permutation(len(pieces))]
    batches = []
    for start in range(0, len(shuffled) - size + 1, size * _POOL):
        pool = sorted(shuffled[start : start + size * _POOL], key=len)
        rows = [pool[i : i + size] for i in range(0, len(pool) - size + 1, size)]
        batches += [rows[i] for i in random.permutation(len(rows))]
    return batches


def order_of(documents: Sequence[Document], data: "DataConfig", train: "TrainConfig") -> "Order":
    """The order in which a run reads `documents`."""
    make = getattr(documents, "order", None) or functools.partial(
        WindowOrder, documents
    )  # a stream has its own
    return make(window_bytes=data.window_bytes, batch_size=train.batch_size, seed=train.seed)


class Order(Protocol):
    """Batch `i` of an endless pass, however often it is asked for."""

    def __getitem__(self, index: int) -> list[str]: ...


def held_out_windows(documents: Sequence[Document], *, window_bytes: int, total_bytes: int) -> list[str]:
    """About `total_bytes` of text from all over the held-out documents: always the same ones."""
    if hasattr(documents, "part"):  # on the disk
        documents = documents.part(8 * total_bytes)
    named = [
        (hashlib.sha256(f"{d.name}#{i}".encode()).digest(), piece)
        for d in documents
        for i, piece in enumerate(cut(d.text, window_bytes))
    ]
    chosen, used = [], 0
    for _, piece in sorted(named):
        if used >= total_bytes:
            break
        chosen.append(piece)
        used += len(piece.encode())
    return chosen


def prefix_id(tokenizer: Tokenizer) -> int | None:
    """The token every window starts with, so that its first token can be scored: BOS, else EOS, else none."""
    begin = special_id(tokenizer, "begin")
    return special_id(tokenizer, "end") if begin is None else begin


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """Windows as one tokenizer's ids, right-padded. Causal attention makes a mask unnecessary.

    `encodings[b].ids[i]` stands at `input_ids[b, i + offset]`: `offset` is 1 where a prefix token was added.
    Packed, several texts share a row: text `b` begins in row `rows[b]` at column `starts[b]`, and `position_ids`
    begin anew with each, by which the models of transformers keep them apart.
    """

    encodings: tuple[Encoding, ...]
    input_ids: "torch.Tensor"  # int64 [b, l]
    offset: int
    rows: tuple[int, ...] = ()  # of each text; empty: one text a row
    starts: tuple[int, ...] = ()
    position_ids: "torch.Tensor | None" = None  # int64 [b, l]
    learned: tuple[
        np.ndarray, ...
    ] = ()  # bool [tokens] of each text: what a loss may count; empty: everything

    @property
    def tokens(self) -> int:
        return sum(len(e) for e in self.encodings)

    @property
    def bytes(self) -> int:
        return sum(len(e.text) for e in self.encodings)

    def base(self, text: int) -> int:
        """Flat position in [b * l] of the first column of `text`, its prefix included."""
        width = self.input_ids.shape[1]
        return self.rows[text] * width + self.starts[text] if self.rows else text * width

    def scored(self) -> "torch.Tensor":
        """Bool [b, l-1]: position i predicts a token of the text."""
        import torch

        device = self.input_ids.device
        if not self.rows:
            length = torch.tensor([len(e) + self.offset for e in self.encodings], device=device)
            return torch.arange(1, self.input_ids.shape[1], device=device)[None] < length[:, None]
        flags = np.zeros(self.input_ids.numel(), bool)
        for text, encoding in enumerate(self.encodings):
            base = self.base(text)
            flags[base : base + max(0, self.offset + len(encoding) - 1)] = True
        return torch.from_numpy(flags.reshape(self.input_ids.shape)[:, :-1]).to(device)

    def counted_positions(self) -> "torch.Tensor":
        """Flat positions in [b * l], int64 [n], that predict a token that a loss may count."""
        row, column = self.counted().nonzero(as_tuple=True)
        return row * self.input_ids.shape[1] + column

    def counted(self) -> "torch.Tensor":
        """Bool [b, l-1]: position i predicts a token that a loss may count."""
        import torch

        found = self.scored()
        if not self.learned:
            return found
        flags = np.zeros(self.input_ids.numel(), bool)
        for text, learned in enumerate(self.learned):
            at = self.base(text) + self.offset + np.flatnonzero(learned) - 1
            flags[at[at >= self.base(text)]] = True
        return found & torch.from_numpy(flags.reshape(self.input_ids.shape)[:, :-1]).to(found.device)

    def occupied(self) -> np.ndarray:
        """Flat positions, int64 [n], of all tokens, prefixes included: what is not padding."""
        parts = [
            np.arange(base := self.base(text), base + self.offset + len(encoding))
            for text, encoding in enumerate(self.encodings)
        ]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def token_batch(
    tokenizer: Tokenizer, texts: Sequence[str], *, limit: int, device: object = "cpu"
) -> TokenBatch:
    """Raises ConfigError where a window is longer than the model's `limit` of tokens."""
    encodings = tuple(encode(tokenizer, text) for text in texts)
    longest = max(map(len, encodings)) + (prefix_id(tokenizer) is not None)
    if longest > limit:
        raise ConfigError(
            f"A window of text is {longest:,} tokens of {tokenizer.name}; the model reads {limit:,}.",
            hint=f"Set data.window_bytes to {max(32, len(texts[0].encode()) * limit // longest // 2)} or less, "
            "or data.too_long to cut.",
        )
    return batch_of(tokenizer, encodings, device=device, learned=masks(texts, encodings))


def batch_of(
    tokenizer: Tokenizer,
    encodings: Sequence[Encoding],
    *,
    device: object = "cpu",
    prefix: int | None = None,
    learned: tuple[np.ndarray, ...] = (),
) -> TokenBatch:
    """One text a row, right-padded. `prefix`: what every row starts with, where `prefix_id` is not to say."""
    import torch

    prefix = prefix_id(tokenizer) if prefix is None else prefix
    offset = 0 if prefix is None else 1
    longest = max(map(len, encodings)) + offset
    rows = np.zeros((len(encodings), max(longest, 2)), np.int64)
    for row, encoding in zip(rows, encodings, strict=True):
        row[:offset] = prefix or 0
        row[offset : offset + len(encoding)] = encoding.ids
    return TokenBatch(tuple(encodings), torch.from_numpy(rows).to(device), offset, learned=learned)
