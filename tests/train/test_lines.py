"""What held-out lines cost, byte by byte: worked by hand, then for a real model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.tokens.base import Encoding
from tokstudio.train.lines import EACH, LONGEST, HeldOutLines, byte_bits, packed, unpacked

LN2 = np.log(2)


def encoding(text: bytes, *spans: tuple[int, int]) -> Encoding:
    return Encoding(text, np.arange(len(spans), dtype=np.int32), np.array(spans, np.int32).reshape(-1, 2))


def test_bits_lie_on_the_bytes_of_their_token():
    made = encoding(b"abcdef", (0, 2), (2, 3), (3, 6), (6, 6))
    bits = byte_bits(made, LN2 * np.array([4.0, 1.0, 3.0, 5.0]))
    assert bits.tolist() == pytest.approx(
        [2, 2, 1, 1, 1, 6]
    )  # the token of no width counts for the last byte


@given(st.lists(st.floats(0, 25.5), max_size=50))
def test_what_is_packed_comes_back_within_half_a_tenth(values):
    assert np.abs(unpacked(packed(np.array(values))) - values).max(initial=0) <= 0.05 + 1e-9


def test_what_is_no_number_is_no_line():
    assert len(unpacked("zz")) == 0


def windows(*costs: float) -> HeldOutLines:
    """One window for each cost: a first line that is left out, and a line of so many bits a byte."""
    lines = HeldOutLines()
    for place, cost in enumerate(costs):
        text = (
            b"first line of this window "
            + bytes([97 + place])
            + b"\n"
            + f"line {place:02d} ".encode() * 5
            + b"\n"
        )
        whole = encoding(text, (0, 28), (28, len(text)))
        lines.take(whole, LN2 * np.array([28 * 99.0, (len(text) - 28) * cost]))
        lines.take_source(whole, np.zeros(2))
    return lines


def test_the_worst_and_the_best_are_told():
    lines = windows(*range(1, 12))
    (event,) = lines.event(7, "old", "new")
    ranks = [(line["rank"], float(line["mean"])) for line in event.lines]
    assert ranks[:EACH] == [("worst", 11), ("worst", 10), ("worst", 9), ("worst", 8)]
    assert ranks[EACH:] == [("best", 1), ("best", 2), ("best", 3), ("best", 4)]
    assert event.lines[0]["text"] == ("line 10 " * 5).strip()
    assert len(unpacked(event.lines[0]["target"])) == len(event.lines[0]["text"].encode())
    assert unpacked(event.lines[0]["source"]).max() == 0


def test_no_line_is_in_both_halves():
    (event,) = windows(1, 2, 3).event(0, "old", "new")
    assert len({line["text"] for line in event.lines}) == len(event.lines) <= 2 * EACH


def test_a_long_line_is_cut_between_characters():
    lines = HeldOutLines()
    text = ("a" + "ж" * 200).encode()
    lines.take(encoding(text, (0, len(text))), np.array([1.0]))
    (event,) = lines.event(0, "old", "new")
    assert event.lines[0]["text"] == "a" + "ж" * ((LONGEST - 1) // 2)


def test_nothing_measured_nothing_told():
    assert list(HeldOutLines().event(0, "old", "new")) == []


def test_what_the_original_cost_is_kept(tmp_path):
    lines = windows(1, 2, 3)
    lines.keep(tmp_path)
    again = HeldOutLines()
    again.recall(tmp_path)
    assert again.source.keys() == lines.source.keys()
    assert all((again.source[text] == lines.source[text]).all() for text in lines.source)


def test_lines_of_a_real_model_sum_to_its_bits_per_byte():
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.evaluate import bits_per_byte

    model, tokenizer = load_model("demo:english"), load_tokenizer("demo:english")
    texts = [
        "The value of the attribute is returned as a string.\nIt raises an error otherwise.\n",
        "Two.\nLines.\n",
    ]
    lines = HeldOutLines()
    found = bits_per_byte(model, tokenizer, texts, each=lines.take)
    assert sum(bits.sum() for bits in lines.target.values()) == pytest.approx(
        found.value * found.bytes, rel=1e-5
    )
