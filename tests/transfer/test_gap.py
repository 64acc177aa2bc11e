"""What is said of the gap between a model and its moved copy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.transfer.gap import gap_of


def report(source: float, start: float, end: float, **more) -> dict:
    named = {"source": source, "initialized": start, "trained": end}
    return {name: {"bits_per_byte": value} for name, value in named.items()} | more


@pytest.mark.parametrize(
    ("bits", "share", "sentence"),
    [
        ((1.0, 2.0, 1.25), 0.75, "75 % of the way back to the original"),
        ((1.42, 1.64, 1.45), 0.8636, "86 % of the way back to the original"),
        ((1.0, 1.5, 1.0), 1.0, "100 % of the way back to the original"),
        ((1.0, 1.5, 1.5), 0.0, "0 % of the way back to the original"),
        ((1.0, 1.5, 0.8), 1.4, "all of it: 20 % better than the original"),
        ((1.0, 1.5, 1.8), -0.6, "nothing: 20 % worse than the start"),
        ((1.0, 1.5, 1.53), -0.06, "nothing: 2.0 % worse than the start"),
        ((1.2407, 1.2409, 1.1), None, "no gap: the start was as good as the original"),
        ((1.2407, 1.2405, 1.3), None, "no gap: the start was as good as the original"),
        ((1.5, 1.2, 1.1), None, "no gap: the start was better than the original"),
    ],
)
def test_in_words(bits, share, sentence):
    gap = gap_of(report(*bits))
    assert gap.share == (None if share is None else pytest.approx(share, abs=1e-3))
    assert gap.sentence() == sentence


def test_without_another_tokenizer_or_without_figures_there_is_none():
    assert gap_of({}) is None
    assert gap_of(report(1.0, 2.0, float("nan"))) is None
    assert gap_of({**report(1.0, 2.0, 1.5), "trained": None}) is None
    assert gap_of(report(1.0, 2.0, 1.5, settings={"model": "a", "tokenizer": "a/"})) is None
    assert gap_of(report(1.0, 2.0, 1.5, settings={"model": "a", "tokenizer": "b"})).value == "50 %"


@given(source=st.floats(0.01, 20), more=st.floats(0.02, 5), share=st.floats(-3, 1.15))
def test_no_percentage_of_the_way_is_negative_or_beyond_a_hundred(source, more, share):
    start = source * (1 + more)
    end = start - share * (start - source)
    if end <= 0:
        return
    gap = gap_of(report(source, start, end))
    assert gap.share == pytest.approx(share, abs=1e-6)
    if gap.value.endswith("%"):
        assert 0 <= int(gap.value.removesuffix(" %")) <= 100
    else:
        assert gap.value == ("all of it" if share > 1 else "nothing")
