import numpy as np

from tokstudio.align.overlap import BYTES, NONE, ROLE, SPECIAL, overlap
from tokstudio.tokens.reference import load_tokenizer


def test_a_vocabulary_with_itself():
    english = load_tokenizer("demo:english")
    found = overlap(english, english)
    assert (found.match == np.arange(len(english))).all()
    assert found.share == 1.0


def test_gpt4_and_the_demo_agree_by_bytes():
    gpt4, english = load_tokenizer("tiktoken:cl100k_base"), load_tokenizer("demo:english")
    found = overlap(gpt4, english)
    the = int(english.encode(" the").ids[0])
    assert found.match[the] == gpt4.encode(" the").ids[0]
    assert found.reason[the] == BYTES
    assert found.match[english.special_tokens["</s>"]] == gpt4.special_tokens["<|endoftext|>"]
    assert found.reason[english.special_tokens["</s>"]] == ROLE
    for token in np.flatnonzero(found.reason == BYTES)[::97].tolist():
        assert english.token_bytes(token) == gpt4.token_bytes(int(found.match[token]))
    assert (found.match[found.reason == NONE] == -1).all()


def test_marks_of_the_alphabet_do_not_hide_a_match():
    """WordPiece's "##ing" is byte-level BPE's "ing"."""
    bert, english = load_tokenizer("bert-base-uncased"), load_tokenizer("demo:english")
    found = overlap(bert, english)
    token = int(english.encode("ing").ids[0])
    assert bert.token_bytes(int(found.match[token])) == b"ing"


def test_same_specials_are_matched_by_name():
    english, code = load_tokenizer("demo:english"), load_tokenizer("demo:code")
    found = overlap(english, code)
    assert found.match[code.special_tokens["<s>"]] == english.special_tokens["<s>"]
    assert found.reason[code.special_tokens["<s>"]] == SPECIAL
