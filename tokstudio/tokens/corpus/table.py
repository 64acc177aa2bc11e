"""Two columns of a Parquet or Arrow file, a few hundred rows at a time; the others are never read."""

from collections.abc import Callable, Iterator
from pathlib import Path

ROWS = 512  # at once

Choose = Callable[
    [list[str], list[str]], tuple[str, str | None]
]  # all fields, those with text -> text, group
Rows = tuple[float, list, list | None]  # share of the file, texts, groups


def rows(file: Path, choose: Choose) -> Iterator[Rows]:
    """Raises OSError or ValueError (pyarrow's) for a damaged file, and what `choose` raises."""
    return _parquet(file, choose) if file.suffix.lower() == ".parquet" else _arrow(file, choose)


def _parquet(file: Path, choose: Choose) -> Iterator[Rows]:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as table:
        schema = table.schema_arrow
        text, own = choose(schema.names, _with_text(schema))
        total, done = max(1, table.metadata.num_rows), 0
        for batch in table.iter_batches(batch_size=ROWS, columns=[text] if own is None else [text, own]):
            done += batch.num_rows
            yield done / total, _values(batch, text), _values(batch, own)


def _arrow(file: Path, choose: Choose) -> Iterator[Rows]:
    """A stream, as `datasets` writes it, or a file with random access."""
    import pyarrow
    from pyarrow import ipc

    with pyarrow.memory_map(str(file)) as mapped:
        try:
            batches = ipc.open_stream(mapped)
            schema = batches.schema
        except pyarrow.ArrowInvalid:
            mapped.seek(0)
            whole = ipc.open_file(mapped)
            schema = whole.schema
            batches = (whole.get_batch(number) for number in range(whole.num_record_batches))
        text, own = choose(schema.names, _with_text(schema))
        for batch in batches:
            share = mapped.tell() / max(1, mapped.size())
            for start in range(0, batch.num_rows, ROWS):
                part = batch.slice(start, ROWS)
                yield share, _values(part, text), _values(part, own)


def _values(batch, name: str | None) -> list | None:
    return None if name is None else batch.column(batch.schema.names.index(name)).to_pylist()


def _with_text(schema) -> list[str]:
    from pyarrow import types

    def holds_text(kind) -> bool:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)

    return [field.name for field in schema if holds_text(field.type)]
