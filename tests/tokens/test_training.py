"""Tokenizers trained here: the same as Hugging Face's trainer, saved, extended, pruned, cancelled."""

import json
import time
from pathlib import Path

import pytest

from tests.tokens import vocabularies as v
from tokstudio.errors import ConfigError, InputError, TokenizerError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.training import hugging_face
from tokstudio.tokens.training.corpus import characters, texts_of
from tokstudio.tokens.training.events import Compression, Done, Failed, Newest, Phase, from_dict, to_dict
from tokstudio.tokens.training.process import TrainingProcess, heard
from tokstudio.tokens.training.run import train
from tokstudio.tokens.training.settings import ALGORITHMS, TrainingSettings, settings_from


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "topics.txt").write_text("\n".join(v.lines()), encoding="utf-8")
    return folder


def settings(corpus, output, **others) -> TrainingSettings:
    return TrainingSettings((str(corpus),), str(output), **{"vocab_size": 900, **others})


@pytest.mark.parametrize("algorithm", ["byte-bpe", "bpe"])
@pytest.mark.parametrize("pre_tokenizer", ["gpt2", "white-space", "none"])
def test_watched_merges_are_those_of_hugging_faces_trainer(
    corpus, tmp_path, monkeypatch, algorithm, pre_tokenizer
):
    about = dict(algorithm=algorithm, pre_tokenizer=pre_tokenizer, held_out=0.0)
    list(train(settings(corpus, tmp_path / "watched", **about)))
    monkeypatch.setattr(hugging_face, "WATCHED", {})
    list(train(settings(corpus, tmp_path / "native", **about)))
    ours, theirs = (
        json.loads((tmp_path / name / "tokenizer.json").read_text())["model"]
        for name in ("watched", "native")
    )
    assert ours["vocab"] == theirs["vocab"]
    assert [tuple(m) for m in ours["merges"]] == [tuple(m) for m in theirs["merges"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_kind_is_trained_measured_and_saved(corpus, tmp_path, algorithm):
    events = list(train(settings(corpus, tmp_path / "made", algorithm=algorithm)))
    done = events[-1]
    assert isinstance(done, Done)
    made = load_tokenizer(done.folder)
    assert len(made) == done.report["tokens"]
    assert 600 < len(made) <= 900
    curve = [e for e in events if isinstance(e, Compression)]
    assert [c.size for c in curve] == sorted(c.size for c in curve)
    assert curve[-1].bytes_per_token == pytest.approx(done.report["bytes_per_token"], rel=0.02)
    if len(curve) > 3:
        assert curve[0].bytes_per_token < curve[-1].bytes_per_token
    assert done.report["bytes_per_token"] > 1.5
    assert (tmp_path / "made" / "training.json").exists()
    if algorithm.startswith("sentencepiece"):
        model = load_tokenizer(str(tmp_path / "made" / "tokenizer.model"))
        for text in ("The value  is naïve", "東京 🙂"):
            assert model.encode(text).ids.tolist() == made.encode(text).ids.tolist()


@pytest.mark.parametrize("specials", [(), None, ("<a>", "<b>")])
def test_a_rank_file_gives_the_same_tokens(corpus, tmp_path, specials):
    list(train(settings(corpus, tmp_path / "made", specials=specials)))
    file = tmp_path / "made" / "made.tiktoken"
    ranks, json_ = load_tokenizer(str(file)), load_tokenizer(str(tmp_path / "made"))
    assert "cl100k" not in ranks.name
    assert ranks.special_tokens == json_.special_tokens
    assert len(ranks) == len(json_)
    for text in v.lines()[:50]:
        assert ranks.encode(text).ids.tolist() == json_.encode(text).ids.tolist()


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"pattern": 5},
        {"pattern": "("},
        {"pattern": "x", "special_tokens": {"<a>": 3}},
        {"pattern": "x", "special_tokens": {"<a>": 10**12}},
        {"pattern": "x", "special_tokens": {"<a>": 900, "<b>": 900}},
        {"pattern": "x", "special_tokens": ["<a>"]},
    ],
)
def test_what_lies_beside_a_rank_file_is_not_believed_blindly(tmp_path, about):
    from tests.tokens.test_rank_files import small

    (tmp_path / "own.tiktoken").write_bytes(small())
    (tmp_path / "own.tiktoken.json").write_text(json.dumps(about))
    with pytest.raises(TokenizerError) as caught:
        load_tokenizer(str(tmp_path / "own.tiktoken"))
    assert caught.value.hint


def test_held_out_text_is_not_learnt_from(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"line {i} of the text\n" * 300 for i in range(100)))
    from tokstudio.tokens.training.split import Corpus

    corpus = Corpus(settings(tmp_path / "a.txt", tmp_path / "x", held_out=0.2))
    parts = list(corpus.parts())
    assert parts == list(corpus.parts())
    share = sum(len(text) for held, text in parts if held) / corpus.size
    assert 0.05 < share < 0.3
    assert "".join(text for _, text in parts) == (tmp_path / "a.txt").read_text()


def test_a_parent_gets_more_tokens(corpus, tmp_path):
    list(train(settings(corpus, tmp_path / "child", extend="demo:english", vocab_size=50)))
    old, new = load_tokenizer("demo:english"), load_tokenizer(str(tmp_path / "child"))
    assert len(new) == len(old) + 50
    assert all(new.token_bytes(i) == old.token_bytes(i) for i in range(len(old)))
    for text in v.lines()[:100]:
        assert len(new.encode(text)) <= len(old.encode(text))
        assert new.decode(new.encode(text).ids) == text.encode()


@pytest.mark.parametrize(
    "parent",
    ["demo:english", v.BERT, v.byte_bpe(), v.llama_like()],
    ids=["demo", "bert", "byte-bpe", "llama"],
)
def test_a_parent_is_pruned(corpus, tmp_path, parent):
    list(train(settings(corpus, tmp_path / "small", prune=parent, vocab_size=3200)))
    old, new = load_tokenizer(parent), load_tokenizer(str(tmp_path / "small"))
    assert len(new) <= min(3200, len(old))
    kept = json.loads((tmp_path / "small" / "training.json").read_text())["old_ids"]
    assert len(kept) == len(new)
    assert [new.token_bytes(i) for i in range(len(new))] == [old.token_bytes(i) for i in kept]
    for text in v.lines()[:40]:
        assert new.decode(new.encode(text).ids) == old.decode(old.encode(text).ids)


def test_what_cannot_be_pruned_that_far_is_refused(corpus, tmp_path):
    with pytest.raises(TokenizerError, match="are too few"):
        list(train(settings(corpus, tmp_path / "small", prune="demo:english", vocab_size=100)))
    assert not (tmp_path / "small").exists()


# ---------------------------------------------------------------- corpora


def test_texts_come_out_of_every_kind_of_file(tmp_path):
    import gzip

    import pyarrow
    import pyarrow.parquet

    (tmp_path / "a.txt").write_text("plain\ntext", newline="")
    (tmp_path / "b.jsonl").write_text('{"text": "of json"}\n"a string"\n\n{"text": null}\n')
    pyarrow.parquet.write_table(
        pyarrow.table({"id": [1, 2], "content": ["row one", "row two"]}), tmp_path / "c.parquet"
    )
    (tmp_path / "d.fasta").write_text(">one\nACGT\nAC\n>two\nTTT\n")
    (tmp_path / "e.txt.gz").write_bytes(gzip.compress(b"packed"))
    with pyarrow.ipc.new_stream(str(tmp_path / "f.arrow"), pyarrow.schema({"text": pyarrow.string()})) as out:
        out.write_batch(pyarrow.record_batch({"text": ["arrow"]}))
    (tmp_path / "skipped.png").write_bytes(b"\x89PNG")
    found = list(texts_of([tmp_path]))
    assert found == [
        "plain\ntext",
        "of json",
        "a string",
        "row one",
        "row two",
        "ACGTAC",
        "TTT",
        "packed",
        "arrow",
    ]
    assert characters([tmp_path]) > 50


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.jsonl", b"{not json}\n", "Line 1"),
        ("a.jsonl", b'{"id": 1}\n', "no column with text"),
        ("a.txt", b"\xff\xfe\x00", "no UTF-8"),
        ("a.txt", b"a\0b", "no text file"),
        ("a.parquet", b"PAR1 but no more", "cannot be read as a table"),
        ("a.txt.gz", b"\x1f\x8b\x08 damaged", "damaged"),
        ("a.jsonl", b"[" * 100_000 + b"\n", "Line 1"),
    ],
)
def test_damaged_files_are_refused_in_words(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=what) as caught:
        list(texts_of([tmp_path / name]))
    assert caught.value.hint


def test_an_endless_line_comes_in_pieces(tmp_path):
    (tmp_path / "long.txt").write_text("x" * 40_000_000)
    assert max(map(len, texts_of([tmp_path / "long.txt"]))) <= 1 << 24


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"algorithm": "magic"}, "no algorithm"),
        ({"vocab_size": 3}, "cannot be made"),
        ({"vocab_size": 10**9}, "cannot be made"),
        ({"inputs": ()}, "no text to learn from"),
        ({"output": ""}, "No folder"),
        ({"specials": ("<s>", "<s>")}, "named twice"),
        ({"algorithm": "wordpiece", "specials": ("<s>",)}, "needs the special token"),
        ({"sample": 0.0}, "above 0"),
        ({"pre_tokenizer": "x"}, "no pre-tokenizer"),
        ({"extend": "a", "prune": "b"}, "either"),
        ({"size": 3}, "no setting"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_read(change, what):
    with pytest.raises(ConfigError, match=what) as caught:
        settings_from({"inputs": ["/nowhere"], "output": "/nowhere/x", **change})
    assert caught.value.hint


def test_nothing_that_exists_is_overwritten(corpus, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not empty"):
        list(train(settings(corpus, tmp_path / "mine")))


def test_too_many_characters_are_said(tmp_path):
    (tmp_path / "a.txt").write_text(" ".join(map(chr, range(0x4E00, 0x5000))))
    with pytest.raises(InputError, match="leaves no room") as caught:
        list(train(settings(tmp_path / "a.txt", tmp_path / "x", algorithm="bpe", vocab_size=400)))
    assert caught.value.hint


# ---------------------------------------------------------------- the process


def test_events_survive_the_pipe():
    for event in (
        Phase("Merging", 0.5, "x"),
        Newest([("ab", 3)], True),
        Compression(5, 2.0),
        Failed("a", "b"),
    ):
        assert from_dict(json.loads(json.dumps(to_dict(event)))) == event


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ('{"stage":"Compute merges","current":5,"total":10}', Phase("Merging", 0.5, "5 of 10")),
        ("I0 bpe_model_trainer.cc:421] Merged: freq=8 merges=2500 piece=bly", Newest([("bly", 8)])),
        ("unigram_model_trainer.cc(1) LOG(INFO) EM sub_iter=0 size=300 obj=1",
         Phase("Expectation and maximization", -1.0, "300 pieces left")),
        ("anything", None),
    ],
)  # fmt: skip
def test_logs_of_the_libraries_are_understood(line, event):
    assert heard(line) == event


def test_a_cancel_ends_the_process_and_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"word{i} and {i * 7919} more\n" for i in range(300_000)))
    process = TrainingProcess(settings(tmp_path / "a.txt", tmp_path / "made", vocab_size=200_000))
    events = process.events()
    next(events)
    started = time.monotonic()
    process.cancel()
    assert list(events) == []
    assert time.monotonic() - started < 2
    assert not (tmp_path / "made").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_process_that_dies_is_said(corpus, tmp_path):
    process = TrainingProcess(settings(corpus, tmp_path / "made"))
    process._process.kill()
    assert isinstance(list(process.events())[-1], Failed)


def test_the_command(corpus, tmp_path, capsys):
    from tokstudio.cli import main

    line = [
        "train-tokenizer",
        "--input",
        str(corpus),
        "--output",
        str(tmp_path / "made"),
        "--vocab-size",
        "600",
    ]
    assert main([*line, "--forecast", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fits"] is True
    assert 0 < told["reading"] < told["seconds"] < 60
    assert {"size", "memory", "free"} <= set(told)
    assert main([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tokens"] == 600
    assert len(found["compression"]) > 5
    assert main([*line, "--algorithm", "magic"]) == 2
    assert "byte-bpe" in capsys.readouterr().err


def test_a_folder_is_replaced_only_where_asked(corpus, tmp_path, capsys):
    from tokstudio.cli import main

    command = ["train-tokenizer", "--input", str(corpus), "--output", str(tmp_path / "made")]
    assert main([*command, "--vocab-size", "300"]) == 0
    assert "made.tiktoken.json" in capsys.readouterr().out
    assert main([*command, "--vocab-size", "310"]) == 2
    assert "not empty" in (said := capsys.readouterr().err)
    assert "--force" in said
    assert len(load_tokenizer(str(tmp_path / "made"))) == 300
    assert main([*command, "--vocab-size", "310", "--force"]) == 0
    assert len(load_tokenizer(str(tmp_path / "made"))) == 310
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        list(train(settings(corpus, tmp_path / "other", replace=True)))
    assert (tmp_path / "other" / "notes.txt").exists()


def test_a_size_that_is_not_reached_is_told(tmp_path, capsys):
    from tokstudio.cli import main

    (tmp_path / "a.txt").write_text("one two three one two three\n" * 20)
    command = ["train-tokenizer", "--input", str(tmp_path / "a.txt"), "--output", str(tmp_path / "made")]
    assert main([*command, "--vocab-size", "5000"]) == 0
    assert "of 5,000 tokens: the text has no more" in capsys.readouterr().out
    more = [*command[:-1], str(tmp_path / "more"), "--extend", "demo:english", "--vocab-size", "60"]
    assert main(more) == 0
    assert "of 4,156 tokens: the text has no more" in capsys.readouterr().out
