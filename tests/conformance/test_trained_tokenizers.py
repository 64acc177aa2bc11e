"""The suite over every kind of tokenizer that was trained here a moment ago."""

from functools import cache

import pytest

from tests.conformance import test_tokenizers as suite
from tests.tokens import vocabularies as v
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.training.run import train
from tokstudio.tokens.training.settings import ALGORITHMS, TrainingSettings

EXTRA = ("extended", "pruned")
CHECKS = {name: getattr(suite, name) for name in dir(suite) if name.startswith("test_")}
BARE = (  # those that ask for nothing but a tokenizer
    "test_protocol", "test_spans_are_ordered_and_inside", "test_plain_words_are_found_by_every_tokenizer",
    "test_what_no_token_covers_is_white_space",
    "test_a_frame_of_special_tokens_is_zero_width_and_changes_nothing_else",
    "test_special_tokens_written_out_are_text", "test_an_id_out_of_range_is_refused",
    "test_lone_surrogates_anywhere_are_refused", "test_special_tokens_written_out_can_be_forbidden",
    "test_a_text_without_special_tokens_is_the_same_parsed", "test_a_megabyte_without_a_space",
    "test_half_a_character_is_refused", "test_every_id_has_bytes_or_none", "test_no_ids_are_no_text",
)  # fmt: skip


@cache
def corpus() -> str:
    (v.folder() / "corpus.txt").write_text("\n".join(v.lines()), encoding="utf-8")
    return str(v.folder() / "corpus.txt")


@cache
def trained(kind: str) -> str:
    output = str(v.folder() / f"trained-{kind}")
    about = {"extended": {"extend": "demo:english", "vocab_size": 40},
             "pruned": {"prune": "demo:english", "vocab_size": 900}}  # fmt: skip
    change = about.get(kind, {"algorithm": kind, "vocab_size": 900})
    list(train(TrainingSettings((corpus(),), output, **change)))
    return output


@pytest.fixture(params=[*ALGORITHMS, *EXTRA])
def kind(request) -> str:
    return request.param


@pytest.fixture
def tokenizer(kind):
    return load_tokenizer(trained(kind))


@pytest.mark.parametrize("check", BARE)
def test_the_suite(tokenizer, check):
    CHECKS[check](tokenizer)


@pytest.mark.parametrize("text", ["plain words", "  two  spaces", "naïve 東京 🙂\n\tx", "\x00", ""])
@pytest.mark.parametrize(
    "lossless", ["byte-bpe", "bpe", "unigram", "sentencepiece-bpe", "extended", "pruned"]
)
def test_what_loses_nothing_gives_the_text_back(lossless, text):
    made = load_tokenizer(trained(lossless))
    encoding = made.encode(text)
    assert made.decode(encoding.ids) == text.encode()
    assert encoding.tiles
