"""`tokstudio tokenize` and `tokstudio compare`, in this process and, where the system has a say, outside
it."""

import io
import json
import os
import subprocess
import sys

import pytest

from tokstudio.cli import main

SENTENCE = "Hello, my name is Mike and I like purple."
IDS = [9906, 11, 856, 836, 374, 11519, 323, 358, 1093, 25977, 13]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    found = capsys.readouterr()
    return code, found.out, found.err


def outside(*arguments: str | bytes, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tokstudio", *arguments],
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        timeout=120,
    )


def test_tokenize_json_is_one_object_with_ids_spans_and_tokens(capsys):
    code, out, err = run(capsys, "tokenize", "tiktoken:cl100k_base", "--text", SENTENCE, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["ids"] == IDS
    assert found["tokens"] == [
        "Hello",
        ",",
        " my",
        " name",
        " is",
        " Mike",
        " and",
        " I",
        " like",
        " purple",
        ".",
    ]
    assert [SENTENCE[a:b] for a, b in found["spans"]] == found["tokens"]
    assert found["reference"] == "tiktoken:cl100k_base"
    assert (found["count"], found["bytes"], found["vocabulary"]) == (11, 41, 100277)


def test_tokens_show_half_characters_as_bytes_and_special_tokens_by_name(capsys):
    found = json.loads(run(capsys, "tokenize", "bytes", "--text", "é", "--json")[1])
    assert found["tokens"] == ["\\xc3", "\\xa9"]
    found = json.loads(
        run(capsys, "tokenize", "bert-base-uncased", "--special", "--text", "Hé 😀", "--json")[1]
    )
    assert found["tokens"] == ["[CLS]", "he", "[UNK]", "[SEP]"]
    assert found["spans"] == [[0, 0], [0, 3], [4, 8], [8, 8]]
    assert (found["count"], found["unknown"]) == (4, 1)


def test_tokenize_for_people(capsys):
    code, out, err = run(capsys, "tokenize", "tiktoken:cl100k_base", "--text", SENTENCE)
    assert code == 0
    assert [int(line.split()[0]) for line in out.splitlines()] == IDS
    assert "11 tokens, 3.73 bytes per token" in err
    err = run(capsys, "tokenize", "bert-base-uncased", "--special", "--text", "hello you")[2]
    assert "2 tokens and 2 special around the text, 4.50 bytes per token" in err


def test_a_file_keeps_its_line_ends_and_bytes(capsys, tmp_path):
    (tmp_path / "text").write_bytes("\ufeffa\r\nb\0\n".encode())
    found = json.loads(run(capsys, "tokenize", "bytes", "--file", str(tmp_path / "text"), "--json")[1])
    assert bytes(found["ids"]) == b"\xef\xbb\xbfa\r\nb\0\n"


def test_an_empty_text_is_fine(capsys, monkeypatch):
    for reference in ("bytes", "tiktoken:cl100k_base", "bert-base-uncased"):
        found = json.loads(run(capsys, "tokenize", reference, "--text", "", "--json")[1])
        assert (found["ids"], found["spans"], found["bytes_per_token"]) == ([], [], 0.0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert json.loads(run(capsys, "tokenize", "bytes", "--json")[1])["ids"] == []


def test_compare_json(capsys):
    code, out, _ = run(
        capsys, "compare", "tiktoken:cl100k_base", "bert-base-uncased", "bytes", "--text", SENTENCE, "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert [row["tokens"] for row in found["tokenizers"]] == [11, 11, 41]
    assert found["f1"][0] == [1.0, 1.0, pytest.approx(2 * 10 / (10 + 40))]
    assert len(found["disagreements"]) == 30
    assert found["tokenizers"][0]["words_whole"] == 1.0


def test_what_a_tokenizer_drops_or_changes_is_said(capsys):
    code, out, err = run(capsys, "tokenize", "bert-base-uncased", "--text", "a\0b\x01", "--json")
    assert code == 0
    assert json.loads(out)["tokens"] == ["ab"]
    assert "from byte 1 on it is 'b' where the text has '\\x00b\\x01'" in err
    assert "drops 2 of its characters (U+0000, U+0001)" in err
    err = run(capsys, "tokenize", "bert-base-uncased", "--text", "Abc")[2]
    assert "normalizer changes the text" in err
    for reference in ("bytes", "tiktoken:cl100k_base"):
        assert "Decoding" not in run(capsys, "tokenize", reference, "--text", "a\0B é")[2]


def test_compare_for_people(capsys):
    code, out, _ = run(capsys, "compare", "tiktoken:cl100k_base", "bytes", "--text", "ab 漢字", "--json")
    assert code == 0
    code, out, _ = run(capsys, "compare", "tiktoken:cl100k_base", "bytes", "--text", SENTENCE * 3)
    assert code == 0
    assert "boundary F1" in out
    assert "cl100k_base" in out
    assert "more" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["compare", "bytes", "--text", "a"], "One tokenizer cannot be compared"),
        (["compare", "bytes", "nowhere.json", "--text", "a"], "no file or folder"),
        (["tokenize", "bytes", "--text", "a\ud83d"], "half a character"),
        (["tokenize", "bytes", "--text", "a\udcff"], "--text is no UTF-8 text: byte 0xff at offset 1"),
        (["tokenize", "bytes", "--file", "/not/here"], "no file /not/here"),
        (["tokenize", "bytes", "--file", "/"], "cannot be read"),
        (["tokenize", "bytes", "--file", "a\0b"], "cannot be read"),
        (["tokenize", "tiktoken:gpt2", "--text", "a"], "not on this machine"),
        (["tokenize", "", "--text", "a"], "No tokenizer is named"),
        (["tokenize", "bytes", "--download", "--text", "a"], "Only encodings of tiktoken"),
    ],
)
def test_bad_input_is_two_sentences_and_exit_code_2(capsys, arguments, says):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 2
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="arguments are Unicode there")
def test_bytes_that_are_no_text_on_the_command_line_and_in_a_pipe():
    for done in (
        outside("tokenize", "bytes", "--text", b"a\xff"),
        outside("tokenize", "bytes", given=b"a\xff"),
    ):
        assert done.returncode == 2
        assert b"0xff" in done.stderr
        assert b"Traceback" not in done.stderr
    done = outside("tokenize", b"a\xff.json", "--text", "a")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_pipe_is_read_and_printed_in_any_locale():
    done = outside(
        "tokenize", "bert-base-uncased", "--json", given="é 漢".encode(), LC_ALL="C", PYTHONUTF8="1"
    )
    assert json.loads(done.stdout)["tokens"] == ["e", "漢"]


def test_special_tokens_in_the_text_are_read_as_told(capsys):
    arguments = ("tokenize", "tiktoken:cl100k_base", "--text", "a<|endoftext|>", "--json")
    assert len(json.loads(run(capsys, *arguments)[1])["ids"]) > 2
    assert json.loads(run(capsys, *arguments, "--written", "parse")[1])["ids"] == [64, 100257]
    code, _, err = run(capsys, *arguments, "--written", "forbid")
    assert code == 2
    assert "<|endoftext|> at position 2" in err


def test_a_spec_says_what_it_lost(capsys):
    code, _, err = run(capsys, "tokenize", "mistral:v1:target=Qwen2", "--text", "a")
    assert code == 0
    assert "The begin token <s> disappears" in err
