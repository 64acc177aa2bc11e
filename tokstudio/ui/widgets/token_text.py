"""What is shown for each token: glyphs for white space, hex for parts of characters, names for specials."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2s

import numpy as np

from tokstudio.tokens.base import Encoding
from tokstudio.tokens.distinct import distinct
from tokstudio.tokens.show import readable
from tokstudio.tokens.written import written_specials

MARKS = {" ": "·", "\n": "↵", "\t": "→", "\r": "←", "\u00a0": "⍽", "\u3000": "□"}
BLANKS = {"\n": " ", "\t": "  ", "\r": " "}
INVISIBLE = {
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u2028": "LS",
    "\u2029": "PS",
    "\u2060": "WJ",
    "\ufe0e": "VS15",
    "\ufe0f": "VS16",
    "\ufeff": "BOM",
    "\u00ad": "SHY",
}
UNKNOWN = "[UNK]"  # where a tokenizer has no name for it
LONGEST = 600  # bytes of one token that are drawn
CONTROL_PICTURES = 0x2400  # U+2400 is the picture of NUL, U+2421 of DEL
# scripts whose glyphs depend on their neighbors: such tokens are measured whole, not by summing characters
COMPLEX = (
    *(
        (0x300, 0x36F),
        (0x590, 0x10FF),
        (0x1100, 0x11FF),
        (0x1780, 0x18AF),
        (0x1AB0, 0x1CFF),
        (0x200B, 0x200F),
    ),
    *((0x20D0, 0x20FF), (0xA840, 0xABFF), (0xFB1D, 0xFDFF), (0xFE00, 0xFEFF), (0x1F1E6, 0x1F3FF)),
)


@lru_cache(maxsize=65536)
def hue(token: bytes) -> int:
    """0 to 7: the same piece has the same hue in every pane and page, with or without outer white space."""
    return blake2s(token.strip() or token, digest_size=2).digest()[0] % 8


def hex_bytes(token: bytes) -> str:
    return token.hex(" ").upper()


@lru_cache(maxsize=65536)
def glyphs(text: str, marks: bool) -> str:
    """`text` with every invisible character made visible, or blank where `marks` is off."""
    if text in INVISIBLE:
        return INVISIBLE[text]
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return "".join(_glyph(char, marks) for char in text)


def _glyph(char: str, marks: bool) -> str:
    if char in MARKS:
        return MARKS[char] if marks else BLANKS.get(char, char)
    if char < " ":
        return chr(CONTROL_PICTURES + ord(char))
    return chr(CONTROL_PICTURES + 0x21) if char == "\x7f" else char


class TokenText:
    """The tokens of one encoding as they are drawn, not yet placed.

    starts, ends: int [n], byte ranges; partial: bool [n], the token begins or ends inside a character;
    empty: bool [n], it stands for no text; breaks: int [n], line ends inside the token;
    gap_start: int [n], where the bytes that no token covers begin, just before token i (== starts[i]: none);
    unknown: bool [n], it stands for text that the vocabulary cannot spell, which its id does not tell.
    """

    def __init__(
        self,
        encoding: Encoding,
        special: Mapping[str, int] | None = None,
        unknown_id: int | None = None,
        name_unknown: bool = False,
        spelled: Callable[[int], bytes | None] | None = None,
    ):
        """`name_unknown`: unknown tokens show their name in place of the text they stand for.
        `spelled`: what a token stands for, asked of those that stand for nothing in this text, like the "▁"
        that SentencePiece puts in front.
        """
        self.text = encoding.text
        self.ids = encoding.ids
        self.names = {number: name for name, number in (special or {}).items()}
        written = written_specials(encoding, special or {})
        spans = np.asarray(encoding.spans, dtype=np.int64).reshape(-1, 2)
        self.starts, self.ends = spans[:, 0], spans[:, 1]
        self.covered = np.maximum.accumulate(self.ends) if len(spans) else self.ends
        data = np.frombuffer(self.text, np.uint8)
        boundary = np.append((data & 0xC0) != 0x80, True)
        self.partial = ~(boundary[self.starts] & boundary[self.ends])
        self.empty = self.starts >= self.ends
        self.unknown = (
            np.zeros(len(spans), bool) if unknown_id is None else (self.ids == unknown_id) & ~self.empty
        )
        self.name_unknown = name_unknown
        if unknown_id is not None:
            self.names.setdefault(unknown_id, UNKNOWN)
        self.pill = self.empty | written  # special tokens, around the text or in it
        if spelled is not None:
            for number in distinct(self.ids[self.empty]).tolist():
                if number not in self.names and (piece := spelled(number)):
                    self.names[number] = glyphs(readable(piece), True)
                    self.pill &= self.ids != number
        self.named = self.empty | self.unknown if name_unknown else self.empty
        alone = (data == 13) & (np.append(data[1:], 0) != 10)  # a CR that ends a line by itself
        newlines = np.concatenate([[0], np.cumsum((data == 10) | alone)])
        self.breaks = newlines[self.ends] - newlines[self.starts]
        before = np.concatenate([[0], self.covered[:-1]])[: len(spans)]
        self.gap_start = np.minimum(before, self.starts)
        self.gap_breaks = newlines[self.starts] - newlines[self.gap_start]
        self.unseen = np.zeros(len(spans), bool)  # characters that no font here can draw
        self.char_at = np.flatnonzero(boundary[:-1])
        self.code_points = np.frombuffer(self.text.decode().encode("utf-32-le"), np.uint32)
        space = (data == 32) | (data == 10) | (data == 9) | (data == 13)
        first_space = np.append(space, False)[self.starts] & ~self.empty
        self.word_start = first_space | (self.gap_start < self.starts)

    def __len__(self) -> int:
        return len(self.starts)

    def token(self, index: int) -> bytes:
        return self.text[self.starts[index] : self.ends[index]]

    def label(self, index: int) -> str:
        """The name of a token that stands for no text, or for unknown text."""
        number = int(self.ids[index])
        return self.names.get(number, f"#{number}")

    def shown(self, index: int, show: str, marks: bool) -> tuple[str, bool]:
        """What is written in the chip, and whether in the small font (hex, names)."""
        if self.named[index]:
            return self.label(index), True
        piece = self.token(index)
        if len(piece) > LONGEST:  # an unknown word may be a megabyte
            piece = (
                piece[:LONGEST].decode(errors="ignore").encode()
                if not self.partial[index]
                else piece[:LONGEST]
            )
        if show == "bytes" or self.partial[index]:
            return hex_bytes(piece), True
        text = piece.decode()
        if self.unseen[index]:
            return " ".join(f"U+{ord(char):X}" for char in text.strip()), True
        return glyphs(text, marks), False

    def characters(self, index: int) -> list[tuple[str, int, int]]:
        """The characters that token `index` has bytes of: (character, first byte of it here, bytes here).

        A character that the token holds in part begins before the token or goes on behind it.
        """
        start, stop, found = int(self.starts[index]), int(self.ends[index]), []
        stop = min(stop, start + LONGEST)
        at = start
        while at > 0 and self.text[at] & 0xC0 == 0x80:
            at -= 1
        while at < stop:
            end = at + 1
            while end < len(self.text) and self.text[end] & 0xC0 == 0x80:
                end += 1
            low, high = max(at, start), min(end, stop)
            found.append((self.text[at:end].decode(errors="replace"), low - start, high - low))
            at = end
        return found

    def mark_unseen(self, drawable: Callable[[str], bool]) -> None:
        """Finds the tokens whose characters would be drawn as empty boxes; they show code points instead."""
        high = distinct(self.code_points[self.code_points > 0x2FFF])
        missing = [point for point in high.tolist() if not drawable(chr(point))]
        if missing:
            counts = np.zeros(len(self.text) + 1, np.int64)
            counts[self.char_at + 1] = np.isin(self.code_points, missing)
            counts = np.cumsum(counts)
            self.unseen = (counts[self.ends] > counts[self.starts]) & ~self.partial

    def complex_tokens(self) -> np.ndarray:
        """Indices of tokens that hold characters of `COMPLEX` scripts."""
        high = self.code_points > 0x2FF
        if not high.any():
            return np.empty(0, np.int64)
        mask = np.zeros(len(self.code_points), bool)
        for low, top in COMPLEX:
            mask |= (self.code_points >= low) & (self.code_points <= top)
        counts = np.zeros(len(self.text) + 1, np.int64)
        counts[self.char_at + 1] = mask
        counts = np.cumsum(counts)
        return np.flatnonzero((counts[self.ends] > counts[self.starts]) & ~self.partial)

    def overlapping(self, start: int, stop: int) -> tuple[int, int]:
        """Half-open range of tokens that share bytes with `start:stop`; empty where none does."""
        if start >= stop:
            return 0, 0
        first = int(np.searchsorted(self.covered, start, side="right"))
        last = int(np.searchsorted(self.starts, stop, side="left"))
        return first, max(first, last)

    def trimmed(self, index: int) -> tuple[int, int]:
        """The span without white space at its rim; the span itself where that is all it holds."""
        piece, start = self.token(index), int(self.starts[index])
        core = piece.strip()
        if not core:
            return start, int(self.ends[index])
        left = len(piece) - len(piece.lstrip())
        return start + left, start + left + len(core)
