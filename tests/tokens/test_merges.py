"""Merges played step by step end in what the library's own encoding gives."""

import numpy as np
import pytest

from tests.tokens import vocabularies as v
from tokstudio.errors import TokenizerError
from tokstudio.tokens.merges import merges_of
from tokstudio.tokens.reference import load_tokenizer

TEXT = "Unbelievable rivers, don't they? naïve 東京 🙂"


@pytest.mark.parametrize(
    "made", [lambda: v.CL100K, v.byte_bpe, v.llama_like, v.clip_like, v.sentencepiece_bpe]
)
def test_playing_a_text_ends_in_its_tokens(made):
    reference = made()
    merges, tokenizer = merges_of(reference), load_tokenizer(reference)
    text = TEXT if "clip" not in reference else TEXT.split(" na")[0]  # its last byte of 京 is unknown
    ids = []
    for units in merges.words(text):
        last = units
        for step in merges.play(units):
            assert len(step.pieces) == len(last) - 1
            assert last[step.at] == step.left
            assert last[step.at + 1] == step.right
            last = list(step.pieces)
        ids += last
    assert ids == tokenizer.encode(text).ids.tolist()


@pytest.mark.parametrize("made", [lambda: v.CL100K, v.byte_bpe, v.sentencepiece_bpe])
def test_every_tree_spells_its_token(made):
    reference = made()
    merges, tokenizer = merges_of(reference), load_tokenizer(reference)

    def leaves(tree):
        return b"".join(map(leaves, tree.parts)) if tree.parts else tokenizer.token_bytes(tree.token) or b""

    seen = 0
    for token in range(0, len(tokenizer), max(1, len(tokenizer) // 300)):
        tree = merges.tree(token)
        if tree is not None:
            seen += 1
            assert tree.token == token
            assert leaves(tree) == (tokenizer.token_bytes(token) or b"")
    assert seen > 200


def test_what_purple_needed():
    """The issue's own token: 25977 is " purple"."""
    merges, tokenizer = merges_of(v.CL100K), load_tokenizer(v.CL100K)
    assert tokenizer.token_bytes(25977) == b" purple"
    needed = merges.needed(25977)
    spelled = [tokenizer.token_bytes(token) for token in needed]
    assert spelled[-1] == b" pur"
    assert set(spelled[:6]) == {b" ", b"p", b"u", b"r", b"l", b"e"}
    made = [token for token in needed if len(tokenizer.token_bytes(token)) > 1]
    assert made == sorted(made)  # the rank is the id: each came after what it is made of
    last = list(merges.play(merges.units_of(25977)))[-1]
    assert last.pieces == (25977,)


def test_what_was_not_merged_is_said():
    with pytest.raises(TokenizerError, match="was not made by merging"):
        merges_of(v.BERT)


def test_a_long_word_is_cut_off():
    merges = merges_of(v.CL100K)
    steps = list(merges.play(merges.units_of(0) * 5_000))
    assert len(steps) < 400
    assert np.all([len(step.pieces) > 0 for step in steps])


@pytest.mark.parametrize(
    "merges",
    [
        [["a", "b"], ["ab", "a"], ["b", "ab"], ["ab", "ab"]],
        [["a", "nothing"], ["nothing", "b"], ["a", "b"]],
        [["a", "b"]] * 3,
    ],
    ids=["around in circles", "of what is not there", "the same again"],
)
def test_merges_of_a_hostile_file_come_to_an_end(tmp_path, merges):
    import json

    from tokstudio.tokens import merges as module

    vocab = {"a": 0, "b": 1, "ab": 2, "aba": 3, "bab": 4, "abab": 5}
    model = {"type": "BPE", "vocab": vocab, "merges": merges}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model}))
    found = module._by_pairs(
        None, tmp_path / "tokenizer.json", vocab, [tuple(m) for m in merges], {"model": model}
    )
    for token in range(6):
        units = found.units_of(token)
        assert len(list(found.play(units * 50))) < len(units) * 50
        found.tree(token)
        found.needed(token)
