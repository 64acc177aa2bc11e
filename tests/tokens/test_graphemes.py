"""User-perceived characters: the same as the reference implementation, whatever is beside what."""

import regex
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.tokens.graphemes import grapheme_starts

PIECES = (
    "a",
    "é",
    "e\u0301",
    "\r",
    "\n",
    "\r\n",
    "\u0600",
    "1",
    "👩",
    "\u200d",
    "🇩",
    "🇪",
    "न",
    "\u0940",
    "東",
    "\u3099",
    "か",
)


def expected(text: str) -> list[int]:
    starts = [len(text[: found.start()].encode()) for found in regex.finditer(r"\X", text)]
    return [*starts, len(text.encode())]


def test_known_characters():
    assert grapheme_starts("e\u0301a\r\n👩‍👧🇩🇪".encode()).tolist() == [0, 3, 4, 6, 17, 25]
    assert grapheme_starts(b"").tolist() == [0]


@given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text())
def test_like_the_library(text):
    assert grapheme_starts(text.encode()).tolist() == expected(text)
