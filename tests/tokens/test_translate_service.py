"""The translation that a view shows: the same in this process and in the one for long texts."""

import threading

import pytest

from tests.tokens import vocabularies as v
from tokstudio.errors import TokenizerError
from tokstudio.tokens.translate_service import MOST, Translator, short


@pytest.fixture
def translator():
    made = Translator()
    yield made
    made.close()
    made.release()


@pytest.mark.parametrize("source", [v.CL100K, v.BERT])
def test_both_ways_give_the_same(translator, source):
    for text in ("", "Hello  É 😀 x", "start\r\n\n\t\t\tend"):
        here, there = short(source, v.BERT, text), translator.ask(source, v.BERT, text)
        assert here.facts == there.facts
        assert here.encoding.text == there.encoding.text
        assert here.encoding.ids.tolist() == there.encoding.ids.tolist()
        assert here.encoding.spans.tolist() == there.encoding.spans.tolist()
        assert here.places.tolist() == there.places.tolist()
        assert here.specials == there.specials


def test_places_are_in_the_text_given():
    found = short(v.BERT, v.CL100K, "  HELLO É x")
    pieces = [found.encoding.text[a:b] for a, b in found.encoding.spans.tolist()]
    given = ["  HELLO É x".encode()[a:b].decode() for a, b in found.places.tolist()]
    assert pieces == [b"hello", b" e", b" x"]
    assert [text.strip().lower() for text in given] == ["hello", "é", "x"]


def test_long_texts_are_listed_in_part(translator):
    found = translator.ask(v.CL100K, v.BERT, "Purple Rain. " * 5000)
    assert len(found.facts["direct_tokens"]) == len(found.facts["losses"]) == MOST
    assert found.facts["loss_count"] == 10_003  # the space at the end, too
    assert len(found.encoding) == found.facts["target_tokens"] == 15_002


def test_errors_and_interruptions(translator):
    with pytest.raises(TokenizerError, match="no encoding named"):
        translator.ask("tiktoken:nothing", v.BERT, "x")
    timer = threading.Timer(1.0, translator.interrupt)
    timer.start()
    with pytest.raises(TokenizerError, match="ended unexpectedly"):
        translator.ask(v.CL100K, v.BERT, "Purple Rain. " * 400_000)
    timer.join()
    assert translator.ask(v.CL100K, v.BERT, "x").facts["target_tokens"] == 3
    translator.close()
    with pytest.raises(TokenizerError):
        translator.ask(v.CL100K, v.BERT, "x")
