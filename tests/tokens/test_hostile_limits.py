"""Bounds in time and memory that a file from somewhere else cannot talk its way around."""

import json
import os
import subprocess
import sys
from base64 import b64encode

import pytest

from tests.tokens import vocabularies as v
from tests.tokens.test_hostile import refused, tekken, tokenizer_json
from tokstudio.errors import TokenizerError
from tokstudio.paths import data_home
from tokstudio.tokens.catalog import catalog
from tokstudio.tokens.families import families
from tokstudio.tokens.hub import hub_folder
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.sniff import MOST

CUBIC = r"[a-z]*[a-z]*[a-z]*(?=[0-9])|\S|\s+"
WORD_PIECE = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1, "##a": 2}}
USUAL = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this file system")
@pytest.mark.parametrize("name", ["x.model", "tokenizer.json", "x.tiktoken", "x.gguf"])
def test_a_pipe_that_nobody_writes_to_is_no_wait(tmp_path, name):
    os.mkfifo(tmp_path / name)
    refused(tmp_path / name, "is no ordinary file")


@pytest.mark.parametrize("value", ["1e999", "NaN", "-1e999", "1" * 400])
def test_numbers_that_are_none(tmp_path, value):
    text = json.dumps(tekken()).replace('"default_vocab_size": 260', f'"default_vocab_size": {value}')
    (tmp_path / "tekken.json").write_text(text)
    refused(tmp_path / "tekken.json", "cannot be read as a Tekken vocabulary")


@pytest.mark.parametrize("pattern", ["(((", r"(?:[a-z\p{L}]{1,1000}){1,1000}"])
def test_a_tekken_pattern_that_is_none(tmp_path, pattern):
    (tmp_path / "tekken.json").write_text(json.dumps(tekken(config={"pattern": pattern})))
    refused(tmp_path / "tekken.json", "The pattern in tekken.json cannot be used")


def ranks(path, pattern: str) -> None:
    path.write_bytes(b"".join(b64encode(bytes([i])) + b" %d\n" % i for i in range(256)))
    path.with_name(f"{path.name}.json").write_text(json.dumps({"pattern": pattern, "special_tokens": {}}))


def test_exploding_patterns_of_tiktoken_and_tekken(tmp_path):
    (tmp_path / "tekken.json").write_text(json.dumps(tekken(config={"pattern": CUBIC})))
    refused(tmp_path / "tekken.json", "explodes")
    ranks(tmp_path / "x.tiktoken", CUBIC)
    refused(tmp_path / "x.tiktoken", "explodes")
    ranks(tmp_path / "y.tiktoken", r"\p{L}+|\s+|[^\s\p{L}]+")
    assert load_tokenizer(str(tmp_path / "y.tiktoken")).encode("ab 1").ids.tolist() == [97, 98, 32, 49]


def test_more_entries_than_a_vocabulary_has(tmp_path):
    many = b"a\n" * (MOST + 1)
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\n" + many)
    refused(tmp_path / "vocab.txt", "never more than 2,000,000")
    (tmp_path / "cl100k_base.tiktoken").write_bytes(b"YQ== 0\n" * (MOST + 1))
    refused(tmp_path / "cl100k_base.tiktoken", "never more than 2,000,000")
    (tmp_path / "tokenizer.json").write_bytes(b'{"model": [' + b"0," * (2 * MOST + 1) + b"0]}")
    refused(tmp_path / "tokenizer.json", "never more than 4,000,000")
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    (tmp_path / "merges.txt").write_bytes(many * 2)
    refused(tmp_path / "merges.txt", "never more than 4,000,000")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a process's memory there")
def test_a_vocabulary_of_sixty_million_lines_takes_no_memory(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\n" + b"a\n" * 60_000_000)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from tokstudio.tokens.reference import load_tokenizer\n"
        "from tokstudio.errors import TokenizerError\n"
        "try: load_tokenizer(sys.argv[1])\n"
        "except TokenizerError as error: print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "vocab.txt")], capture_output=True, text=True
    )
    assert "holds 60,000,001 entries" in found.stdout


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_input_chars_per_word": 1 << 40}, "takes for ever"),
        ({"continuing_subword_prefix": "#" * 1_000_000}, "the mark at its pieces has 1,000,000"),
    ],
)
def test_words_that_take_for_ever(tmp_path, changes, says):
    refused(tokenizer_json(tmp_path, {}, model={**WORD_PIECE, **USUAL, **changes}), says)


def test_decoders_are_held_to_what_normalizers_are(tmp_path):
    ten = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
    bomb = {"type": "Sequence", "decoders": [ten] * 20}
    model = {**WORD_PIECE, **USUAL}
    refused(tokenizer_json(tmp_path, {}, model=model, decoder=bomb), "decoder of .* times as long")
    slow = {"type": "Replace", "pattern": {"Regex": "(a|aa)+$"}, "content": "b"}
    refused(tokenizer_json(tmp_path, {}, model=model, decoder=slow), "explodes")


def test_added_tokens_too_long_for_an_automaton(tmp_path):
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": i + 1, "content": f"{i:0210}", **flags, "special": True} for i in range(10_001)]
    refused(tokenizer_json(tmp_path, {"a": 0}, added_tokens=added), "added tokens have 2,100,210 characters")


def test_what_a_file_says_does_not_fill_the_window(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    (tmp_path / "merges.txt").write_text("a" * 1_000_000 + " a\n")
    with pytest.raises(TokenizerError, match="cannot be read as a tokenizer") as caught:
        load_tokenizer(str(tmp_path))
    assert len(str(caught.value)) < 500


def test_a_damaged_cache_does_not_take_the_library_away(tmp_path, monkeypatch, tokstudio_home):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name, revision in (("bytes", b"\xff\xfe\x00"), ("up", b"../../.."), ("nul", b"a\0b")):
        folder = tmp_path / f"models--someone--{name}"
        (folder / "refs").mkdir(parents=True)
        (folder / "snapshots").mkdir()
        (folder / "refs" / "main").write_bytes(revision)
        assert hub_folder(f"someone/{name}") is None
    own = data_home() / "tokenizers" / "someone--deep"
    own.mkdir(parents=True)
    (own / "download.json").write_text("[" * 100_000)
    assert "bytes" in {entry.reference for entry in catalog()}


def test_a_family_without_a_bottom_is_a_sentence(tokstudio_home):
    folder = data_home() / "families"
    folder.mkdir(parents=True)
    (folder / "deep.toml").write_text("special = " + "[" * 100_000)
    with pytest.raises(TokenizerError, match="cannot be read") as caught:
        families()
    assert caught.value.hint


def test_real_files_are_far_below_the_bounds():
    for reference in (v.BERT, v.byte_bpe(), v.mistral("v7"), v.mistral("tekken-240911")):
        load_tokenizer(reference)
