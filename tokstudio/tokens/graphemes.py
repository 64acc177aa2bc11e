"""User-perceived characters: where a text may be cut without tearing an accent, a flag or a family apart.

Unicode's extended grapheme clusters (UAX #29), by the `regex` library; characters that never join with
another one are found by NumPy, so that a megabyte takes milliseconds.
"""

import numpy as np

SIMPLE = (  # ranges in which every character stands alone, whatever is beside it; all else is asked
    (0x00, 0x0C),
    (0x0E, 0x2FF),
    (0x370, 0x482),
    (0x48A, 0x52F),
    (0x3041, 0x3096),
    (0x30A1, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
)


def grapheme_starts(text: bytes) -> np.ndarray:
    """int64 [n + 1]: the byte at which each begins, and the length of `text` at the end. `text` is UTF-8."""
    data = np.frombuffer(text, np.uint8)
    char_at = np.flatnonzero((data & 0xC0) != 0x80)
    joined = text.decode()
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    first = np.ones(len(points), bool)  # does the character begin a grapheme?
    for start, stop in _asked(points):
        first[start + 1 : stop] = False
        first[_ends(joined[start:stop], start, stop)] = True
    return np.append(char_at[first], len(text))


def _ends(part: str, start: int, stop: int) -> list[int]:
    import regex

    return [start + found.end() for found in regex.finditer(r"\X", part) if start + found.end() < stop]


def _asked(points: np.ndarray) -> list[tuple[int, int]]:
    """Runs of characters that may join, each with a neighbor on both sides."""
    odd = np.ones(len(points), bool)
    for low, high in SIMPLE:
        odd &= (points < low) | (points > high)
    near = odd.copy()
    near[:-1] |= odd[1:]
    near[1:] |= odd[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], near.view(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
