"""Boundary agreement, worked by hand and as properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.align.edges import agreement, space_mask, trimmed
from tokstudio.errors import AlignmentError
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer


def encoding(text: str, *spans: tuple[int, int]) -> Encoding:
    return Encoding(text.encode(), np.zeros(len(spans), np.int32), np.array(spans, np.int32).reshape(-1, 2))


def test_bpe_and_word_piece_agree_on_a_word_with_and_without_its_space():
    found = agreement(
        [encoding("in the end", (0, 2), (2, 6), (6, 10)), encoding("in the end", (0, 2), (3, 6), (7, 10))]
    )
    assert found.offsets.tolist() == [3, 7]
    assert found.counts.tolist() == [2, 2]
    assert found.disagreements.tolist() == []
    assert found.f1.tolist() == [[1, 1], [1, 1]]
    assert all(shared.all() for shared in found.shared)
    assert found.next_disagreement(0) is None
    assert found.previous_disagreement(10) is None


def test_three_tokenizers_worked_by_hand():
    """|abc def|, |ab|c| def|, |ab|c| d|ef|: 4 is cut by two of three, 2 by two, 5 by one."""
    text = "abc def"
    found = agreement([
        encoding(text, (0, 7)),
        encoding(text, (0, 2), (2, 3), (3, 7)),
        encoding(text, (0, 2), (2, 3), (3, 5), (5, 7)),
    ])  # fmt: skip
    assert found.size == 7
    assert found.offsets.tolist() == [2, 4, 5]
    assert found.counts.tolist() == [2, 2, 1]
    assert found.disagreements.tolist() == [2, 4, 5]
    assert [shared.tolist() for shared in found.shared] == [[False], [False] * 3, [False] * 4]
    assert found.f1[1, 2] == pytest.approx(2 * 2 / (2 + 3))
    assert found.f1[0, 1] == found.f1[1, 0] == 0
    assert (found.next_disagreement(0), found.next_disagreement(2), found.next_disagreement(5)) == (
        2,
        4,
        None,
    )
    assert (found.previous_disagreement(2), found.previous_disagreement(5)) == (None, 4)


def test_a_piece_shared_by_all_is_found_in_each():
    text = "abc def"
    found = agreement([encoding(text, (0, 3), (3, 7)), encoding(text, (0, 3), (4, 5), (5, 7))])
    assert [shared.tolist() for shared in found.shared] == [[True, False], [True, False, False]]


def test_special_tokens_cut_nothing():
    text = "ab cd"
    framed = encoding(text, (0, 0), (0, 2), (3, 5), (5, 5))
    found = agreement([framed, encoding(text, (0, 2), (2, 5))])
    assert found.offsets.tolist() == [3]
    assert found.shared[0].all()


def test_white_space_of_its_own_is_a_piece():
    found = agreement([encoding("a\n\nb", (0, 1), (1, 3), (3, 4)), encoding("a\n\nb", (0, 1), (3, 4))])
    assert found.offsets.tolist() == [1, 3]
    assert found.counts.tolist() == [1, 2]
    assert found.shared[0].tolist() == [True, False, True]


def test_wide_spaces_are_white_space():
    text = "a\u3000b\u00a0c\x1fd"
    assert space_mask(text.encode()).tolist() == [False, *[True] * 3, False, True, True, False, True, False]
    assert trimmed(np.array([[1, 5], [1, 4], [0, 10]]), space_mask(text.encode())).tolist() == [
        [4, 5],
        [1, 4],
        [0, 10],
    ]


def test_edge_cases():
    empty = agreement([encoding(""), encoding("")])
    assert empty.f1.tolist() == [[1, 1], [1, 1]]
    assert empty.offsets.tolist() == []
    blank = agreement([encoding("  ", (0, 2)), encoding("  ", (0, 1), (1, 2)), encoding("  ")])
    assert blank.offsets.tolist() == [1]
    alone = agreement([encoding("ab", (0, 1), (1, 2))])
    assert alone.disagreements.tolist() == []
    assert alone.shared[0].all()
    with pytest.raises(AlignmentError):
        agreement([])
    with pytest.raises(AlignmentError, match="different texts"):
        agreement([encoding("a", (0, 1)), encoding("b", (0, 1))])


def naive_trim(text: bytes, start: int, stop: int) -> tuple[int, int]:
    piece = text[start:stop]
    if not piece.strip():
        return start, stop
    return start + len(piece) - len(piece.lstrip()), stop - len(piece) + len(piece.rstrip())


@st.composite
def cut_texts(draw):
    text = draw(st.text("ab \n", min_size=1, max_size=20))
    edges = st.sets(st.integers(0, len(text)), max_size=8)

    def one() -> Encoding:
        inner = sorted(draw(edges) | {0, len(text)})
        spans = [pair for pair in itertools.pairwise(inner) if draw(st.integers(0, 4))]  # some gaps
        return encoding(text, *spans)

    return [one() for _ in range(draw(st.integers(1, 4)))]


@given(cut_texts())
def test_against_sets(encodings):
    """The same by Python's sets and `bytes.strip`."""
    text = encodings[0].text
    first = len(text) - len(text.lstrip()) if text.strip() else 0
    pieces = [[naive_trim(text, *span) for span in e.spans.tolist()] for e in encodings]
    cuts = [{start for start, _ in piece if start > first} for piece in pieces]
    found = agreement(encodings)
    assert found.offsets.tolist() == sorted(set().union(*cuts))
    assert found.counts.tolist() == [sum(offset in cut for cut in cuts) for offset in found.offsets]
    common = set.intersection(*map(set, pieces))
    assert [shared.tolist() for shared in found.shared] == [[p in common for p in piece] for piece in pieces]
    for i, a in enumerate(cuts):
        for j, b in enumerate(cuts):
            assert found.f1[i, j] == pytest.approx(2 * len(a & b) / (len(a) + len(b)) if a or b else 1)


@given(cut_texts(), st.integers(-1, 25))
def test_walking_visits_every_disagreement(encodings, offset):
    found = agreement(encodings)
    seen, at = [], -1
    while (at := found.next_disagreement(at)) is not None:
        seen.append(at)
    assert seen == found.disagreements.tolist()
    back = found.previous_disagreement(offset)
    assert back == max((x for x in seen if x < offset), default=None)


def test_real_vocabularies_agree_mostly_on_plain_english():
    text = "The quick brown fox jumps over the lazy dog."
    found = agreement([load_tokenizer(name).encode(text) for name in (v.CL100K, v.BERT)])
    assert found.disagreements.tolist() == []
    assert found.f1[0, 1] == 1
