"""Text that is read from the hub while a run works: the same text as from a fetched copy, from any place in it, with
connections that drop. The hub is a stand-in on this machine."""

import gzip
import io
import json
from dataclasses import replace

import pyarrow
import pytest
from pyarrow import parquet

from tests.hubs import COMMIT, reached
from tokstudio.errors import ConfigError, InputError
from tokstudio.tokens import remote
from tokstudio.tokens.download import fetch
from tokstudio.tokens.download_texts import plan_texts
from tokstudio.tokens.remote import Lost
from tokstudio.tokens.stream_texts import known, look_up, remember
from tokstudio.train.config import DataConfig, TrainConfig
from tokstudio.train.corpus import Document, python_documents
from tokstudio.train.data import held_out_windows, order_of
from tokstudio.train.sources import load_data

TOPICS = [d for d in python_documents() if d.name.startswith("topics/")]
ROWS = [d.text for d in TOPICS]  # the reference topics behind help()


def lines(rows, field="text") -> bytes:
    return "".join(json.dumps({"id": n, field: text}) + "\n" for n, text in enumerate(rows)).encode()


def table(rows, group=10) -> bytes:
    made = io.BytesIO()
    parquet.write_table(
        pyarrow.table({"id": list(range(len(rows))), "text": rows}), made, row_group_size=group
    )
    return made.getvalue()


def arrow(rows) -> bytes:
    made = io.BytesIO()
    found = pyarrow.table({"text": rows})
    with pyarrow.ipc.new_stream(made, found.schema) as stream:
        stream.write_table(found, max_chunksize=16)
    return made.getvalue()


FORMATS = {
    "a.jsonl": lines(ROWS),
    "a.jsonl.gz": gzip.compress(lines(ROWS)),
    "a.json.gz": gzip.compress(lines(ROWS)),
    "a.jsonl.zst": bytes(pyarrow.compress(lines(ROWS), "zstd", asbytes=True)),
    "a.parquet": table(ROWS),
    "a.arrow": arrow(ROWS),
    "a.txt": "\n".join(ROWS).encode(),
}
SMALL = DataConfig(
    corpus="hub:some/texts",
    stream=True,
    revision=COMMIT,
    window_bytes=512,
    held_out_bytes=4096,
    mix_bytes=65_536,
)
TRAIN = TrainConfig(batch_size=4, seed=3)


@pytest.fixture
def hub(monkeypatch):
    files = {"data/train-0.jsonl": lines(ROWS[:40]), "data/train-1.jsonl": lines(ROWS[40:])}
    with reached(monkeypatch, files) as made:
        yield made


@pytest.fixture
def streamed():
    """(settings) -> corpus and order, closed at the end."""
    made = []

    def make(data: DataConfig = SMALL, train: TrainConfig = TRAIN):
        corpus = load_data(data)
        made.append(corpus)
        return corpus, order_of(corpus.train, data, train)

    yield make
    for corpus in made:
        corpus.close()


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_gives_the_batches_and_the_held_out_text_of_a_fetched_copy(hub, streamed, name):
    hub.files = {name: FORMATS[name]}
    data = replace(
        SMALL, mix_bytes=4 << 20, held_out_bytes=1 << 20
    )  # one part, as a corpus in memory is; all of it
    corpus, order = streamed(data)
    fetch(plan_texts("some/texts"))
    copy = load_data(replace(data, stream=False))
    there = order_of(copy.train, data, TRAIN)
    assert [order[i] for i in range(600)] == [there[i] for i in range(600)]
    sides = [
        held_out_windows(side.held_out, window_bytes=512, total_bytes=1 << 20) for side in (corpus, copy)
    ]
    assert sides[0] == sides[1]
    assert sides[0]


@pytest.mark.parametrize("name", FORMATS)
def test_it_goes_on_at_the_same_text_from_any_place(hub, streamed, name):
    hub.files = {f"0-{name}": FORMATS[name], f"1-{name}": FORMATS[name]}
    _, order = streamed()
    batches = [order[i] for i in range(500)]  # more than one epoch, several parts each
    marks = {i: json.loads(json.dumps(order.mark(i))) for i in (0, 70, 150, 200, 333, 499)}
    assert len({json.dumps(mark) for mark in marks.values()}) >= 5
    for index, mark in marks.items():
        _, resumed = streamed()
        resumed.load(mark)
        assert [resumed[i] for i in range(index, min(index + 40, 500))] == batches[index : index + 40]
        assert resumed[0] == batches[0]  # and back to the beginning


def test_with_several_files_every_document_comes_once_in_an_epoch_and_the_order_is_the_seeds(hub, streamed):
    _, order = streamed()
    found = list(order[0])
    while order.mark(len(found) // 4)["epoch"] == 0:
        found += order[len(found) // 4]
    text = "".join(found)
    lost = []
    for number, document in enumerate(TOPICS):
        named = f"data--train-{number // 40}.jsonl#{number % 40 + 1}"
        line = max((line for line in document.text.splitlines() if len(line) < 100), key=len)
        if not Document(named, "").held_out and line not in text:
            lost.append(named)
    assert len(lost) <= 3  # in the windows that fill no batch
    kept = [line for d in TOPICS for line in d.text.splitlines() if len(line) > 60]
    assert len(text) < 1.01 * sum(map(len, ROWS))
    assert len(kept) > 100
    again, other = streamed()[1], streamed(SMALL, replace(TRAIN, seed=4))[1]
    assert [again[i] for i in range(60)] == [found[4 * i : 4 * i + 4] for i in range(60)]
    assert [other[i] for i in range(60)] != [found[4 * i : 4 * i + 4] for i in range(60)]


def test_no_held_out_document_is_trained_on(hub, streamed):
    corpus, order = streamed(replace(SMALL, held_out_bytes=1 << 20))
    kept = {line for d in corpus.held_out for line in d.text.splitlines() if len(line) > 60}
    common = {
        line
        for d in TOPICS
        if d.text not in {h.text for h in corpus.held_out}
        for line in d.text.splitlines()
    }
    trained = "".join(text for i in range(400) for text in order[i])
    assert len(kept - common) > 20
    assert not [line for line in kept - common if line in trained]


def test_text_to_measure_on_is_found_in_files_of_one_document_each(hub, streamed):
    hub.files = {f"{n:02}.jsonl": lines([row]) for n, row in enumerate(ROWS)}
    corpus, _ = streamed()
    assert len(corpus.held_out) >= 1
    assert all(document.held_out for document in corpus.held_out)


def test_files_of_a_split_of_their_own_are_measured_on_and_not_trained_on(hub, streamed):
    hub.files |= {
        "data/validation-0.jsonl": lines(["Only to measure on. " * 30]),
        "data/test-0.jsonl": lines(["no"]),
    }
    corpus, order = streamed()
    assert [d.text[:20] for d in corpus.held_out] == ["Only to measure on. "]
    assert not any("Only to measure" in text for i in range(300) for text in order[i])
    assert not any("test-0" in path for path, _ in hub.asked)


def test_chats_prompts_and_named_fields_are_read_as_from_a_file(hub, streamed):
    pairs = [{"prompt": f"What is {n}?", "completion": f" The number {n}."} for n in range(60)]
    hub.files = {"a.jsonl": "".join(json.dumps(p) + "\n" for p in pairs).encode()}
    corpus = load_data(replace(SMALL, corpus="hub:some/texts"), "demo:english")
    try:
        order = order_of(corpus.train, SMALL, TRAIN)
        text = order[0][0]
        start, stop = text.trained[0]
        assert text.encode()[start:stop].startswith(b" The number")
    finally:
        corpus.close()
    hub.files = {"a.parquet": table(ROWS[:40])}
    with pytest.raises(InputError, match=r'Row 1 of a\.parquet has no "words" field'):
        streamed(replace(SMALL, text_field="words"))[1][0]


def test_a_table_is_read_by_groups_of_rows_and_only_the_column_that_is_wanted(hub, streamed, corpus_file):
    wide = pyarrow.table({"text": ROWS, "other": [bytes(str(n), "ascii") * 50_000 for n in range(len(ROWS))]})
    made = io.BytesIO()
    parquet.write_table(wide, made, row_group_size=8, compression="none")
    hub.files = {"a.parquet": made.getvalue()}
    data = replace(SMALL, held_out=str(corpus_file))
    _, order = streamed(data)
    batches = [order[i] for i in range(160)]
    mark = order.mark(150)
    assert mark["row"] > 16
    asked = len(hub.asked)
    _, resumed = streamed(data)
    resumed.load(mark)
    assert resumed[150] == batches[150]
    starts = [int(told[6:].partition("-")[0]) for path, told in hub.asked[asked:] if "/resolve/" in path]
    group = parquet.ParquetFile(io.BytesIO(made.getvalue())).metadata.row_group(mark["row"] // 8)
    assert (
        min(starts) >= group.column(0).file_offset or min(starts) >= group.column(0).data_page_offset - 70_000
    )
    assert (
        sum(int(b) - int(a) for a, b in (t[6:].split("-") for p, t in hub.asked if t))
        < len(made.getvalue()) / 2
    )


# ---- mishaps


def test_a_dropped_connection_is_gone_on_with_where_it_ended(hub, streamed):
    whole = [streamed()[1][i] for i in range(120)]
    hub.drop_after = [10_000, 1, 0, 70_000, 5_000, 123]
    asked = len(hub.asked)
    _, order = streamed()
    assert [order[i] for i in range(120)] == whole
    assert not hub.drop_after
    ranges = [told for path, told in hub.asked[asked:] if "/resolve/" in path]
    assert "bytes=10000-" in ranges
    assert "bytes=10001-" in ranges


def test_what_the_connection_did_is_told(hub, streamed, corpus_file):
    hub.files = {"a.jsonl": lines(ROWS)}
    _, order = streamed(replace(SMALL, held_out=str(corpus_file)))
    hub.drop_after, hub.refuse = [20_000], [503, 429]
    order[0]
    told = " ".join(order.told())
    assert "answered 429. Try 3 in" in told
    assert "is back" in told
    assert order.told() == []


def test_a_connection_that_stays_away_ends_in_words_and_comes_again_when_asked(hub, streamed, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", 0.05)
    _, order = streamed()
    first = order[0]
    hub.refuse = [503] * 10_000
    with pytest.raises(
        Lost, match=r"train-\d.jsonl cannot be read on from 127.0.0.1:\d+: the server answered 503"
    ) as caught:
        [order[i] for i in range(400)]
    assert "resume the run" in caught.value.hint
    hub.refuse = []
    assert order[0] == first


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (lambda hub: setattr(hub, "refuse", [403] * 9), "answered 403", "HF_TOKEN"),
        (lambda hub: setattr(hub, "refuse", [401] * 9), "answered 401", "agree to terms"),
        (lambda hub: setattr(hub, "refuse", [404] * 9), "answered 404", "look it up again"),
        (lambda hub: hub.listed.update(dict.fromkeys(hub.files, 10**6)), "announced 1,000,000", "not uploaded whole"),
    ],
)  # fmt: skip
def test_what_waiting_does_not_cure_ends_at_once(hub, streamed, change, message, hint):
    change(hub)
    with pytest.raises(InputError, match=message) as caught:
        streamed()[1][0]
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl.gz", FORMATS["a.jsonl.gz"][:-2000], "a.jsonl.gz cannot be read: Compressed file ended"),
        ("a.parquet", FORMATS["a.parquet"][:-2000], "a.parquet cannot be read"),
        ("a.parquet", bytes(9000).join((FORMATS["a.parquet"][:9000], FORMATS["a.parquet"][18000:])), "a.parquet"),
        ("a.jsonl", FORMATS["a.jsonl"][:-300], "Line 79 of a.jsonl is no JSON object"),
        ("a.arrow", FORMATS["a.arrow"][: len(FORMATS["a.arrow"]) // 2], "a.arrow cannot be read"),
        ("a.jsonl.zst", FORMATS["a.jsonl.zst"][:-2000], "Line \\d+ of a.jsonl.zst|a.jsonl.zst cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_was_cut_off_is_named(hub, streamed, name, data, message):
    hub.files = {name: data}
    with pytest.raises(InputError, match=message) as caught:
        all(streamed(replace(SMALL, held_out_bytes=1 << 20))[1][i] for i in range(500))
    assert caught.value.hint


def test_a_server_without_ranges_is_read_from_its_beginning(hub, streamed):
    whole = [streamed()[1][i] for i in range(60)]
    hub.ranges = False
    hub.drop_after = [30_000, 90_000]
    order = streamed()[1]
    assert [order[i] for i in range(60)] == whole


def test_no_more_is_read_ahead_than_the_next_part(hub, streamed):
    rows = [f"{n} " + text for n in range(60) for text in ROWS]
    hub.files = {"a.jsonl": lines(rows)}
    assert len(hub.files["a.jsonl"]) > 25_000_000
    _, order = streamed()
    order[0]
    order.ready(10**6, 5.0)  # the next one is there, too
    assert order.received < 3_000_000  # two parts of 64 kB, and blocks of 1 MB


def test_only_settings_that_name_a_commit_are_read(hub, streamed):
    for wrong, message in (
        (replace(SMALL, revision=""), "name no commit"),
        (replace(SMALL, revision="main"), "name no commit"),
        (replace(SMALL, corpus="python"), "not on the hub"),
    ):
        with pytest.raises(ConfigError, match=message):
            streamed(wrong)
    assert not hub.asked


def test_offline_means_offline(hub, streamed, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="HF_HUB_OFFLINE"):
        streamed()
    assert not hub.asked


def test_what_was_looked_up_is_known_without_the_network(hub):
    found = look_up("some/texts", under="data/train-1")
    assert (found.revision, [s.name for s in found.shards]) == (COMMIT, ["data/train-1.jsonl"])
    assert known("some/texts", COMMIT) is None
    remember(replace(look_up("some/texts"), sample=("a", "b")))
    asked = len(hub.asked)
    again = known("some/texts", COMMIT)
    assert again.bytes == sum(map(len, hub.files.values()))
    assert again.sample == ("a", "b")
    assert known("some/texts", "a" * 40) is None
    assert known("some/other", COMMIT) is None
    assert len(hub.asked) == asked
    hub.gated = True
    with pytest.raises(InputError, match="Unauthorized") as caught:
        look_up("some/texts")
    assert "HF_TOKEN" in caught.value.hint
    with pytest.raises(InputError, match="no files of text whose names begin with 'x'") as caught:
        again.under("x")
    assert "data" in caught.value.hint


def test_the_first_rows_and_the_files_are_shown(hub, capsys):
    from tokstudio.cli import main

    hub.files |= {"data/test.parquet": table(ROWS[:3]), "readme.md": b"# no text"}
    assert main(["data", "list", "some/texts"]) == 0
    shown = capsys.readouterr().out
    assert f"{len(hub.files['data/train-0.jsonl']):,}  train" in shown
    assert "held out  data/test.parquet" in shown
    assert "readme" not in shown
    assert main(["data", "preview", "some/texts", "--rows", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == [{"id": n, "text": ROWS[n]} for n in range(2)]
    hub.files = {"a.parquet": table(ROWS)}
    assert main(["data", "preview", "some/texts", "--rows", "1"]) == 0
    assert '  text: The "assert" statement' in capsys.readouterr().out
    hub.files = {"a.txt": "\n".join(ROWS).encode()}
    assert main(["data", "preview", "some/texts", "--rows", "1"]) == 0
    assert '  text: The "assert" statement' in capsys.readouterr().out
