"""The writing system of every token, without a Python loop over characters."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

# four letters of ISO 15924 (what a query says) -> the name shown
SCRIPTS = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Hani": "Han", "Hira": "Hiragana",
    "Kana": "Katakana", "Hang": "Hangul", "Arab": "Arabic", "Hebr": "Hebrew", "Deva": "Devanagari",
    "Beng": "Bengali", "Taml": "Tamil", "Telu": "Telugu", "Knda": "Kannada", "Mlym": "Malayalam",
    "Gujr": "Gujarati", "Guru": "Gurmukhi", "Orya": "Oriya", "Sinh": "Sinhala", "Thai": "Thai",
    "Laoo": "Lao", "Khmr": "Khmer", "Mymr": "Myanmar", "Tibt": "Tibetan", "Geor": "Georgian",
    "Armn": "Armenian", "Ethi": "Ethiopic", "Mong": "Mongolian", "Cher": "Cherokee", "Bopo": "Bopomofo",
    "Syrc": "Syriac", "Thaa": "Thaana", "Nkoo": "Nko", "Tfng": "Tifinagh",
}  # fmt: skip
CODES = ("none", *SCRIPTS, "other")  # a token's number is an index into these
NAMES = ("No letters", *SCRIPTS.values(), "Other")
NONE, OTHER = 0, len(CODES) - 1


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """uint8 [0x110000]: the script of each letter; 0 for what is no letter of one script."""
    import regex

    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x20000))))
    points = np.frombuffer(every.encode("utf-32-le"), "<u4")
    table = np.zeros(0x110000, np.uint8)
    table[0x20000:0x32000] = CODES.index("Hani")  # the planes of rare ideographs
    for found in regex.finditer(r"\p{Letter}+", every):
        table[points[slice(*found.span())]] = OTHER
    for code, name in SCRIPTS.items():
        for found in regex.finditer(rf"\p{{Script={name}}}+", every):
            table[points[slice(*found.span())]] = CODES.index(code)
    return table


def scripts_of(texts: Sequence[str]) -> np.ndarray:
    """uint8 [n], index into CODES: the script of the first letter of each text."""
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    points = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), "<u4")
    found = _table()[points]
    ends = np.cumsum(sizes)
    letters = np.flatnonzero(found)
    result = np.zeros(len(texts), np.uint8)
    if not len(letters):
        return result
    first = np.searchsorted(letters, ends - sizes)  # the first letter at or after each text's begin
    there = first < len(letters)
    there[there] &= letters[first[there]] < ends[there]
    result[there] = found[letters[first[there]]]
    return result


def script_number(word: str) -> int | None:
    """By code or name, in any case: `Cyrl`, `cyrillic`, `none`, `no-letters`."""
    word = word.lower().replace("-", " ")
    for number, (code, name) in enumerate(zip(CODES, NAMES, strict=True)):
        if word in (code.lower(), name.lower()):
            return number
    return None
