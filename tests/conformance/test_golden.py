"""Known ids, and encodings worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.test_tokenizers import FRAGMENTS, texts
from tests.tokens import vocabularies as v
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer

SENTENCE = "Hello, my name is Mike and I like purple."
GOLDEN = {
    # the sentence; README of tiktoken; Hugging Face's documentation of BERT
    (v.CL100K, SENTENCE): [9906, 11, 856, 836, 374, 11519, 323, 358, 1093, 25977, 13],
    (v.CL100K, "tiktoken is great!"): [83, 1609, 5963, 374, 2294, 0],
    (v.CL100K, "hello world"): [15339, 1917],
    (v.CL100K, "<|endoftext|>"): [27, 91, 8862, 728, 428, 91, 29],
    (v.O200K, "hello world"): [24912, 2375],
    (v.BERT, "Hello, my dog is cute"): [7592, 1010, 2026, 3899, 2003, 10140],
    (v.BERT, "unaffable"): [14477, 20961, 3468],
    (v.BYTES, "é\n"): [195, 169, 10],
    # as the package mistral-common reads its own files
    (v.mistral("v1"), "hello"): [6312, 28709],
    (v.mistral("tekken-240718"), "hello"): [29706],
}


@pytest.mark.parametrize(("reference", "text"), GOLDEN)
def test_golden_ids(reference, text):
    assert load_tokenizer(reference).encode(text).ids.tolist() == GOLDEN[reference, text]


def pieces(tokenizer: Tokenizer, text: str, *, special: bool = False) -> list[tuple[bytes | None, str]]:
    """What each token is, and what it covers."""
    encoding = tokenizer.encode(text, special=special)
    tokens = [tokenizer.token_bytes(int(token)) for token in encoding.ids]
    covered = [encoding.text[a:b].decode("utf-8", "backslashreplace") for a, b in encoding.spans]
    return list(zip(tokens, covered, strict=True))


def test_bert_worked_by_hand():
    """Case, accents, a composed accent, a special token as text, gaps, an unknown word, the frame."""
    assert pieces(load_tokenizer(v.BERT), "  Héllo [SEP] e\u0301 unaffable 😀 ", special=True) == [
        (None, ""),
        (b"hello", "Héllo"),
        *((b"[", "["), (b"sep", "SEP"), (b"]", "]")),
        (b"e", "e\u0301"),
        *((b"una", "una"), (b"ffa", "ffa"), (b"ble", "ble")),
        (None, "😀"),
        (None, ""),
    ]


def test_trimmed_offsets_get_their_white_space_back():
    """The library reports "hello" at 0, and each of two spaces as nothing."""
    assert [covered for _, covered in pieces(load_tokenizer(v.byte_bpe_awkward()), "a  😀é\r\n")] == [
        *("a", " ", " "),
        *("\\xf0", "\\x9f", "\\x98", "\\x80"),
        *("\\xc3", "\\xa9"),
        *("\r", "\n"),
    ]


def test_bytes_of_a_composed_character_are_not_made_up():
    """NFC makes two bytes of the three in the text: no byte edge of the text tells them apart."""
    found = pieces(load_tokenizer(v.byte_bpe_awkward()), "xe\u0301y")
    assert (b"\xc3", "e\u0301") in found
    assert (b"\xa9", "") in found


def test_added_tokens_keep_the_white_space_they_took():
    found = pieces(load_tokenizer(v.byte_bpe()), "a  <gap> tokstudio")
    assert (b"<gap>", "  <gap> ") in found
    assert found[-1] == (b"tokstudio", "tokstudio")


def test_sentencepiece_prefix_is_zero_width_and_fallback_bytes_are_single():
    assert pieces(load_tokenizer(v.sentencepiece_bpe()), "😀") == [
        (b" ", ""),
        *((b"\xf0", "\\xf0"), (b"\x9f", "\\x9f"), (b"\x98", "\\x98"), (b"\x80", "\\x80")),
    ]


def test_sentencepiece_user_symbols_are_text_and_white_space_collapses():
    found = pieces(load_tokenizer(v.sentencepiece_unigram()), "a   b<sep>")
    assert (b"<sep>", "<sep>") in found
    assert "".join(covered for _, covered in found) == "a   b<sep>"


@pytest.mark.parametrize("reference", [v.CL100K, v.O200K])
def test_the_part_of_a_vocabulary_that_occurs_gives_the_same_ids(reference):
    from tokstudio.tokens.backends.tiktoken import _core_bpe
    from tokstudio.tokens.encodings import encoding_spec
    from tokstudio.tokens.occurring import occurring

    tokenizer = load_tokenizer(reference)
    pattern = encoding_spec(tokenizer.name).pattern

    @settings(max_examples=15, deadline=None)  # each builds a vocabulary
    @given(text=texts | st.just("".join(FRAGMENTS)))
    def check(text):
        part = occurring(tokenizer._table, text.encode())
        assert _core_bpe(part, {}, pattern).encode_ordinary(text) == tokenizer.encode(text).ids.tolist()

    tokenizer.warm()
    check()
