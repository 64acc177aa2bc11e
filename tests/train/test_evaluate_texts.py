"""Bits per byte with intervals: windows that are fair, figures worked out by hand, two models on the same text."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.errors import InputError, ModelError
from tokstudio.models.load import load_model
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.corpus import Document
from tokstudio.train.data import held_out_windows
from tokstudio.train.evaluate import BitsPerByte, bits_per_byte
from tokstudio.train.evaluation.bootstrap import interval, resampled_ratios, summed
from tokstudio.train.evaluation.references import reference_lines, references
from tokstudio.train.evaluation.subject import Subject
from tokstudio.train.evaluation.texts import Measured, measure
from tokstudio.train.evaluation.windows import Window, common_cuts, cut_windows, part

MIXED = "Hello, world.  naïve 東京 🙂\n\tdef f(x):\n        return x + 12345\n" * 3
SIZES = {"window_bytes": 64, "total_bytes": 1 << 62}


class Uniform(torch.nn.Module):
    """Every token equally likely: log2(rows) bits a token."""

    def __init__(self, rows: int, limit: int = 4096):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.rows = rows
        self.config = type("Config", (), {"max_position_embeddings": limit})

    def get_input_embeddings(self):
        return torch.nn.Embedding(self.rows, 1)

    def forward(self, input_ids, use_cache=False):
        return type("Output", (), {"logits": torch.zeros(*input_ids.shape, self.rows) + self.weight})


def uniform(reference: str, rows: int = 0) -> Subject:
    tokenizer = load_tokenizer(reference)
    return Subject(reference, Uniform(rows or len(tokenizer)), tokenizer)


def measured(subjects, documents, cut="common", **settings) -> Measured:
    windows = cut_windows(documents, [s.tokenizer for s in subjects], cut=cut, **{**SIZES, **settings})
    return measure(subjects, windows)


def encoding(text: bytes, *spans: tuple[int, int]) -> Encoding:
    return Encoding(text, np.arange(len(spans), dtype=np.int32), np.array(spans, np.int32).reshape(-1, 2))


def test_cuts_are_where_no_tokenizer_has_a_token_across():
    a = encoding(b"abcdef", (0, 2), (2, 4), (4, 6))
    b = encoding(b"abcdef", (0, 1), (1, 4), (4, 5), (5, 6))
    assert common_cuts([a]).tolist() == [0, 2, 4, 6]
    assert common_cuts([a, b]).tolist() == [0, 4, 6]
    gap = encoding(b"ab  cd", (0, 2), (4, 6))  # a tokenizer that drops white space
    assert common_cuts([gap]).tolist() == [0, 2, 3, 4, 6]
    swapped = encoding(b"abcd", (2, 4), (0, 2))
    assert common_cuts([swapped]).tolist() == [0, 4]
    two_bytes = encoding("é!".encode(), (0, 1), (1, 2), (2, 3))
    assert common_cuts([two_bytes]).tolist() == [0, 2, 3]
    assert common_cuts([encoding(b"")]).tolist() == [0]


def test_a_token_of_no_width_is_in_one_part_only():
    whole = encoding(b"abcd", (0, 0), (0, 2), (2, 2), (2, 4), (4, 4))
    assert part(whole, 0, 2).ids.tolist() == [0, 1, 2]
    assert part(whole, 2, 4).ids.tolist() == [3, 4]
    assert part(whole, 2, 4).spans.tolist() == [[0, 2], [2, 2]]


@pytest.mark.parametrize(
    "pair",
    [("demo:english", "demo:code"), ("tiktoken:cl100k_base", "bytes"), ("bert-base-uncased", "demo:code")],
)
def test_windows_hold_the_same_bytes_and_all_tokens(pair):
    tokenizers = [load_tokenizer(reference) for reference in pair]
    windows = cut_windows([Document("d", MIXED)], tokenizers, cut="common", **SIZES)
    assert b"".join(w.text for w in windows).decode() == MIXED
    assert len(windows) > 3
    for k, tokenizer in enumerate(tokenizers):
        together = np.concatenate([w.encodings[k].ids for w in windows])
        assert together.tolist() == tokenizer.encode(MIXED).ids.tolist()
        assert all(w.encodings[k].text == w.text for w in windows)
        spans = [(w.encodings[k].spans, len(w.text)) for w in windows]
        assert all(span.min() >= 0 and span.max() <= size for span, size in spans)


@pytest.mark.parametrize(
    "pair",
    [("demo:english", "demo:code"), ("tiktoken:cl100k_base", "bytes"), ("bert-base-uncased", "demo:code")],
)
def test_sliding_windows_score_each_token_once_after_as_much_text(pair):
    tokenizers = [load_tokenizer(reference) for reference in pair]
    windows = cut_windows([Document("d", MIXED)], tokenizers, cut="sliding", **SIZES)
    assert b"".join(w.text for w in windows).decode() == MIXED
    for k, tokenizer in enumerate(tokenizers):
        together = np.concatenate([w.encodings[k].ids[w.scored(k)] for w in windows])
        assert together.tolist() == tokenizer.encode(MIXED).ids.tolist()
        for w in windows:
            read = len(w.encodings[k].text) - len(w.text)  # before what is scored
            assert w.encodings[k].text.endswith(w.text)
            assert read >= min(w.start, len(w.text), SIZES["window_bytes"] // 2)
            assert read >= w.context == min(w.start, max(len(w.text), SIZES["window_bytes"] // 2))
    assert windows[0].lead == (0, 0)


def test_sliding_is_what_the_model_says_of_each_token_after_what_it_read(tiny_folder):
    """Worked out by hand: the whole window in one pass, the tokens before it left out of the sum."""
    from tokstudio.models.load import load_model

    subject = Subject("tiny", load_model(str(tiny_folder)).eval(), load_tokenizer("demo:english"))
    found = measured([subject], [Document("d", MIXED[:300])], cut="sliding", window_bytes=80)
    alone = measured([subject], [Document("d", MIXED[:300])], cut="common", window_bytes=40)
    assert [w.text for w in found.windows] == [w.text for w in alone.windows]
    for window, nats in zip(found.windows, found.nats[0], strict=True):
        (each,) = subject.nats([window.encodings[0]])
        assert nats == pytest.approx(each[window.lead[0] :].sum())
    assert found.result(0).tokens == alone.result(0).tokens
    assert found.nats[0][0] == pytest.approx(alone.nats[0][0])
    assert not np.allclose(found.nats[0][1:], alone.nats[0][1:])
    assert found.brief()["least_overlap"] >= 0.5


def test_the_two_ways_agree_for_a_model_without_memory():
    subjects = [uniform("demo:english"), uniform("demo:code")]
    ways = [measured(subjects, [Document("d", MIXED)], cut=cut) for cut in ("common", "sliding")]
    for k in range(2):
        assert ways[0].result(k).value == pytest.approx(ways[1].result(k).value)
    assert ways[1].brief()["difference"]["bits_per_byte"] == pytest.approx(
        ways[0].difference(0, 1)["bits_per_byte"]
    )


@given(st.text(max_size=80), st.integers(4, 40))
def test_any_text_is_cut_without_loss(text, size):
    tokenizers = [load_tokenizer("demo:english"), load_tokenizer("bytes")]
    windows = cut_windows(
        [Document("d", text)], tokenizers, cut="common", window_bytes=size, total_bytes=1 << 62
    )
    assert b"".join(w.text for w in windows) == text.encode()
    assert all(w.text for w in windows)
    total = sum(len(w.encodings[1]) for w in windows)
    assert total == len(text.encode())


def test_lines_are_the_windows_that_training_measures_on(documents, english):
    theirs = held_out_windows(documents, window_bytes=200, total_bytes=3000)
    mine = cut_windows(documents, [english], cut="lines", window_bytes=200, total_bytes=3000)
    assert [w.text.decode() for w in mine] == theirs
    for window in mine:
        text = next(d.text for d in documents if d.name == window.document).encode()
        assert text[window.start : window.start + len(window.text)] == window.text


def test_a_uniform_model_by_hand():
    subject, text = uniform("demo:english", rows=8192), "Hello, world.\n"
    found = measured([subject], [Document("d", text)])
    tokens = len(subject.tokenizer.encode(text))
    assert found.result(0).value == pytest.approx(13 * tokens / 14)
    assert found.summary(0)["perplexity_per_token"] == pytest.approx(8192)
    assert found.summary(0)["prefix"] == "<s>"
    assert found.summary(0)["interval"] is None
    assert any("no interval" in remark for remark in found.remarks(0))


def test_the_figure_is_that_of_training(english, tiny_folder, documents):
    model = load_model(str(tiny_folder))
    texts = held_out_windows(documents, window_bytes=200, total_bytes=3000)
    one = bits_per_byte(model, english, texts)
    found = measured(
        [Subject("tiny", model, english)], documents, "lines", window_bytes=200, total_bytes=3000
    )
    assert found.result(0).value == pytest.approx(one.value, rel=1e-7)  # rows of a batch, in other numbers
    assert (found.result(0).tokens, found.result(0).windows) == (one.tokens, one.windows)


def test_every_window_is_worked_out_token_by_token(english, tiny_folder):
    """Each on its own after the prefix, with the ids of the whole document."""
    model = load_model(str(tiny_folder)).eval()
    subject = Subject("tiny", model, english)
    windows = cut_windows(
        [Document("d", MIXED[:60])], [english], cut="common", window_bytes=24, total_bytes=99
    )
    found = measure([subject], windows)
    assert len(windows) > 1
    for window, nats in zip(windows, found.nats[0], strict=True):
        ids = [subject.prefix, *window.encodings[0].ids.tolist()]
        with torch.no_grad():
            log_p = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].double(), -1)
        by_hand = -sum(float(log_p[i, token]) for i, token in enumerate(ids[1:]))
        assert nats == pytest.approx(by_hand, rel=1e-5)


def test_bits_and_perplexity_agree_or_are_refused():
    assert BitsPerByte(2.0, 40 * math.log(2), 10, 20, 1, 0).perplexity == pytest.approx(16)
    with pytest.raises(AssertionError):
        _ = BitsPerByte(1.9, 40 * math.log(2), 10, 20, 1, 0).perplexity
    assert BitsPerByte(1e6, 1e6, 1, 1, 1, 0).perplexity == math.inf


def test_without_a_prefix_the_first_token_is_told_as_unscored():
    found = measured([uniform("bytes", rows=256)], [Document("d", "abcd\n" * 20)], "lines", window_bytes=10)
    result = found.result(0)
    assert (result.unscored, result.tokens, result.windows) == (10, 100, 10)
    assert result.value == pytest.approx(8 * 90 / 100)
    assert result.perplexity == pytest.approx(256)
    assert any("not scored" in remark for remark in found.remarks(0))


def test_an_end_token_costs_bits_but_no_bytes():
    documents = [Document("a", "Hello.\n"), Document("b", "World.\n")]
    subject = uniform("demo:english", rows=8192)
    without, with_end = (measured([subject], documents, end=end).result(0) for end in (False, True))
    assert with_end.bytes == without.bytes
    assert with_end.tokens == without.tokens + 2
    assert with_end.nats == pytest.approx(without.nats + 2 * math.log(8192))
    with pytest.raises(InputError, match="no end-of-text"):
        measured([uniform("bytes")], documents, end=True)


def test_lossy_and_unknown_text_is_counted():
    documents = [Document("a", "Hello  World\n"), Document("b", "hello world")]
    found = measured([uniform("bert-base-uncased")], documents)
    assert found.summary(0)["lossy_documents"] == 1
    assert any("misses what was lost" in remark for remark in found.remarks(0))
    odd = measured([uniform("bert-base-uncased")], [Document("c", "a \U00013000 b")])
    assert odd.unknown(0) == 1
    assert any("unknown token" in remark for remark in odd.remarks(0))


def test_two_models_on_the_same_windows():
    documents = [Document(str(i), f"line {i} of a text with words\n" * (i + 1)) for i in range(24)]
    a, b = uniform("demo:english", rows=8192), uniform("demo:english", rows=16384)
    found = measured([a, b], documents)
    tokens, size = found.result(0).tokens, found.result(0).bytes
    difference = found.difference(0, 1)
    assert difference["bits_per_byte"] == pytest.approx(tokens / size)  # one bit a token
    assert difference["better"] == "first"
    assert difference["separated"]
    between = difference["interval"]
    assert between["low"] <= difference["bits_per_byte"] <= between["high"]
    assert found.unit == "document"
    # paired: what is hard for both does not widen the interval of the difference
    wide = found.interval(1)
    assert between["high"] - between["low"] < (wide.high - wide.low) / 2
    itself = measured([a, a], documents).difference(0, 1)
    assert (itself["bits_per_byte"], itself["separated"], itself["better"]) == (0, False, None)


def test_every_window_on_request():
    found = measured([uniform("demo:english"), uniform("bytes")], [Document("d", MIXED)])
    each = found.each()
    assert "".join(one["text"] for one in each) == MIXED
    total = sum(one["bits_per_byte"][0] * one["bytes"] for one in each)
    assert total / len(MIXED.encode()) == pytest.approx(found.result(0).value)


def test_draws_by_hand():
    top, bottom = np.array([[1.0, 3.0]]), np.array([1.0, 1.0])
    draws = resampled_ratios(top, bottom, resamples=4000, seed=3)
    assert set(np.unique(draws)) == {1.0, 2.0, 3.0}
    assert np.mean(draws == 2) == pytest.approx(0.5, abs=0.03)
    assert (draws == resampled_ratios(top, bottom, resamples=4000, seed=3)).all()
    assert not (draws == resampled_ratios(top, bottom, resamples=4000, seed=4)).all()
    assert (interval(draws[0], seed=3).low, interval(draws[0], seed=3).high) == (1, 3)
    assert summed(np.array([1.0, 2.0, 4.0]), np.array([1, 0, 1])).tolist() == [2, 5]


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    random, hits = np.random.default_rng(0), 0
    for seed in range(200):
        values = random.exponential(1.0, (1, 60))
        found = interval(resampled_ratios(values, np.ones(60), resamples=500, seed=seed)[0], seed=seed)
        hits += found.low <= 1 <= found.high
    assert 0.86 < hits / 200 < 0.99


def test_reference_lines_by_hand():
    found = reference_lines(["aabb", "aabb"])
    assert found["uniform over bytes seen"] == 1
    assert found["order 0 entropy"] == 1
    assert reference_lines(["aaab"])["order 0 entropy"] == pytest.approx(
        0.75 * math.log2(4 / 3) + 0.25 * math.log2(4)
    )
    assert reference_lines(["aaaa"]) | {"xz": 0} == {
        "uniform over bytes seen": 0,
        "order 0 entropy": 0,
        "xz": 0,
    }
    long = reference_lines(["abcd" * 5000])
    assert long["xz"] < 0.1
    learnt = references(["abcd" * 500], ["abcd" * 50])
    assert learnt["order 2"] < 0.3 < long["order 0 entropy"]


def test_what_cannot_be_measured_is_told():
    subject = uniform("demo:english", rows=100)
    with pytest.raises(InputError, match="has 100 rows"):
        measured([subject], [Document("d", "東京")])
    short = Subject("short", Uniform(9000, limit=8), load_tokenizer("demo:english"))
    with pytest.raises(InputError, match="short reads 8") as caught:
        measured([short], [Document("d", MIXED)])
    assert "--window-bytes" in caught.value.hint
    with pytest.raises(InputError, match="no text"):
        measured([subject], [])
    with pytest.raises(InputError, match="half a character"):
        measured([subject], [Document("d", "a\ud83d")])
    broken = uniform("demo:english")
    broken.model.weight.data.fill_(math.nan)
    with pytest.raises(ModelError, match="no numbers"):
        measured([broken], [Document("d", "abc")])


def test_the_window_is_a_value():
    window = Window("d", 0, b"a", (encoding(b"a", (0, 1)),), (False,))
    with pytest.raises(AttributeError):
        window.start = 1
