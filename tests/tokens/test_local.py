"""Encoding around an edit gives exactly what encoding the whole text gives."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.tokens.local import cuts_at_lines, edited
from tokstudio.tokens.reference import load_tokenizer

LINES = [
    "The ferrymen carry letters.\n",
    "  indented, 1,234 x\n",
    "\n",
    "Größe 😀 naïve\n",
    "a\n",
    "x = [1, 2]\r\n",
    "\tTabs\tand  spaces  \n",
    "!?\n",
    "Ünïcode e\u0301\n",
    "/path\n",
    "'s it's\n",
    "東京都\n",
]
EXACT = (v.CL100K, v.O200K, v.BERT, "demo:english")


def equal(a, b) -> bool:
    return a.text == b.text and np.array_equal(a.ids, b.ids) and np.array_equal(a.spans, b.spans)


@pytest.mark.parametrize("reference", EXACT)
def test_a_thousand_edits(reference):
    tokenizer, chance = load_tokenizer(reference), random.Random(7)
    text = "".join(chance.choice(LINES) for _ in range(400))
    before, local = tokenizer.encode(text), 0
    for _ in range(150):
        at = chance.randrange(len(text))
        stop = at + chance.choice([0, 0, 1, 3, 20])
        text = (
            text[:at] + chance.choice(["", "a", "\n", " ", "\nB", "é", "x\n\n", "😀", "\u0301"]) + text[stop:]
        )
        whole = tokenizer.encode(text)
        part = edited(tokenizer, before, text.encode())
        if part is not None:
            local += 1
            assert equal(part, whole)
        before = whole
    assert local > 100


@settings(max_examples=80)
@given(st.lists(st.sampled_from(LINES), min_size=8, max_size=30), st.text(max_size=4), st.data())
def test_any_edit(lines, inserted, data):
    text = "".join(lines)
    at = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(at, min(len(text), at + 6)))
    changed = text[:at] + inserted + text[stop:]
    for reference in EXACT:
        tokenizer = load_tokenizer(reference)
        part = edited(tokenizer, tokenizer.encode(text), changed.encode())
        assert part is None or equal(part, tokenizer.encode(changed))


def test_others_are_encoded_as_a_whole():
    for reference in (v.sentencepiece_unigram(), v.llama_like(), v.byte_bpe(), v.byte_bpe_awkward()):
        assert not cuts_at_lines(load_tokenizer(reference))
    gpt = load_tokenizer(v.CL100K)
    assert edited(gpt, gpt.encode("one line"), b"another line") is None
