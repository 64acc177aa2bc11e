r"""A text written with escapes, as in the string literals of Python, C and JSON: \r, \n, \t, \x1b, \u00e9,
\U0001f600, \u{1f600}. A break of the line is LF; what is no escape stays as it is written.
"""

import re

import numpy as np

SHORT = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
SHORT |= {sign: sign for sign in "\\\"'"}
MOST = 0x10FFFF
_WRITTEN = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|u\{([0-9a-fA-F]{1,6})\}|([nrt0abfve\\\"']))"
)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BACK = {value: "\\" + sign for sign, value in SHORT.items() if value not in "\n\"'"}
# what an editor does not show, or shows as something else: controls, soft hyphen, spaces other than " ", zero widths,
# directions, separators, variation selectors, byte order mark, surrogates, noncharacters, tags
_HIDDEN = re.compile(
    r"[\\\x00-\x09\x0b-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BREAKS = re.compile("\r|\u2029|\ufdd0|\ufdd1")  # that an editor would take for the end of a line


def escaped(text: str) -> str:
    """The spelling of a text; only \\n is a break, so that lines stay lines."""
    return _HIDDEN.sub(_spelled, text)


def with_breaks_escaped(written: str) -> str:
    """For a text with escapes that comes from elsewhere."""
    return _BREAKS.sub(_spelled, written)


def _spelled(found: re.Match[str]) -> str:
    if (short := _BACK.get(found[0])) is not None:
        return short
    point = ord(found[0])
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def meant(written: str) -> str:
    """The text. Two halves one after the other, as in JSON's \\ud83d\\ude00, are one character."""
    if "\\" not in written:
        return written
    text = _WRITTEN.sub(_value, written)
    if _PAIR.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def _value(found: re.Match[str]) -> str:
    if found[5] is not None:
        return SHORT[found[5]]
    code = int(found[1] or found[2] or found[3] or found[4], 16)
    return chr(code) if code <= MOST else found[0]


def widths(written: str) -> np.ndarray:
    """The UTF-16 units that each character of the text is written with."""
    points = np.frombuffer(written.encode("utf-32-le", "surrogatepass"), np.uint32)
    units, values = 1 + (points > 0xFFFF), points.copy()
    found = [match for match in _WRITTEN.finditer(written) if _value(match) != match[0]]
    starts = np.array([match.start() for match in found], np.int64)
    ends = np.array([match.end() for match in found], np.int64)
    units[starts] = ends - starts
    values[starts] = [ord(_value(match)) for match in found]
    inside = np.zeros(len(points) + 1, np.int64)
    np.add.at(inside, starts + 1, 1)
    np.add.at(inside, ends, -1)
    left = np.cumsum(inside[:-1]) == 0
    units, values = units[left], values[left]
    high = np.flatnonzero((values[:-1] >> 10 == 0x36) & (values[1:] >> 10 == 0x37))
    units[high] += units[high + 1]
    return np.delete(units, high + 1)
