"""Tokens as arrays: looked up as people write them, searched by queries."""

import re

import numpy as np
import pytest

from tokstudio.embed.matrix import finish
from tokstudio.embed.search import kind_key, search
from tokstudio.embed.vocabulary import KINDS, Vocabulary, read_vocabulary
from tokstudio.errors import InputError


@pytest.fixture(scope="module")
def bert() -> Vocabulary:
    return finish(read_vocabulary("bert-base-uncased"))


@pytest.fixture(scope="module")
def gpt4() -> Vocabulary:
    return finish(read_vocabulary("tiktoken:cl100k_base"))


def test_bert_writes_glued_pieces_with_marks(bert):
    assert len(bert) == 30_522
    assert bert.text(5880) == "##water"
    assert bert.look_up("##water") == 5880
    assert bert.text(bert.look_up("water")) == "water"
    assert bert.text(bert.look_up("[CLS]")) == "[CLS]"


def test_a_word_means_the_token_with_a_space_first(gpt4):
    assert gpt4.text(gpt4.look_up("river")) == " river"
    assert gpt4.text(gpt4.look_up('"river"')) == "river"
    assert gpt4.look_up("·river") == gpt4.look_up(" river") == gpt4.look_up("river")
    assert gpt4.look_up("rivers of babylon") is None


def test_every_token_of_gpt4_is_found_by_its_own_bytes(gpt4):
    for token in range(0, len(gpt4), 997):
        if raw := gpt4.bytes_of(token):
            assert gpt4.find(raw) == token


@pytest.mark.parametrize("text", ["#30522", "#99999999999"])
def test_a_row_that_is_not_there_is_named(bert, text):
    with pytest.raises(InputError, match="no row"):
        Vocabulary.row_of(bert, text, 30_522)


def test_a_text_of_several_tokens_says_how_it_is_cut(bert):
    assert Vocabulary.row_of(bert, "#12", 30_522) == 12
    with pytest.raises(InputError, match="no single token") as caught:
        Vocabulary.row_of(bert, "river bed", 30_522)
    assert "“river”, “bed”" in caught.value.hint
    with pytest.raises(InputError, match="No tokenizer"):
        Vocabulary.row_of(None, "river", 30_522)


def by_hand(vocabulary: Vocabulary, test) -> np.ndarray:
    return np.array(
        [test(vocabulary.bytes_of(i), KINDS[vocabulary.kinds[i]]) for i in range(len(vocabulary))]
    )


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("ing", lambda raw, kind: b"ing" in raw.lower()),
        ("Ing", lambda raw, kind: b"Ing" in raw),
        ("ца", lambda raw, kind: "ца".encode() in raw),
        ('"· t"', lambda raw, kind: b"  t" in raw.lower()),
        ("len:>8", lambda raw, kind: len(raw) > 8),
        ("len:2-4", lambda raw, kind: 2 <= len(raw) <= 4),
        ("len:7", lambda raw, kind: len(raw) == 7),
        ("type:digits,byte", lambda raw, kind: kind in ("Digits", "Byte")),
        (r're:"^[ \t]+\Z" len:<4', lambda raw, kind: raw.strip(b" \t") == b"" and 0 < len(raw) < 4),
        ("-e len:3", lambda raw, kind: b"e" not in raw.lower() and len(raw) == 3),
        ("", lambda raw, kind: True),
    ],
    ids=[
        "letters",
        "capitals",
        "cyrillic",
        "spaces",
        "longer",
        "between",
        "exactly",
        "types",
        "regex",
        "minus",
        "all",
    ],
)
def test_a_query_finds_what_a_loop_over_all_tokens_finds(gpt4, query, test):
    found = finish(search(gpt4, query))
    expected = by_hand(gpt4, test)
    different = np.flatnonzero(found != expected)
    assert different.tolist() == [], [gpt4.text(int(i)) for i in different[:5]]


@pytest.mark.parametrize("query", ["len:>x", "len:", "type:verb", "type:", "re:(", "re:[a", "id:-3"])
def test_a_term_that_says_nothing_is_explained(bert, query):
    with pytest.raises(InputError) as caught:
        finish(search(bert, query))
    assert caught.value.hint


def test_every_kind_can_be_asked_for(bert):
    for kind, name in enumerate(KINDS):
        assert np.array_equal(finish(search(bert, f"type:{kind_key(name)}")), bert.kinds == kind)


def test_the_order_of_texts_is_that_of_their_bytes(bert):
    order = np.argsort(bert.ranks)
    texts = [bert.bytes_of(int(i)) for i in order]
    assert texts == sorted(texts)


def test_kinds_of_gpt4(gpt4):
    def kind(text: str) -> str:
        return KINDS[gpt4.kinds[gpt4.find(text.encode())]]

    assert [kind(t) for t in (" river", "river", "...", "123", "  ", "a")] == [
        "Word start", "Continuation", "Punctuation", "Digits", "White space", "Continuation",
    ]  # fmt: skip
    assert KINDS[gpt4.kinds[gpt4.look_up("<|endoftext|>")]] == "Special"
    halves = [gpt4.text(int(i)) for i in np.flatnonzero(gpt4.kinds == KINDS.index("Partial UTF-8"))[:50]]
    assert all(re.fullmatch(r"[0-9A-F]{2}( [0-9A-F]{2})+", text) for text in halves)
