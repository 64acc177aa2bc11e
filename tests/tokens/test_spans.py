"""Spans by hand: what a library may report, and what is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.tokens.spans import by_lengths, character_edges, settle, take_marks, with_specials
from tokstudio.tokens.table import TokenTable


def settled(text: str, tokens: list[bytes | None], ranges: list[tuple[int, int]]) -> list[list[int]]:
    ids = np.arange(len(tokens))
    table = TokenTable.from_list(tokens)
    return settle(text.encode(), ids, np.array(ranges, np.int64).reshape(-1, 2), table).tolist()


def test_table_joins_and_knows_what_is_no_text():
    table = TokenTable.build({0: b"a", 1: b"", 3: b"bcd"}, 5)
    assert len(table) == 5
    assert [table.bytes_of(i) for i in range(5)] == [b"a", b"", None, b"bcd", None]
    assert table.lengths(np.array([3, 2, 0])).tolist() == [3, 0, 1]
    assert table.join(np.array([3, 2, 0, 1, 3])) == b"bcdabcd"
    assert table.join(np.zeros(0, np.int64)) == b""


@given(st.lists(st.none() | st.binary(max_size=5), max_size=20), st.data())
def test_table_agrees_with_a_list(tokens, data):
    table = TokenTable.from_list(tokens)
    ids = data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=20)) if tokens else []
    assert table.join(np.array(ids, np.int64)) == b"".join(tokens[i] or b"" for i in ids)
    assert [table.bytes_of(i) for i in range(len(tokens))] == tokens


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=12))
def test_tokens_that_are_the_text_have_one_place_each(tokens):
    data = b"".join(tokens)
    ids = np.arange(len(tokens))
    spans = by_lengths(data, ids, TokenTable.from_list(tokens))
    assert [data[a:b] for a, b in spans] == tokens
    prefixed = by_lengths(data, np.arange(len(tokens) + 1), TokenTable.from_list([b" ", *tokens]))
    assert prefixed[0].tolist() == [0, 0]
    assert prefixed[1:].tolist() == spans.tolist()


@pytest.mark.parametrize("data", [b"ab", b"abd", b"xbc", b"ab c", b""])
def test_tokens_that_are_another_text_are_not_placed_by_length(data):
    assert by_lengths(data, np.arange(2), TokenTable.from_list([b"a", b"bc"])) is None


def test_character_edges_count_bytes():
    assert character_edges("aé漢😀".encode()).tolist() == [0, 1, 3, 6, 10]
    assert character_edges(b"").tolist() == [0]


def test_four_bytes_of_one_emoji_are_told_apart():
    tokens = [b"\xf0", b"\x9f", b"\x98", b"\x80", b"!"]
    assert settled("😀!", tokens, [(0, 4)] * 4 + [(4, 5)]) == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]]


def test_a_token_that_ends_inside_a_character_and_the_rest_of_it():
    assert settled("ab😀c", [b"ab\xf0\x9f", b"\x98\x80c"], [(0, 6), (2, 7)]) == [[0, 4], [4, 7]]


def test_trimmed_white_space_comes_back_but_never_another_tokens():
    assert settled("a  b", [b"a", b" ", b" b"], [(0, 1), (2, 2), (3, 4)]) == [[0, 1], [1, 2], [2, 4]]
    assert settled("a b", [b"a ", b" b"], [(0, 2), (2, 3)]) == [[0, 2], [2, 3]]


def test_a_prefix_space_has_no_place():
    assert settled("ab", [b" ab"], [(0, 2)]) == [[0, 2]]
    assert settled("é", [b" \xc3", b"\xa9"], [(0, 2), (0, 2)]) == [[0, 1], [1, 2]]


def test_lower_case_keeps_the_range_and_gaps_stay():
    assert settled(" Ab  C", [b"ab", b"c"], [(1, 3), (5, 6)]) == [[1, 3], [5, 6]]


def test_several_tokens_of_one_normalized_character():
    """NFKC: "ﬁ" is three bytes, "f" and "i" are none of them."""
    assert settled("ﬁx", [b"f", b"i", b"x"], [(0, 3), (0, 3), (3, 4)]) == [[0, 3], [3, 3], [3, 4]]


def test_an_unknown_token_keeps_its_range():
    assert settled("漢字", [None, b"\xe5\xad\x97"], [(0, 3), (3, 6)]) == [[0, 3], [3, 6]]


def test_combining_marks_belong_to_the_character_before_them():
    data = "e\u0301\u0302 x".encode()
    assert take_marks(data, np.array([[0, 1], [6, 7]])).tolist() == [[0, 5], [6, 7]]
    assert take_marks(data, np.array([[0, 1], [1, 1], [6, 7]])).tolist() == [[0, 5], [5, 5], [6, 7]]
    assert take_marks("é漢".encode(), np.array([[0, 2]])).tolist() == [[0, 2]]


def test_special_tokens_are_zero_width_where_they_stand():
    inner = np.array([[1, 3], [3, 5]], np.int32)
    special = np.array([True, False, True, False, True, True])
    assert with_specials(inner, special, 7).tolist() == [[0, 0], [1, 3], [3, 3], [3, 5], [7, 7], [7, 7]]
    assert with_specials(np.zeros((0, 2), np.int32), np.array([True, True]), 0).tolist() == [[0, 0], [0, 0]]


ranges = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=8).map(
    lambda found: sorted((start, start + size) for start, size in found)
)


@given(st.text("aé😀 \u0301", max_size=8), ranges, st.data())
def test_whatever_is_reported_spans_are_ordered_and_inside(text, reported, data):
    tokens = [
        data.draw(st.none() | st.sampled_from([b"", b"a", b" a", b"\xf0", b" ", b"xyz"])) for _ in reported
    ]
    edges = np.array(settled(text, tokens, reported), np.int64).reshape(-1)
    assert (np.diff(edges) >= 0).all()
    assert all(0 <= edge <= len(text.encode()) for edge in edges)
