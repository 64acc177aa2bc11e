"""Google's SentencePiece models: Unigram and BPE, with or without byte fallback."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.tokens.alphabet import Alphabet
from tokstudio.tokens.base import BACKENDS, Backend, Encoding, Written, checked, checked_one, utf8
from tokstudio.tokens.model_proto import algorithm_of, normalizer_of, user_defined
from tokstudio.tokens.native import native_errors
from tokstudio.tokens.sidecar import settings_file
from tokstudio.tokens.spans import by_lengths, settle, with_specials
from tokstudio.tokens.table import TokenTable
from tokstudio.tokens.written import check_written, parsed

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

ALPHABET = Alphabet(spaces=True, byte_entries=True)


class SentencePieceTokenizer:
    def __init__(
        self, reference: str, name: str, library: "SentencePieceProcessor", data: bytes, ends: "Ends"
    ):
        self._library = library
        self._data = data
        self._ends = ends
        self.reference = reference
        self.name = name
        self.fingerprint = f"sentencepiece-{sha256(data).hexdigest()[:48]}"

    @cached_property
    def algorithm(self) -> str:
        return algorithm_of(self._data)

    @property
    def unknown_id(self) -> int | None:
        return self._library.unk_id()

    @cached_property
    def special_tokens(self) -> dict[str, int]:
        """Control symbols and the unknown one; user-defined symbols stand for their own text."""
        library = self._library
        ids = [i for i in range(len(library)) if library.IsControl(i) or library.IsUnknown(i)]
        return {library.IdToPiece(i): i for i in ids}

    @cached_property
    def _table(self) -> TokenTable:
        library, silent = self._library, set(self.special_tokens.values())
        entries = [library.IdToPiece(i) for i in range(len(library))]
        return TokenTable.from_list(
            None if i in silent or library.IsUnused(i) else self._bytes_of(i, entry)
            for i, entry in enumerate(entries)
        )

    def check(self) -> None:
        """Raises UnicodeDecodeError where a flipped byte of the file made a piece no UTF-8."""
        _ = self._table

    def _bytes_of(self, token: int, entry: str) -> bytes:
        """Only a byte symbol is a byte: a user may have defined a symbol that looks like one."""
        return ALPHABET.bytes_of(entry) if self._library.IsByte(token) else entry.replace("▁", " ").encode()

    def __len__(self) -> int:
        return len(self._library)

    def encode(self, text: str, *, special: bool = False, written: Written = "text") -> Encoding:
        """With `written` "parse" each piece between two special tokens is encoded as a text of its own: it
        gets its own dummy prefix, as in the models that were trained with this library."""
        check_written(text, self.special_tokens, written)
        specials = self.special_tokens if written == "parse" else {}
        bare = parsed(text, specials, self._bare) if specials else self._bare(text)
        return self._surrounded(bare) if special else bare

    def _bare(self, text: str) -> Encoding:
        data = utf8(text)
        ids = np.array(self._library.encode(data, return_type="numpy"), np.int32)
        spans = by_lengths(data, ids, self._table)
        if spans is None:
            spans = settle(data, ids, self._ranges(data, ids), self._table)
        return Encoding(data, ids, spans)

    def _ranges(self, data: bytes, ids: np.ndarray) -> np.ndarray:
        """What the library reports, int64 [n, 2]. It reports the bytes of one character as nothing, nothing,
        and the whole: here each gets the whole."""
        offsets = self._library.encode(data, return_type="offset_mapping", return_bytes=True)["offsets"]
        ranges = np.array(offsets, np.int64).reshape(-1, 2)
        silent = self._is_byte[ids] & (ranges[:, 0] == ranges[:, 1])
        for i in np.flatnonzero(silent[:-1])[::-1]:
            if ranges[i, 0] == ranges[i + 1, 0]:
                ranges[i, 1] = ranges[i + 1, 1]
        return ranges

    @cached_property
    def _is_byte(self) -> np.ndarray:
        """bool [vocabulary]"""
        return np.array([self._library.IsByte(i) for i in range(len(self._library))], bool)

    def _surrounded(self, bare: Encoding) -> Encoding:
        before, after = self._ends.before(self._library), self._ends.after(self._library)
        ids = np.concatenate([before, bare.ids, after]).astype(np.int32)
        outside = np.ones(len(ids), bool)
        outside[len(before) : len(before) + len(bare)] = False
        return Encoding(bare.text, ids, with_specials(bare.spans, outside, len(bare.text)))

    def decode(self, ids: np.ndarray) -> bytes:
        text = self._table.join(checked(ids, len(self)))
        return text[1:] if self._adds_space and text.startswith(b" ") else text

    @cached_property
    def _adds_space(self) -> bool:
        """Does it put a space before every text? Then decoding takes one away."""
        return self._table.join(np.array(self._library.encode("a", return_type="numpy"), np.int64)) == b" a"

    def library_json(self) -> dict[str, Any]:
        """The content of a tokenizer.json that cuts alike, with these exceptions: what follows a user-defined symbol
        gets a prefix again, and Unigram chooses for itself among ways that are worth the same."""
        from tokstudio.tokens import sentencepiece_file as kinds
        from tokstudio.tokens.pieces_json import pieces_json

        library, ids = self._library, range(len(self))
        known = (
            (library.IsUnknown, kinds.UNKNOWN),
            (library.IsControl, kinds.CONTROL),
            (library.IsUnused, kinds.UNUSED),
            (library.IsByte, kinds.BYTE),
        )
        types = [next((kind for of, kind in known if of(i)), kinds.NORMAL) for i in ids]
        for i in user_defined(self._data):
            types[i] = kinds.USER
        return pieces_json(
            [library.IdToPiece(i) for i in ids],
            [library.GetScore(i) for i in ids],
            types,
            algorithm=self.algorithm,
            normalizer=normalizer_of(self._data),
            before=self._ends.before(library),
            after=self._ends.after(library),
        )

    def token_bytes(self, token: int) -> bytes | None:
        return self._table.bytes_of(checked_one(token, len(self)))


@dataclass(frozen=True, slots=True)
class Ends:
    """What a model expects around a text. The model file does not say; a tokenizer_config.json beside it
    does, and without one it is the beginning-of-text symbol, if the model has it."""

    begin: bool = True
    end: bool = False

    @classmethod
    def beside(cls, folder: Path) -> "Ends":
        settings = settings_file(folder, "tokenizer_config.json")
        return cls(bool(settings.get("add_bos_token", True)), bool(settings.get("add_eos_token", False)))

    def before(self, library: "SentencePieceProcessor") -> list[int]:
        return [library.bos_id()] if self.begin and library.bos_id() >= 0 else []

    def after(self, library: "SentencePieceProcessor") -> list[int]:
        return [library.eos_id()] if self.end and library.eos_id() >= 0 else []


def claims(path: Path, head: bytes) -> bool:
    """A model begins with its first piece: field 1, a message of one string and maybe a score and a type."""
    return len(head) > 3 and head[0] == 0x0A and head[2] == 0x0A


def load(path: Path, reference: str, name: str) -> SentencePieceTokenizer:
    from sentencepiece import SentencePieceProcessor

    data = path.read_bytes()
    library = SentencePieceProcessor()
    damaged = f"{path.name} is damaged, so it cannot be read as a SentencePiece model"
    with native_errors(damaged, "Fetch or copy it again.", tell=False):
        library.LoadFromSerializedProto(data)
        tokenizer = SentencePieceTokenizer(reference, name, library, data, Ends.beside(path.parent))
        tokenizer.check()
    return tokenizer


BACKENDS.add("sentencepiece", Backend(files={"*.model": 1, "*.model.v[0-9]*": 2}, claims=claims, load=load))
