"""One suite over every kind of tokenizer, with real vocabularies and texts made to hurt."""

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer

MADE = {
    "cl100k": lambda: v.CL100K,
    "o200k": lambda: v.O200K,
    "bert": lambda: v.BERT,
    "bytes": lambda: v.BYTES,
    "byte-bpe": v.byte_bpe,
    "awkward": v.byte_bpe_awkward,
    "llama": v.llama_like,
    "clip": v.clip_like,
    "sp-bpe": v.sentencepiece_bpe,
    "sp-unigram": v.sentencepiece_unigram,
    "sp-plain-unigram": v.sentencepiece_plain_unigram,
    "mistral-v1": lambda: v.mistral("v1"),
    "mistral-v2": lambda: v.mistral("v2"),
    "mistral-v3": lambda: v.mistral("v3"),
    "mistral-v7": lambda: v.mistral("v7"),
    "tekken": lambda: v.mistral("tekken-240911"),
    "gguf-byte-bpe": v.gguf_byte_bpe,
    "gguf-llama": v.gguf_llama,
    "gguf-unigram": v.gguf_unigram,
    "gguf-bert": v.gguf_bert,
}
EXACT = ("cl100k", "o200k", "bytes", "tekken")  # spans tile any text, and decoding gives it back
EXACT_BUT_FOR_MARKERS = (  # unless the text holds what they use as a marker
    *("byte-bpe", "llama", "sp-bpe", "sp-plain-unigram", "gguf-byte-bpe", "gguf-llama", "gguf-unigram"),
    *("mistral-v1", "mistral-v2", "mistral-v3", "mistral-v7"),
)
MARKERS = ("▁", "<gap>")

# ruff: noqa: RUF001  letters that look like others are the point
FRAGMENTS = [
    "Hello", " world", "  ", "\t", "\n", "\r\n", "\x00", "\x1f", "\u00a0", "\u3000", "\u200b", "\ufeff",
    "\u2028", "😀", "👩‍👩‍👧", "🇩🇪", "漢字", "日本語の文", "한글", "\u1112\u1161\u11ab", "é", "e\u0301",
    "q\u0323\u0307", "\u0301", "ﬁ", "ß", "İ", "ǅ", "Ω", "ⅷ", "①", "½", "ﷺ", "नमस्ते", "مرحبا",
    "Ġ", "▁", "##ing", "</w>", "<0x41>", "<s>", "</s>", "[SEP]", "[UNK]", "<unk>", "<|endoftext|>", "<gap>",
    "tokstudio", "<sep>", "1,234,567.89", "don't", "x" * 70, "def f(x):\n    return x", "'", "\\",
    "\U0001f9d1\U0001f3fd", "\U000e0001", "\uffff", "\U0010ffff", "𝔘",
]  # fmt: skip

texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=12).map("".join)
several = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(params=MADE)
def name(request) -> str:
    return request.param


@pytest.fixture
def tokenizer(name) -> Tokenizer:
    return load_tokenizer(MADE[name]())


def each_text(test):
    """Hypothesis inside, the tokenizer outside: one test per tokenizer."""
    return several(example("")(example(" ")(example("".join(FRAGMENTS))(given(text=texts)(test)))))


def test_protocol(tokenizer):
    assert isinstance(tokenizer, Tokenizer)
    assert len(tokenizer) > 255
    for words in (tokenizer.name, tokenizer.algorithm, tokenizer.fingerprint):
        assert words
    assert load_tokenizer(tokenizer.reference).fingerprint == tokenizer.fingerprint
    assert all(0 <= token < len(tokenizer) for token in tokenizer.special_tokens.values())


def test_spans_are_ordered_and_inside(tokenizer):
    @each_text
    def check(text):
        encoding = tokenizer.encode(text)
        assert encoding.text == text.encode()
        assert encoding.ids.dtype == encoding.spans.dtype == np.int32
        assert encoding.spans.shape == (len(encoding), 2)
        edges = encoding.spans.reshape(-1)
        assert (edges[1:] >= edges[:-1]).all()
        if len(edges):
            assert edges[0] >= 0
            assert edges[-1] <= len(encoding.text)
            assert encoding.ids.min() >= 0
            assert encoding.ids.max() < len(tokenizer)

    check()


def test_decoding_gives_the_text_back_where_nothing_is_lost(name, tokenizer):
    if name not in EXACT + EXACT_BUT_FOR_MARKERS:
        pytest.skip("it normalizes")

    @each_text
    def check(text):
        if name in EXACT or not any(marker in text for marker in MARKERS):
            encoding = tokenizer.encode(text)
            assert tokenizer.decode(encoding.ids) == encoding.text
            assert encoding.tiles

    check()


def test_a_span_holds_the_bytes_of_its_token(name, tokenizer):
    """Exactly where nothing is lost (a space that was put before the text has no place in it); elsewhere
    wherever the two are of one length and the text is plain."""

    @each_text
    def check(text):
        encoding = tokenizer.encode(text)
        exact = name in EXACT or (
            name in EXACT_BUT_FOR_MARKERS and not any(marker in text for marker in MARKERS)
        )
        for i, (token, (start, stop)) in enumerate(zip(encoding.ids, encoding.spans, strict=True)):
            data, covered = tokenizer.token_bytes(int(token)), encoding.text[start:stop]
            if exact:
                assert covered == data or (i == 0 and b" " + covered == data)

    check()


def test_plain_words_are_found_by_every_tokenizer(tokenizer):
    """No span may slip: the words of a plain text are covered by tokens that spell them."""
    text = "the value  is\treturned to\nthe caller of this function"
    encoding = tokenizer.encode(text)
    for word in text.split():
        start = text.index(word)
        touching = (encoding.spans[:, 0] < start + len(word)) & (encoding.spans[:, 1] > start)
        spelled = b"".join(tokenizer.token_bytes(int(token)) for token in encoding.ids[touching])
        spans = encoding.spans[touching]
        assert spelled.strip() == word.encode()
        assert encoding.text[spans[0, 0] : spans[-1, 1]].strip() == word.encode()


HARD = {
    "plain": "One two  three\r\nfour (five) [six] 7,8",
    "emoji": "a 👩‍👩‍👧 b 🇩🇪🧑🏽 c",
    "chinese": "漢字 日本語の文 𠮷野家",
    "composed": "é ñ Å ế",
    "decomposed": "e\u0301 n\u0303 A\u030a e\u0302\u0301",
    "jamo": "\u1112\u1161\u11ab 한",
    "line ends": "a\r\nb\rc\nd\r\n\r\n",
    "case": "STRASSE Straße İstanbul ΑΣ",
    "ligatures": "ﬁn ⅷ ½ ﷺ ①",
    "scripts": "नमस्ते مرحبا שלום Привет สวัสดี",
}


def test_what_no_token_covers_is_white_space(tokenizer):
    for kind, text in HARD.items():
        encoding = tokenizer.encode(text)
        covered = np.zeros(len(encoding.text), bool)
        for start, stop in encoding.spans:
            assert not covered[start:stop].any(), kind
            covered[start:stop] = True
        assert bytes(np.frombuffer(encoding.text, np.uint8)[~covered]).strip() == b"", kind


def test_a_frame_of_special_tokens_is_zero_width_and_changes_nothing_else(tokenizer):
    @each_text
    def check(text):
        bare, framed = tokenizer.encode(text), tokenizer.encode(text, special=True)
        width = len(framed) - len(bare)
        frame = [i for i in range(len(framed)) if int(framed.ids[i]) in tokenizer.special_tokens.values()]
        assert 0 <= width <= 2
        before = sum(1 for i in frame[:1] if i == 0 and width)
        inner = slice(before, before + len(bare))
        assert np.array_equal(framed.ids[inner], bare.ids)
        assert np.array_equal(framed.spans[inner], bare.spans)
        if before:
            assert framed.spans[0].tolist() == [0, 0]
        if width > before and len(bare):
            assert framed.spans[-1].tolist() == [len(framed.text)] * 2

    check()


def test_special_tokens_written_out_are_text(tokenizer):
    for content in tokenizer.special_tokens:
        ids = set(tokenizer.encode(f"a {content} b").ids.tolist())
        assert not ids & (set(tokenizer.special_tokens.values()) - {tokenizer.unknown_id})


def test_emoji_in_pieces_have_their_own_bytes(name, tokenizer):
    encoding = tokenizer.encode("😀😀")
    if name in ("bert", "gguf-bert"):  # it knows no emoji: one unknown token
        assert encoding.spans.tolist() == [[0, 8]]
        return
    spelled = [tokenizer.token_bytes(int(token)) for token in encoding.ids]
    assert b"".join(spelled).strip() == encoding.text
    assert [stop - start for start, stop in encoding.spans] == [len(data.strip(b" ")) for data in spelled]


def test_han_in_pieces_has_its_own_bytes(name, tokenizer):
    """One character over several tokens, several characters in one, and none that is left out."""
    text = "漢字龘，東京𠮷"
    encoding = tokenizer.encode(text)
    assert b"".join(encoding.text[a:b] for a, b in encoding.spans) == text.encode()
    if name in ("bert", "gguf-bert", "clip"):  # a character, or its last byte, may be unknown
        return
    spelled = b"".join(tokenizer.token_bytes(int(token)) for token in encoding.ids).strip()
    assert spelled.decode() in (text, text.replace("，", ","))  # NFKC


def test_an_id_out_of_range_is_refused(tokenizer):
    for wrong in (-1, len(tokenizer), 10**12):
        with pytest.raises(TokenizerError, match="no token with the id") as caught:
            tokenizer.decode(np.array([0, wrong]))
        assert caught.value.hint
        with pytest.raises(TokenizerError):
            tokenizer.token_bytes(wrong)


def test_a_megabyte_without_a_space(tokenizer):
    text = "Donaudampfschifffahrt" * 50_000
    before = time.process_time()
    encoding = tokenizer.encode(text)
    assert time.process_time() - before < 60  # usual are 1 to 2
    edges = encoding.spans.reshape(-1)
    assert (edges[1:] >= edges[:-1]).all()
    assert encoding.tiles


def test_lone_surrogates_anywhere_are_refused(tokenizer):
    @several
    @given(texts, st.integers(0xD800, 0xDFFF).map(chr), texts, st.sampled_from(["text", "parse", "forbid"]))
    def check(before, half, behind, written):
        with pytest.raises(TokenizerError) as caught:
            tokenizer.encode(before + half + behind, written=written)
        assert caught.value.hint

    check()


def test_half_a_character_is_refused(tokenizer):
    with pytest.raises(TokenizerError, match=r"half a character \(U\+D83D\) at position 2"):
        tokenizer.encode("a\ud83d")


def test_every_id_has_bytes_or_none(tokenizer):
    for token in itertools.chain(range(300), range(len(tokenizer) - 50, len(tokenizer))):
        if token < len(tokenizer):
            data = tokenizer.token_bytes(token)
            assert data is None or isinstance(data, bytes)
    for token in tokenizer.special_tokens.values():
        assert tokenizer.token_bytes(token) is None
        assert tokenizer.decode([token]) == b""


def test_no_ids_are_no_text(tokenizer):
    assert tokenizer.decode(np.zeros(0, np.int32)) == b""
    empty = tokenizer.encode("")
    assert empty.spans.shape == (len(empty), 2)


WRITTEN_OUT = "one {0} two{0}{0}\r\n😀 {0}"


def test_special_tokens_written_out_can_be_parsed(name, tokenizer):
    """They become their ids and cover what was written; in between the spans are as true as ever."""
    for content, token in list(tokenizer.special_tokens.items())[:6]:
        text = WRITTEN_OUT.format(content)
        for special in (False, True):
            encoding = tokenizer.encode(text, special=special, written="parse")
            covered = [encoding.text[a:b].decode() for a, b in encoding.spans[encoding.ids == token]]
            assert sum(found.strip() == content for found in covered) == 4
            edges = encoding.spans.reshape(-1)
            assert (edges[1:] >= edges[:-1]).all()
            bare = b"".join(encoding.text[a:b] for a, b in encoding.spans)
            assert b"".join(bare.split()) == b"".join(encoding.text.split())


def test_special_tokens_written_out_can_be_forbidden(tokenizer):
    plain = "no special token here"
    assert tokenizer.encode(plain, written="forbid").ids.tolist() == tokenizer.encode(plain).ids.tolist()
    for content in list(tokenizer.special_tokens)[:6]:
        with pytest.raises(TokenizerError, match=f"{re.escape(content)} at position 5") as caught:
            tokenizer.encode(WRITTEN_OUT.format(content), written="forbid")
        assert caught.value.hint


def test_a_text_without_special_tokens_is_the_same_parsed(tokenizer):
    @each_text
    def check(text):
        if not any(content in text for content in tokenizer.special_tokens):
            plain, parsed = tokenizer.encode(text), tokenizer.encode(text, written="parse")
            assert plain.ids.tolist() == parsed.ids.tolist()
            assert plain.spans.tolist() == parsed.spans.tolist()

    check()


def test_an_unknown_way_of_reading_special_tokens_is_a_mistake_of_the_caller(tokenizer):
    with pytest.raises(ValueError, match="written is one of"):
        tokenizer.encode("a", written="both")
