"""The first short text is encoded without the whole table of tokens: its spans must be the same."""

import numpy as np
import pytest

from tokstudio.tokens.backends.huggingface import FIRST, load
from tokstudio.tokens.reference import file_of, load_tokenizer

TEXTS = (
    "Hello wörld 漢字 🎉 unaffable [SEP] ﬁ",
    "  a b\n\n def f(x):\t'x'",
    "é" * 3 + " x\u0301y",
    " ",
)


@pytest.mark.parametrize("reference", ["bert-base-uncased", "demo:english", "demo:code"])
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_first_text_has_the_spans_of_the_second(reference, special, text):
    fresh = load(file_of(reference), reference, "fresh")
    first = fresh.encode(text, special=special)
    assert len(fresh)  # the whole table
    second = fresh.encode(text, special=special)
    assert np.array_equal(first.spans, second.spans)
    assert np.array_equal(first.spans, load_tokenizer(reference).encode(text, special=special).spans)


def test_first_text_leaves_the_whole_table_for_later():
    fresh = load(file_of("bert-base-uncased"), "bert-base-uncased", "fresh")
    for _ in range(FIRST):
        fresh.encode("unaffable")
    assert "_table" not in vars(fresh)
    fresh.encode("unaffable")
    assert "_table" in vars(fresh)
