"""For every token of one vocabulary the nearest of another, by edit distance of their bytes."""

from collections.abc import Mapping

import numpy as np

from tokstudio.align.overlap import overlap
from tokstudio.tokens.base import Tokenizer


def edit_distances(data: bytes, others: np.ndarray) -> np.ndarray:
    """Levenshtein distance of `data` to each row of `others` (uint8 [n, k], all k bytes long): int64 [n]."""
    count, length = others.shape
    row = np.broadcast_to(np.arange(length + 1), (count, length + 1)).copy()
    for number, byte in enumerate(data, 1):
        new = np.empty_like(row)
        new[:, 0] = number
        for k in range(1, length + 1):
            change = row[:, k - 1] + (others[:, k - 1] != byte)
            new[:, k] = np.minimum(np.minimum(row[:, k], new[:, k - 1]) + 1, change)
        row = new
    return row[:, -1]


def by_length(tokenizer: Tokenizer) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Length -> (ids, bytes uint8 [n, length]) of the ordinary tokens."""
    found: dict[int, list[tuple[int, bytes]]] = {}
    for token in range(len(tokenizer)):
        if data := tokenizer.token_bytes(token):
            found.setdefault(len(data), []).append((token, data))
    return {
        length: (
            np.array([t for t, _ in tokens]),
            np.frombuffer(b"".join(d for _, d in tokens), np.uint8).reshape(-1, length),
        )
        for length, tokens in found.items()
    }


def nearest(data: bytes, known: Mapping[int, tuple[np.ndarray, np.ndarray]]) -> int:
    """The token with the least distance to `data`; of several, the one nearest in length, then the lowest id.
    Lengths that cannot be better are not looked at."""
    best, token = 1 << 30, -1
    for length in sorted(known, key=lambda n: (abs(n - len(data)), n)):
        if abs(length - len(data)) >= best:
            break
        ids, spelled = known[length]
        distance = edit_distances(data, spelled)
        if (least := int(distance.min())) < best:
            best, token = least, int(ids[distance.argmin()])
    return token


def nearest_map(source: Tokenizer, target: Tokenizer) -> np.ndarray:
    """Source id for every target id, int64 [v_target]: the same bytes or role where there are, else the nearest
    by edit distance; -1 for a special or unused id that matches nothing."""
    found = overlap(source, target).match.astype(np.int64)
    known = by_length(source)
    for token in np.flatnonzero(found < 0):
        if data := target.token_bytes(int(token)):
            found[token] = nearest(data, known)
    return found
