"""The part of a byte-level BPE vocabulary that a text can use.

tiktoken needs 0.1 to 0.2 s to take in 100,000 tokens, a good part of a start's budget, and holds the
interpreter lock for much of it. Only bytes that stand side by side in a text can merge, so the tokens that
occur in the text give the same ids as the whole vocabulary (a test compares the two); a page of text has
under a thousand of them.
"""

from functools import lru_cache

import numpy as np

from tokstudio.tokens.table import TokenTable


def occurring(table: TokenTable, data: bytes) -> dict[bytes, int]:
    """Every token that stands somewhere in `data`, with its id."""
    blob, edges = table.blob, table.edges
    found = {}
    for i in _candidates(table, data).tolist():
        token = blob[edges[i] : edges[i + 1]].tobytes()
        if token in data:
            found[token] = i
    return found


def _candidates(table: TokenTable, data: bytes) -> np.ndarray:
    """Ids of the tokens all of whose byte triples occur in `data`: all that occur, and few others."""
    codes = np.frombuffer(data, np.uint8)
    present = [np.zeros(1 << bits, bool) for bits in (8, 16, 20)]
    for size, found in enumerate(present, 1):
        found[_codes(codes, np.arange(max(0, len(codes) - size + 1)), size)] = True
    lengths, first = _beginnings(table)
    kept = [ids[present[size - 1][begin]] for size, (ids, begin) in enumerate(first[:2], 1)]
    ids, begin = first[2]
    left = ids[present[2][begin]]
    for offset in range(int(lengths.max(initial=0)) - 2):  # most tokens are out after one or two triples
        if offset:
            left = _holding(table, left, offset, 3, present[2])
        kept.append(left[lengths[left] == offset + 3])
        left = left[lengths[left] > offset + 3]
        if not len(left):
            break
    return np.concatenate(kept)


@lru_cache(maxsize=8)
def _beginnings(table: TokenTable) -> tuple[np.ndarray, tuple[tuple[np.ndarray, np.ndarray], ...]]:
    """Lengths of all tokens; for those of one, of two, and of more bytes: their ids, and the codes of their first
    one, two, three bytes. The same at each key, and half of the work."""
    lengths = np.diff(table.edges)
    groups = (lengths == 1, lengths == 2, lengths >= 3)
    ids = [np.flatnonzero(group) for group in groups]
    return lengths, tuple((i, _codes(table.blob, table.edges[i], size)) for size, i in enumerate(ids, 1))


def _holding(table: TokenTable, ids: np.ndarray, offset: int, size: int, present: np.ndarray) -> np.ndarray:
    """Those of `ids` whose `size` bytes at `offset` are present."""
    return ids[present[_codes(table.blob, table.edges[ids] + offset, size)]]


def _codes(blob: np.ndarray, starts: np.ndarray, size: int) -> np.ndarray:
    """A code of the one to three bytes at each start, int32 [n], below 2**8, 2**16 and 2**20. Two different
    triples may share one."""
    shift = (0, 8, 6)[size - 1]
    code = blob[starts].astype(np.int32)
    for i in range(1, size):
        code = (code << shift) ^ blob[starts + i]
    return code
