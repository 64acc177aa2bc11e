"""Special tokens that are written out in a text: find them, refuse them, or cut a text at them."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import get_args

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Encoding, Written, utf8


def check_written(text: str, specials: Mapping[str, int], written: Written) -> None:
    """Raises TokenizerError where `written` is "forbid" and `text` has a special token."""
    if written not in get_args(Written):
        raise ValueError(f"written is one of {', '.join(get_args(Written))}, not {written!r}")
    if written == "forbid" and (found := next(occurrences(text, specials), None)):
        start, stop = found
        raise TokenizerError(
            f"The text has the special token {text[start:stop]} at position {start + 1:,}.",
            hint="Take it out of the text, or read special tokens as text or as their ids.",
        )


def occurrences(text: str, specials: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Where special tokens stand in `text`: half-open ranges of characters, from left to right. Where one
    begins with another, the longer one counts."""
    if pattern := _pattern(tuple(sorted(filter(None, specials), key=len, reverse=True))):
        for found in pattern.finditer(text):
            yield found.span()


@lru_cache(maxsize=64)
def _pattern(contents: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, contents))) if contents else None


def parsed(text: str, specials: Mapping[str, int], plain: Callable[[str], Encoding]) -> Encoding:
    """`text` cut at its special tokens, what is between them encoded by `plain`, one piece after the other:
    for libraries that know no special tokens in a text."""
    found, ids, spans, at = [*occurrences(text, specials), (len(text), len(text))], [], [], 0
    size = 0  # bytes so far
    for start, stop in found:
        if start > at or (not ids and stop == len(text) == start):
            piece = plain(text[at:start])
            ids.append(piece.ids)
            spans.append(piece.spans + size)
            size += len(piece.text)
        if stop > start:
            length = len(text[start:stop].encode())
            ids.append(np.array([specials[text[start:stop]]], np.int32))
            spans.append(np.array([[size, size + length]], np.int32))
            size += length
        at = stop
    return Encoding(utf8(text), np.concatenate(ids), np.concatenate(spans).astype(np.int32))


def written_specials(encoding: Encoding, specials: Mapping[str, int]) -> np.ndarray:
    """bool [n]: the tokens that are special and cover their own name, as `parsed` makes them.

    An unknown token is often special, too, but covers what it does not spell.
    """
    found = np.zeros(len(encoding), bool)
    if not specials:
        return found
    names = {number: name.encode() for name, number in specials.items()}
    spans = encoding.spans
    for at in np.flatnonzero(np.isin(encoding.ids, list(names)) & (spans[:, 1] > spans[:, 0])).tolist():
        start, stop = spans[at].tolist()
        found[at] = encoding.text[start:stop].strip() == names[int(encoding.ids[at])]
    return found
