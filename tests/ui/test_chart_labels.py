"""The labels at the axes of charts."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QFontMetricsF

from tokstudio.ui import theme
from tokstudio.ui.chart_data import spaced, ticks, two_at_least
from tokstudio.ui.charts import LineChart
from tokstudio.ui.embeddings_charts import NormsChart, SingularChart, ValuesChart
from tokstudio.ui.vocabulary_cards.charts import Coverage

LARGEST = max(theme.SCALES)


def five(*half_widths):
    """At 0, 10 and so on, as many as there are widths."""
    labels = [(10.0 * n, str(n)) for n in range(len(half_widths))]
    return labels, lambda words: half_widths[int(words)]


@pytest.mark.parametrize(
    ("halves", "room", "left"),
    [
        ((4, 4, 4, 4, 4), (-9, 99), "01234"),
        ((4, 4, 4, 4, 4), (0, 40), "123"),  # the ends are cut
        ((6, 6, 6, 6, 6), (-9, 99), "024"),
        ((11, 11, 11, 11, 11), (-99, 99), "14"),  # every third, and the last one stays
        ((16, 16, 16, 16, 16), (-99, 99), "04"),
        ((30, 30, 30, 30, 30), (-99, 99), "4"),
        ((60,), (0, 50), ""),
    ],
)
def test_labels_neither_touch_nor_are_cut(halves, room, left):
    labels, half = five(*halves)
    assert "".join(words for _, words in spaced(labels, float, half, room)) == left


def test_an_axis_that_points_up():
    labels, half = five(4, 4, 4)
    assert spaced(labels, lambda y: 100 - y, half) == labels


def test_a_finer_distance_gives_the_second_label():
    make = lambda most: [(x, f"{x:g}") for x in ticks(1.1, 1.9, most)]  # noqa: E731
    assert [x for x, _ in make(2)] == [1.5]
    assert [words for _, words in two_at_least(make, 2)] == ["1.2", "1.4", "1.6", "1.8"]
    assert two_at_least(lambda most: [(1.0, "1")], 2) == [(1.0, "1")]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 5))
def test_any_range_has_two_round_values(low, width, most):
    found = two_at_least(lambda n: [(x, "") for x in ticks(low, low + width, n)], most)
    assert len(found) >= 2


def shown(chart, side: str) -> list[tuple[float, str]]:
    return chart.getAxis(side)._tickLevels[0]


@pytest.fixture
def large(qapp):
    theme.load_scale(LARGEST)
    theme.apply(qapp, "light")
    yield
    theme.load_scale(1.0)
    theme.apply(qapp, "light")


@pytest.mark.parametrize("size", [(150, 110), (170, 84), (240, 90), (320, 160)])
@pytest.mark.parametrize(("low", "high"), [(1.1, 1.9), (0.0004, 0.00062), (17_000, 21_000), (2.31, 2.33)])
def test_two_labels_at_the_largest_text_size(qtbot, large, size, low, high):
    chart = LineChart("Loss", x_label="step", whole=True)
    qtbot.addWidget(chart)
    chart.resize(*size)
    chart.set_series("loss", np.arange(1.0, 301.0), np.linspace(high, low, 300))
    chart.redraw()
    metrics = QFontMetricsF(theme.font("axis"))
    for side, ends in (("left", 1.2 * metrics.height()), ("bottom", 0.0)):
        labels = shown(chart, side)
        assert len(labels) >= 2, side
        if ends:
            (_, (bottom, top)), room = chart.plotItem.vb.viewRange(), chart.height() - chart._foot()
            near = min(b - a for (a, _), (b, _) in pairwise(labels))
            assert near / (top - bottom) * room >= ends - 1e-6
        assert len({words for _, words in labels}) == len(labels)


def test_the_name_of_the_axis_gives_way_to_a_second_label(qtbot, large):
    chart = LineChart("Loss", x_label="a name that takes all", whole=True)
    qtbot.addWidget(chart)
    chart.resize(200, 110)
    chart.set_series("loss", np.arange(1.0, 301.0), np.arange(300.0))
    chart.redraw()
    assert [words for _, words in shown(chart, "bottom")] == ["100", "200"]


@pytest.mark.parametrize("scale", [1.0, LARGEST])
@pytest.mark.parametrize("make", [ValuesChart, NormsChart, SingularChart])
def test_small_charts_of_embeddings(qtbot, qapp, make, scale):
    theme.load_scale(scale)
    theme.apply(qapp, "light")
    chart = make()
    qtbot.addWidget(chart)
    chart.resize(190, 110)
    if isinstance(chart, ValuesChart):
        chart.set_counts(np.bincount(np.arange(100) // 2), np.linspace(-0.11, 0.13, 51))
    elif isinstance(chart, NormsChart):
        chart.set_norms(np.random.default_rng(0).normal(1.2, 0.1, 5000))
    else:
        chart.set_values(1 / np.arange(1.0, 4097.0))
    chart.redraw()
    labels = shown(chart, "bottom")
    theme.load_scale(1.0)
    theme.apply(qapp, "light")
    assert len(labels) >= 2
    assert all(math.isfinite(x) for x, _ in labels)


def test_painted_charts_at_the_largest_text_size(qtbot, large):
    chart = Coverage()
    qtbot.addWidget(chart)
    chart.set_coverage(np.linspace(0.01, 1.0, 4000), 4000)
    metrics = QFontMetricsF(theme.font("axis"))
    for width, height in ((120, 60), (180, 80), (332, 110)):
        chart.resize(width, height)
        left, right, low, high = chart.extent()
        assert len(chart._fit_y(low, high, metrics)) >= 2
        assert len(chart._fit_x(left, right, metrics)) >= 2
