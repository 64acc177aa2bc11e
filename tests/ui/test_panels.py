"""Charts and the panels that hold them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

from tokstudio.events import Checkpointed, Metrics, Reference, Started
from tokstudio.runs.alarms import of_folder, of_state
from tokstudio.runs.axes import Axis
from tokstudio.runs.files import write_json
from tokstudio.runs.state import Column, RunState
from tokstudio.ui import theme
from tokstudio.ui.chart_data import Peaks, number, thin, tick_words, ticks, value_range
from tokstudio.ui.charts import BarChart, Legend, LineChart
from tokstudio.ui.panels.base import PANELS
from tokstudio.ui.panels.load import LoadPanel
from tokstudio.ui.panels.loss import LossPanel, Smoothed

POINTS = 50_000


@pytest.fixture(autouse=True)
def look(qapp):
    theme.apply(qapp, "light")
    yield
    theme.apply(qapp, "light")


@pytest.fixture(scope="module")
def full() -> RunState:
    state = RunState()
    state.apply(Started(total_steps=POINTS))
    state.apply(Reference(metric="bits_per_byte", label="source model", value=1.4))
    names = ("loss", "loss/alm", "bits_per_byte", "tokens_per_second", "memory_bytes", "gradient_norm")
    names += ("learning_rate", "seconds", "plan/entries_per_row", "plan/row_entropy", "plan/column_error")
    names += ("cpu_percent", "gpu_percent")
    for step in range(1, POINTS + 1):
        state.apply(Metrics(step=step, values=dict.fromkeys(names, 1.5 + 1 / step)))
    state.apply(Checkpointed(step=1000, path="x"))
    return state


def shown(qtbot, widget):
    qtbot.addWidget(widget)
    widget.resize(600, 300)
    widget.show()
    return widget


def test_there_is_a_panel_for_every_promise():
    assert set(PANELS) >= {"loss", "bits_per_byte", "tokens_per_second", "memory"}


@pytest.mark.parametrize("name", list(PANELS))
def test_every_panel_draws_empty_and_full_runs(name, qtbot, full):
    panel = shown(qtbot, PANELS[name]())
    panel.refresh(RunState())
    panel.chart.redraw()
    empty = panel.grab().toImage()
    assert panel.value.text() == "\N{EN DASH}"
    panel.refresh(full)
    panel.chart.redraw()
    assert panel.grab().toImage() != empty
    assert panel.title
    assert panel.value.text() != "\N{EN DASH}"
    assert "nothing" not in panel.chart.accessibleDescription()


def test_labels_of_x_have_room_at_any_text_size(qtbot, qapp):
    theme.load_scale(1.5)
    try:
        chart = shown(qtbot, LineChart("Loss"))
        assert chart.getAxis("bottom").height() >= QFontMetrics(theme.font("axis")).height() + 6 > 20
        theme.load_scale(1.0)
        chart.restyle()
        qtbot.waitUntil(lambda: chart.getAxis("bottom").height() == 20)
    finally:
        theme.load_scale(1.0)


def test_load_tells_the_gpu_first_and_has_no_place_without_readings(qtbot):
    panel, state = shown(qtbot, LoadPanel()), RunState()
    assert not panel.wanted(state)
    state.apply(Metrics(step=1, values={"cpu_percent": 49.6}))
    assert panel.wanted(state)
    panel.refresh(state)
    assert (panel.value.text(), panel.remark.text()) == ("50 %", "of all cores")
    state.apply(Metrics(step=2, values={"cpu_percent": 12.0, "gpu_percent": 97.0}))
    panel.refresh(state)
    assert (panel.value.text(), panel.remark.text()) == ("97 %", "of the GPU, CPU 12 % of all cores")


def test_the_loss_does_not_call_its_factor_a_loss_and_names_the_objectives(qtbot):
    panel, state = shown(qtbot, LossPanel()), RunState()
    state.apply(Metrics(step=1, values={"loss": 2.0, "loss/projected_kl": 1.0, "loss/next_token": 1.0}))
    panel.refresh(state)
    assert panel.remark.text() == "smoothed, last step 2"
    assert [words for words, *_ in panel.legend._entries[2:]] == ["next token", "projected KL"]


@pytest.mark.parametrize("name", list(PANELS))
def test_every_panel_survives_what_is_no_number(name, qtbot):
    panel = shown(qtbot, PANELS[name]())
    state = RunState()
    state.apply(Started(total_steps=3))
    for step, value in enumerate((float("nan"), 2.0, float("inf")), 1):
        state.apply(
            Metrics(step=step, values=dict.fromkeys(("loss", "bits_per_byte", "tokens_per_second"), value))
        )
    panel.refresh(state)
    panel.chart.redraw()
    panel.grab()


def test_a_live_switch_looks_like_a_fresh_start(qtbot, qapp, full):
    panel = shown(qtbot, PANELS["bits_per_byte"]())
    panel.refresh(full)
    theme.apply(qapp, "dark")
    qapp.processEvents()  # layouts ask their parents in turn
    panel.chart.redraw()
    switched = panel.grab().toImage()
    fresh = shown(qtbot, PANELS["bits_per_byte"]())
    fresh.refresh(full)
    qapp.processEvents()
    fresh.chart.redraw()
    assert switched == fresh.grab().toImage()


def test_a_level_comes_and_goes(qtbot):
    chart = shown(qtbot, LineChart("Loss"))
    chart.set_series("a", [1, 2], [1.0, 2.0])
    chart.set_reference("source", 5.0)
    chart.redraw()
    assert chart.viewRange()[1][1] > 5
    chart.set_reference("source", None)
    chart.redraw()
    assert chart.viewRange()[1][1] < 5


def test_the_cursor_reads_the_nearest_sample(qtbot):
    chart = shown(qtbot, LineChart("Loss", x_label="step"))
    chart.set_series("a", [0, 1000, 2404, 3000], [4.0, 3.5, 3.03, 3.0])
    chart.redraw()
    chart.set_cursor(2300)
    assert chart._readout.toPlainText() == "step 2,404   3.03"
    chart.set_cursor(None)
    assert not chart._readout.isVisible()
    with qtbot.waitSignal(chart.cursor_moved) as moved:
        qtbot.keyClick(chart, Qt.Key_Left)
    assert moved.args == [2404.0]
    with qtbot.waitSignal(chart.cursor_moved):
        qtbot.mouseMove(chart.viewport(), QPoint(300, 100))
        QApplication.processEvents()


def test_bars_need_one_edge_more(qtbot):
    chart = shown(qtbot, BarChart("Norms"))
    chart.set_bars([0, 1, 2], [3, 4])
    chart.set_bars([0, 1, 2], [1, 1], series=1)
    chart.redraw()
    chart.set_cursor(0.4)
    assert "3" in chart._readout.toPlainText() or "1" in chart._readout.toPlainText()
    with pytest.raises(ValueError, match="3 edges"):
        chart.set_bars([0, 1], [3, 4])


def test_a_legend_is_only_rebuilt_when_it_changes(qtbot):
    legend = shown(qtbot, Legend([("raw", 0, "faded"), ("source", "muted", "dash")]))
    before = legend.layout().itemAt(0).widget()
    legend.set_entries([("raw", 0, "faded"), ("source", "muted", "dash")])
    assert legend.layout().itemAt(0).widget() is before


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(1, 40))
def test_thinning_never_loses_a_peak(values, columns):
    y = np.array(values)
    x, kept = thin(np.arange(len(y), dtype=float), y, 0, len(y), columns)
    assert (kept.min(), kept.max()) == (y.min(), y.max())
    assert len(kept) <= max(4 * columns + 2, 2)
    assert (np.diff(x) >= 0).all()


def test_one_spike_in_a_million_stays():
    y = np.zeros(1_000_000)
    y[123_457] = 9.0
    _, kept = thin(np.arange(len(y), dtype=float), y, 0, len(y), 500)
    assert kept.max() == 9.0


@settings(deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(1, 12))
def test_ticks_are_few_and_inside(low, width, most):
    high = low + width
    found = ticks(low, high, most)
    assert len(found) <= most
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert all(low - slack <= tick <= high + slack for tick in found)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0, 1000, 2000], ["0", "1,000", "2,000"]),
        ([0, 25_000, 50_000], ["0", "25k", "50k"]),
        ([1.0, 1.5, 2.0], ["1.0", "1.5", "2.0"]),
        ([0, 500_000, 1_000_000], ["0", "0.5M", "1.0M"]),
        ([], []),
    ],
)
def test_tick_words(values, words):
    assert tick_words(values) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(48210.4, "48,210"), (2.9376, "2.94"), (0.0412, "0.0412"), (float("nan"), "not a number")],
)
def test_numbers(value, words):
    assert number(value) == words


def test_ranges():
    assert value_range([], [], False) == (0.0, 1.0)
    assert value_range([10.0], [20.0], True)[0] == 0.0
    low, high = value_range([3.0], [3.0], False)
    assert low < 3.0 < high


def test_smoothing_looks_only_at_what_is_new():
    column, smooth = Column(), Smoothed(0.5)
    for step, value in enumerate([4.0, 2.0, float("nan"), 2.0]):
        column.put(step, value)
        expected = smooth.of(column)
    assert expected.tolist() == pytest.approx([4.0, 8 / 3, 8 / 3, 16 / 7])
    column.cut(0)
    column.put(1, 0.0)
    assert smooth.of(column).tolist() == pytest.approx([4.0, 4 / 3])


def test_zoom_by_dragging_and_all_again(qtbot, full):
    panel = shown(qtbot, PANELS["loss"]())
    panel.refresh(full)
    chart = panel.chart
    chart.redraw()
    zooms = []
    chart.zoomed.connect(zooms.append)
    middle = chart.height() // 2
    qtbot.mousePress(chart.viewport(), Qt.LeftButton, pos=QPoint(200, middle))
    qtbot.mouseMove(chart.viewport(), QPoint(300, middle))
    qtbot.mouseRelease(chart.viewport(), Qt.LeftButton, pos=QPoint(300, middle))
    (left, right) = zooms[-1]
    assert 0 < left < right < POINTS
    chart.redraw()
    assert chart.viewRange()[0][0] == pytest.approx(left)
    qtbot.mouseDClick(chart.viewport(), Qt.LeftButton, pos=QPoint(300, middle))
    assert zooms[-1] is None
    chart.redraw()
    assert chart.viewRange()[0][0] == 0


def test_log_scale_keeps_the_words_of_the_values(qtbot, full):
    panel = shown(qtbot, PANELS["bits_per_byte"]())
    panel.refresh(full)
    panel.chart.set_log(True)
    panel.chart.redraw()
    low, high = panel.chart.viewRange()[1]
    assert low < np.log10(1.4) < high < 1
    assert "source 1.40" in panel.chart.accessibleDescription()
    panel.chart.set_log(False)
    panel.chart.redraw()
    assert panel.chart.viewRange()[1][1] > 2


def test_steps_as_tokens_and_seconds(full):
    state = RunState()
    for step in range(1, 5):
        state.apply(Metrics(step=step, values={"seconds": 0.5, "tokens_per_second": 100.0 * step}))
    assert Axis(state, "seconds").of(np.array([0, 2, 4])).tolist() == [0.0, 1.0, 2.0]
    assert Axis(state, "tokens").of(np.array([1, 4])).tolist() == [50.0, 500.0]
    assert Axis(RunState(), "tokens").name == "step"


def test_alarms(tmp_path):
    state = RunState()
    for step in range(1, 101):
        state.apply(Metrics(step=step, values={"loss": 2.0 + 0.1 * (step % 3)}))
    assert of_state(state) == []
    for step in range(101, 104):
        state.apply(Metrics(step=step, values={"loss": 9.0}))
    assert [alarm.kind for alarm in of_state(state)] == ["loss"]
    state.apply(Metrics(step=104, values={"loss": float("nan")}))
    assert [alarm.kind for alarm in of_state(state)] == ["nan"]
    write_json(tmp_path / "state.json", {"state": "running", "heartbeat": 100.0})
    assert "silent" in [alarm.kind for alarm in of_folder(tmp_path, now=140.0)]
    assert "silent" not in [alarm.kind for alarm in of_folder(tmp_path, now=110.0)]


@given(st.lists(st.integers(1, 900), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_peaks_of_a_growing_line_are_those_of_the_whole(parts, seed):
    values = np.random.default_rng(seed).normal(size=sum(parts))
    values[:: max(2, len(values) // 7)] = np.nan
    x, peaks = np.arange(len(values)), Peaks()
    for end in np.cumsum(parts):
        y = values[:end]
        peaks.take(y)
        known = y[np.isfinite(y)]
        if len(known):
            assert peaks.extent(y) == (known.min(), known.max())
            _, drawn = peaks.thin(x[:end], y, 0, end, 3)
            assert (np.nanmin(drawn), np.nanmax(drawn)) == (known.min(), known.max())


def test_a_value_that_is_measured_again_is_drawn_again(qtbot):
    column = Column()
    for step in range(1, 1001):
        column.put(step, 1.0)
    peaks = Peaks()
    peaks.take(column.values)
    column.put(10, 5.0)
    peaks.take(column.values)
    assert peaks.extent(column.values) == (1.0, 5.0)


@pytest.mark.parametrize("height", [60, 76, 100, 130, 300])
def test_labels_of_the_y_axis_do_not_touch(qtbot, height):
    chart = shown(qtbot, LineChart("Loss", x_label="step"))
    axis = chart.getAxis("left")
    assert axis._tickLevels == [[]]  # and not pyqtgraph's own, before there is anything to show
    chart.resize(400, height)
    chart.set_series("a", [1, 2, 3], [0.0, 0.4, 1.0])
    chart.redraw()
    places = [value for value, _ in axis._tickLevels[0]]
    low, high = chart.viewRange()[1]
    apart = np.diff(places) / (high - low) * chart.plotItem.vb.height()
    assert len(places) >= 1
    assert (apart >= QFontMetrics(theme.font("axis")).height()).all()
    chart.clear_series()
    chart.redraw()
    assert axis._tickLevels == [[]]
