"""What becomes of a vocabulary's tokens in another one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.embed.jobs import State
from tokstudio.embed.matrix import finish
from tokstudio.embed.vocabulary_jobs import JOBS
from tokstudio.tokens import vocab_cuts
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.vocab_cuts import FATES, GROUPS, MORE, NONE, ONE, PART, SAME, THREE, TWO
from tokstudio.ui.vocabulary_cards.flow import KINDS, TERMS


def cut(reference: str, tokens: list[bytes], twins: list[int], spaced: bool = False) -> list[float]:
    every = np.ones(len(tokens), bool)
    steps = vocab_cuts.cuts(load_tokenizer(reference), tokens, every, np.array(twins), every & spaced)
    return finish(steps).tolist()


def test_a_token_is_cut_as_the_other_tokenizer_cuts_its_text():
    found = cut("bytes", [b"a", b"th", b"the", "é".encode()], [97, -1, -1, -1])
    assert found == [1, 2, 3, 2]


def test_what_bert_cannot_write_has_no_pieces_and_half_a_character_is_not_asked_for():
    found = cut(v.BERT, [b" river", b"River", "\U0001f984".encode(), b"  ", b"\xf0\x9f"], [-1] * 5)
    assert found[:4] == [1, 1, 0, 0]
    assert np.isnan(found[4])


def test_the_beginning_of_a_word_may_stand_behind_a_space():
    words = [b"kitchen", b"purple"]
    assert cut(v.CL100K, words, [-1, -1]) == [2, 1]
    assert cut(v.CL100K, words, [-1, -1], spaced=True) == [1, 1]


def test_fates():
    cuts = np.array([1, 1, 2, 3, 4, 9, 0, np.nan, np.nan], np.float32)
    twins = np.array([5, -1, -1, -1, -1, -1, -1, -1, -1])
    counted = np.arange(9) < 8
    found = vocab_cuts.fates(cuts, counted, twins)
    assert found.tolist() == [SAME, ONE, TWO, THREE, MORE, MORE, NONE, PART, -1]


@given(st.lists(st.tuples(st.integers(-1, len(FATES) - 1), st.integers(0, len(GROUPS) - 1))))
def test_a_flow_counts_every_token_that_takes_part_once(pairs):
    fates, groups = np.array(pairs, np.int64).reshape(-1, 2).T
    table = vocab_cuts.flow(fates, groups)
    for group in range(len(GROUPS)):
        for fate in range(len(FATES)):
            assert table[group, fate] == pairs.count((fate, group))


@pytest.mark.parametrize(
    "pair", [(v.byte_bpe, v.llama_like), (v.llama_like, v.byte_bpe)], ids=["here", "there"]
)
def test_the_query_of_each_band_finds_as_many_tokens_as_the_band_says(pair):
    reference, other = (make() for make in pair)
    state = State()

    def ask(job: str, **arguments):
        return finish(JOBS[job][0](state, reference=reference, **arguments))

    ask("vocab_compare", others=[other])
    counts = ask("vocab_cuts", other=other).values["here"]
    assert sum(count > 0 for row in counts for count in row) >= 6
    for group, kinds in enumerate(KINDS):
        for fate, term in enumerate(TERMS):
            mask = ask("vocab_find", query=f"{kinds} {term}").arrays["mask"]
            assert int(np.unpackbits(mask).sum()) == counts[group][fate], (kinds, term)


def test_a_comparison_that_was_taken_back_leaves_no_cuts():
    state, reference = State(), v.byte_bpe()
    finish(JOBS["vocab_cuts"][0](state, reference=reference, other="bytes"))
    assert "cut" in state.__dict__["known"][reference].queried.numbers
    finish(JOBS["vocab_uncompare"][0](state, reference=reference))
    assert "cut" not in state.__dict__["known"][reference].queried.numbers
