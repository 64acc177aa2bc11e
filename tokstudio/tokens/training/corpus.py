"""Texts out of files: plain text, JSON lines, Parquet and Arrow, FASTA, each also with .gz, and folders of them.

Nothing is read whole but one line, one row group or one piece of a text at a time.
"""

import gzip
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

from tokstudio.errors import InputError

PIECE = 1 << 16  # characters of plain text handed on at once, up to the end of a line
LONGEST = 1 << 24  # characters of one line; a longer one is handed on in parts
COLUMNS = ("text", "content", "body", "document", "sentence", "code", "sequence", "markdown")
FASTA = (".fasta", ".fa", ".fna", ".faa", ".ffn")
TABLES = (".parquet", ".pq", ".arrow", ".feather")
JSON_LINES = (".jsonl", ".ndjson", ".jl")
SKIPPED = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".zip", ".tar", ".xz", ".bz2", ".zst", ".bin", ".pt",
           ".safetensors", ".gguf", ".npy", ".npz", ".so", ".pyc", ".model", ".db", ".sqlite", ".mp3", ".mp4",
           ".wav", ".ttf", ".otf", ".woff2", ".ico", ".exe", ".dll", ".whl", ".lock")  # fmt: skip
FORMATS = "Give text files, JSON lines, Parquet, Arrow or FASTA files, or folders of them."


def files_of(paths: Sequence[str | Path]) -> list[Path]:
    """The files meant, those of a folder in order of name. Raises InputError where there is none."""
    found: list[Path] = []
    for name in paths:
        path = Path(name).expanduser()
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.is_file() and _readable(p, path))
        elif path.is_file():
            found.append(path)
        else:
            raise InputError(f"There is no file or folder {path}.", hint="Check the spelling.")
    if not found:
        raise InputError("There is no text to read.", hint=FORMATS)
    return found


def _readable(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() not in SKIPPED and path.name != "dataset_info.json"


def characters(paths: Sequence[str | Path]) -> int:
    """About how many characters the texts have: bytes on disk, four times as many where compressed."""
    total = 0
    for file in files_of(paths):
        size = file.stat().st_size
        total += size * (3 if file.suffix.lower() in (".gz", ".parquet", ".pq") else 1)
    return total


def texts_of(paths: Sequence[str | Path], column: str = "") -> Iterator[str]:
    """Raises InputError for what cannot be read as text. `column`: of JSON lines and tables; by default the
    first of the usual names that is there."""
    for file in files_of(paths):
        yield from _reader(file)(file, column)


def _reader(file: Path) -> Callable[[Path, str], Iterator[str]]:
    kind = Path(file.stem).suffix.lower() if file.suffix.lower() == ".gz" else file.suffix.lower()
    if kind in JSON_LINES:
        return _json_lines
    if kind in TABLES:
        return _table
    return _fasta if kind in FASTA else _plain


def _open(file: Path) -> IO[str]:
    try:
        raw = gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}.", hint="Name a file that you may read."
        ) from None
    return io.TextIOWrapper(raw, encoding="utf-8", errors="strict", newline="")


def _lines(file: Path) -> Iterator[str]:
    with _open(file) as stream:
        try:
            first = True
            while line := stream.readline(LONGEST):
                if first and "\0" in line[:4096]:
                    raise InputError(f"{file.name} is no text file.", hint=FORMATS)
                first = False
                yield line
        except UnicodeDecodeError as error:
            raise InputError(
                f"{file.name} is no UTF-8 text: byte 0x{error.object[error.start]:02x}.",
                hint="Convert it first, for example with: iconv -f latin1 -t utf-8 OLD > NEW",
            ) from None
        except (gzip.BadGzipFile, EOFError, OSError) as error:
            raise InputError(f"{file.name} is damaged: {error}.", hint="Fetch it again.") from None


def _plain(file: Path, _column: str) -> Iterator[str]:
    kept, size = [], 0
    for line in _lines(file):
        kept.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(kept)
            kept, size = [], 0
    if kept:
        yield "".join(kept)


def _json_lines(file: Path, column: str) -> Iterator[str]:
    for number, line in enumerate(_lines(file), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(
                f"Line {number:,} of {file.name} is no JSON.", hint="Each line is one JSON value."
            ) from None
        if isinstance(row, str):
            yield row
        elif isinstance(row, dict):
            text = row.get(_column_of(tuple(row), column, file))
            if isinstance(text, str):
                yield text


def _column_of(names: Sequence[str], wanted: str, file: Path) -> str:
    if wanted and wanted in names:
        return wanted
    found = next((name for name in COLUMNS if name in names), None)
    if found is None or wanted:
        missing = f"“{wanted}”" if wanted else "with text in it"
        raise InputError(
            f"{file.name} has no column {missing}.",
            hint=f"It has {', '.join(map(str, names[:8])) or 'none'}.",
        )
    return found


def _table(file: Path, column: str) -> Iterator[str]:
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            f"{file.name} needs the package pyarrow.", hint="Install it: pip install pyarrow"
        ) from None
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            table = pyarrow.parquet.ParquetFile(file)
            name = _column_of(table.schema_arrow.names, column, file)
            batches = table.iter_batches(batch_size=1024, columns=[name])
        else:
            stream = pyarrow.memory_map(str(file))
            try:
                reader = pyarrow.ipc.open_stream(stream)
                batches = iter(reader)
            except pyarrow.ArrowInvalid:
                reader = pyarrow.ipc.open_file(stream)
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            name = _column_of(reader.schema.names, column, file)
        for batch in batches:
            for value in batch.column(name).to_pylist():
                if isinstance(value, str):
                    yield value
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{file.name} cannot be read as a table: {error}.", hint="Fetch it again.") from None


def _fasta(file: Path, _column: str) -> Iterator[str]:
    """One text for each sequence, without its heading."""
    kept: list[str] = []
    for line in _lines(file):
        if line.startswith((">", ";")):
            if kept:
                yield "".join(kept)
            kept = []
        else:
            kept.append(line.strip())
    if kept:
        yield "".join(kept)


@lru_cache(maxsize=1)
def default_corpus() -> tuple[str, ...]:
    """English text that comes with Python: its language reference, 0.5 MB. A Python without it gives a sample."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        from tokstudio.paths import resource

        return (resource("samples/start.txt").read_text(encoding="utf-8"),)
    return tuple(topics[name] for name in sorted(topics))


def memory_limit() -> int:
    """Bytes of memory that are free now."""
    import psutil

    return psutil.virtual_memory().available


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
