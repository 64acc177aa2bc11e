import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.align.spans import align
from tokstudio.errors import AlignmentError
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer


def encoding(data: bytes, edges: list[int]) -> Encoding:
    spans = np.array(list(itertools.pairwise(edges)), np.int32).reshape(-1, 2)
    return Encoding(data, np.zeros(len(spans), np.int32), spans)


@st.composite
def tilings(draw):
    data = draw(st.binary(max_size=40))

    def one():
        inner = draw(st.sets(st.integers(1, max(1, len(data) - 1)))) if len(data) > 1 else set()
        extra = draw(
            st.lists(st.sampled_from(sorted({0, len(data)} | inner)), max_size=3)
        )  # zero-width tokens
        return encoding(data, sorted([*({0, len(data)} | inner), *extra]))

    return one(), one()


def test_by_hand():
    """ab|c|def against a|bc|de|f: the shared edges are 0, 3 and 6."""
    found = align(encoding(b"abcdef", [0, 2, 3, 6]), encoding(b"abcdef", [0, 1, 3, 5, 6]))
    assert found.edges.tolist() == [0, 3, 6]
    assert found.source_block.tolist() == [0, 0, 1]
    assert found.target_block.tolist() == [0, 0, 1, 1]


@given(tilings())
def test_blocks_are_ordered_cover_both_sides_and_are_minimal(pair):
    source, target = pair
    found = align(source, target)
    shared = set(source.spans[:, 1].tolist()) & set(target.spans[:, 1].tolist()) | {0}
    if len(source.text):
        assert set(found.edges.tolist()) == shared
    for side, block in ((source, found.source_block), (target, found.target_block)):
        assert (np.diff(block) >= 0).all()
        for (start, stop), k in zip(side.spans.tolist(), block.tolist(), strict=True):
            if stop > start:
                assert found.edges[k] <= start
                assert stop <= found.edges[k + 1]


@given(tilings())
def test_the_mirror_image_is_the_same(pair):
    source, target = pair
    there, back = align(source, target), align(target, source)
    assert there.edges.tolist() == back.edges.tolist()
    assert there.source_block.tolist() == back.target_block.tolist()


@given(st.text(max_size=60))
def test_a_tokenizer_with_itself_and_with_bytes(text):
    english, raw = load_tokenizer("demo:english").encode(text), load_tokenizer("bytes").encode(text)
    assert len(align(english, english)) == len(english)
    assert len(align(english, raw)) == len(english)  # one chunk for each token


def test_differing_texts_and_gaps_are_refused():
    with pytest.raises(AlignmentError, match="different texts"):
        align(encoding(b"ab", [0, 2]), encoding(b"abc", [0, 3]))
    gap = Encoding(b"a b", np.zeros(2, np.int32), np.array([[0, 1], [2, 3]], np.int32))
    with pytest.raises(AlignmentError, match="cover the text") as caught:
        align(gap, gap)
    assert caught.value.hint
