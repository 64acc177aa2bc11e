"""Corpus comparison end to end: real vocabularies, real processes, figures that are checked by another way."""

import contextlib
import json

import numpy as np
import pytest

from tests.tokens import vocabularies as v
from tokstudio import cli
from tokstudio.errors import InputError, TokenizerError
from tokstudio.tokens.corpus.causes import causes
from tokstudio.tokens.corpus.fast import ids_of
from tokstudio.tokens.corpus.pool import Batch, Pool
from tokstudio.tokens.corpus.report import as_csv, as_latex, as_markdown, write
from tokstudio.tokens.corpus.run import Request, Sampler, compare_corpus
from tokstudio.tokens.corpus.tally import MOST_GROUPS, OTHERS, gini, renyi_efficiency
from tokstudio.tokens.corpus.words import WordCounts, cut_words
from tokstudio.tokens.measure import measure, word_spans
from tokstudio.tokens.reference import load_tokenizer

TEXTS = {
    "en": "The quick brown fox jumps over the lazy dog.\n" * 30,
    "de": "Donaudampfschifffahrtsgesellschaft, größer als Übergrößenträger 😀.\n" * 30,
    "zh": "我能吞下玻璃而不伤身体。\n" * 30,
}
REFERENCES = (v.CL100K, v.BERT, "demo:english", "bytes")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"lang": lang, "text": text} for lang, text in TEXTS.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows * 2))
    return path


def finished(request: Request):
    for progress in compare_corpus(request):
        last = progress
    assert last.finished
    return last


def test_figures_are_those_of_one_encoding_at_a_time(data):
    last = finished(Request(REFERENCES, str(data), processes=2))
    result = last.tally.result()
    assert last.done == last.size == data.stat().st_size
    assert list(result["groups"]) == ["de", "en", "zh"]
    for k, row in enumerate(result["tokenizers"]):
        tokenizer = load_tokenizer(REFERENCES[k])
        for lang, text in TEXTS.items():
            encoding = tokenizer.encode(text)
            expected, found = measure(encoding, tokenizer), row["groups"][lang]
            assert found["tokens"] == 2 * len(encoding)
            assert found["unknown"] == 2 * expected.unknown
            assert found["bytes_per_token"] == pytest.approx(expected.bytes_per_token)
            assert found["words_whole"] == pytest.approx(expected.words_whole)
            counts = np.bincount(encoding.ids, minlength=len(tokenizer))
            assert found["renyi"] == pytest.approx(renyi_efficiency(counts))
            assert found["vocabulary_use"] == pytest.approx((counts > 0).mean())
        assert row["tokens"] == sum(group["tokens"] for group in row["groups"].values())
    assert result["tokenizers"][3]["gini"] == pytest.approx(0)  # a byte is a byte in every language
    assert result["tokenizers"][0]["gini"] > 0.05


def test_processes_give_the_same_in_any_number(data):
    one, two = (finished(Request(REFERENCES[:2], str(data), processes=n)).tally.result() for n in (1, 2))
    assert one == two


def test_the_words_behind_a_figure(data):
    tally = finished(Request((v.CL100K, v.BERT), str(data))).tally
    found = causes(tally, 0, "fertility", "de")
    assert found.rows[0].text == "Donaudampfschifffahrtsgesellschaft"
    assert (found.rows[0].count, found.rows[0].tokens) == (60, 60 * 13)
    assert found.rows[0].example.startswith("Donaudampfschifffahrtsgesellschaft, größer als")
    assert {row.text for row in causes(tally, 1, "unknown", "zh").rows} >= {"能", "吞"}
    assert causes(tally, 1, "unknown", "de").rows[0].text == "😀"
    assert causes(tally, 0, "words_whole", "en").rows == ()
    assert causes(tally, 0, "renyi").rows[0].count == 120
    assert causes(tally, 0, "vocabulary_use", limit=3).rows[0].count == 0
    assert [row.text for row in causes(tally, 0, "gini").rows][-1] == "en"
    for bad in (("nothing", None), ("fertility", "xx")):
        with pytest.raises(InputError):
            causes(tally, 0, *bad)


def test_reports(data, tmp_path):
    result = finished(Request((v.CL100K, v.BERT), str(data))).tally.result()
    table = as_csv(result).splitlines()
    assert len(table) == 1 + 2 * 4
    assert table[0].startswith("tokenizer,reference,fingerprint,group,tokens,bytes_per_token")
    assert "| cl100k_base |" in as_markdown(result)
    assert r"cl100k\_base & " in as_latex(result)
    assert r"\toprule" in as_latex(result)
    for name in ("a.json", "a.csv", "a.md", "a.tex"):
        write(result, tmp_path / name)
        assert (tmp_path / name).read_text().strip()
    with pytest.raises(InputError, match="format"):
        write(result, tmp_path / "a.doc")


def test_a_start_that_fails_leaves_nothing(data, tmp_path):
    with pytest.raises(TokenizerError, match="no encoding named"):
        next(compare_corpus(Request(("tiktoken:nothing",), str(data))))
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(InputError, match="holds no text"):
        list(compare_corpus(Request(("bytes",), str(tmp_path / "empty.txt"))))
    with pytest.raises(InputError):
        next(compare_corpus(Request((), str(data))))


def test_closing_in_the_middle_ends_the_processes(tmp_path):
    path = tmp_path / "much.txt"
    path.write_text("The quick brown fox. " * 400_000)
    with contextlib.closing(compare_corpus(Request((v.BERT,), str(path), processes=2))) as running:
        assert not next(running).finished


def test_the_short_way_gives_the_same_ids():
    texts = [*TEXTS.values(), "", "<|endoftext|> [SEP] <s>", "e\u0301 ﬁ"]
    for name in (*REFERENCES, v.sentencepiece_unigram(), v.sentencepiece_bpe(), v.llama_like()):
        tokenizer = load_tokenizer(name)
        for text, ids in zip(texts, ids_of(tokenizer)(texts), strict=True):
            assert ids.tolist() == tokenizer.encode(text).ids.tolist()


def test_words_by_hand():
    tokenizer = load_tokenizer(v.BERT)
    text = "unhappiness dog 能 x"
    encoding = tokenizer.encode(text)
    pieces, cut, strange = cut_words(encoding, tokenizer.unknown_id, word_spans(text.encode()))
    assert pieces.tolist() == [4, 1, 1, 1]
    assert cut.tolist() == [True, False, False, False]
    assert strange.tolist() == [False, False, True, False]
    counts = WordCounts(1)
    counts.add_piece([encoding], [tokenizer])
    counts.add(WordCounts.from_json(1, json.loads(json.dumps(counts.as_json()))))
    assert counts.table["unhappiness"] == [2, 8, 2, 0]
    assert counts.unknown[0] == {"能": 2}
    assert (counts.words, counts.whole[0]) == (8, 6)


def test_a_sample_takes_the_first_part_of_each_group_and_then_a_share():
    sampler = Sampler(False)
    chosen = [sampler.take("a", 64_000)[1] for _ in range(200)]
    assert all(chosen[:8])
    assert 0 < sum(chosen[100:]) < 10
    assert sampler.take("b", 1) == ("b", True)
    for number in range(MOST_GROUPS):
        sampler.take(f"g{number}", 1)
    assert sampler.take("one more", 1)[0] == OTHERS


def test_entropy_and_gini_by_hand():
    assert renyi_efficiency(np.array([1, 1, 0, 0]), 1) == pytest.approx(0.5)
    assert renyi_efficiency(np.array([3, 1]), 2) == pytest.approx(np.log(1.6) / np.log(2))
    assert renyi_efficiency(np.zeros(4)) is None
    assert gini([1, 3]) == pytest.approx(0.25)


def test_command(data, capsys):
    asked = ["compare", v.CL100K, v.BERT, "--data", str(data)]
    assert cli.main([*asked, "--json", "--words", "3", "--metric", "unknown"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in said["tokenizers"]] == ["cl100k_base", "bert-base-uncased"]
    assert said["causes"][1]["rows"][0]["text"] == "😀"
    assert cli.main([*asked, "--words"]) == 0
    assert "'Donaudampfschifffahrtsgesellschaft'" in capsys.readouterr().out
    assert cli.main([*asked, "--csv", "--latex"]) == 2
    assert "One format" in capsys.readouterr().err
    assert cli.main([*asked, "--by", "nothing"]) == 2
    assert "no field 'nothing'" in capsys.readouterr().err


def test_a_worker_that_dies_is_an_error():
    with Pool(("bytes",), 2) as pool:
        for worker in pool._workers:
            worker.kill()
        batch = Batch()
        batch.add("", b"x" * 1000, False)
        pool.submit(batch)
        with pytest.raises(TokenizerError, match="ended unexpectedly") as caught:
            pool.answer(20)
        assert caught.value.hint
