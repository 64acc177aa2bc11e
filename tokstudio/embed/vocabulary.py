"""A whole vocabulary as arrays: what each row of a matrix stands for, searched and sorted without a Python
loop."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Optional
from unicodedata import category

import numpy as np

from tokstudio.embed.matrix import Steps
from tokstudio.errors import InputError
from tokstudio.tokens.base import Tokenizer

KINDS = (
    "Word start",
    "Continuation",
    "Punctuation",
    "Digits",
    "White space",
    "Control",
    "Partial UTF-8",
    "Byte",
    "Special",
    "Unused",
)
START, CONTINUATION, PUNCTUATION, DIGITS, SPACE, CONTROL, PARTIAL, BYTE, SPECIAL, UNUSED = range(len(KINDS))
FILES = ("tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json", "tekken.json")
STEP = 4096  # tokens read between two steps, about 10 ms


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """`data[offsets[i]:offsets[i + 1]]` is what token `i` stands for in a text; a special token's written
    form; nothing for an unused id. `glued[i]`: WordPiece's "##", a piece that continues a word."""

    reference: str
    name: str
    algorithm: str
    data: np.ndarray  # uint8
    offsets: np.ndarray  # int64 [n + 1]
    kinds: np.ndarray  # uint8 [n], index into KINDS
    glued: np.ndarray  # bool [n]

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def about(self) -> dict:
        return {"reference": self.reference, "name": self.name, "algorithm": self.algorithm}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {"data": self.data, "offsets": self.offsets, "kinds": self.kinds, "glued": self.glued}

    @cached_property
    def lengths(self) -> np.ndarray:
        """Bytes per token, int64 [n]."""
        return np.diff(self.offsets)

    @cached_property
    def folded(self) -> np.ndarray:
        """`data` with ASCII capitals as small letters."""
        return np.where((self.data >= 65) & (self.data <= 90), self.data + 32, self.data).astype(np.uint8)

    @cached_property
    def plain(self) -> list[str]:
        """Every token as text, what is no UTF-8 replaced."""
        return [self.bytes_of(token).decode(errors="replace") for token in range(len(self))]

    @cached_property
    def ranks(self) -> np.ndarray:
        """int64 [n]: the place of each token in the order of their bytes."""
        order = sorted(range(len(self)), key=self.bytes_of)
        ranks = np.empty(len(self), np.int64)
        ranks[order] = np.arange(len(self))
        return ranks

    @cached_property
    def _raw(self) -> bytes:
        return self.data.tobytes()

    def bytes_of(self, token: int) -> bytes:
        return self._raw[self.offsets[token] : self.offsets[token + 1]]

    def text(self, token: int) -> str:
        """As shown to people: spaces stay spaces, "##" in front of a glued piece, hex for what is no
        UTF-8."""
        if not 0 <= token < len(self):
            return f"#{token}"
        raw = self.bytes_of(token)
        if not raw:
            return f"#{token}"
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return raw.hex(" ").upper()
        return "##" + text if self.glued[token] else text

    def find(self, data: bytes, *, glued: bool = False) -> int | None:
        """The first id that stands for exactly `data`."""
        ids = np.flatnonzero((self.lengths == len(data)) & (self.glued == glued) & (self.kinds != UNUSED))
        if not len(ids) or not data:
            return None
        rows = self.data[self.offsets[ids][:, None] + np.arange(len(data))]
        hits = ids[(rows == np.frombuffer(data, np.uint8)).all(1)]
        return int(hits[0]) if len(hits) else None

    def look_up(self, text: str) -> int | None:
        """The id somebody means by `text`: " river" before "river" in vocabularies that keep the space, in
        quotes to the letter, "##er" for a glued piece, "·" for a space."""
        if len(text) > 2 and text[0] == text[-1] == '"':
            return self.find(text[1:-1].encode())
        text = text.replace("·", " ")
        if text.startswith("##") and (found := self.find(text[2:].encode(), glued=True)) is not None:
            return found
        for form in (text,) if text.startswith(" ") else (" " + text, text):
            if (found := self.find(form.encode())) is not None:
                return found
        return None

    @staticmethod
    def row_of(names: Optional["Vocabulary"], text: str, rows: int) -> int:
        """The row for a token's text or "#12". Raises InputError with a way on."""
        if re.fullmatch(r"#\d{1,12}", text.strip()):
            if (row := int(text.strip()[1:])) < rows:
                return row
            raise InputError(f"There is no row {row:,}.", hint=f"The matrix has the rows 0 to {rows - 1:,}.")
        if names is None:
            raise InputError(
                "No tokenizer lies beside this matrix.", hint="Name a row by its number, for example #12."
            )
        row = names.look_up(text)
        if row is not None and row < rows:
            return row
        raise InputError(f"“{text}” is no single token of this vocabulary.", hint=_pieces(names, text))


def _pieces(names: Vocabulary, text: str) -> str:
    from tokstudio.tokens.reference import load_tokenizer

    ids = load_tokenizer(names.reference).encode(text).ids[:6] if text else []
    shown = ", ".join(f"“{names.text(int(token))}”" for token in ids)
    return (
        f"It is cut into {shown}. Choose one of them, or a row by its number, for example #12."
        if shown
        else ""
    )


def model_tokenizer(folder: Path) -> str:
    """Reference of the tokenizer that lies in a model's folder, or "" where there is none."""
    found = any((folder / name).exists() for name in FILES) or any(folder.glob("*.tiktoken"))
    return str(folder.resolve()) if found else ""


def read_vocabulary(reference: str) -> Steps[Vocabulary]:
    """Raises TokenizerError where the tokenizer cannot be loaded."""
    from tokstudio.tokens.reference import load_tokenizer

    yield 0.0
    tokenizer = load_tokenizer(reference)
    size, written = len(tokenizer), {token: text for text, token in tokenizer.special_tokens.items()}
    glued, kinds, parts = bytearray(size), bytearray(size), []
    marked = tokenizer.algorithm == "WordPiece"
    for token in range(size):
        raw = written[token].encode() if token in written else tokenizer.token_bytes(token) or b""
        glued[token] = marked and is_glued(tokenizer, token)
        kinds[token] = SPECIAL if token in written else kind_of(raw, bool(glued[token]), tokenizer.algorithm)
        parts.append(raw)
        if token % STEP == STEP - 1:
            yield token / size
    offsets = np.zeros(size + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    data = np.frombuffer(b"".join(parts), np.uint8)
    arrays = np.frombuffer(kinds, np.uint8), np.frombuffer(glued, bool)
    return Vocabulary(reference, tokenizer.name, tokenizer.algorithm, data, offsets, *arrays)


def is_glued(tokenizer: Tokenizer, token: int) -> bool:
    """Does `token` continue a word, as WordPiece's "##ing" does? In byte-level vocabularies its bytes tell
    instead."""
    piece = getattr(tokenizer, "piece", None)
    return piece is not None and (piece(token) or "").startswith("##")


def _is_vowel_sign(character: str) -> bool:
    """Is it a mark that a letter carries? Variation selectors are none: they follow symbols."""
    return category(character) in ("Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"


def _is_control(character: str) -> bool:
    """Is it a control or format character (zero width, direction, byte order mark), or a space between them?"""
    return category(character) in ("Cc", "Cf") or character.isspace()


def kind_of(raw: bytes, glued: bool, algorithm: str) -> int:
    """Index into KINDS for what an ordinary token stands for."""
    if not raw:
        return UNUSED
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return BYTE if len(raw) == 1 else PARTIAL
    if not (word := text.strip()):
        return CONTROL if any("\x1c" <= character <= "\x1f" for character in text) else SPACE
    if not word.isalpha():  # most are, and need none of this
        if word.isdecimal():
            return DIGITS
        if not any(character.isalnum() or _is_vowel_sign(character) for character in word):
            return CONTROL if all(map(_is_control, word)) else PUNCTUATION
    starts = text[0].isspace() or (algorithm == "WordPiece" and not glued)
    return START if starts else CONTINUATION
