"""Translation between models: golden facts of real vocabularies, losses by hand and as properties."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio import cli
from tokstudio.errors import InputError, TokenizerError
from tokstudio.tokens.losses import kind_of, segments, summary
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.translate import as_json, direct, translate, translate_ids, written
from tokstudio.tokens.translate_file import Totals, parse_ids, translate_file, translate_lines

PURPLE = "Hello, my name is Mike and I like purple."
DIRECT = "lately [unused10] [unused851] [unused831] [unused369] decent [unused318] [unused353] ¾ olympian [unused12]"
THROUGH = "[CLS] hello, my name is mike and i like purple. [SEP]"


def gpt4_to_bert(text: str):
    return translate(load_tokenizer(v.CL100K), load_tokenizer(v.BERT), text)


def kinds(translation) -> list[tuple[str, int, int]]:
    return [(loss.kind, loss.start, loss.stop) for loss in translation.losses if loss.kind != "special added"]


def test_golden_both_ways():
    found = gpt4_to_bert(PURPLE)
    assert found.direct_text == DIRECT
    assert found.through_text == THROUGH
    assert load_tokenizer(v.CL100K).token_bytes(25977) == b" purple"
    assert 25977 in found.ids.tolist()
    assert kinds(found) == [("case", 0, 5), ("case", 18, 22), ("case", 27, 28)]
    assert found.framed == 2
    assert not found.lossless


def test_golden_white_space():
    text = "start\r\n\n\t\t\tend"
    found = gpt4_to_bert(text)
    assert found.decoded.decode() == text
    assert found.returned == b"start end"
    assert kinds(found) == [("whitespace", 5, 11)]


def test_the_direct_way_says_why():
    tokens = {token.id: token for token in gpt4_to_bert(PURPLE).direct}
    assert (tokens[9906].source, tokens[9906].target, tokens[9906].kind) == ("Hello", "lately", "other")
    assert tokens[11].kind == "unused"
    assert "[unused10]" in tokens[11].why
    ids = direct(load_tokenizer(v.CL100K), load_tokenizer(v.BERT), np.array([101, 100, 90000]))
    assert [token.kind for token in ids] == ["special", "unknown", "outside"]
    assert "30,521" in ids[2].why
    assert written(load_tokenizer(v.BERT), np.array([9906, 90000])) == "lately ⟨90000⟩"


def test_accents_unknowns_and_places_behind_them():
    found = gpt4_to_bert("É 😀 Ça")
    assert kinds(found) == [
        ("case and accents", 0, 2),
        ("whitespace", 2, 3),
        ("unknown", 3, 7),
        ("case and accents", 8, 11),
    ]
    assert found.through_text == "[CLS] e [UNK] ca [SEP]"


def test_what_the_source_loses_has_its_place_in_the_text_given():
    found = translate(load_tokenizer(v.BERT), load_tokenizer(v.BERT), "  HELLO É x")
    assert kinds(found) == [("whitespace", 0, 2), ("case", 2, 7), ("case and accents", 8, 10)]
    assert {loss.side for loss in found.losses if loss.kind != "special added"} == {"source"}
    last = found.losses[-1]
    assert (last.kind, last.start, last.after) == ("special added", 12, "[SEP]")


def test_special_ids_do_not_go_through_text():
    gpt4 = load_tokenizer(v.CL100K)
    end = gpt4.special_tokens["<|endoftext|>"]
    found = translate_ids(gpt4, load_tokenizer(v.BERT), [*gpt4.encode("Hello").ids.tolist(), end])
    assert summary(found.losses) == {"case": 1, "special added": 2, "special dropped": 1}


def test_bpe_to_bpe_loses_nothing():
    found = translate(load_tokenizer(v.CL100K), load_tokenizer(v.O200K), "Zażółć 😀\r\n 漢字")
    assert found.lossless
    assert not found.losses
    assert found.through_text == "Zażółć 😀\r\n 漢字"


def test_half_a_character_is_refused():
    gpt4 = load_tokenizer(v.CL100K)
    with pytest.raises(TokenizerError, match="part of a character") as caught:
        translate_ids(gpt4, load_tokenizer(v.BERT), gpt4.encode("😀").ids[:1])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("A", "a", "case"),
        ("é", "e", "accents"),
        ("É", "e", "case and accents"),
        ("\t\n", " ", "whitespace"),
        ("x", "", "dropped"),
        ("ﬁ", "fi", "form"),
        ("ab", "cd", "other"),
    ],
)
def test_kinds(before, after, kind):
    assert kind_of(before, after) == kind


@settings(max_examples=60)
@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=40))
def test_pieces_cover_both_sides_and_losses_are_real(text):
    for name in (v.BERT, v.CL100K, "demo:english"):
        tokenizer = load_tokenizer(name)
        encoding = tokenizer.encode(text, special=True)
        way = segments(tokenizer, encoding, tokenizer.decode(encoding.ids))
        for edges, data in ((way.edges, way.text), (way.decoded_edges, way.decoded)):
            assert edges[0] == 0
            assert edges[-1] == len(data)
            assert (np.diff(edges) >= 0).all()
    found = gpt4_to_bert(text)
    for loss in found.losses:
        assert 0 <= loss.start <= loss.stop <= len(text.encode())
        assert text.encode()[loss.start : loss.stop].decode(errors="backslashreplace") == loss.before
    if found.returned == text.encode() and b"[UNK]" not in found.through_text.encode():
        assert found.lossless


# ---- files and commands


def test_a_file_line_by_line(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b'Hello\r\n[9906, 11]\n{"text": "X"}\n{"ids": [9906]}\n[999999]\n\xff\n[1, "a"]\n')
    written: list[str] = []
    seen = []
    totals = translate_file(
        load_tokenizer(v.CL100K),
        load_tokenizer(v.BERT),
        path,
        written.append,
        progress=lambda done, _: seen.append(done),
    )
    records = [json.loads(line) for line in written]
    assert [record.get("returned") for record in records] == [
        "hello", "hello,", "x", "hello", None, None, '[ 1, " a " ]',
    ]  # fmt: skip
    assert "no token" in records[4]["error"]
    assert "UTF-8" in records[5]["error"]
    assert (totals.lines, totals.failed) == (7, 2)
    assert seen[-1] == path.stat().st_size


def test_kinds_of_lines():
    source = load_tokenizer(v.CL100K)
    asked = dict(source=source, target=source, totals=Totals())
    assert next(translate_lines(lines=[b"[9906]"], kind="text", **asked))["returned"] == "[9906]"
    assert next(translate_lines(lines=[b"9906 11"], kind="ids", **asked))["returned"] == "Hello,"
    assert parse_ids("[1, 2]") == [1, 2]
    for bad in ("", "a", "1 b", "99999999999"):
        with pytest.raises(InputError):
            parse_ids(bad)


def test_command_golden(capsys):
    assert cli.main(["translate", "--from", v.CL100K, "--to", v.BERT, "--text", PURPLE, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["direct"] == DIRECT
    assert said["through_text"] == THROUGH
    assert said["length"] == {
        "source_tokens": 11, "target_tokens": 13, "target_specials": 2, "change": 2,
        "source_bytes": 41, "target_bytes": 41,
    }  # fmt: skip
    assert said == as_json(gpt4_to_bert(PURPLE))
    text = "start\r\n\n\t\t\tend"
    assert cli.main(["translate", "--from", v.CL100K, "--to", v.BERT, "--text", text, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["decoded"], said["returned"]) == (text, "start end")


def test_command_for_people_and_ids(capsys):
    assert cli.main(["translate", "--from", v.CL100K, "--to", v.BERT, "--ids", "25977", "--explain"]) == 0
    said = capsys.readouterr().out
    assert "through text  [CLS] purple [SEP]" in said
    assert "' purple' in cl100k_base" in said


def test_command_batch(tmp_path, capsys):
    path, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    path.write_text("Hello\n[999999]\n")
    asked = [
        "translate",
        "--from",
        v.CL100K,
        "--to",
        v.BERT,
        "--file",
        str(path),
        "--output",
        str(out),
        "--json",
    ]
    assert cli.main(asked) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["lines"], said["failed"], said["losses"]["case"]) == (2, 1, 1)
    assert len(out.read_text().splitlines()) == 2
    assert list(tmp_path.glob("*.part")) == []
    assert (
        cli.main(["translate", "--from", v.CL100K, "--to", v.BERT, "--output", str(out), "--text", "x"]) == 2
    )
    assert "--file" in capsys.readouterr().err


AWKWARD = (
    "  Hello  World\n", "É ﬁ ½ ① 漢字　x", "\0\x07 a\u200bb\u00ada", "e\u0301\u0327 n\u0303", "👩‍👩‍👧 🇩🇪",
    "مرحبا بالعالم", "don't <unk> </s> [SEP] <|endoftext|>", "ÄÖÜ ß ẞ İ", " " * 50, "ﷺ ㌀ ǅ",
)  # fmt: skip


@pytest.mark.parametrize("target", [v.CL100K, v.BERT, "bytes", "demo:english"])
@pytest.mark.parametrize(
    "source", [v.BERT, "bytes", v.sentencepiece_unigram, v.sentencepiece_bpe, v.llama_like, v.clip_like]
)
def test_every_kind_of_tokenizer(source, target):
    """A change is a loss with a place inside the text, and no loss is reported where nothing changed."""
    source = load_tokenizer(source() if callable(source) else source)
    for text in AWKWARD:
        data, found = text.encode(), translate(source, load_tokenizer(target), text)
        assert all(0 <= loss.start <= loss.stop <= len(data) for loss in found.losses)
        assert found.lossless == (found.returned == data == found.decoded)
