"""Texts that are too long, and texts that are short: cut at a byte where both tokenizers cut, packed into rows."""

from collections.abc import Sequence

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.train.config import DataConfig
from tokstudio.train.data import TokenBatch, batch_of, prefix_id, token_batch
from tokstudio.train.marked import encode, masks


def batches(
    sides: Sequence[tuple[Tokenizer, int]], texts: Sequence[str], data: DataConfig, device: object = "cpu"
) -> list[TokenBatch]:
    """`texts` as each side's batch. `sides`: tokenizers, and how many tokens their models read."""
    if data.too_long == "refuse" and not data.pack:
        return [token_batch(t, texts, limit=limit, device=device) for t, limit in sides]
    room = [limit - (prefix_id(tokenizer) is not None) for tokenizer, limit in sides]
    every = [tuple(encode(tokenizer, text) for tokenizer, _ in sides) for text in texts]
    if data.too_long == "cut":
        every = [cut_at_common_byte(encodings, room) for encodings in every]
    elif any(len(e) > r for encodings in every for e, r in zip(encodings, room, strict=True)):
        return [token_batch(t, texts, limit=limit, device=device) for t, limit in sides]  # says which and why
    encoded = [[encodings[side] for encodings in every] for side in range(len(sides))]
    learnt = [masks(texts, found) for found in encoded]
    if not data.pack:
        return [
            batch_of(t, e, device=device, learned=m)
            for (t, _), e, m in zip(sides, encoded, learnt, strict=True)
        ]
    lengths = [
        [len(e) + (prefix_id(t) is not None) for e in found]
        for (t, _), found in zip(sides, encoded, strict=True)
    ]
    rows = pack(lengths, [limit for _, limit in sides])
    return [
        packed_batch(t, e, rows, device=device, learned=m)
        for (t, _), e, m in zip(sides, encoded, learnt, strict=True)
    ]


def cut_at_common_byte(encodings: Sequence[Encoding], limits: Sequence[int]) -> tuple[Encoding, ...]:
    """The longest beginning of the text that ends at a token edge of every side and fits each side's limit, in
    tokens. Empty where the first shared edge is already too far."""
    ends = [np.unique(np.append(e.spans[:, 1], 0)) for e in encodings]
    shared = ends[0]
    for other in ends[1:]:
        shared = np.intersect1d(shared, other, assume_unique=True)
    for encoding, limit in zip(encodings, limits, strict=True):
        if limit < len(encoding):
            reach = int(encoding.spans[limit, 0]) if limit > 0 else 0
            shared = shared[shared <= reach]
    stop = int(shared[-1]) if len(shared) else 0
    return tuple(_until(e, stop, limit) for e, limit in zip(encodings, limits, strict=True))


def _until(encoding: Encoding, stop: int, limit: int) -> Encoding:
    kept = int(np.searchsorted(encoding.spans[:, 1], stop, side="right"))
    kept = max(0, min(kept, limit))
    return Encoding(encoding.text[:stop], encoding.ids[:kept], encoding.spans[:kept])


def pack(lengths: Sequence[Sequence[int]], width: Sequence[int]) -> list[list[int]]:
    """Rows of texts, first fit: `lengths[side][text]` fit `width[side]` on every side. A text too long for a row
    has one of its own."""
    rows: list[list[int]] = []
    room: list[list[int]] = []
    order = sorted(range(len(lengths[0])), key=lambda k: -max(side[k] for side in lengths))
    for text in order:
        need = [side[text] for side in lengths]
        for row, free in zip(rows, room, strict=True):
            if all(n <= f for n, f in zip(need, free, strict=True)):
                row.append(text)
                free[:] = [f - n for f, n in zip(free, need, strict=True)]
                break
        else:
            rows.append([text])
            room.append([w - n for w, n in zip(width, need, strict=True)])
    return rows


def packed_batch(
    tokenizer: Tokenizer,
    encodings: Sequence[Encoding],
    rows: Sequence[Sequence[int]],
    *,
    device: object = "cpu",
    learned: tuple[np.ndarray, ...] = (),
) -> TokenBatch:
    """`rows`: which texts share a row, as `pack` says. Every text keeps its own prefix token and positions."""
    import torch

    prefix = prefix_id(tokenizer)
    offset = 0 if prefix is None else 1
    width = max(2, max(sum(len(encodings[k]) + offset for k in row) for row in rows))
    ids, positions = np.zeros((len(rows), width), np.int64), np.zeros((len(rows), width), np.int64)
    row_of, start_of = [0] * len(encodings), [0] * len(encodings)
    for number, row in enumerate(rows):
        column = 0
        for text in row:
            size = len(encodings[text]) + offset
            row_of[text], start_of[text] = number, column
            ids[number, column : column + offset] = prefix or 0
            ids[number, column + offset : column + size] = encodings[text].ids
            positions[number, column : column + size] = np.arange(size)
            column += size
        positions[number, column:] = np.arange(width - column)  # padding is a text of its own
    return TokenBatch(
        tuple(encodings),
        torch.from_numpy(ids).to(device),
        offset,
        tuple(row_of),
        tuple(start_of),
        torch.from_numpy(positions).to(device),
        learned,
    )
