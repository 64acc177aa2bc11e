"""What every tokenizer backend provides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.registry import Registry

Written = Literal["text", "parse", "forbid"]  # what becomes of special tokens that are written out in a text


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One text as one tokenizer sees it.

    `spans[i]` is the half-open byte range of `text` that token `i` came from. It is not what the token
    decodes to: "Ġhello" at the start of a text covers 5 bytes and decodes to 6. A special token that stands
    for no text is zero-width.
    """

    text: bytes  # UTF-8, before any normalization
    ids: np.ndarray  # int32 [n]
    spans: np.ndarray  # int32 [n, 2]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def tiles(self) -> bool:
        """Do the spans cover the text exactly, with no gap and no overlap?"""
        if len(self) == 0:
            return self.text == b""
        edges = self.spans.reshape(-1)
        inner = edges[1:-1].reshape(-1, 2)
        return bool(edges[0] == 0 and edges[-1] == len(self.text) and (inner[:, 0] == inner[:, 1]).all())


@runtime_checkable
class Tokenizer(Protocol):
    reference: str  # what `load_tokenizer` takes to get this tokenizer again
    name: str  # as shown to people
    algorithm: str  # as shown to people: "Byte BPE", "BPE", "WordPiece", "Unigram", "Bytes"
    fingerprint: str  # hash of vocabulary and settings: cache key, equality

    def __len__(self) -> int:
        """Number of ids: the largest id plus one, added tokens included."""

    def encode(self, text: str, *, special: bool = False, written: Written = "text") -> Encoding:
        """`special`: add the tokens that a model expects around a text (BOS, [CLS]); they are zero-width.

        `written`: special tokens that are written out in `text` are plain text; or become their ids, which
        cover what was written; or are refused with a TokenizerError that names the first one.
        Raises TokenizerError for a text that is not valid Unicode (lone surrogates), too.
        """

    def decode(self, ids: np.ndarray) -> bytes:
        """The text that `ids` stand for; special tokens and unused ids add nothing.

        Raises TokenizerError for an id out of range.
        """

    def token_bytes(self, token: int) -> bytes | None:
        """What `token` stands for inside a text, or None for a special or unused id. " the" is b" the" in
        every alphabet; WordPiece "##ing" is b"ing". Raises TokenizerError for an id out of range."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Content -> id of every special token."""

    @property
    def unknown_id(self) -> int | None:
        """The id that stands for what the vocabulary cannot spell; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """How one library's tokenizers are found and opened. Both ways are optional: some are only ever named."""

    scheme: str = ""  # the part of a reference before the colon, e.g. "tiktoken"
    named: Callable[[str], Tokenizer] | None = None  # from the part behind the colon; raises TokenizerError
    files: Mapping[str, int] = field(default_factory=dict)  # file name pattern in a folder -> lower is better
    claims: Callable[[Path, bytes], bool] = lambda path, head: (
        False
    )  # is this file, by its first 4 kB, one of mine?
    load: Callable[[Path, str, str], Tokenizer] | None = None  # file, reference, name; raises TokenizerError


BACKENDS: Registry = Registry("tokstudio.tokens.backends")


def utf8(text: str) -> bytes:
    """`text` as UTF-8. Raises TokenizerError where it holds a lone surrogate, which no UTF-8 text can."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"The text has half a character (U+{ord(text[error.start]):04X}) "
            f"at position {error.start + 1:,}.",
            hint="It was cut in the middle of an emoji or read with the wrong encoding: "
            "delete that character or paste it again.",
        ) from None


def checked(ids: np.ndarray | Sequence[int], size: int) -> np.ndarray:
    """`ids` as int64 [n]. Raises TokenizerError where one is not in `range(size)`."""
    array = np.asarray(ids, dtype=np.int64).reshape(-1)
    outside = array[(array < 0) | (array >= size)]
    if len(outside):
        raise TokenizerError(
            f"There is no token with the id {outside[0]}.",
            hint=f"The ids of this tokenizer run from 0 to {size - 1:,}.",
        )
    return array


def checked_one(token: int, size: int) -> int:
    """`token`. Raises TokenizerError where it is not in `range(size)`. A vocabulary view asks 200,000 times."""
    return int(token) if 0 <= token < size else int(checked([token], size)[0])


SPECIAL_ROLES = {  # a special token's part in a text, whatever it is called
    "begin": ("<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "[CLS]"),
    "end": ("</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "[SEP]"),
    "unknown": ("<unk>", "[UNK]"),
    "padding": ("<pad>", "[PAD]"),
}


def special_id(tokenizer: Tokenizer, role: str) -> int | None:
    """The id that plays `role` (a key of `SPECIAL_ROLES`) in this tokenizer, or None."""
    specials = tokenizer.special_tokens
    return next((specials[name] for name in SPECIAL_ROLES[role] if name in specials), None)
