"""How many words a selection holds, and whether it cuts one."""

import unicodedata

from tokstudio.tokens.measure import word_spans

NEAR = 8  # bytes that hold the characters beside a place, whatever their length


def cuts_word(data: bytes, start: int, stop: int) -> bool:
    """Does `start:stop` begin or end inside a run of letters, marks and digits?"""
    return _inside(data, start) or _inside(data, stop)


def _inside(data: bytes, at: int) -> bool:
    if not 0 < at < len(data):
        return False
    if data[at] & 0xC0 == 0x80:  # inside a character
        return True
    left = data[max(0, at - NEAR) : at].decode(errors="ignore")[-1:]
    right = data[at : at + NEAR].decode(errors="ignore")[:1]
    return _of_word(left) and _of_word(right)


def _of_word(char: str) -> bool:
    return char.isalnum() or (char != "" and unicodedata.category(char)[0] == "M")


def spoken(data: bytes, start: int, stop: int) -> str:
    """ "one word", "part of a word", "3 words, not all whole", "no word"; words as the figures count them."""
    text = data[start:stop].decode(errors="replace").encode()
    count = len(word_spans.__wrapped__(text))  # a selection is not kept: the texts of the panes are
    cut = cuts_word(data, start, stop)
    if not count:
        return "part of a character" if cut else "no word"
    if count == 1:
        return "part of a word" if cut else "one word"
    return f"{count:,} words" + (", not all whole" if cut else "")
