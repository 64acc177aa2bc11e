"""Tokenizers of the Hugging Face library: tokenizer.json, and the older vocab.txt, and vocab.json +
merges.txt."""

import json
import threading
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens import older_files
from tokstudio.tokens.base import BACKENDS, Backend, Encoding, Written, checked, checked_one, utf8
from tokstudio.tokens.hf_parts import algorithm_of, alphabet_of, unknown_of
from tokstudio.tokens.native import native_errors, of_library
from tokstudio.tokens.patterns import check_patterns
from tokstudio.tokens.sniff import MOST, bad_json, check_count, is_tekken
from tokstudio.tokens.spans import by_lengths, character_edges, settle, take_marks, with_specials
from tokstudio.tokens.table import TokenTable
from tokstudio.tokens.written import check_written

if TYPE_CHECKING:
    from tokenizers import Encoding as LibraryEncoding
    from tokenizers import Tokenizer as Library

SHORT, FIRST = 2048, 8  # tokens of a text; texts
SPARSE = 100_000  # ids that may be missing beside four times as many as there are
LONGEST_WORD, LONGEST_MARK = 1000, 64  # characters
NO_ENTRY = "Its vocabulary may have no entry for a character of the text, and none for unknown ones."


class HuggingFaceTokenizer:
    def __init__(self, reference: str, name: str, library: "Library", fingerprint: str):
        library.no_truncation()  # MiniLM's file says 128 tokens, which is about a model, not about a text
        library.no_padding()
        self._library = library
        self._mode = threading.Lock()  # how the library reads special tokens is a switch of the library
        self._alphabet = alphabet_of(library)
        self.reference = reference
        self.name = name
        self.algorithm = algorithm_of(library, self._alphabet)
        self.fingerprint = fingerprint
        self._left = FIRST

    @cached_property
    def special_tokens(self) -> dict[str, int]:
        added = self._library.get_added_tokens_decoder()
        return {token.content: i for i, token in added.items() if token.special}

    @cached_property
    def unknown_id(self) -> int | None:
        return unknown_of(self._library)

    @cached_property
    def _table(self) -> TokenTable:
        added = {i: token.content.encode() for i, token in self._library.get_added_tokens_decoder().items()}
        entries = self._library.get_vocab(with_added_tokens=False)
        tokens = dict(zip(entries.values(), self._alphabet.all_bytes(entries), strict=True)) | added
        for i in [*self.special_tokens.values(), *([] if self.unknown_id is None else [self.unknown_id])]:
            tokens.pop(i, None)
        return TokenTable.build(tokens, max([*entries.values(), *added], default=-1) + 1)

    def __len__(self) -> int:
        return len(self._table)

    def encode(self, text: str, *, special: bool = False, written: Written = "text") -> Encoding:
        data = utf8(text)
        check_written(text, self.special_tokens, written)
        found = self._encode(text, special, parse=written == "parse")
        ids = np.array(found.ids, np.int32)
        outside = np.array(found.special_tokens_mask, bool) if special else np.zeros(len(ids), bool)
        inner = ids[~outside]
        table = self._table_with_specials if written == "parse" else self._table_of(inner)
        spans = self._spans(data, inner, found, ~outside, table)
        return Encoding(data, ids, with_specials(spans, outside, len(data)) if special else spans)

    def _encode(self, text: str, special: bool, *, parse: bool = False) -> "LibraryEncoding":
        with self._mode, native_errors(f"{self.name} cannot encode this text", NO_ENTRY):
            if self._library.encode_special_tokens == parse:
                self._library.encode_special_tokens = not parse  # True: "[SEP]" written out in a text is text
            return self._library.encode(text, add_special_tokens=special)

    def _table_of(self, ids: np.ndarray) -> TokenTable:
        """The whole table; for the first short texts one that knows only `ids`: the whole takes 20 ms and more,
        and a window that opens has three of them."""
        if not self._left or "_table" in self.__dict__ or not 0 < len(ids) <= SHORT:
            return self._table
        self._left -= 1
        added = self._library.get_added_tokens_decoder()
        tokens = {
            i: added[i].content.encode()
            if i in added
            else self._alphabet.bytes_of(self._library.id_to_token(i))
            for i in set(ids.tolist()) - {*self.special_tokens.values(), self.unknown_id}
        }
        size = int(ids.max()) + 1
        none = TokenTable(np.zeros(0, np.uint8), np.zeros(size + 1, np.int64), np.zeros(size, bool))
        return none.extended(tokens)

    @cached_property
    def _table_with_specials(self) -> TokenTable:
        return self._table.extended({i: content.encode() for content, i in self.special_tokens.items()})

    def _spans(
        self, data: bytes, ids: np.ndarray, found: "LibraryEncoding", wanted: np.ndarray, table: TokenTable
    ) -> np.ndarray:
        """The bytes of the tokens decide where they are the text; else what the library reports, settled."""
        whole = self._alphabet.byte_level or self._alphabet.spaces
        if whole and (spans := by_lengths(data, ids, table)) is not None:
            return spans
        ranges = character_edges(data)[np.array(found.offsets, np.int64).reshape(-1, 2)[wanted]]
        if whole or (ranges[1:, 0] < ranges[:-1, 1]).any() or (ranges[:, 0] >= ranges[:, 1]).any():
            return settle(data, ids, ranges, table)
        return take_marks(data, ranges).astype(np.int32)

    def decode(self, ids: np.ndarray) -> bytes:
        array = checked(ids, len(self))
        if not (self._alphabet.byte_level or self._alphabet.spaces):
            known = array[self._table.known[array]].tolist()
            return self._library.decode(known, skip_special_tokens=True).encode()
        text = self._table.join(array)
        return text[1:] if self._adds_space and text.startswith(b" ") else text

    @cached_property
    def _adds_space(self) -> bool:
        """Does it put a space before a text that has none? Then decoding takes one away."""
        return self._table.join(np.array(self._encode("a", False).ids, np.int64)) == b" a"

    def token_bytes(self, token: int) -> bytes | None:
        return self._table.bytes_of(checked_one(token, len(self)))

    def to_json(self) -> str:
        """The content of a tokenizer.json."""
        return self._library.to_str()

    def piece(self, token: int) -> str | None:
        """How the vocabulary writes `token`, with the marks of its alphabet ("##ing"); None for a hole."""
        return self._library.id_to_token(token)


def claims(path: Path, head: bytes) -> bool:
    if path.suffix == ".json":
        return (
            head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
            and b"\0" not in head
            and not is_tekken(head)
        )
    return path.name in ("vocab.txt", "merges.txt") and b"\0" not in head


def load(path: Path, reference: str, name: str) -> HuggingFaceTokenizer:
    from tokenizers import Tokenizer as Library

    if path.name in ("vocab.json", "merges.txt"):
        library = older_files.byte_bpe(path.with_name("vocab.json"), path.with_name("merges.txt"))
        data = library.to_str().encode("utf-8", "surrogatepass")
    elif path.name == "vocab.txt":
        library = older_files.word_piece(path)
        data = library.to_str().encode("utf-8", "surrogatepass")
    else:
        data = path.read_bytes()
        check_count(data, b",", 2 * MOST, path.name)  # a merge has two, an entry one
        check_added(data, path.name)
        try:
            library = Library.from_buffer(data)
        except BaseException as error:  # the library raises nothing narrower, and its native code panics
            if not of_library(error):
                raise
            raise bad_json(path, data, error) from None
    check_ids(library, path.name)
    check_words(library, path.name)
    check_patterns(library, path.name)
    return HuggingFaceTokenizer(reference, name, library, f"huggingface-{sha256(data).hexdigest()[:48]}")


def check_added(data: bytes, name: str) -> None:
    """Raises TokenizerError where added tokens are so long together that the automaton which finds them in a text
    would fill the memory. Only a file that may have such is looked into: that takes a second."""
    if data.count(b'"single_word"') < 10_000 and len(data) < 64 << 20:
        return
    try:
        added = json.loads(data)["added_tokens"]
        size = sum(len(one["content"]) for one in added)
    except (ValueError, TypeError, KeyError, RecursionError):
        return  # the library says what is wrong with it
    if size > MOST:
        raise TokenizerError(
            f"{name} cannot be read as a tokenizer: its added tokens have {size:,} characters together.",
            hint="Fetch it again: it was edited or damaged.",
        )


def check_words(library: "Library", name: str) -> None:
    """Raises TokenizerError where a single word could take for ever: WordPiece tries all ends of each piece."""
    model = library.model
    longest = getattr(model, "max_input_chars_per_word", 0) or 0
    marks = [getattr(model, key, None) or "" for key in ("continuing_subword_prefix", "end_of_word_suffix")]
    reason = ""
    if longest > LONGEST_WORD:
        reason = f"it cuts words of {longest:,} characters, which takes for ever"
    elif (size := max(map(len, marks))) > LONGEST_MARK:
        reason = f"the mark at its pieces has {size:,} characters"
    if reason:
        raise TokenizerError(
            f"{name} cannot be read as a tokenizer: {reason}.",
            hint="Fetch it again: it was edited or damaged. Usual are words of 100 characters, and marks of 2.",
        )


def check_ids(library: "Library", name: str) -> None:
    """Raises TokenizerError where there is nothing, two entries have one id, or ids are so far apart that a table
    of all of them would fill the memory."""
    entries, reason = library.get_vocab(with_added_tokens=False), ""
    if not entries and not library.get_added_tokens_decoder():
        reason = "its vocabulary is empty"
    elif len(set(entries.values())) != len(entries):
        seen: dict[int, str] = {}
        twice = next((i, a, seen[i]) for a, i in entries.items() if seen.setdefault(i, a) != a)
        reason = f"the id {twice[0]:,} belongs to {twice[1]!r} and to {twice[2]!r}"
    elif (largest := max(entries.values(), default=0)) >= 4 * len(entries) + SPARSE:
        reason = f"it has {len(entries):,} entries and the id {largest:,}"
    if reason:
        raise TokenizerError(
            f"{name} cannot be read as a tokenizer: {reason}.",
            hint="Fetch it again: it was edited or damaged.",
        )


BACKENDS.add(
    "huggingface",
    Backend(files={"tokenizer.json": 0, "vocab.json": 3, "vocab.txt": 4}, claims=claims, load=load),
)
