"""Chunks by token budget: they fit, they tile the text, and they end where people end things."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokstudio.errors import InputError
from tokstudio.tokens.budget import BOUNDARIES, split, write_chunks
from tokstudio.tokens.graphemes import grapheme_starts
from tokstudio.tokens.reference import load_tokenizer

TEXT = "One two three.\n\nFour five six. Seven eight nine.\nTen eleven.\n\nTwelve."


@pytest.fixture(scope="module")
def english():
    return load_tokenizer("demo:english")


def parts(tokenizer, text, most, **how):
    data = text.encode()
    return [data[c.start : c.stop].decode() for c in split(tokenizer, text, most, **how)]


def test_ends_at_the_largest_boundary_that_fits(english):
    size = len(english.encode("Four five six. Seven eight nine.\nTen eleven.\n\n"))
    assert parts(english, TEXT, size) == [
        "One two three.\n\n",
        "Four five six. Seven eight nine.\nTen eleven.\n\n",
        "Twelve.",
    ]
    assert parts(english, TEXT, 1000) == [TEXT]
    small = len(english.encode("Seven eight nine.\n"))
    assert "Four five six. " in parts(english, TEXT, small, at="sentence")
    assert parts(english, "一。二。三。", 7, at="sentence") == ["一。", "二。", "三。"]


def test_bytes_are_counted_by_hand():
    found = list(split(load_tokenizer("bytes"), "abcdefgh", 3, at="token"))
    assert [(c.start, c.stop, c.tokens) for c in found] == [(0, 3, 3), (3, 6, 3), (6, 8, 2)]
    again = list(split(load_tokenizer("bytes"), "abcdefgh", 3, at="token", overlap=1))
    assert [(c.start, c.stop) for c in again] == [(0, 3), (2, 5), (4, 7), (6, 8)]


def test_special_tokens_count():
    mistral = load_tokenizer("mistral:v3")  # puts <s> in front, and a space that " three" alone has twice
    found = split(mistral, "One two three four", 3, special=True)
    assert [(c.start, c.stop, c.tokens) for c in found] == [(0, 7, 3), (7, 13, 3), (13, 18, 3)]


def test_a_budget_without_room_is_refused(english):
    for most, overlap in ((0, 0), (3, 3)):
        with pytest.raises(InputError, match="no room"):
            list(split(english, "a", most, overlap=overlap))
    with pytest.raises(InputError, match="takes 4 tokens alone, more than 3"):
        list(split(load_tokenizer("bytes"), "ab😀", 3))
    with pytest.raises(InputError, match="cannot end"):
        list(split(english, "a", 3, at="word"))


@given(
    text=st.lists(
        st.sampled_from(["a", " word", ".", " ", "\n", "\n\n", "é", "👩‍👧", "東京。", "  x"]), max_size=60
    ).map("".join),
    most=st.integers(25, 60),
    at=st.sampled_from(BOUNDARIES),
    reference=st.sampled_from(["demo:english", "demo:code", "bytes"]),
)
@settings(deadline=None, max_examples=60)
def test_chunks_tile_the_text_and_fit(text, most, at, reference):
    tokenizer = load_tokenizer(reference)
    data, found = text.encode(), list(split(tokenizer, text, most, at=at))
    assert b"".join(data[c.start : c.stop] for c in found) == data
    whole = set(grapheme_starts(data).tolist())
    for chunk in found:
        assert {chunk.start, chunk.stop} <= whole
        assert chunk.tokens == len(tokenizer.encode(data[chunk.start : chunk.stop].decode())) <= most


def test_files_and_lines(english, tmp_path):
    data, chunks = TEXT.encode(), list(split(english, TEXT, 12))
    files = write_chunks(data, chunks, tmp_path / "out")
    assert [file.name for file in files][:2] == ["chunk-0001.txt", "chunk-0002.txt"]
    assert b"".join(file.read_bytes() for file in files) == data
    with pytest.raises(InputError, match="exists"):
        write_chunks(data, chunks, tmp_path / "out")
    (path,) = write_chunks(data, chunks, tmp_path / "out.jsonl")
    values = [json.loads(line) for line in path.read_text().splitlines()]
    assert "".join(value["text"] for value in values) == TEXT
    assert [value["tokens"] for value in values] == [chunk.tokens for chunk in chunks]
