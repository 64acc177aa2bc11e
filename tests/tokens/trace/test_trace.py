"""Every trace ends in exactly the ids that the library gives."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.trace.around import paragraph, trace
from tokstudio.tokens.trace.pipeline import pipeline
from tokstudio.tokens.trace.roundtrip import first_difference, round_trip
from tokstudio.tokens.trace.unigram import Entry, lattice
from tokstudio.tokens.trace.wordpiece import longest_match
from tokstudio.tokens.trace.words import kind_of, pictures, split

TEXTS = [
    "Tokenizers disagree quietly.",
    "Donaudampfschifffahrtsgesellschaft meldet 3,2 % Wachstum",
    "Ünïcödé naïve café",
    "東京都の気温 😀 鬱陶しい",
    "def f(x):\n    return  x ** 2\n\n",
    "  two  spaces ",
    "x" * 130,
]


def references() -> list[str]:
    own = [v.byte_bpe(), v.llama_like(), v.sentencepiece_bpe(), v.sentencepiece_unigram()]
    return [v.CL100K, v.O200K, v.BERT, "mistral:v3", "mistral:tekken-240911", *own]


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("text", TEXTS)
def test_pictures_end_in_the_ids_of_the_library(at, text):
    tokenizer = load_tokenizer(references()[at])
    made = [token for picture in pictures(tokenizer, text) for token in picture.ids]
    assert made == tokenizer.encode(text).ids.tolist()


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("text", TEXTS)
def test_the_pipeline_ends_in_the_ids_of_the_library(at, text):
    tokenizer = load_tokenizer(references()[at])
    stages = pipeline(tokenizer, text)
    assert [stage.name for stage in stages] == ["Normalizer", "Pre-tokenizer", "Model", "Post-processor"]
    assert [piece.token for piece in stages[-1].pieces] == tokenizer.encode(text, special=True).ids.tolist()
    size = len(text.encode())
    for stage in stages:
        assert all(0 <= piece.start <= piece.stop <= size for piece in stage.pieces)


def test_the_pretokenizer_of_gpt_4_tiles_the_text():
    text = "It's 1,234 wide.\r\n  Größe 😀"
    pieces = pipeline(load_tokenizer(v.CL100K), text)[1].pieces
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.text for piece in pieces][:3] == ["It", "'s", " "]
    assert pieces[-1].stop == len(text.encode())


def test_bert_says_what_its_normalizer_does():
    stages = pipeline(load_tokenizer(v.BERT), "Café")
    assert stages[0].pieces[0].text == "cafe"
    assert "lower case" in stages[0].about
    assert stages[0].changed
    assert [piece.text for piece in stages[3].pieces] == ["[CLS]", "cafe", "[SEP]"]


def test_gpt_4_makes_purple_by_merges():
    found = pictures(load_tokenizer(v.CL100K), " purple")
    assert found[0].ids == (25977,)
    assert found[0].units == tuple(" purple")
    assert found[0].bars[-1].kind == "token"


def test_longest_match_by_hand():
    found = longest_match("unable", {"un": 1, "##able": 2, "##a": 3, "[UNK]": 0})
    assert found.ids == (1, 2)
    assert [bar.text for bar in found.bars if bar.kind == "tried"] == ["unable", "unabl", "unab", "una"]
    assert [(bar.text, bar.note) for bar in found.bars if bar.kind == "token"] == [
        ("un", "id 1"),
        ("##able", "id 2"),
    ]
    assert longest_match("unx", {"un": 1, "[UNK]": 0}).ids == (0,)


def test_bars_of_wordpiece_say_the_token_that_they_are():
    tokenizer = load_tokenizer(v.BERT)
    for picture in (p for text in TEXTS for p in pictures(tokenizer, text)):
        said = [bar.text for bar in picture.bars if bar.kind == "token"]
        assert said == [tokenizer._library.id_to_token(token) for token in picture.ids]


def test_the_best_paths_come_in_order():
    entries = {"a": Entry(1, -1.0), "b": Entry(2, -1.0), "ab": Entry(3, -1.5)}
    found = lattice("ab", entries, 0, 2, -1.5).best(5)
    assert [[node.token for node in nodes] for _, nodes in found] == [[3], [1, 2]]
    assert [score for score, _ in found] == [-1.5, -2.0]


def test_n_best_is_sentencepieces():
    tokenizer = load_tokenizer(v.sentencepiece_unigram())
    word = "windows"
    mine = pictures(tokenizer, word, 5)[0].paths
    theirs = tokenizer._library.NBestEncodeAsIds(word, 5)
    assert next(list(path.ids) for path in mine) == theirs[0]
    assert sorted(list(path.ids) for path in mine)[: len(theirs)] == sorted(theirs)


def test_round_trips():
    gpt, bert = load_tokenizer(v.CL100K), load_tokenizer(v.BERT)
    assert round_trip(gpt, gpt.encode("start\r\n\n\t\t\tend")).same
    found = round_trip(bert, bert.encode("Café au lait"))
    assert (found.at, found.text[:1], found.decoded[:1], found.normalized) == (0, "C", "c", True)


def test_special_tokens_in_the_text_are_no_difference():
    """Decoding leaves special tokens out; what differs behind them is found at its place in the text."""
    gpt, bert = load_tokenizer(v.CL100K), load_tokenizer(v.BERT)
    text = "<|endoftext|>Hello<|endoftext|> world<|endoftext|>"
    assert round_trip(gpt, gpt.encode(text, written="parse")).same
    found = round_trip(
        gpt, replace(gpt.encode("<|endoftext|>Hallo", written="parse"), text=b"<|endoftext|>Hello")
    )
    assert (found.at, found.text, found.decoded) == (14, "ello", "allo")
    found = round_trip(bert, bert.encode("hello \u2603", written="parse"))
    assert "\u2603" in found.text  # [UNK] is special, too, but what it covers is lost


def test_first_differences():
    assert first_difference(b"ab", b"ab") is None
    assert first_difference(b"ab", b"a") == 1
    assert first_difference("é".encode(), "è".encode()) == 0


@settings(max_examples=60)
@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=30))
def test_any_text_is_traced_to_its_ids(text):
    for reference in (v.CL100K, v.BERT):
        tokenizer = load_tokenizer(reference)
        made = [token for picture in pictures(tokenizer, text) for token in picture.ids]
        assert made == tokenizer.encode(text).ids.tolist()


def test_kinds():
    assert [kind_of(load_tokenizer(r)) for r in (v.CL100K, v.BERT, "bytes")] == ["BPE", "WordPiece", ""]
    assert split(load_tokenizer(v.BERT)._library, "Hi there!") == ["hi", "there", "!"]


def test_a_place_is_traced_in_its_paragraph():
    text = b"one line\nI like purple. The rest\nlast"
    start = text.index(b"purple")
    found = trace(load_tokenizer(v.CL100K), text, start, start + 6)
    assert [picture.ids for picture in found.pictures] == [(25977,)]
    assert [piece.text for piece in found.stages[1].pieces] == [" purple"]
    assert paragraph(text, start, start + 6) == (9, 9 + len(b"I like purple. The rest\n"))
    found = trace(load_tokenizer(v.BERT), text, start, start + 6, special=True)
    assert [picture.units for picture in found.pictures] == [tuple("purple")]
    assert [piece.text for piece in found.stages[3].pieces] == ["[CLS]", "purple", "[SEP]"]


def test_a_prefix_is_not_taken_for_what_is_added(tmp_path):
    from tokenizers import Tokenizer, models, normalizers

    entries = [("<unk>", 0.0), ("\u2581", -1.0), *((letter, -2.0) for letter in "helo")]
    library = Tokenizer(models.Unigram(entries, 0))
    library.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.encode("hello hello").spans[0].tolist() == [0, 0]
    found = trace(tokenizer, b"hello hello", 6, 11, special=True)
    assert found.stages[3].about == "adds nothing"
    assert found.stages[3].pieces == found.stages[2].pieces
    assert [piece.start for piece in found.stages[2].pieces] == [6, 7, 8, 9, 10]


def test_a_word_that_is_an_entry_needs_no_merges(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {letter: i for i, letter in enumerate("abc")} | {"ab": 3, "abc": 4}
    library = Tokenizer(models.BPE(vocabulary, [("a", "b")], ignore_merges=True))
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.encode("abc ab cab").ids.tolist() == [4, 3, 2, 3]
    found = pictures(tokenizer, "abc ab cab")
    assert [picture.ids for picture in found] == [(4,), (3,), (2, 3)]
    assert found[0].bars[-1].note == "id 4, whole"
