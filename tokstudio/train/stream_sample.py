"""The beginning of a data set of the hub, read when somebody asks to see it."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

from tokstudio.tokens.remote import Line
from tokstudio.tokens.stream_texts import Shard, Streamable
from tokstudio.train.config import DataConfig
from tokstudio.train.corpus import Document
from tokstudio.train.marked import cut
from tokstudio.train.shards import documents_of
from tokstudio.train.sources import Reader

SIZE = 65_536  # characters


def texts(
    found: Streamable, data: DataConfig, model: str = "", size: int = SIZE, line: Line | None = None
) -> tuple[str, ...]:
    """Windows of the first documents, as a run reads them. `line`: by which it can be stopped. Raises InputError."""
    reader = Reader(data, model)
    try:
        with contextlib.closing(
            documents_of(reader, found.remote(found.train[0]), line or Line())
        ) as documents:
            return tuple(_until(size, (w for d, *_ in documents for w in cut(d.text, data.window_bytes))))
    finally:
        reader.close()


def _until(size: int, pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield str(piece)
        size -= len(piece)
        if size <= 0:
            return


def rows(found: Streamable, shard: Shard, count: int) -> list[dict[str, Any] | str]:
    """The first rows of a file with all their fields; of plain text, its first pieces. Raises InputError."""
    with contextlib.closing(documents_of(_AsTheyAre(), found.remote(shard), Line())) as documents:
        return [_row(document.text) for document, *_ in itertools.islice(documents, count)]


def _row(text: str) -> dict[str, Any] | str:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _AsTheyAre:
    """In place of a `Reader`: takes all fields, and looks for none."""

    @staticmethod
    def columns(names: list[str]) -> None:
        return None

    @staticmethod
    def rows(rows: Iterator[tuple[int, Any, str]], prefix: str) -> Iterator[Document]:
        for number, row, _ in rows:
            yield Document(f"{prefix}#{number}", json.dumps(row, ensure_ascii=False, default=str))
