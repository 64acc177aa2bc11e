"""Pieces of text out of what people have: text files, folders, JSON lines, Parquet, `datasets` folders.

Nothing is read whole. A long text is cut after a line end, or a space where a line does not end, about every
quarter of a megabyte; rows of a table stay whole up to that size.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tokstudio.errors import InputError
from tokstudio.tokens.corpus.table import rows

PIECE = 256 * 1024  # bytes
TEXT_NAMES = (
    "txt md rst py js ts c h cpp hpp java go rs html htm xml css csv tsv tex json yaml yml toml ini cfg sh sql log "
    "fasta fa srt po"
)
TEXT_NAMES = (
    "txt md rst py js ts c h cpp hpp java go rs html htm xml css csv tsv tex json yaml yml toml ini cfg sh sql log "
    "fasta fa srt po"
)
TEXT_SUFFIXES = frozenset(f".{name}" for name in TEXT_NAMES.split(" "))
ROWS = frozenset((".jsonl", ".ndjson"))
TABLES = frozenset((".parquet", ".arrow", ".feather"))
TEXT_FIELDS = ("text", "content", "raw_content", "document", "sentence", "article", "body", "code")
GROUP_FIELDS = ("language", "lang", "locale", "language_code", "lang_code")
LONGEST_LINE = 64 * 2**20  # bytes of JSON: more would have to be held at once
MOST_FILES = 32  # as groups of their own; more are grouped by their folder
SKIPPED_FOLDERS = frozenset(("__pycache__", "node_modules"))
BY = ("auto", "none", "file", "folder", "language")


@dataclass(frozen=True, slots=True)
class Piece:
    group: str
    text: str
    done: int  # bytes of all files read when this piece was complete


@dataclass
class Corpus:
    """What is read, and how. `by`: one of BY, or the name of a field."""

    path: Path
    files: list[Path]
    size: int  # bytes of all files, as they lie on the disk
    by: str
    text_field: str | None = None
    repaired: int = 0  # pieces that were no UTF-8; what could not be read became U+FFFD
    _done: int = field(default=0, repr=False)

    def pieces(self) -> Iterator[Piece]:
        """Raises InputError where a file cannot be read, or a row has no text."""
        self._done = 0
        for file in self.files:
            size = file.stat().st_size
            yield from self._read(file)
            self._done += size

    def group_of(self, file: Path) -> str:
        if self.by in ("none", "language") or (len(self.files) == 1 and self.by == "auto"):
            return ""
        name = file.relative_to(self.path) if self.path.is_dir() else Path(file.name)
        folders = self.by == "folder" or (self.by == "auto" and len(self.files) > MOST_FILES)
        if self.by not in BY:
            return ""
        return (name.parts[0] if len(name.parts) > 1 else ".") if folders else name.as_posix()

    def _read(self, file: Path) -> Iterator[Piece]:
        group = self.group_of(file)
        if _suffix(file) in TABLES:
            yield from self._table(file, group)
            return
        try:
            with file.open("rb") as raw, _opened(file, raw) as stream:
                if _suffix(file) in ROWS:
                    yield from self._rows(file, lines_of(stream), group, raw.tell)
                else:
                    for data in blocks(stream):
                        yield Piece(group, self._decoded(data), self._done + raw.tell())
        except (OSError, EOFError) as error:
            raise InputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.",
                             hint="Take it out, or name files that you may read.") from None  # fmt: skip

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.repaired += 1
            return data.decode(errors="replace")

    # ---- rows

    def _rows(
        self, file: Path, lines: Iterable[bytes], group: str, tell: Callable[[], int]
    ) -> Iterator[Piece]:
        fields: tuple[str, str | None] | None = None
        for number, line in enumerate(lines, 1):
            if len(line) > LONGEST_LINE:
                raise InputError(f"Line {number:,} of {file} is longer than {LONGEST_LINE // 2**20} MB.",
                                 hint="JSON lines hold one text a line: has the file line ends?")  # fmt: skip
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise InputError(f"Line {number:,} of {file} is no JSON object.",
                                 hint='Each line needs an object, such as {"text": "…"}.')  # fmt: skip
            if fields is None:
                fields = self._fields(
                    file, [key for key, value in row.items() if isinstance(value, str)], list(row)
                )
            text, own = row.get(fields[0]), row.get(fields[1]) if fields[1] else None
            if isinstance(text, str):
                named = str(own) if own is not None else group
                yield from self._row(named, text, self._done + tell())

    def _row(self, group: str, text: str, done: int) -> Iterator[Piece]:
        if not text.isascii():  # a \\u of JSON can be half a character
            text = text.encode(errors="replace").decode()
        if len(text) <= PIECE // 4:
            if text:
                yield Piece(group, text, done)
            return
        for data in blocks(_Bytes(text.encode())):
            yield Piece(group, data.decode(), done)

    def _fields(self, file: Path, strings: list[str], names: list[str]) -> tuple[str, str | None]:
        """Which field holds the text, and which the group."""
        if self.text_field is not None:
            if self.text_field not in names:
                raise InputError(f"{file.name} has no field {self.text_field!r}.",
                                 hint=f"It has: {', '.join(names[:12])}.")  # fmt: skip
            text = self.text_field
        else:
            text = next((name for name in TEXT_FIELDS if name in strings), next(iter(strings), ""))
            if not text:
                raise InputError(f"{file.name} has no field with text.",
                                 hint=f"It has: {', '.join(names[:12]) or 'none'}. Name one.")  # fmt: skip
        if self.by not in BY:
            if self.by not in names:
                raise InputError(f"{file.name} has no field {self.by!r} to group by.",
                                 hint=f"It has: {', '.join(names[:12])}.")  # fmt: skip
            return text, self.by
        if self.by in ("auto", "language"):
            return text, next((name for name in GROUP_FIELDS if name in names and name != text), None)
        return text, None

    def _table(self, file: Path, group: str) -> Iterator[Piece]:
        size = file.stat().st_size

        def choose(names: list[str], strings: list[str]) -> tuple[str, str | None]:
            return self._fields(file, strings, names)

        try:
            for share, texts, groups in rows(file, choose):
                for at, value in enumerate(texts):
                    if isinstance(value, str):
                        named = group if groups is None or groups[at] is None else str(groups[at])
                        yield from self._row(named, value, self._done + int(share * size))
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise InputError(f"{file} cannot be read as a table: {str(error).splitlines()[0].rstrip('.')}.",
                             hint="Fetch or copy it again, or take it out.") from None  # fmt: skip


class _Bytes:
    """Bytes that are read like a file."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def read(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        self._at += len(part)
        return part


def lines_of(stream) -> Iterator[bytes]:
    """Lines; of one that is too long, a part that says so."""
    while line := stream.readline(LONGEST_LINE + 1):
        yield line


def blocks(stream, size: int = PIECE) -> Iterator[bytes]:
    """About `size` bytes each, cut after a line end, else before a space, else between two characters."""
    rest = b""
    while data := stream.read(size):
        data = rest + data
        at = data.rfind(b"\n") + 1 or _last_space(data) or _whole(data)
        if at < size // 4 and len(data) < 2 * size:  # too little to be worth it: read on
            rest = data
            continue
        at = at or len(data)
        yield data[:at]
        rest = data[at:]
    if rest:
        yield rest


def _last_space(data: bytes) -> int:
    return max(0, data.rfind(b" "))


def _whole(data: bytes) -> int:
    """Where the last character begins: it may be incomplete."""
    at = len(data) - 1
    while at > 0 and data[at] & 0xC0 == 0x80 and len(data) - at < 4:
        at -= 1
    return at


def _suffix(file: Path) -> str:
    return (Path(file.stem) if file.suffix == ".gz" else file).suffix.lower()


def _opened(file: Path, raw):
    return gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else _Kept(raw)


class _Kept:
    """A stream that `with` leaves open: its owner closes it."""

    def __init__(self, raw):
        self._raw = raw

    def __enter__(self):
        return self._raw

    def __exit__(self, *_) -> None:
        pass


def open_corpus(path: str | Path, *, by: str = "auto", text_field: str | None = None) -> Corpus:
    """Raises InputError where there is nothing to read."""
    path = Path(path).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _wanted(file, path))
        if not files:
            raise InputError(
                f"{path} holds no text.", hint="Name a folder with .txt, .jsonl, .parquet or .arrow files."
            )
    elif path.is_file():
        files = [path]
    else:
        raise InputError(f"There is no file or folder {path}.", hint="Check the spelling of --data.")
    return Corpus(path, files, sum(file.stat().st_size for file in files), by, text_field)


def _wanted(file: Path, root: Path) -> bool:
    parts = file.relative_to(root).parts
    if any(part.startswith(".") or part in SKIPPED_FOLDERS for part in parts) or not file.is_file():
        return False
    if file.name in ("dataset_info.json", "state.json", "dataset_dict.json"):  # of a `datasets` folder
        return False
    return _suffix(file) in TEXT_SUFFIXES | ROWS | TABLES
