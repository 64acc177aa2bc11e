import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.measure import measure, word_spans
from tokstudio.tokens.reference import load_tokenizer


def encoding(text: str, *spans: tuple[int, int]) -> Encoding:
    return Encoding(
        text.encode(), np.arange(len(spans), dtype=np.int32), np.array(spans, np.int32).reshape(-1, 2)
    )


def test_worked_by_hand():
    """Of "ab", "cd", "efg" the last is cut."""
    found = measure(encoding("ab cd-efg", (0, 2), (2, 5), (5, 6), (6, 7), (7, 9)))
    assert (found.tokens, found.bytes, found.unknown) == (5, 9, 0)
    assert found.bytes_per_token == pytest.approx(9 / 5)
    assert found.words_whole == pytest.approx(2 / 3)


def test_a_word_that_no_token_covers_is_not_whole():
    assert measure(encoding("ab cd", (3, 5))).words_whole == 0.5
    assert measure(encoding("ab cd")).words_whole == 0.0


def test_nothing_to_measure():
    empty = measure(encoding(""))
    assert (empty.tokens, empty.bytes_per_token, empty.words_whole) == (0, 0.0, 1.0)


def test_frames_do_not_count_and_unknown_tokens_are_counted():
    bert = load_tokenizer(v.BERT)
    framed = measure(bert.encode("hello 😀 world", special=True), bert)
    assert (framed.tokens, framed.unknown) == (3, 1)
    assert framed == measure(bert.encode("hello 😀 world"), bert)


def test_special_tokens_in_the_text_are_counted_apart():
    gpt, bert = load_tokenizer(v.CL100K), load_tokenizer(v.BERT)
    found = measure(gpt.encode("<|endoftext|>Hello<|endoftext|>", written="parse"), gpt)
    assert (found.tokens, found.special, found.written) == (3, 0, 2)
    assert measure(gpt.encode("<|endoftext|>"), gpt).written == 0
    framed = measure(bert.encode("[SEP] \u2603", special=True, written="parse"), bert)
    assert (framed.tokens, framed.special, framed.written, framed.unknown) == (2, 2, 1, 1)


@given(st.text("ab1 .é\u0301漢😀_\n\u0130", max_size=20))
def test_words_are_runs_of_letters_marks_and_digits(text):
    words, current = [], ""
    for character in text + " ":
        if unicodedata.category(character)[0] in "LMN":
            current += character
        elif current:
            words.append(current)
            current = ""
    data = text.encode()
    assert [data[a:b].decode() for a, b in word_spans(data)] == words
