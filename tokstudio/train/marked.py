"""Texts of which only a part is learnt: what an assistant says in a chat, what follows a prompt.

A `Marked` text is a string that carries its marks along, so that whoever handles texts handles it, too. In it special
tokens that the chat template writes are special tokens; those that stand in what a person wrote are text.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer

Ranges = tuple[tuple[int, int], ...]  # half-open, bytes of UTF-8, ascending


class Marked(str):
    """`trained`: what is learnt. `verbatim`: where special tokens that are written out are plain text."""

    trained: Ranges
    verbatim: Ranges


def marked(text: str, trained: Ranges, verbatim: Ranges = ()) -> Marked:
    made = Marked(text)
    made.trained, made.verbatim = trained, verbatim
    return made


def encode(tokenizer: Tokenizer, text: str) -> Encoding:
    if not isinstance(text, Marked):
        return tokenizer.encode(text)
    if not text.verbatim:
        return tokenizer.encode(str(text), written="parse")
    data, parts, at = text.encode(), [], 0
    for start, stop in (*text.verbatim, (len(data), len(data))):
        for begin, end, written in ((at, start, "parse"), (start, stop, "text")):
            if begin < end:
                parts.append((begin, tokenizer.encode(data[begin:end].decode(), written=written)))
        at = stop
    ids = np.concatenate([p.ids for _, p in parts] or [np.zeros(0, np.int32)])
    spans = np.concatenate([p.spans + begin for begin, p in parts] or [np.zeros((0, 2), np.int32)])
    return Encoding(data, ids.astype(np.int32), spans.astype(np.int32))


def trained_tokens(text: str, encoding: Encoding) -> np.ndarray:
    """Bool [n]: tokens that hold something of what is learnt."""
    if not isinstance(text, Marked):
        return np.ones(len(encoding), bool)
    flags = np.zeros(len(encoding), bool)
    starts, ends = encoding.spans[:, 0], encoding.spans[:, 1]
    for start, stop in text.trained:
        flags |= (starts < stop) & (ends > start)
    return flags


def masks(texts: Sequence[str], encodings: Sequence[Encoding]) -> tuple[np.ndarray, ...]:
    """`trained_tokens` of each text; () where all of everything is learnt."""
    if not any(isinstance(text, Marked) for text in texts):
        return ()
    return tuple(trained_tokens(text, encoding) for text, encoding in zip(texts, encodings, strict=True))


def trained_bytes(text: str) -> int:
    if not isinstance(text, Marked):
        return len(text.encode())
    return sum(stop - start for start, stop in text.trained)


def cut(text: str, size: int, *, first: int | None = None) -> Iterator[str]:
    """`windows` of a text. A marked one begins at its beginning, and windows without anything to learn are left out."""
    from tokstudio.train.corpus import windows

    if not isinstance(text, Marked):
        yield from windows(text, size, first=first)
        return
    at = 0
    for piece in windows(str(text), size):
        stop = at + len(piece.encode())
        if trained := _within(text.trained, at, stop):
            yield marked(piece, trained, _within(text.verbatim, at, stop))
        at = stop


def _within(ranges: Ranges, start: int, stop: int) -> Ranges:
    found = ((max(a, start) - start, min(b, stop) - start) for a, b in ranges if a < stop and b > start)
    return tuple(found)
