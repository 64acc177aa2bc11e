"""References: each kind, that they are stable, and every way in which a file can be wrong."""

import contextlib
import itertools
import json
import os
import pickle
import shutil
from binascii import b2a_base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.errors import TokenizerError
from tokstudio.tokens.reference import file_of, load_tokenizer

KINDS = {
    "tiktoken:cl100k_base": ("cl100k_base", "Byte BPE", 100277),
    "tiktoken:o200k_harmony": ("o200k_harmony", "Byte BPE", 201088),
    "bytes": ("Bytes", "Bytes", 256),
    "bert-base-uncased": ("bert-base-uncased", "WordPiece", 30522),
    "sentence-transformers/all-MiniLM-L6-v2": ("sentence-transformers/all-MiniLM-L6-v2", "WordPiece", 30522),
}


def bert_folder() -> Path:
    return file_of("bert-base-uncased").parent


@pytest.mark.parametrize("reference", KINDS)
def test_named_kinds(reference):
    tokenizer = load_tokenizer(reference)
    assert (tokenizer.name, tokenizer.algorithm, len(tokenizer)) == KINDS[reference]
    assert tokenizer.reference == reference
    assert load_tokenizer(f" {reference} ") is tokenizer


def test_a_path_is_the_same_from_any_folder(monkeypatch, tmp_path):
    made = Path(v.byte_bpe())
    monkeypatch.chdir(made.parent)
    for reference in (made.name, f"./{made.name}", f"{made.name}/tokenizer.json"):
        tokenizer = load_tokenizer(reference)
        assert tokenizer.name == "byte-bpe"
        assert Path(tokenizer.reference).is_absolute()
        monkeypatch.chdir(tmp_path)
        assert load_tokenizer(tokenizer.reference).fingerprint == tokenizer.fingerprint
        monkeypatch.chdir(made.parent)


def test_the_export_of_a_run_has_the_run_s_name(tmp_path):
    from tokstudio.paths import resource

    export = tmp_path / "english-to-code-01" / "export"
    shutil.copytree(resource("demo/code"), export)
    assert load_tokenizer(str(export)).name == "export"
    (tmp_path / "english-to-code-01" / "events.jsonl").touch()
    shutil.move(tmp_path / "english-to-code-01", tmp_path / "english-to-code-02")
    assert load_tokenizer(str(tmp_path / "english-to-code-02" / "export")).name == "english-to-code-02"


def test_a_changed_file_is_read_again(tmp_path):
    shutil.copy(Path(v.byte_bpe()) / "tokenizer.json", tmp_path)
    before = load_tokenizer(str(tmp_path))
    assert load_tokenizer(str(tmp_path)) is before
    shutil.copy(Path(v.llama_like()) / "tokenizer.json", tmp_path)
    os.utime(tmp_path / "tokenizer.json", ns=(1, 1))
    assert load_tokenizer(str(tmp_path)).fingerprint != before.fingerprint


def test_word_piece_from_vocab_txt_cuts_like_tokenizer_json(tmp_path):
    shutil.copy(bert_folder() / "vocab.txt", tmp_path)
    text = "  Héllo, unaffable 漢字 [SEP] 😀 "
    old, new = load_tokenizer(str(tmp_path)), load_tokenizer("bert-base-uncased")
    assert old.encode(text, special=True).ids.tolist() == new.encode(text, special=True).ids.tolist()
    assert old.encode(text, special=True).spans.tolist() == new.encode(text, special=True).spans.tolist()
    assert len(old) == len(new)


def test_byte_bpe_from_vocab_and_merges_cuts_like_tokenizer_json(tmp_path):
    model = json.loads((Path(v.byte_bpe()) / "tokenizer.json").read_text())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]))
    (tmp_path / "merges.txt").write_text(
        "\n".join(["#version: 0.2", *(" ".join(pair) for pair in model["merges"])])
    )
    text = "The value is returned.\r\n 😀é"
    pair, whole = load_tokenizer(str(tmp_path)), load_tokenizer(v.byte_bpe())
    assert pair.encode(text).ids.tolist() == whole.encode(text).ids.tolist()
    assert pair.decode(pair.encode(text).ids) == text.encode()
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(TokenizerError, match=r"merges.txt is missing"):
        load_tokenizer(str(tmp_path))


def test_special_tokens_and_words_of_a_pair_come_from_its_settings(tmp_path):
    """A folder as Qwen2's was before tokenizer.json."""
    model = json.loads((Path(v.byte_bpe()) / "tokenizer.json").read_text())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]))
    (tmp_path / "merges.txt").write_text("\n".join(" ".join(pair) for pair in model["merges"]))
    plain = load_tokenizer(str(tmp_path))
    assert set(plain.special_tokens) == {"<s>", "</s>"}
    size = len(model["vocab"])
    (tmp_path / "added_tokens.json").write_text(
        json.dumps({"<|b|>": size + 1, "<|a|>": size, "<|far|>": 9999})
    )
    (tmp_path / "special_tokens_map.json").write_text('{"eos_token": {"content": "The"}, "x_token": 3}')
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "Qwen2TokenizerFast"}')
    tokenizer = load_tokenizer(str(tmp_path))
    wanted = {"<|a|>": size, "<|b|>": size + 1} | (
        {"The": model["vocab"]["The"]} if "The" in model["vocab"] else {}
    )
    assert wanted.items() <= tokenizer.special_tokens.items()
    assert "<|far|>" not in tokenizer.special_tokens
    assert len(tokenizer) == size + 2
    assert tokenizer.fingerprint != plain.fingerprint
    text = "e\u0301 it'S 123"
    rule = [tokenizer.token_bytes(i) for i in tokenizer.encode(text).ids.tolist()]
    assert b"12" not in rule  # each digit by itself
    assert b"".join(rule) == "é it'S 123".encode()  # composed


def test_a_frame_that_a_config_asks_for(tmp_path):
    shutil.copy(v.sentencepiece_bpe(), tmp_path / "tokenizer.model")
    (tmp_path / "tokenizer_config.json").write_text('{"add_bos_token": false, "add_eos_token": true}')
    tokenizer = load_tokenizer(str(tmp_path))
    framed = tokenizer.encode("abc", special=True)
    assert framed.ids[-1] == tokenizer.special_tokens["</s>"]
    assert framed.ids[0] != tokenizer.special_tokens["<s>"]
    assert tokenizer.name == tmp_path.name


def test_hugging_face_cache_is_found_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--someone--small" / "snapshots" / "abc"
    shutil.copytree(v.byte_bpe(), snapshot)
    (tmp_path / "models--someone--small" / "refs").mkdir()
    (tmp_path / "models--someone--small" / "refs" / "main").write_text("abc")
    tokenizer = load_tokenizer("someone/small")
    assert tokenizer.reference == tokenizer.name == "someone/small"
    assert tokenizer.fingerprint == load_tokenizer(v.byte_bpe()).fingerprint


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("", "No tokenizer is named"),
        ("  ", "No tokenizer is named"),
        ("a\0b", "No tokenizer is named"),
        ("tiktoken:gpt5", "no encoding named 'gpt5'"),
        ("tiktoken:gpt2", "not on this machine"),
        ("demo:../x", "no demo tokenizer"),
        ("someone/not-here", "not on this machine"),
        ("not-here", "not on this machine"),
        ("/not/here", "no file or folder"),
        ("not-here.json", "no file or folder"),
        ("a b", "no file or folder"),
        ("x" * 5000, None),
        ("\udcff", None),
    ],
)
def test_what_is_not_there_is_named_with_a_way_on(reference, says):
    with pytest.raises(TokenizerError, match=says) as caught:
        load_tokenizer(reference)
    assert caught.value.hint


BAD = {
    "empty": (b"", "is empty"),
    "junk": (bytes(range(256)) * 20, "is no text"),
    "no-model": (b'{"version": "1.0"}', "has no `model` entry"),
    "a-list": (b"[1, 2]", "has no `model` entry"),
    "null-model": (b'{"model": null}', "has no `model` entry"),
    "torn": (b'{"model": {"type": "BPE", "vocab": {"a": 0', "damaged: it stops being JSON at line 1"),
    "strange-model": (b'{"model": {"type": "Magic"}}', "cannot be read as a tokenizer"),
    "deep": (b'{"model":' * 3000, ""),
    "prose": (b"Dear reader,\n" * 9, "no vocabulary in a known form"),
    "pickle": (pickle.dumps({"a": 1}, protocol=4), "a pickle can run any program"),
    "checkpoint": (b"PK\x03\x04" + b"\0" * 40, "a pickle can run any program"),
    "gguf": (b"GGUF\x03\0\0\0", "it ends in the middle of its settings"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer.model", "thing.tiktoken", "vocab.txt"])
def test_bad_files_are_refused_with_a_sentence(tmp_path, kind, name):
    data, says = BAD[kind]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TokenizerError) as caught:
        load_tokenizer(str(tmp_path / name))
    assert caught.value.hint
    if name == "tokenizer.json":
        assert says in str(caught.value)
    with pytest.raises(TokenizerError):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize("made", [v.sentencepiece_bpe, lambda: v.byte_bpe() + "/tokenizer.json"])
def test_a_cut_off_or_flipped_file_never_crashes(made, tmp_path):
    whole = Path(made()).read_bytes()
    path = tmp_path / Path(made()).name

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, len(whole) - 1), st.booleans(), st.integers(0, 255))
    def check(at, cut, byte):
        path.write_bytes(whole[:at] if cut else whole[:at] + bytes([byte]) + whole[at + 1 :])
        with contextlib.suppress(TokenizerError):
            load_tokenizer(str(path)).encode("a b")

    check()


def test_a_folder_without_a_tokenizer(tmp_path):
    with pytest.raises(TokenizerError, match="holds no tokenizer"):
        load_tokenizer(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    (tmp_path / "tokenizer.json").touch(mode=0)
    with pytest.raises(TokenizerError, match="cannot be read"):
        load_tokenizer(str(tmp_path))


def test_a_rank_file_needs_all_bytes_and_a_known_encoding(tmp_path):
    every = b"".join(b"%s %d\n" % (b2a_base64(bytes([i]), newline=False), i) for i in range(256))
    path = tmp_path / "mine.tiktoken"
    path.write_bytes(every + b"YWI= 256\n")
    with pytest.raises(TokenizerError, match="not the pattern"):
        load_tokenizer(str(tmp_path))
    path.write_bytes(every.replace(b"AA== 0\n", b""))
    with pytest.raises(TokenizerError, match="no token for byte 0x00"):
        load_tokenizer(str(path))
    path.write_bytes(every + b"YWI= 255\n")
    with pytest.raises(TokenizerError, match="numbering"):
        load_tokenizer(str(path))
    path.write_bytes(every + b"YWI= 256\n")
    tokenizer = load_tokenizer(str(path.rename(tmp_path / "cl100k_base-mine.tiktoken")))
    assert tokenizer.encode("abba").ids.tolist() == [256, 98, 97]


@pytest.mark.parametrize(
    ("tokens", "framed", "special"),
    [(128_000, [128_000, 97], {"<|eot_id|>": 128_009, "<|reserved_special_token_250|>": 128_255}),
     (151_643, [97], {"<|im_end|>": 151_645, "<|extra_204|>": 151_850})],
)  # fmt: skip
def test_rank_files_of_llama_and_qwen_are_known_by_their_size(tmp_path, tokens, framed, special):
    """Of the right size, though not the real ones; Llama's is called tokenizer.model."""
    entries = itertools.chain(
        ((i,) for i in range(256)), itertools.product(range(256), range(256), range(256))
    )
    path = tmp_path / "tokenizer.model"
    with path.open("wb") as file:
        for i, entry in enumerate(itertools.islice(entries, tokens)):
            file.write(b"%s %d\n" % (b2a_base64(bytes(entry), newline=False), i))
    tokenizer = load_tokenizer(str(path))
    assert tokenizer.algorithm == "Byte BPE"
    assert tokenizer.encode("a", special=True).ids.tolist() == framed
    assert special.items() <= tokenizer.special_tokens.items()
    assert max(tokenizer.special_tokens.values()) + 1 == len(tokenizer)
