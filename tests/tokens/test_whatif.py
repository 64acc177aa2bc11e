"""Tokenizers with tokens and merges added or taken away, in every kind; the original stays as it is."""

import json
from pathlib import Path

import pytest

from tokstudio.errors import TokenizerError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.save import save_tokenizer
from tokstudio.tokens.whatif import Edit, change, state_of

BPE = "demo:english"


def pieces(reference: str, text: str, **how) -> list[str]:
    tokenizer = load_tokenizer(reference)
    return [
        (tokenizer.token_bytes(int(i)) or b"?").decode(errors="replace")
        for i in tokenizer.encode(text, **how).ids
    ]


@pytest.fixture
def word_piece(tmp_path) -> str:
    words = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", *"abc", "##a", "##b", "##c", "ab", "##bc"]
    (tmp_path / "wp").mkdir()
    (tmp_path / "wp" / "vocab.txt").write_text("\n".join(words) + "\n")
    return str(tmp_path / "wp")


@pytest.fixture
def unigram(tmp_path) -> str:
    vocab = [["<unk>", 0.0], ["a", -1.0], ["b", -1.5], ["c", -2.0], ["ab", -2.2]]
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": False},
    }  # fmt: skip
    (tmp_path / "uni").mkdir()
    (tmp_path / "uni" / "tokenizer.json").write_text(json.dumps(content))
    return str(tmp_path / "uni")


def test_a_token_less(tokstudio_home):
    assert pieces(BPE, "so the") == ["so", " the"]
    before = load_tokenizer(BPE).encode("so the").ids.tolist()
    found = change(BPE, [Edit("remove token", " the")])
    cut = pieces(found.reference, "so the")
    assert cut[0] == "so"
    assert " the" not in cut
    assert "".join(cut) == "so the"
    assert "merges that used it are gone" in found.notes[0]
    assert load_tokenizer(BPE).encode("so the").ids.tolist() == before
    assert state_of(found.reference) == found
    assert state_of(BPE) is None
    assert change(BPE, []).reference == BPE


def test_a_token_more_by_merges(tokstudio_home):
    assert len(pieces(BPE, " zyzzyva")) > 2
    found = change(BPE, [Edit("add token", " zyzzyva")])
    assert pieces(found.reference, "a zyzzyva zyzzyva") == ["a", " zyzzyva", " zyzzyva"]
    assert "On the way" in found.notes[0]
    assert change(BPE, [*found.edits, Edit("remove token", " zyzzyva")]).reference != found.reference
    with pytest.raises(TokenizerError, match="cut into 'a', ' b' before any merge"):
        change(BPE, [Edit("add token", "a b")])
    special = change(BPE, [Edit("add special token", "<|note|>")]).reference
    assert pieces(special, "a<|note|>b", written="parse") == ["a", "?", "b"]


def test_merges_come_and_go(tokstudio_home):
    assert pieces(BPE, " the") == [" the"]
    gone = change(BPE, [Edit("remove merge", " t", "he")])
    assert pieces(gone.reference, " the") == [" t", "he"]
    again = change(BPE, [*gone.edits, Edit("add merge", " t", "he")])
    assert pieces(again.reference, " the") == [" the"]
    assert again.notes == ("What they become was a token already.",)
    with pytest.raises(TokenizerError, match="no merge of"):
        change(BPE, [*gone.edits, Edit("remove merge", " t", "he")])


def test_word_piece(tokstudio_home, word_piece):
    assert pieces(word_piece, "abc") == ["ab", "c"]
    assert pieces(change(word_piece, [Edit("remove token", "ab")]).reference, "abc") == ["a", "bc"]
    more = change(word_piece, [Edit("add token", "abc")])
    assert pieces(more.reference, "abc") == ["abc"]
    assert more.notes == ()
    assert "no text gives this token" in change(word_piece, [Edit("add token", "ABC")]).notes[0]
    with pytest.raises(TokenizerError, match="WordPiece has no merges"):
        change(word_piece, [Edit("add merge", "a", "b")])
    with pytest.raises(TokenizerError, match=r"\[CLS\] stands around every text"):
        change(word_piece, [Edit("remove token", "[CLS]")])


def test_unigram(tokstudio_home, unigram):
    assert pieces(unigram, "abc") == ["ab", "c"]
    less = change(unigram, [Edit("remove token", "#4")])
    assert pieces(less.reference, "abc") == ["a", "b", "c"]
    assert len(load_tokenizer(less.reference)) == len(load_tokenizer(unigram))  # ids stay where they were
    more = change(unigram, [Edit("add token", "abc")])
    assert pieces(more.reference, "abcab") == ["abc", "ab"]
    assert "-4.199" in more.notes[0]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit("remove token", "not a token at all"), "is no token of this vocabulary"),
        (Edit("remove token", "a"), "other text is spelled with it"),
        (Edit("remove token", "#999999"), "no token with the id"),
        (Edit("add token", " the"), "is a token already"),
        (Edit("add token", ""), "needs a text"),
        (Edit("mend", "x"), "no change 'mend'"),
    ],
)
def test_what_cannot_be_done_is_said(tokstudio_home, edit, words):
    with pytest.raises(TokenizerError, match=words):
        change(BPE, [edit])
    with pytest.raises(TokenizerError):
        change("bytes", [Edit("remove token", "a")])


def test_saved_as_a_new_tokenizer(tokstudio_home, tmp_path):
    found = change(BPE, [Edit("add token", " zyzzyva")])
    save_tokenizer(found.reference, tmp_path / "mine")
    assert pieces(str(tmp_path / "mine"), " zyzzyva") == [" zyzzyva"]
    assert not (Path(tmp_path) / "mine" / "changes.json").exists()
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(str(tmp_path / "mine")).tokenize(" zyzzyva") == ["Ġzyzzyva"]
