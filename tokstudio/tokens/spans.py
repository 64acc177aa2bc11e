"""From what a library reports to byte ranges of the text.

Libraries report characters, or characters rounded outwards (four byte tokens of one emoji all say "this
emoji"), or nothing. Two sources of truth mend that: the bytes each token stands for, and the reported range.
"""

import unicodedata

import numpy as np

from tokstudio.tokens.table import TokenTable


def stack(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """int32 [n, 2]"""
    return np.stack([starts, stops], axis=1).astype(np.int32)


def by_lengths(data: bytes, ids: np.ndarray, table: TokenTable) -> np.ndarray | None:
    """Spans int32 [n, 2] where the tokens, joined, are the text, or a white-space prefix and the text
    (SentencePiece puts one in front); None where they are not, because something was normalized.

    Exact: tokens in order whose bytes make up the text have only one place each.
    """
    joined = table.join(ids)
    prefix = len(joined) - len(data)
    if prefix < 0 or prefix > 1 or (prefix and joined[:1] != b" ") or joined[prefix:] != data:
        return None
    stops = np.cumsum(table.lengths(ids))
    return stack(np.maximum(stops - table.lengths(ids) - prefix, 0), np.maximum(stops - prefix, 0))


def character_edges(data: bytes) -> np.ndarray:
    """Byte offset of every character of valid UTF-8 `data`, and the end: int64 [characters + 1]."""
    codes = np.frombuffer(data, np.uint8)
    return np.append(np.flatnonzero((codes & 0xC0) != 0x80), len(data))


def settle(data: bytes, ids: np.ndarray, ranges: np.ndarray, table: TokenTable) -> np.ndarray:
    """Reported byte ranges int64 [n, 2] made true, monotone and free of overlaps: int32 [n, 2].

    - Tokens that report overlapping ranges are told apart by their bytes where those are the text's.
    - White space that the library trimmed off a range comes back if the token's bytes hold it.
    - Combining marks that composed with a token's last character belong to that token.
    - Where a normalizer made several tokens of one character ("ﬁ" to "f", "i"), no byte of the text tells
      them apart: the first gets the character, the others are zero-width behind it.
    """
    if not len(ids):
        return np.zeros((0, 2), np.int32)
    ranges = np.clip(ranges, 0, len(data))
    reach = np.maximum.accumulate(ranges[:, 1])
    firsts = np.flatnonzero(np.append(True, ranges[1:, 0] >= reach[:-1]))
    lasts = np.append(firsts[1:], len(ids))
    spans = ranges.copy()
    for group in _hard(ids, ranges, firsts, lasts, table).tolist():
        first, last = int(firsts[group]), int(lasts[group])
        floor = int(spans[first - 1, 1]) if first else 0
        ceiling = int(ranges[last, 0]) if last < len(ids) else len(data)
        reported = max(int(ranges[first, 0]), floor), max(int(reach[last - 1]), floor)
        cuts = _cuts(data, [table.bytes_of(i) for i in ids[first:last].tolist()], *reported, floor, ceiling)
        spans[first:last] = _clipped(ranges[first:last], floor) if cuts is None else cuts
    return take_marks(data, spans).astype(np.int32)


def _hard(
    ids: np.ndarray, ranges: np.ndarray, firsts: np.ndarray, lasts: np.ndarray, table: TokenTable
) -> np.ndarray:
    """Indices of the groups to look into: tokens that overlap, or one that is not as long as reported."""
    fits = (table.lengths(ids) == ranges[:, 1] - ranges[:, 0]) | ~table.known[ids]
    return np.flatnonzero((lasts - firsts > 1) | ~fits[firsts])


def _cuts(
    data: bytes, pieces: list[bytes | None], start: int, stop: int, floor: int, ceiling: int
) -> np.ndarray | None:
    """Spans of one group that reports `data[start:stop]` as a whole and may reach from `floor` to `ceiling`,
    or None where its bytes do not tell."""
    if any(piece is None for piece in pieces):
        return None
    place = _place(data[:ceiling], b"".join(pieces), start, stop, floor)
    if place is None:
        return None
    lengths = np.array([len(piece) for piece in pieces])
    stops = np.cumsum(lengths) + place[0]
    return np.maximum(np.stack([stops - lengths, stops], axis=1), place[1])


def _place(data: bytes, joined: bytes, start: int, stop: int, floor: int) -> tuple[int, int] | None:
    """Where `joined` begins in the text, and the first offset that it may claim: the two differ where it
    begins with a space that the text does not have."""
    reported = data[start:stop]
    if len(joined) == len(reported):  # the same text, or the same size after a change of case
        return start, start
    inside = joined.find(reported) if reported else len(joined)
    for origin in (start - inside, start):  # white space alone reports an empty range behind or before itself
        if inside >= 0 and origin >= floor and data[origin : origin + len(joined)] == joined:
            return origin, origin
    if reported and joined.endswith(reported) and joined[: -len(reported)].isspace():
        return stop - len(joined), start
    return None


def _clipped(ranges: np.ndarray, floor: int) -> np.ndarray:
    """The reported ranges, each without what the ones before it took."""
    stops = np.maximum.accumulate(np.maximum(ranges[:, 1], floor))
    starts = np.maximum(ranges[:, 0], np.append(floor, stops[:-1]))
    return np.stack([starts, np.maximum(stops, starts)], axis=1)


def take_marks(data: bytes, spans: np.ndarray) -> np.ndarray:
    """`spans`, extended over the combining marks in the gap behind each: they composed with its last
    character, or a normalizer dropped them. Zero-width spans between the two move behind the marks."""
    spans, wide = spans.copy(), spans[:, 1] > spans[:, 0]
    starts = np.append(np.where(wide, spans[:, 0], len(data)), len(data))
    nexts = np.minimum.accumulate(starts[::-1])[::-1][1:]  # where the next span that covers something begins
    codes = np.frombuffer(data + b"\0", np.uint8)
    marked = wide & (nexts > spans[:, 1]) & (codes[spans[:, 1]] >= 0xCC)  # U+0300 and above
    for i in np.flatnonzero(marked).tolist():
        stop = int(spans[i, 1])
        for character in data[stop : nexts[i]].decode(errors="replace"):
            if not _joins(character):
                break
            stop += len(character.encode())
        spans[i, 1] = stop
        inside = slice(i + 1, int(np.searchsorted(spans[:, 0], stop)))
        spans[inside] = np.maximum(spans[inside], stop)
    return spans


def _joins(character: str) -> bool:
    """Does it compose with what is before it? Marks do, and the vowels and finals of Hangul."""
    return unicodedata.category(character).startswith("M") or "\u1160" <= character <= "\u11ff"


def with_specials(spans: np.ndarray, special: np.ndarray, size: int) -> np.ndarray:
    """Spans of all tokens int32 [n, 2], given those of the tokens that are not `special` (bool [n]): special
    tokens are zero-width at the end of the token before them, the last ones at the end of the text."""
    out = np.zeros((len(special), 2), np.int32)
    out[~special] = spans
    inside = np.maximum.accumulate(np.where(special, 0, out[:, 1]))
    after = np.flip(np.logical_and.accumulate(np.flip(special))) & (not special.all())
    out[special] = np.where(after, size, inside)[special, None]
    return out
