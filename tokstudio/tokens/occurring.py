"""The part of a byte-level BPE vocabulary that a text can use.

tiktoken needs 0.1 to 0.2 s to take in 100,000 tokens, a good part of a start's budget, and holds the
interpreter lock for much of it. Only bytes that stand side by side in a text can merge, so the tokens that
occur in the text give the same ids as the whole vocabulary (a test compares the two); a page of text has
under a thousand of them.
"""

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
    present = np.zeros(1 << 20, bool)
    present[_triples(np.frombuffer(data, np.uint8))] = True
    absent = np.append(0, np.cumsum(~present[_triples(table.blob)], dtype=np.int64))
    first = np.minimum(table.edges[:-1], len(absent) - 1)
    last = np.clip(
        table.edges[1:] - 2, first, len(absent) - 1
    )  # a triple that leaves its token does not count
    return np.flatnonzero(table.known & (absent[last] == absent[first]))


def _triples(codes: np.ndarray) -> np.ndarray:
    """A 20-bit code of every three neighbors, int32 [n - 2]; different triples may share one."""
    wide = codes.astype(np.int32)
    return (wide[:-2] << 12) ^ (wide[1:-1] << 6) ^ wide[2:]
