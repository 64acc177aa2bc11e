"""Byte-level BPE by OpenAI's tiktoken: its named encodings, and rank files of other models."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import BACKENDS, Backend, Encoding, Written, checked, checked_one, utf8
from tokstudio.tokens.encodings import encoding_names, encoding_spec
from tokstudio.tokens.known_ranks import known_ranks
from tokstudio.tokens.native import native_errors
from tokstudio.tokens.occurring import occurring
from tokstudio.tokens.patterns import try_out
from tokstudio.tokens.rank_files import LINE, Ranks, parse_ranks, ranks_of
from tokstudio.tokens.sidecar import beside, settings_file
from tokstudio.tokens.spans import stack
from tokstudio.tokens.table import TokenTable
from tokstudio.tokens.written import check_written

if TYPE_CHECKING:
    from tiktoken._tiktoken import CoreBPE

SHORT = 4096  # bytes; the first text up to this size is encoded without taking in the whole vocabulary

LONGEST_RUN = 900_000  # characters of white space; at a million tiktoken's native code panics


class TiktokenTokenizer:
    algorithm = "Byte BPE"
    unknown_id = None
    # a window sets it: a short text never takes in the whole vocabulary, which holds the interpreter lock for 0.1 s
    light = False

    def __init__(
        self,
        reference: str,
        name: str,
        ranks: Ranks,
        pattern: str,
        special_tokens: Mapping[str, int],
        begin: str = "",
    ):
        """`begin`: the special token that a text begins with; empty for none, as in tiktoken's own encodings."""
        self._begin = special_tokens.get(begin)
        self.reference = reference
        self.name = name
        self.special_tokens = dict(special_tokens)
        self._pattern = pattern
        self._ranks = ranks
        self._table = ranks.table
        self._started = False

    @cached_property
    def fingerprint(self) -> str:
        from hashlib import sha256

        settings = repr((self._pattern, sorted(self.special_tokens.items())))
        return f"tiktoken-{self._ranks.sha256[:32]}-{sha256(settings.encode()).hexdigest()[:16]}"

    def __len__(self) -> int:
        return max([len(self._table), *(i + 1 for i in self.special_tokens.values())])

    def encode(self, text: str, *, special: bool = False, written: Written = "text") -> Encoding:
        data = utf8(text)
        check_written(text, self.special_tokens, written)
        parse = written == "parse" and any(content in text for content in self.special_tokens)
        ids = self._ids(text, data, set(self.special_tokens) if parse else set())
        table = self._table_with_specials if parse else self._table
        stops = np.cumsum(table.lengths(ids))
        bare = Encoding(data, ids.astype(np.int32), stack(stops - table.lengths(ids), stops))
        if not special or self._begin is None:
            return bare
        framed, nothing = np.append(np.int32(self._begin), bare.ids), np.zeros((1, 2), np.int32)
        return Encoding(data, framed, np.concatenate([nothing, bare.spans]))

    @cached_property
    def _table_with_specials(self) -> TokenTable:
        return self._table.extended({i: content.encode() for content, i in self.special_tokens.items()})

    def _ids(self, text: str, data: bytes, allowed: set[str]) -> np.ndarray:
        whole = len(data) > SHORT or (not self.light and (allowed or self._started))
        with native_errors(f"{self.name} cannot cut a text", "Use another file of the same model."):
            if whole or "_core" in self.__dict__:
                core = self._core
            else:
                self._started = True  # once: from the second text on, the whole vocabulary pays
                specials = self.special_tokens if allowed else {}
                core = _core_bpe(occurring(self._table, data), specials, self._pattern)
        if len(text) > LONGEST_RUN and re.search(rf"\s{{{LONGEST_RUN}}}", text):
            raise TokenizerError(
                "tiktoken cannot cut this text: it has too long a run of white space.",
                hint="Shorten the run; tiktoken's pattern gives up at a million spaces in a row.",
            )
        with native_errors(
            "tiktoken cannot cut this text", "Shorten its longest run of one kind of character."
        ):
            return np.frombuffer(core.encode_to_tiktoken_buffer(text, allowed), np.uint32)

    def warm(self) -> None:
        """Take in the whole vocabulary (0.1 to 0.3 s), so that no later `encode` has to."""
        _ = self._core

    @cached_property
    def _core(self) -> "CoreBPE":
        return _core_bpe(self._ranks.as_dict(), self.special_tokens, self._pattern)

    def library_json(self) -> dict[str, Any]:
        """The content of a tokenizer.json that cuts alike (1 to 3 s: every merge has to be found)."""
        from tokstudio.tokens.ranks_json import ranks_json

        begin = self.encode("", special=True).ids.tolist()
        names = {i: name for name, i in self.special_tokens.items()}
        bos = names[begin[0]] if begin else None
        return ranks_json(self._ranks.as_dict(), self.special_tokens, self._pattern, bos)

    def decode(self, ids: np.ndarray) -> bytes:
        array = checked(ids, len(self))
        return self._table.join(array[array < len(self._table)])

    def token_bytes(self, token: int) -> bytes | None:
        token = checked_one(token, len(self))
        return self._table.bytes_of(token) if token < len(self._table) else None


def _core_bpe(ranks: dict[bytes, int], special_tokens: Mapping[str, int], pattern: str) -> "CoreBPE":
    from tiktoken._tiktoken import CoreBPE

    return CoreBPE(ranks, dict(special_tokens), pattern)


def check_pattern(pattern: str, file: str) -> None:
    """Raises TokenizerError for a pattern that is none, or that explodes."""
    with native_errors(f"The pattern in {file} cannot be used", "Mend the pattern, or use another file."):
        _core_bpe({bytes([byte]): byte for byte in range(256)}, {}, pattern)
    try_out([pattern], file, ranked=True)


def open_named(name: str) -> TiktokenTokenizer:
    spec = encoding_spec(name)
    return TiktokenTokenizer(f"tiktoken:{name}", name, ranks_of(spec), spec.pattern, spec.special_tokens)


def claims(path: Path, head: bytes) -> bool:
    return bool(LINE.match(head)) or path.suffix == ".tiktoken"


def load(path: Path, reference: str, name: str) -> TiktokenTokenizer:
    """A rank file says nothing about pattern and special tokens: they come from the file beside it that was
    written with it, or from the encoding that the file belongs to, by its hash, or else from the one its name
    begins with, or else from a model that has as many tokens."""
    ranks = parse_ranks(path.read_bytes(), path.name)
    if about := settings_file(path.parent, beside(path.name)):
        return TiktokenTokenizer(reference, name, ranks, *_said(about, ranks, beside(path.name)))
    specs = [encoding_spec(known) for known in encoding_names()]
    same = [s for s in specs if len(s.files) == 1 and s.files[0].sha256 == ranks.sha256]
    named = [s for s in specs if path.name.startswith(s.name)]
    if not same and not named and (known := known_ranks(int(ranks.table.known.sum()))):
        return TiktokenTokenizer(reference, name, ranks, known.pattern, known.special_tokens, known.begin)
    if not (spec := next(iter(same + named), None)):
        raise TokenizerError(
            f"{path.name} holds tokens, but not the pattern that cuts a text into words.",
            hint="If you know its encoding, name the file after it, e.g. cl100k_base-mine.tiktoken; "
            "or use the tokenizer.json of the same model.",
        )
    return TiktokenTokenizer(reference, name, ranks, spec.pattern, spec.special_tokens)


def _said(about: dict[str, Any], ranks: Ranks, file: str) -> tuple[str, dict[str, int], str]:
    """Pattern, special tokens and the one that a text begins with. Raises TokenizerError where they cannot be so."""
    pattern, specials, begin = about.get("pattern"), about.get("special_tokens", {}), about.get("begin", "")
    known, most = ranks.table.known, 4 * len(ranks.table) + 4096
    fits = isinstance(specials, dict) and all(
        content and type(i) is int and 0 <= i < most and not (i < len(known) and known[i])
        for content, i in specials.items()
    )
    if not (isinstance(pattern, str) and fits and len(set(specials.values())) == len(specials)):
        raise TokenizerError(
            f"{file} does not give a pattern and special tokens with ids of their own.",
            hint="Take the file that was written with the vocabulary, or the tokenizer.json of the same model.",
        )
    check_pattern(pattern, file)
    return pattern, specials, begin if begin in specials else ""


BACKENDS.add(
    "tiktoken",
    Backend(scheme="tiktoken", named=open_named, files={"*.tiktoken": 2}, claims=claims, load=load),
)
