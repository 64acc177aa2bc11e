"""Where the pieces of a corpus come from: every kind of file, groups, cuts, and what is refused."""

import gzip
import io
import json

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from tokstudio.errors import InputError
from tokstudio.tokens.corpus.read import PIECE, blocks, open_corpus

ROWS = [("en", "The fox."), ("de", "Der Fuchs."), ("en", "A dog\n")]


def read(path, **how) -> list[tuple[str, str]]:
    return [(piece.group, piece.text) for piece in open_corpus(path, **how).pieces()]


@pytest.fixture
def table():
    return pyarrow.table(
        {"id": [1, 2, 3], "lang": [lang for lang, _ in ROWS], "content": [t for _, t in ROWS]}
    )


def test_text_is_cut_after_line_ends_and_nothing_is_lost(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("Zażółć gęślą jaźń 😀\n" * 30_000)
    pieces = [piece.text for piece in open_corpus(path).pieces()]
    assert "".join(pieces) == path.read_text()
    assert len(pieces) > 2
    assert all(piece.endswith("\n") and len(piece.encode()) <= PIECE for piece in pieces)


@given(st.text(max_size=300), st.integers(8, 40))
def test_blocks_lose_nothing_and_never_cut_a_character(text, size):
    parts = list(blocks(io.BytesIO(text.encode()), size))
    assert b"".join(parts).decode() == text
    assert "".join(part.decode() for part in parts) == text


def test_a_line_without_end_is_cut_at_a_space():
    parts = list(blocks(io.BytesIO(b"abcd efgh " * 100), 64))
    assert all(part.startswith((b" ", b"abcd")) for part in parts)


def test_json_lines(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"language": lang, "text": text}) for lang, text in ROWS) + "\n\n")
    assert read(path) == ROWS
    assert read(path, by="none") == [("", text) for _, text in ROWS]
    assert read(path, by="language", text_field="language")[0] == ("", "en")
    with pytest.raises(InputError, match="no field 'body'") as caught:
        read(path, text_field="body")
    assert "language" in caught.value.hint
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt") as file:
        file.write(path.read_text())
    assert read(tmp_path / "rows.jsonl.gz") == ROWS
    path.write_text('{"text": "a"}\n[1]\n')
    with pytest.raises(InputError, match="Line 2"):
        read(path)
    path.write_text('{"text": "half \\ud83d"}\n')
    assert read(path) == [("", "half ?")]


def test_parquet_and_arrow(tmp_path, table):
    parquet.write_table(table, tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet") == ROWS
    assert read(tmp_path / "rows.parquet", by="id")[1] == ("2", "Der Fuchs.")
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    with pyarrow.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file, ipc.new_stream(
        file, table.schema
    ) as stream:  # fmt: skip
        stream.write_table(table)
    assert read(folder) == ROWS
    with (
        pyarrow.OSFile(str(tmp_path / "rows.feather"), "wb") as file,
        ipc.new_file(file, table.schema) as out,
    ):
        out.write_table(table)
    assert read(tmp_path / "rows.feather") == ROWS


def test_folders_are_grouped_by_file_and_many_files_by_folder(tmp_path):
    for name in ("de.txt", "en.txt", "sub/fr.txt", ".hidden/x.txt", "picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [group for group, _ in read(tmp_path)] == ["de.txt", "en.txt", "sub/fr.txt"]
    assert [group for group, _ in read(tmp_path, by="folder")] == [".", ".", "sub"]
    for number in range(40):
        (tmp_path / "sub" / f"{number}.txt").write_text("x")
    assert {group for group, _ in read(tmp_path)} == {".", "sub"}


def test_what_is_no_text(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("é".encode("latin-1"))
    corpus = open_corpus(path)
    assert [piece.text for piece in corpus.pieces()] == ["\ufffd"]
    assert corpus.repaired == 1
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    (tmp_path / "bad.arrow").write_bytes(b"nothing")
    (tmp_path / "bad.txt.gz").write_bytes(b"nothing")
    for name in ("bad.parquet", "bad.arrow", "bad.txt.gz"):
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path / name)
    (tmp_path / "empty").mkdir()
    for name, why in (("empty", "holds no text"), ("missing", "no file or folder")):
        with pytest.raises(InputError, match=why):
            read(tmp_path / name)


def test_a_table_without_text(tmp_path):
    parquet.write_table(pyarrow.table({"id": [1]}), tmp_path / "ids.parquet")
    with pytest.raises(InputError, match="no field with text"):
        read(tmp_path / "ids.parquet")


def test_a_line_that_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tokstudio.tokens.corpus.read.LONGEST_LINE", 2**20)
    (tmp_path / "endless.jsonl").write_bytes(b'{"text": "' + b"a" * 2**21)
    with pytest.raises(InputError, match="longer than 1 MB"):
        read(tmp_path / "endless.jsonl")


def test_categories_and_other_columns(tmp_path):
    """Words as categories are text; what is beside them is not read."""
    words = pyarrow.array(["a b", "c"]).dictionary_encode()
    table = pyarrow.table({"huge": [b"x" * 10**6] * 2, "words": words})
    parquet.write_table(table, tmp_path / "rows.PARQUET")
    assert read(tmp_path / "rows.PARQUET") == [("", "a b"), ("", "c")]
