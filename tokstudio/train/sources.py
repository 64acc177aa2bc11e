"""Documents out of what people have: text files, folders, JSON lines, Parquet, folders of the library `datasets`.

Nothing is read whole. A row is a text, a chat or a prompt with its answer; which, its fields say.
"""

import bisect
import gzip
import hashlib
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from tokstudio.errors import InputError
from tokstudio.paths import cache_folder
from tokstudio.tokens.corpus.read import LONGEST_LINE, ROWS, TABLES, TEXT_FIELDS, blocks, lines_of
from tokstudio.tokens.download_texts import texts_folder
from tokstudio.train.chat_rows import ChatRows, fields_of
from tokstudio.train.config import DataConfig
from tokstudio.train.corpus import PYTHON, Corpus, Document, python_documents, windows
from tokstudio.train.stored import both

COMPRESSED = frozenset((".gz", ".zst"))
TEXTS = frozenset((".txt", ".md", ".py", ".rst"))
BLOCK = 1 << 20  # bytes of a text file that are read at a time
PART = 4000  # bytes of a document that is cut out of a text file
IN_MEMORY = 64 << 20  # characters; more lie on the disk, once, and are mapped
HELD_OUT_SPLITS = ("validation", "valid", "dev", "test", "eval")


def load_data(data: DataConfig, model: str = "") -> Corpus:
    """What `data` names. `model`: whose chat template writes chats.

    Raises InputError, which names the file and the line or row, for what is missing, empty or unreadable.
    """
    if data.stream:
        from tokstudio.train.streaming import load_stream

        return load_stream(data, model)
    reader = Reader(data, model)
    try:
        return reader.corpus()
    finally:
        reader.close()


class Reader:
    def __init__(self, data: DataConfig, model: str):
        self.data = data
        self.chats = ChatRows(model, data.chat_template, data.learn)

    def close(self) -> None:
        self.chats.close()

    def corpus(self) -> Corpus:
        reference = local(self.data.corpus)
        apart = local(self.data.held_out) or _own_split(reference)
        if apart:
            train = self.all_of(_train_split(reference), "train")
            held_out = self.all_of(apart, "held out")
        elif reference == PYTHON:
            train, held_out = _parted(python_documents())
        else:
            train, held_out = both(self._folder(reference), self.read(reference), IN_MEMORY)
        if not len(train) and not len(held_out):
            raise InputError(f"{reference} holds no text.", hint="Choose a text file that is not empty.")
        if len(train) and not len(held_out):  # few documents: the last one, rather than nothing to measure on
            train, held_out = train[:-1], train[-1:]
        if not len(train) or not len(held_out):
            raise InputError(
                f"{reference} has too little text to train on and to measure on.",
                hint="Choose a file of at least a few kilobytes, or a folder with several files.",
            )
        return Corpus(self.data.corpus, train, held_out)

    def all_of(self, reference: str, what: str) -> Sequence[Document]:
        """Every document of `reference`, whatever its name."""
        if reference == PYTHON:
            return python_documents()
        named = (Document(f"{what}/{d.name}", d.text) for d in self.read(reference))
        train, held_out = both(self._folder(reference) / "all", _Unparted(named), IN_MEMORY)
        if not len(train):
            raise InputError(f"{reference} holds no text.", hint="Choose a text file that is not empty.")
        return train if not len(held_out) else (*train, *held_out)

    def _folder(self, reference: str) -> Path:
        """Where a large one is kept, by what its content depends on."""
        facts: list[Any] = [[str(f), *_stamp(f)] for f in files_of(Path(reference).expanduser())]
        facts += [self.data.text_field, self.data.learn, self.data.chat_template, self.chats.model]
        return cache_folder() / "texts" / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]

    def read(self, reference: str) -> Iterator[Document]:
        path = Path(local(reference)).expanduser()
        for file in files_of(path):
            prefix = str(file.relative_to(path)) if path.is_dir() else file.name
            yield from (document for document in self._file(file, prefix) if document.text)

    def _file(self, file: Path, prefix: str) -> Iterator[Document]:
        kind = suffix_of(file)
        try:
            if kind in TABLES:
                rows = ((n, row, f"Row {n:,} of {file}") for n, row in _table(file, self.columns))
                yield from self.rows(rows, prefix)
            elif kind in ROWS:
                with _open(file) as stream:
                    yield from self.rows(rows_of_lines(stream, str(file)), prefix)
            else:
                with _open(file) as stream:
                    yield from pieces_of_text(stream, str(file), prefix)
        except (OSError, EOFError) as error:
            raise InputError(
                f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.",
                hint="Take it out, or name files that you may read.",
            ) from None

    def columns(self, names: list[str]) -> list[str] | None:
        """The columns of a table that are read; None: all."""
        wanted = self.data.text_field or next((name for name in TEXT_FIELDS if name in names), "")
        chat = () if self.data.text_field else fields_of(names)
        return list(chat) or ([wanted] if wanted in names else None)

    def rows(self, rows: Iterator[tuple[int, Any, str]], prefix: str) -> Iterator[Document]:
        """`rows`: number, fields (None where it is no row), and what to call it. Takes one row for each document."""
        named = ""
        for number, row, where in rows:
            if not isinstance(row, Mapping):
                raise InputError(
                    f'{where} is no JSON object with a "text" field.', hint='Each line needs {"text": "…"}.'
                )
            wanted = self.data.text_field
            fields = () if wanted else fields_of(list(row))
            if fields:
                yield Document(f"{prefix}#{number}", self.chats.text(row, fields, where))
                continue
            named = named if named in row else wanted or _text_field(row)
            text = row.get(named)
            if not isinstance(text, str):
                raise InputError(
                    f'{where} has no "{named or "text"}" field with text.',
                    hint=f"It has: {', '.join(map(str, row)) or 'nothing'}. data.text_field names another.",
                )
            if not text.isascii():  # a \\u of JSON can be half a character
                text = text.encode(errors="replace").decode()
            yield Document(f"{prefix}#{number}", text)


def local(reference: str) -> str:
    """`hub:ID` as the folder it was fetched to. Raises InputError where it was not: this never fetches anything."""
    if not reference.startswith("hub:"):
        return reference
    hub_id = reference.removeprefix("hub:")
    if not (folder := texts_folder(hub_id)).is_dir():
        raise InputError(
            f"The data set {hub_id} is not on this machine.",
            hint=f"Fetch it first: tokstudio data download {hub_id}\nOr let the run read it while it works: --stream",
        )
    return str(folder)


class _Unparted:
    """Documents of which none is held out by its name."""

    def __init__(self, documents: Iterator[Document]):
        self._documents = documents

    def __iter__(self) -> Iterator[Document]:
        for document in self._documents:
            yield _Kept(document.name, document.text)


class _Kept(Document):
    __slots__ = ()
    held_out = False


def files_of(path: Path) -> list[Path]:
    """Raises InputError where there is nothing to read."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(
            f"There is no file or folder {path}.", hint='Name a text file, a folder, or "python".'
        )
    found = sorted(p for p in path.rglob("*") if p.is_file() and suffix_of(p) in TEXTS | ROWS | TABLES)
    if not found:
        raise InputError(
            f"{path} holds no text.", hint="Name a folder with .txt, .jsonl, .parquet or .arrow files."
        )
    return found


def suffix_of(file: PurePath) -> str:
    """Of what is in it, where it is compressed. What is called .json and compressed holds JSON lines."""
    if file.suffix.lower() not in COMPRESSED:
        return file.suffix.lower()
    inner = PurePath(file.stem).suffix.lower()
    return ".jsonl" if inner == ".json" else inner


def _open(file: Path):
    return opened(file.open("rb"), file.suffix.lower())


def opened(stream, suffix: str):
    """`stream` without its compression, by the last suffix of its name. Closing it closes `stream`."""
    if suffix == ".gz":
        return _Closing(gzip.GzipFile(fileobj=stream), stream)
    if suffix == ".zst":
        return io.BufferedReader(_Zstandard(stream), BLOCK)
    return stream


class _Closing(io.BufferedReader):
    """gzip leaves the file below it open."""

    def __init__(self, raw, below):
        super().__init__(raw, BLOCK)
        self._below = below

    def close(self) -> None:
        super().close()
        self._below.close()


class _Zstandard(io.RawIOBase):
    """pyarrow's decoder, which has no lines of its own."""

    def __init__(self, below):
        import pyarrow

        self._below = below
        self._stream = pyarrow.CompressedInputStream(below, "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._below.close()
        super().close()


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def pieces_of_text(stream, name: str, prefix: str) -> Iterator[Document]:
    """Parts as `windows` would cut them out of the whole. `name`: for messages."""
    number, rest = 0, ""
    for text in _decoded(name, stream):
        *parts, rest = windows(rest + text, PART)
        for part in parts:
            yield Document(f"{prefix}#{number}", part)
            number += 1
    if rest:
        yield Document(f"{prefix}#{number}", rest)


def _decoded(name: str, stream) -> Iterator[str]:
    at = 0
    for data in blocks(stream, BLOCK):
        try:
            yield data.decode().replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name} is not UTF-8 text (byte {at + error.start:,}).",
                hint="Save it as UTF-8, or choose another file.",
            ) from None
        at += len(data)


def rows_of_lines(
    stream, name: str, *, passed: int = 0, see: Callable[[int], object] = lambda size: None
) -> Iterator[tuple[int, Any, str]]:
    """(number, row, what to call it); the row is None where a line is no JSON. `passed`: lines before the first one;
    `see` is given the bytes of each line, before its row is given on."""
    for number, line in enumerate(lines_of(stream), passed + 1):
        where = f"Line {number:,} of {name}"
        if len(line) > LONGEST_LINE:
            raise InputError(
                f"{where} is longer than {LONGEST_LINE >> 20} MB.",
                hint="JSON lines hold one row a line: has the file line ends?",
            )
        see(len(line))
        if not line.strip():
            continue
        try:
            yield number, json.loads(line), where
        except (ValueError, RecursionError):
            yield number, None, where


def rows_of_parquet(
    table, columns: Callable[[list[str]], list[str] | None], passed: int = 0
) -> Iterator[tuple[int, dict[str, Any]]]:
    """From an open `pyarrow.parquet.ParquetFile`, beginning with the group of rows in which row `passed` lies."""
    sizes = [table.metadata.row_group(n).num_rows for n in range(table.metadata.num_row_groups)]
    ends = list(itertools.accumulate(sizes))
    first = bisect.bisect_right(ends, passed)
    number = ends[first - 1] if first else 0
    groups = list(range(first, len(sizes)))
    wanted = columns(table.schema_arrow.names)
    for batch in table.iter_batches(batch_size=512, row_groups=groups, columns=wanted) if groups else ():
        for row in batch.to_pylist():
            number += 1
            if number > passed:
                yield number, row


def rows_of_arrow(
    source, columns: Callable[[list[str]], list[str] | None]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """`source`: an open file, in either of Arrow's two formats."""
    import pyarrow
    from pyarrow import ipc

    try:
        batches = ipc.open_stream(source)
    except pyarrow.ArrowInvalid:
        source.seek(0)
        whole = ipc.open_file(source)
        batches = (whole.get_batch(n) for n in range(whole.num_record_batches))
    number = 0
    for batch in batches:
        if wanted := columns(batch.schema.names):
            batch = batch.select(wanted)
        for start in range(0, batch.num_rows, 512):
            for row in batch.slice(start, 512).to_pylist():
                number += 1
                yield number, row


def _table(
    file: Path, columns: Callable[[list[str]], list[str] | None]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row by row, from a Parquet or Arrow file. Raises InputError for a damaged one."""
    import pyarrow
    from pyarrow import parquet

    try:
        if file.suffix.lower() == ".parquet":
            with parquet.ParquetFile(file) as table:
                yield from rows_of_parquet(table, columns)
            return
        with pyarrow.memory_map(str(file)) as mapped:
            yield from rows_of_arrow(mapped, columns)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"{file} cannot be read as a table: {str(error).splitlines()[0].rstrip('.')}.",
            hint="Fetch or copy it again, or take it out.",
        ) from None


def _text_field(row: Mapping[str, Any]) -> str:
    strings = [name for name, value in row.items() if isinstance(value, str)]
    return next((name for name in TEXT_FIELDS if name in strings), strings[0] if len(strings) == 1 else "")


def _parted(documents: Sequence[Document]) -> tuple[tuple[Document, ...], tuple[Document, ...]]:
    return tuple(d for d in documents if not d.held_out), tuple(d for d in documents if d.held_out)


def _splits(reference: str) -> list[str]:
    """Of a folder that `datasets` wrote with several splits."""
    try:
        told = json.loads((Path(reference).expanduser() / "dataset_dict.json").read_text(encoding="utf-8"))
        return [name for name in told["splits"] if isinstance(name, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _own_split(reference: str) -> str:
    """The split to measure on, as a folder; nothing where there is none."""
    splits = _splits(reference)
    name = next((n for n in HELD_OUT_SPLITS if n in splits), "") if "train" in splits else ""
    return str(Path(reference).expanduser() / name) if name else ""


def _train_split(reference: str) -> str:
    return str(Path(reference).expanduser() / "train") if "train" in _splits(reference) else reference


def text_bytes(documents: Sequence[Document]) -> int:
    """Characters of all documents, or bytes where they lie on the disk, or in files of the hub."""
    if hasattr(documents, "bytes"):
        return documents.bytes
    return sum(len(d.text) for d in documents)
