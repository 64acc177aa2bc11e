"""Queries, scripts, health, differences and counts of real vocabularies."""

import re

import numpy as np
import pytest

from tests.tokens import vocabularies as v
from tokstudio.embed.jobs import Part, State
from tokstudio.embed.vocabulary import KINDS, UNUSED
from tokstudio.embed.vocabulary_jobs import JOBS, known, under_trained
from tokstudio.errors import InputError
from tokstudio.tokens.vocab_health import completions
from tokstudio.tokens.vocab_query import FIELDS, search
from tokstudio.tokens.vocab_scripts import CODES, NAMES, script_number, scripts_of


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="module")
def state():
    return State()


@pytest.fixture(scope="module")
def bert(state):
    return finish(known(state, v.BERT))


@pytest.fixture(scope="module")
def gpt4(state):
    return finish(known(state, v.CL100K))


def ask(state, job, **arguments):
    return finish(JOBS[job][0](state, **arguments))


def texts(about, query: str) -> list[str]:
    return [about.vocabulary.text(int(i)) for i in np.flatnonzero(finish(search(about.queried, query)))]


@pytest.mark.parametrize(
    ("text", "script"),
    [("river", "Latn"), (" река", "Cyrl"), ("漢", "Hani"), ("한국", "Hang"), ("12, ", "none"), ("", "none"),
     ("…λ", "Grek"), ("かな", "Hira"), ("ᚠ", "other")],
)  # fmt: skip
def test_the_script_is_that_of_the_first_letter(text, script):
    assert CODES[scripts_of(["x", text, " "])[1]] == script


def test_scripts_by_code_and_name():
    assert script_number("Cyrl") == script_number("cyrillic") == CODES.index("Cyrl")
    assert script_number("no-letters") == 0
    assert script_number("klingon") is None
    assert len(NAMES) == len(CODES)


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("len:>8", lambda raw, text: len(raw) > 8),
        ("len:2-4", lambda raw, text: 2 <= len(raw) <= 4),
        ("len:1,3", lambda raw, text: len(raw) in (1, 3)),
        ("chars:2", lambda raw, text: len(text) == 2),
        ("has:space", lambda raw, text: b" " in raw),
        ("has:newline", lambda raw, text: b"\n" in raw or b"\r" in raw),
        (r"re:^[a-z]ing$", lambda raw, text: bool(re.search(r"^[a-z]ing$", text))),
        ("-has:non-ascii", lambda raw, text: raw.isascii()),
        ('"a t"', lambda raw, text: b"a t" in raw.lower()),
        ("·the", lambda raw, text: b" the" in raw.lower()),
    ],
)
def test_a_query_equals_pythons_own_loop(gpt4, query, rule):
    names = gpt4.vocabulary
    found = finish(search(gpt4.queried, query))
    for token in range(0, len(names), 7):
        if names.kinds[token] != UNUSED:
            raw = names.bytes_of(token)
            assert found[token] == rule(raw, raw.decode(errors="replace")), names.text(token)


def test_terms_are_joined(gpt4):
    assert texts(gpt4, "script:Cyrl len:>16 type:word-start -has:digit id:>50000")
    both = set(texts(gpt4, "script:Cyrl,Grek len:4"))
    assert both == set(texts(gpt4, "script:Cyrl len:4")) | set(texts(gpt4, "script:Grek len:4"))


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("len:long", "len:8"),
        ("type:verb", "word-start"),
        ("script:Klingon", "Cyrl"),
        ("size:3", '"size:3"'),
        ("count:0", "Click “Count in…”"),
        ("norm:<1", "Click “Open a model's folder…”"),
        ("in:both", "Click “Differences”, then “Compare with…”"),
        ("cut:2", "Click “Differences”, then “Compare with…”"),
        ("type:unreachable", "Click “Health”"),
        ("has:wings", "space"),
        ("re:(", "Mend"),
    ],
)
def test_what_says_nothing_is_explained(state, query, hint):
    about = finish(known(state, v.BYTES))
    with pytest.raises(InputError) as caught:
        finish(search(about.queried, query))
    assert hint in caught.value.hint
    assert "--" not in caught.value.hint  # those of the command line are of its own


@pytest.mark.parametrize(
    ("query", "hint"),
    [("count:0", "--count PATH"), ("in:both", "--diff REF"), ("cut:2", "--diff REF"), ("type:alike", "--health"),
     ("norm:<1", "")],
)  # fmt: skip
def test_the_command_line_says_its_own_way(capsys, query, hint):
    from tokstudio.cli import main

    assert main(["vocab", "bytes", query]) != 0
    said = capsys.readouterr().err
    assert "cannot be answered" in said
    assert hint in said
    assert "Click" not in said


def test_every_field_of_the_language_is_documented():
    from tokstudio.tokens import vocab_query

    for name in FIELDS:
        assert f"`{name}:" in vocab_query.__doc__


def test_a_regular_expression_says_that_it_begins(state):
    steps = JOBS["vocab_find"][0](state, v.BYTES, "re:^a+$")
    news = [part for part in steps if isinstance(part, Part)]
    assert [part.values for part in news] == [{"started": "re:^a+$"}]


@pytest.mark.parametrize("part", [b"\xe3\x83", b"\x83\xa6", b"\xf0\x9f", b"\x9f\x98\x80", b"\x80", b"a\xc3"])
def test_half_a_character_is_completed(part):
    assert any(part in text.encode() for text in completions(part))


@pytest.mark.parametrize("part", [b"\xff", b"\xc0", b"\xc3\xc3", b"\xe3\x28", b"\x80\x80\x80\x80"])
def test_bytes_of_no_text_have_no_completion(part):
    assert completions(part) == []


def test_gpt4_cannot_reach_the_bytes_that_no_text_has(state, gpt4):
    values = ask(state, "vocab_health", reference=v.CL100K)
    assert values.values["counts"]["unreachable"] == 13  # C0, C1, F5 to FF
    assert values.values["missing_bytes"] == []
    assert all(
        raw in {f"{b:02X}" for b in (0xC0, 0xC1, *range(0xF5, 256))}
        for raw in texts(gpt4, "type:unreachable")
    )


def test_a_token_that_merging_cannot_make_is_found(tmp_path):
    """ "xyz" stands in the vocabulary, but no merge makes it."""
    import json

    from tokenizers import Tokenizer

    data = json.loads(Tokenizer.from_file(v.byte_bpe() + "/tokenizer.json").to_str())
    data["model"]["vocab"]["xqz"] = 5000
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    state = State()
    found = ask(state, "vocab_health", reference=str(tmp_path))
    flags = np.unpackbits(found.arrays["unreachable"])
    assert flags[5000]
    assert ask(state, "inspect", reference=str(tmp_path), token=5000).values["merged"] is False


def test_differences_are_by_bytes(state, bert, gpt4):
    found = ask(state, "vocab_compare", reference=v.BERT, others=[v.CL100K, v.BYTES])
    names, theirs = bert.vocabulary, gpt4.vocabulary
    twins = found.arrays["twins0"]
    mine = {
        names.bytes_of(i) for i in range(len(names)) if KINDS[names.kinds[i]] not in ("Special", "Unused")
    }
    other = {
        theirs.bytes_of(i) for i in range(len(theirs)) if KINDS[theirs.kinds[i]] not in ("Special", "Unused")
    }
    assert found.values["others"][0]["only_there"] == len(other - mine)
    for token in range(0, len(names), 11):
        raw = names.bytes_of(token)
        assert (twins[token] >= 0) == (raw in other and KINDS[names.kinds[token]] != "Special")
        if twins[token] >= 0:
            assert theirs.bytes_of(int(twins[token])) == raw
    assert found.values["only"] == len(texts(bert, "in:only"))
    assert set(texts(bert, "in:both")) == set(texts(bert, "in:b")) & set(texts(bert, "in:c"))


def test_counts_are_those_of_the_encoding(state, tmp_path):
    (tmp_path / "a.txt").write_text("the river and the sea\n")
    found = ask(state, "vocab_count", reference=v.BERT, paths=[str(tmp_path)])
    about = finish(known(state, v.BERT))
    assert found.values["tokens"] == 5
    assert found.arrays["counts"][about.vocabulary.look_up("the")] == 2
    assert found.arrays["coverage"][0] == pytest.approx(0.4)
    assert set(texts(about, "count:>0")) == {"the", "river", "and", "sea"}


def test_norms_need_the_right_matrix(state):
    with pytest.raises(InputError, match="No embedding matrix"):
        ask(state, "vocab_norms", reference=v.CL100K)
    found = ask(state, "vocab_norms", reference=v.BERT)
    assert found.arrays["norms"].shape == (30_522,)
    assert np.isfinite(found.arrays["norms"]).all()
    about = finish(known(state, v.BERT))
    low = set(texts(about, "type:under-trained"))
    unused = {text for text in texts(about, "unused") if text.startswith("[unused")}
    assert len(unused) > 900
    assert len(unused & low) > 0.95 * len(unused)  # BERT never saw them
    assert len(low) < 3_000  # and pieces such as "##!" that no English text has


def test_one_heap_of_norms_has_no_under_trained_rows():
    norms = np.random.default_rng(0).normal(1.0, 0.05, 20_000)
    assert under_trained(norms, np.zeros(20_000)).sum() < 20


def test_the_command(capsys, tmp_path):
    import json

    from tokstudio.cli import main

    (tmp_path / "a.txt").write_text("return the value of the function\n" * 9)
    line = [
        "vocab",
        "demo:english",
        "len:>3 count:>0",
        "--diff",
        "bytes",
        "--health",
        "--count",
        str(tmp_path),
    ]
    assert main([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["health"]["counts"]["unreachable"] == 13
    assert found["diff"]["others"][0]["both"] == 256
    assert found["found"] == len(found["list"]) > 0
    assert all(row["count"] > 0 and row["length"] > 3 for row in found["list"])
    assert main(["vocab", v.CL100K, "--needs", "25977"]) == 0
    assert "11 tokens had to exist before ' purple'" in capsys.readouterr().out
    assert main(["vocab", "bytes", "type:nothing"]) == 2
    assert "word-start" in capsys.readouterr().err
    assert main(["vocab", "bytes", "--diff", "a", "--diff", "b", "--diff", "c"]) == 2


def test_a_query_may_stand_behind_the_options(capsys, tmp_path):
    import json

    from tokstudio.cli import main

    (tmp_path / "a.txt").write_text("a b")
    assert main(["vocab", "bytes", "--health", "id:97", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)["list"]] == [97]
    assert main(["vocab", "bytes", "--count", str(tmp_path / "a.txt"), "count:>0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"] == 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\u0bc0", "Continuation"),
        (" \u0902", "Word start"),
        ("\ufe0f", "Punctuation"),
        ("!", "Punctuation"),
        ("\x00", "Control"),
        ("\x1b", "Control"),
        ("\x7f\x85 \x9f", "Control"),
        ("\x1f", "Control"),
        ("\u200b", "Control"),
        ("\ufeff", "Control"),
        ("\u2028", "White space"),
        ("\u3000\t\x85", "White space"),
        ("\x1b[", "Punctuation"),
        ("\u200da", "Continuation"),
        ("\U0001f468\u200d\U0001f469", "Punctuation"),
    ],
)
def test_marks_that_letters_carry_belong_to_words(text, kind):
    from tokstudio.embed.vocabulary import KINDS, kind_of

    assert KINDS[kind_of(text.encode(), False, "BPE")] == kind
