"""Does decoding give the text again? Where does it first differ, and did a normalizer do it?"""

from dataclasses import dataclass

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.trace.normalize import normalized
from tokstudio.tokens.written import written_specials

REACH = 24  # bytes shown behind a difference


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """`at` is the first byte of the text that decoding does not give back; None where all of it comes back."""

    at: int | None
    text: str = ""  # what stands there
    decoded: str = ""  # what decoding gives there
    size: int = 0  # bytes that decoding gives
    normalized: bool = False  # the normalizer changed the text
    problem: str = ""  # why the ids could not be decoded

    @property
    def same(self) -> bool:
        return self.at is None and not self.problem


def round_trip(tokenizer: Tokenizer, encoding: Encoding) -> RoundTrip:
    changed = normalized(tokenizer, encoding.text.decode())
    differs = changed is not None and changed.encode() != encoding.text
    try:
        decoded = tokenizer.decode(encoding.ids)
    except TokenizerError as error:
        return RoundTrip(None, size=0, normalized=differs, problem=str(error))
    expected, removed = _without_specials(tokenizer, encoding)
    at = first_difference(expected, decoded)
    if at is None:
        return RoundTrip(None, size=len(decoded), normalized=differs)
    shown = _shown(decoded, at)
    at += sum(length for place, length in removed if place <= at)
    return RoundTrip(at, _shown(encoding.text, at), shown, len(decoded), differs)


def _without_specials(tokenizer: Tokenizer, encoding: Encoding) -> tuple[bytes, list[tuple[int, int]]]:
    """The text without the special tokens that stand in it as such, since decoding leaves them out, too.

    With (place in the shortened text, bytes taken out there) of each, in order.
    """
    text, kept, removed, after = encoding.text, [], [], 0
    places = np.flatnonzero(written_specials(encoding, tokenizer.special_tokens))
    names = (
        {number: name.encode() for name, number in tokenizer.special_tokens.items()} if len(places) else {}
    )
    for index in places.tolist():
        start, stop = map(int, encoding.spans[index])
        name = names[int(encoding.ids[index])]
        start = text.index(name, start, stop)  # some cover the spaces around them
        kept.append(text[after:start])
        removed.append((sum(map(len, kept)), len(name)))
        after = start + len(name)
    return b"".join([*kept, text[after:]]), removed


def first_difference(a: bytes, b: bytes) -> int | None:
    """None where both are the same; the length of the shorter where one begins with the other.

    It lies at the beginning of a character of `a`.
    """
    if a == b:
        return None
    shorter = min(len(a), len(b))
    differ = np.flatnonzero(np.frombuffer(a[:shorter], np.uint8) != np.frombuffer(b[:shorter], np.uint8))
    at = int(differ[0]) if len(differ) else shorter
    while 0 < at < len(a) and a[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _shown(data: bytes, at: int) -> str:
    return data[at : at + REACH].decode(errors="ignore")
