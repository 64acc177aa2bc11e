"""Is every token of a vocabulary good for something? A token is *reachable* when some text gives it.

A token that is text is encoded alone and in some surroundings; half a character is completed to many whole
ones first. What none of these texts gave is called unreachable: for BPE, where the cut of a word depends on
nothing outside the word, that is as good as a proof; for Unigram a rare surrounding may still give it.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer

STEP = 64  # tokens encoded between two steps
TOGETHER = 128  # tokens in one text
AROUND = (
    ("", ""),
    ("a", ""),
    ("a ", ""),
    ("", "a"),
    (".", "."),
    ("a", "a"),
    (" ", ""),
    ("\n", "\n"),
    ("1", "1"),
)


@dataclass(frozen=True, eq=False)
class Health:
    """Findings by key, bool [n] each, and what has no row of its own."""

    flags: dict[str, np.ndarray]
    missing_bytes: list[int] = field(default_factory=list)  # that no token spells alone
    clashes: list[str] = field(
        default_factory=list
    )  # written forms of special tokens that are also text tokens
    tried: int = 0

    def counts(self) -> dict[str, int]:
        return {key: int(found.sum()) for key, found in self.flags.items()}


def check(
    tokenizer: Tokenizer,
    tokens: Sequence[bytes],
    text: np.ndarray,
    partial: np.ndarray,
    glued: np.ndarray | None = None,
) -> Generator[float, None, Health]:
    """`tokens[i]`: what id i stands for, b"" for nothing; bool [n] `text`: it is text; `partial`: it is not;
    `glued`: it continues a word, so that it is another than a word of the same letters."""
    size = len(tokens)
    reached = np.zeros(size, bool)
    yield from _reach_texts(tokenizer, tokens, np.flatnonzero(text), reached)
    yield from _reach_parts(tokenizer, tokens, np.flatnonzero(partial), reached)
    tried = text | partial
    same, alike = _repeated(tokens, tried, np.zeros(size, bool) if glued is None else glued)
    flags = {
        "unreachable": tried & ~reached,
        "duplicate": same,
        "alike": alike & ~same,
        "not-utf-8": partial & np.fromiter((bool(t) and not completions(t) for t in tokens), bool, size),
    }
    own = set(tokens)
    clashes = [
        word for word in tokenizer.special_tokens if word.encode() in own and _is_text(tokens, text, word)
    ]
    missing = missing_bytes(tokens, tried) if tokenizer.unknown_id is None or partial.any() else []
    return Health(flags, missing, clashes, int(tried.sum()))


def _is_text(tokens: Sequence[bytes], text: np.ndarray, word: str) -> bool:
    return any(tokens[i] == word.encode() for i in np.flatnonzero(text))


def _reach_texts(
    tokenizer: Tokenizer, tokens: Sequence[bytes], ids: np.ndarray, reached: np.ndarray
) -> Generator[float, None, None]:
    """Whatever a text gives is reached, not only the token it was made for. Most are found many at a time."""
    total = max(1, len(ids))
    for joint in ("\n", " a "):
        left = ids[~reached[ids]]
        for place in range(0, len(left), TOGETHER):
            part = left[place : place + TOGETHER].tolist()
            _note(tokenizer, joint.join(tokens[token].decode() for token in part), reached)
            yield 0.3 * place / total
    for round_, (before, after) in enumerate(AROUND):
        left = ids[~reached[ids]]
        for place, token in enumerate(left.tolist()):
            if not reached[token]:
                _note(tokenizer, before + tokens[token].decode() + after, reached)
            if place % STEP == STEP - 1:
                yield 0.3 + 0.6 * (round_ + place / len(left)) / len(AROUND)


def _note(tokenizer: Tokenizer, text: str, reached: np.ndarray) -> None:
    try:
        reached[tokenizer.encode(text).ids] = True
    except TokenizerError:  # a text that this tokenizer refuses gives no token
        return


def _reach_parts(
    tokenizer: Tokenizer, tokens: Sequence[bytes], ids: np.ndarray, reached: np.ndarray
) -> Generator[float, None, None]:
    for place, token in enumerate(ids.tolist()):
        for text in completions(tokens[token]):
            if reached[token]:
                break
            _note(tokenizer, text, reached)
        if place % 64 == 63:
            yield 0.9 + 0.1 * place / len(ids)


def completions(part: bytes) -> list[str]:
    """Texts of whole characters that hold the bytes of `part`, which is no text by itself; none where no
    UTF-8 text can hold them."""
    found = [before + part + after for before in _befores(part) for after in _afters(part)]
    whole = []
    for data in found:
        try:
            whole.append(data.decode())
        except UnicodeDecodeError:
            continue
    texts, count = [], 64
    for place in range(0, len(whole), count):
        texts += [joint.join(whole[place : place + count]) for joint in (" ", "", "a")]
    return texts


def _befores(part: bytes) -> Sequence[bytes]:
    """Bytes that may stand before the continuation bytes that `part` begins with."""
    count = 0
    while count < len(part) and 0x80 <= part[count] < 0xC0:
        count += 1
    return _leads(count) if count else (b"",)


@lru_cache(maxsize=8)
def _leads(count: int) -> tuple[bytes, ...]:
    """First bytes of characters that lack exactly `count` bytes."""
    two, three, four = range(0xC2, 0xE0), range(0xE0, 0xF0), range(0xF0, 0xF5)
    middle = (0x80, 0x81, 0x84, 0x8C, 0x90, 0x98, 0x9D, 0x9F, 0xA0, 0xA4, 0xA9, 0xB0, 0xB8, 0xBD, 0xBF)
    if count == 1:
        found = [bytes([a]) for a in two] + [bytes([a, b]) for a in three for b in middle]
        found += [bytes([a, b, c]) for a in (0xF0,) for b in (0x90, 0x9D, 0x9F, 0xA0) for c in middle]
    elif count == 2:
        found = [bytes([a]) for a in three] + [bytes([a, b]) for a in four for b in middle]
    else:
        found = [bytes([a]) for a in four] if count == 3 else []
    return tuple(found)


def _afters(part: bytes) -> Sequence[bytes]:
    """Bytes that complete the character that `part` ends in."""
    for back in range(1, min(4, len(part) + 1)):
        byte = part[-back]
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return _tails(size - back) if size > back else (b"",)
        if byte < 0x80:
            break
    return (b"",)


@lru_cache(maxsize=4)
def _tails(count: int) -> tuple[bytes, ...]:
    every, few = range(0x80, 0xC0), (0x80, 0x85, 0x91, 0x9C, 0xA3, 0xAE, 0xB5, 0xBF)
    if count <= 1:
        return tuple(bytes([a]) for a in every) if count else (b"",)
    return tuple(bytes([a]) + rest for a in every for rest in ((bytes([b]) for b in few) if count == 2 else
                 (bytes([b, c]) for b in few[::3] for c in few[::3])))  # fmt: skip


def _repeated(tokens: Sequence[bytes], among: np.ndarray, glued: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool [n] twice: the same bytes as another id; the same text once both are composed (NFC)."""
    same, alike = np.zeros(len(tokens), bool), np.zeros(len(tokens), bool)
    by_bytes, by_text = defaultdict(list), defaultdict(list)
    for token in np.flatnonzero(among).tolist():
        raw = tokens[token]
        by_bytes[raw, bool(glued[token])].append(token)
        if not raw.isascii():
            whole = unicodedata.normalize("NFC", raw.decode(errors="surrogateescape"))
            by_text[whole, bool(glued[token])].append(token)
    for groups, flags in ((by_bytes, same), (by_text, alike)):
        for group in groups.values():
            if len(group) > 1:
                flags[group] = True
    return same, alike


def missing_bytes(tokens: Sequence[bytes], among: np.ndarray) -> list[int]:
    """Bytes of UTF-8 that no token spells alone; a vocabulary without them cannot write every text."""
    there = Counter(tokens[i][0] for i in np.flatnonzero(among).tolist() if len(tokens[i]) == 1)
    never = {0xC0, 0xC1, *range(0xF5, 0x100)}  # no UTF-8 text has them
    return [byte for byte in range(256) if byte not in there and byte not in never]
