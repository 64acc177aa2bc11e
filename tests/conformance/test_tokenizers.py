"""One suite over every kind of tokenizer, with real vocabularies and texts made to hurt."""

import itertools
import re
import time
import warnings

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


def test_an_id_out_of_range_is_refused(tokenizer):
    for wrong in (-1, len(tokenizer), 10**12):
        with pytest.raises(TokenizerError, match="no token with the id") as caught:
            tokenizer.decode(np.array([0, wrong]))
        assert caught.value.hint
        with pytest.raises(TokenizerError):
            tokenizer.token_bytes(wrong)


def test_a_megabyte_without_a_space(tokenizer):
    text = "Donaudampfschifffahrt" * 50_000
    before = time.monotonic()
    encoding = tokenizer.encode(text)
    assert time.monotonic() - before < 60  # 1 to 2 seconds on a machine with nothing else to do
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


SAME = {  # what a GGUF file holds, and where it came from
    v.gguf_byte_bpe: v.byte_bpe,
    v.gguf_llama: lambda: v.mistral("v1"),
    v.gguf_unigram: v.sentencepiece_plain_unigram,
    v.gguf_bert: lambda: v.BERT,
}


@pytest.mark.parametrize("made", SAME, ids=lambda made: made.__name__)
def test_a_gguf_file_cuts_like_what_it_was_made_from(made):
    ours, theirs = load_tokenizer(made()), load_tokenizer(SAME[made]())
    assert len(ours) == len(theirs)

    @each_text
    def check(text):
        if "<gap>" in text:  # an added token that takes white space along: GGUF has no word for that
            return
        ours_now, theirs_now = ours.encode(text), theirs.encode(text)
        assert ours_now.ids.tolist() == theirs_now.ids.tolist()
        assert ours_now.spans.tolist() == theirs_now.spans.tolist()

    check()


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "v7", "v7m1", "tekken-240718", "tekken-240911"])
def test_mistral_vocabularies_cut_as_mistral_does(name):
    """Against the package's own reader, frame included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

        from tokstudio.tokens.mistral_data import packaged_file

        theirs = MistralTokenizer.from_file(str(packaged_file(name))).instruct_tokenizer.tokenizer
    ours = load_tokenizer(v.mistral(name))
    assert len(ours) == theirs.n_words
    for text in [*FRAGMENTS, "".join(FRAGMENTS), SENTENCE]:
        assert ours.encode(text, special=True).ids.tolist() == theirs.encode(text, bos=True, eos=False)


@pytest.mark.parametrize(
    "reference",
    [v.CL100K, *(pytest.param(r, marks=pytest.mark.slow) for r in (v.O200K, v.mistral("tekken-240911")))],
)
def test_ranked_vocabularies_cut_alike_as_a_tokenizer_json(reference):
    ours, made = load_tokenizer(reference), load_tokenizer(f"{reference}:target=GPT2")
    assert made.algorithm == "Byte BPE"

    @each_text
    def check(text):
        assert made.encode(text).ids.tolist() == ours.encode(text).ids.tolist()
        assert made.encode(text).spans.tolist() == ours.encode(text).spans.tolist()

    check()
    for content, token in ours.special_tokens.items():
        assert made.special_tokens[content] == token


@pytest.mark.parametrize("name", ["mistral-v1", "mistral-v3", "mistral-v7", "sp-bpe", "gguf-llama"])
def test_sentencepiece_bpe_cuts_alike_as_a_tokenizer_json(name):
    ours = load_tokenizer(MADE[name]())
    made = load_tokenizer(f"{ours.reference}:target=Llama3")

    @each_text
    def check(text):
        if not any(marker in text for marker in MARKERS):
            assert made.encode(text).ids.tolist() == ours.encode(text).ids.tolist()
            assert made.encode(text).spans.tolist() == ours.encode(text).spans.tolist()
            assert made.decode(made.encode(text).ids) == ours.decode(ours.encode(text).ids)

    check()


def test_sentencepiece_unigram_as_a_tokenizer_json():
    ours = load_tokenizer(v.sentencepiece_unigram())
    made = load_tokenizer(f"{v.sentencepiece_unigram()}:target=Llama3")
    for text in ("The value  is returned", "漢字 and 😀", "Hello", "", "ﬁn"):
        assert made.encode(text).ids.tolist() == ours.encode(text).ids.tolist()
