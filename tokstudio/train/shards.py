"""Documents of one file of the hub, with the place where each ends, so that a later reading begins there.

JSON lines are found again by their byte, rows of Parquet by the group of rows they are in. What is compressed as a
whole has to be read again from its beginning, and so have plain text and Arrow's stream of tables.
"""

import io
import zlib
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from tokstudio.errors import InputError
from tokstudio.tokens.corpus.read import ROWS, TABLES
from tokstudio.tokens.download import RemoteFile
from tokstudio.tokens.remote import BLOCK, Line, RemoteBytes
from tokstudio.train.corpus import Document
from tokstudio.train.sources import (
    COMPRESSED,
    Reader,
    opened,
    pieces_of_text,
    rows_of_arrow,
    rows_of_lines,
    rows_of_parquet,
    suffix_of,
)

PAGE = 64 << 10  # bytes: headers of a table lie close to each other
COLUMN = 4 << 20  # bytes of a column that one request brings


def documents_of(
    reader: Reader, file: RemoteFile, line: Line, row: int = 0, byte: int = 0
) -> Iterator[tuple[Document, int, int]]:
    """(document, row, byte) from behind the first `row` lines, rows or pieces, which end at `byte`; with a document
    comes where it ends. Raises InputError, which names file and row."""
    import pyarrow

    source = _Source(reader, file, line, row, byte)
    try:
        for document in source.documents():
            if document.text:
                yield document, source.row, source.byte
    except (pyarrow.ArrowException, OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{file.name} cannot be read: {str(error).splitlines()[0].rstrip('.') or 'it is damaged'}.",
            hint="It was cut off, or is damaged on the hub. Leave it out: data.files names the beginning of those to "
            "read.",
        ) from None


class _Source:
    def __init__(self, reader: Reader, file: RemoteFile, line: Line, row: int, byte: int):
        self.reader, self.file, self.line, self.row, self.byte = reader, file, line, row, byte
        self.prefix = file.name.replace(
            "/", "--"
        )  # as a fetched copy is called: the same documents are held out

    def documents(self) -> Iterator[Document]:
        name = PurePath(self.file.name)
        kind, packed = suffix_of(name), name.suffix.lower() in COMPRESSED
        if kind == ".parquet":
            yield from self._parquet()
        elif kind in TABLES:
            with io.BufferedReader(RemoteBytes(self.file, self.line), BLOCK) as stream:
                yield from self._table(rows_of_arrow(stream, self.reader.columns))
        elif kind in ROWS:
            yield from self._lines(name.suffix.lower(), packed)
        else:
            passed = self.row
            with self._stream(name.suffix.lower()) as stream:
                for number, piece in enumerate(pieces_of_text(stream, self.file.name, self.prefix), 1):
                    if number > passed:
                        self.row = number
                        yield piece

    def _stream(self, suffix: str, at: int = 0):
        return opened(io.BufferedReader(RemoteBytes(self.file, self.line, at=at), BLOCK), suffix)

    def _lines(self, suffix: str, packed: bool) -> Iterator[Document]:
        passed, known = self.row, 0 if packed else self.byte
        with self._stream(suffix, known) as stream:
            before = passed if known else 0
            see = (lambda size: None) if packed else self._saw
            self.byte = known
            rows = rows_of_lines(stream, self.file.name, passed=before, see=see)
            yield from self.reader.rows(self._watched(rows, passed), self.prefix)

    def _saw(self, size: int) -> None:
        self.byte += size

    def _parquet(self) -> Iterator[Document]:
        from pyarrow import parquet

        raw = RemoteBytes(self.file, self.line, ahead=False)
        with (
            io.BufferedReader(raw, PAGE) as stream,
            parquet.ParquetFile(stream, buffer_size=COLUMN, pre_buffer=False) as table,
        ):
            yield from self._table(rows_of_parquet(table, self.reader.columns, self.row))

    def _table(self, rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Document]:
        told = ((number, row, f"Row {number:,} of {self.file.name}") for number, row in rows)
        yield from self.reader.rows(self._watched(told, self.row), self.prefix)

    def _watched(self, rows: Iterator[tuple[int, Any, str]], passed: int) -> Iterator[tuple[int, Any, str]]:
        for number, row, where in rows:
            if number > passed:
                self.row = number
                yield number, row, where
