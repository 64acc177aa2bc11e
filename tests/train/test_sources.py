"""Training text from what people have; the position in it is a number, whatever it comes from."""

import gzip
import io
import json

import numpy as np
import pyarrow
import pytest
from pyarrow import ipc, parquet

from tokstudio.errors import InputError
from tokstudio.train import data as train_data
from tokstudio.train import sources
from tokstudio.train.config import DataConfig
from tokstudio.train.corpus import Document, windows
from tokstudio.train.data import WindowOrder, held_out_windows
from tokstudio.train.marked import marked
from tokstudio.train.sources import load_data
from tokstudio.train.stored import StoredDocuments, Writer

ROWS = [f"Row {i} of the table. " + "It has a few words. " * (i % 7) for i in range(200)]


def write_text(path):
    (path / "a.txt").write_text("\n".join(ROWS) + "\nthe end", encoding="utf-8")
    return path / "a.txt"


def write_folder(path):
    (path / "inner").mkdir()
    (path / "one.md").write_text("\n".join(ROWS[:100]), encoding="utf-8")
    (path / "inner" / "two.jsonl").write_text("\n".join(json.dumps({"content": t}) for t in ROWS[100:]))
    return path


def write_lines(path):
    (path / "a.jsonl.gz").write_bytes(
        gzip.compress("\n".join(json.dumps({"text": t}) for t in ROWS).encode())
    )
    return path / "a.jsonl.gz"


def write_parquet(path):
    table = pyarrow.table({"id": list(range(len(ROWS))), "text": ROWS})
    parquet.write_table(table, path / "a.parquet", row_group_size=32)
    return path / "a.parquet"


def write_arrow(folder, rows):
    """As `save_to_disk` of the library `datasets` does."""
    folder.mkdir(parents=True)
    table = pyarrow.table({"text": rows})
    with ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as stream:
        stream.write_table(table, max_chunksize=16)
    (folder / "state.json").write_text("{}")
    (folder / "dataset_info.json").write_text("{}")


def write_dataset(path):
    write_arrow(path / "saved", ROWS)
    return path / "saved"


SOURCES = [write_text, write_folder, write_lines, write_parquet, write_dataset]


@pytest.mark.parametrize("write", SOURCES)
@pytest.mark.parametrize("large", [False, True], ids=["in memory", "on the disk"])
def test_every_source_gives_its_text_and_goes_on_at_a_number(write, large, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKSTUDIO_HOME", str(tmp_path / "home"))
    if large:
        monkeypatch.setattr(sources, "IN_MEMORY", 2000)
        monkeypatch.setattr(train_data, "SHARD", 3000)
    (tmp_path / "data").mkdir()
    config = DataConfig(corpus=str(write(tmp_path / "data")))
    corpus = load_data(config)
    assert isinstance(corpus.train, StoredDocuments) is large
    together = "".join(d.text for d in (*corpus.train, *corpus.held_out))
    assert all(row in together for row in ROWS)
    settings = {"window_bytes": 200, "batch_size": 4, "seed": 3}
    order = WindowOrder(corpus.train, **settings)
    assert (order.shards > 1) is large
    seen = [order[i] for i in range(40)]
    again = load_data(config)
    assert again.fingerprint == corpus.fingerprint
    assert WindowOrder(again.train, **settings)[37] == seen[37]
    assert held_out_windows(again.held_out, window_bytes=200, total_bytes=900) == held_out_windows(
        corpus.held_out, window_bytes=200, total_bytes=900
    )
    lines = {line for batch in seen for piece in batch for line in piece.splitlines()}
    assert len(lines & {row.strip() for row in ROWS} | lines & set(ROWS)) > 100  # more than an epoch was read


def test_a_file_to_measure_on_is_all_measured_on(tmp_path):
    (tmp_path / "train.txt").write_text("to learn\n" * 900)
    (tmp_path / "test.jsonl").write_text("\n".join(json.dumps({"text": f"held {i}"}) for i in range(30)))
    corpus = load_data(DataConfig(corpus=str(tmp_path / "train.txt"), held_out=str(tmp_path / "test.jsonl")))
    assert "".join(d.text for d in corpus.train) == "to learn\n" * 900
    assert {d.text for d in corpus.held_out} == {f"held {i}" for i in range(30)}


def test_a_datasets_folder_brings_its_own_split(tmp_path):
    write_arrow(tmp_path / "train", ROWS)
    write_arrow(tmp_path / "test", ["only to measure"] * 3)
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    corpus = load_data(DataConfig(corpus=str(tmp_path)))
    assert [d.text for d in corpus.held_out] == ["only to measure"] * 3
    assert [d.text for d in corpus.train] == ROWS


def test_a_named_field_wins(tmp_path):
    rows = [{"text": "no", "title": f"Title {i}", "messages": []} for i in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    corpus = load_data(DataConfig(corpus=str(tmp_path / "a.jsonl"), text_field="title"))
    assert {d.text for d in corpus.train} | {d.text for d in corpus.held_out} == {r["title"] for r in rows}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('{"text": "a"}\nnot json', "Line 2 of"),
        ('{"text": "a"}\n\n{"text": 3}', "Line 3 of"),
        ('{"a": "x", "b": "y"}', 'no "text" field'),
        ('["text"]', "Line 1 of"),
    ],
)
def test_bad_rows_are_named_by_their_line(lines, says, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines)
    with pytest.raises(InputError, match=says):
        load_data(DataConfig(corpus=str(tmp_path / "a.jsonl")))


def test_a_torn_table_is_named(tmp_path):
    path = write_parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"a\.parquet cannot be read as a table"):
        load_data(DataConfig(corpus=str(path)))


@pytest.mark.parametrize("block", [100, 1000, 1 << 20])
def test_text_is_cut_as_if_it_were_read_whole(block, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", block)
    random = np.random.default_rng(block)
    lines = ["é " * int(random.integers(0, 30)) + "end" * int(random.integers(0, 2)) for _ in range(400)]
    text = "\n".join(lines)
    found = sources.pieces_of_text(io.BytesIO(text.encode()), "a.txt", "a")
    assert [d.text for d in found] == list(windows(text, sources.PART))


def test_what_is_no_text_is_named_by_its_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 64)
    (tmp_path / "a.txt").write_bytes(b"a line of text\n" * 20 + b"\xff")
    with pytest.raises(InputError, match="byte 300"):
        load_data(DataConfig(corpus=str(tmp_path / "a.txt")))


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["one", "", "twö \N{SNOWMAN}"],
        ["plain", marked("ask, answer", ((5, 11),), ((0, 3), (5, 11))), "", marked("all", ((0, 3),))],
    ],
)
def test_what_is_stored_comes_back(texts, tmp_path):
    folder = tmp_path / "texts"
    writer = Writer(folder)
    for number, text in enumerate(texts):
        writer.add(Document(str(number), text))
    found = writer.close()
    assert [d.text for d in found] == texts
    for document, text in zip(found, texts, strict=True):
        assert getattr(document.text, "trained", None) == getattr(text, "trained", None)
        assert getattr(document.text, "verbatim", None) == getattr(text, "verbatim", None)
