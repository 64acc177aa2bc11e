import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tokstudio.errors import InputError
from tokstudio.train.corpus import Document, load_corpus, windows
from tokstudio.train.data import WindowOrder, held_out_windows


@given(st.text(max_size=300), st.integers(32, 100), st.one_of(st.none(), st.integers(1, 100)))
@example("0000000\x80\x80\x80" + "\U00010000" * 5, 32, 33)  # a first piece larger than the others
def test_windows_lose_nothing_and_keep_to_the_size(text, size, first):
    pieces = list(windows(text, size, first=first))
    assert "".join(pieces) == text
    assert all(0 < len(p.encode()) <= size for p in pieces)


def test_the_built_in_corpus():
    corpus = load_corpus("python")
    names = {d.name for d in corpus.train}
    assert "Lib/argparse.py" in names
    assert "Lib/json/decoder.py" in names
    assert not names & {d.name for d in corpus.held_out}
    held = {d.name for d in corpus.held_out}
    assert {"Lib/pickle.py", "Lib/socket.py"} <= held  # by name: the same on every machine
    assert not any(
        part in name for name in names | held for part in ("/test/", "site-packages", "_sysconfigdata")
    )
    assert sum(len(d.text) for d in corpus.train) > 5_000_000


def test_batches_are_a_function_of_their_number():
    documents = [Document(f"{i}", f"line {i}\n" * 40) for i in range(30)]
    order = WindowOrder(documents, window_bytes=100, batch_size=4, seed=1)
    first = [order[i] for i in range(60)]
    fresh = WindowOrder(documents, window_bytes=100, batch_size=4, seed=1)
    assert fresh[59] == first[59]
    assert fresh[0] == first[0]
    assert WindowOrder(documents, window_bytes=100, batch_size=4, seed=2)[0] != first[0]
    assert all(len(batch) == 4 for batch in first)


def test_one_tiny_document_fills_a_batch():
    assert len(WindowOrder([Document("a", "x\n")], window_bytes=32, batch_size=3, seed=1)[5]) == 3


def test_held_out_windows_are_always_the_same_and_about_as_many_as_asked_for():
    corpus = load_corpus("python")
    a = held_out_windows(corpus.held_out, window_bytes=500, total_bytes=20_000)
    assert a == held_out_windows(corpus.held_out, window_bytes=500, total_bytes=20_000)
    assert 20_000 <= sum(len(w.encode()) for w in a) < 20_500


def test_files_and_folders(tmp_path):
    (tmp_path / "a.txt").write_text("one two three\n" * 2000)
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps({"text": f"row {i}"}) for i in range(20)))
    corpus = load_corpus(str(tmp_path))
    texts = {d.text for d in (*corpus.train, *corpus.held_out)}
    assert {"row 0", "row 19"} <= texts
    assert (
        "".join(d.text for d in sorted((*corpus.train, *corpus.held_out), key=lambda d: d.name)).count(
            "one two"
        )
        == 2000
    )


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none.txt", None, "no file or folder"),
        ("empty.txt", b"", "no text"),
        ("binary.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("rows.jsonl", b'{"txt": 1}', '"text" field'),
        ("tiny.txt", b"hello", "too little text"),
    ],
)
def test_bad_files_say_what_to_do(tmp_path, name, data, says):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=says) as caught:
        load_corpus(str(tmp_path / name))
    assert caught.value.hint
