"""The parts of a run's page by themselves: log, pins, held-out lines."""

import numpy as np
import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tokstudio.events import Failed, HeldOut, Log, Metrics, Phase, Started, Stopped
from tokstudio.runs.files import write_json
from tokstudio.runs.process import identity
from tokstudio.runs.state import RunState
from tokstudio.runs.store import RunStore
from tokstudio.train.lines import packed
from tokstudio.ui import theme
from tokstudio.ui.charts import LineChart
from tokstudio.ui.run_cards.held_out import LinesPane, per_character
from tokstudio.ui.run_cards.log import LEVELS, LogCard
from tokstudio.ui.run_cards.pins import MOST, PinBar
from tokstudio.ui.run_cards.watch import Watch


@pytest.fixture(autouse=True)
def light(qapp):
    theme.apply(qapp, "light")


def said(state: RunState, *messages: str, level: str = "info") -> RunState:
    for message in messages:
        state.apply(Log(at=state.events + 1.0, level=level, message=message))
    return state


@pytest.fixture
def log(qtbot) -> LogCard:
    card = LogCard()
    qtbot.addWidget(card)
    card.resize(400, 200)
    card.show()
    return card


def messages(card: LogCard) -> list[str]:
    return [message for _, _, message in card._model.lines]


def test_the_log_follows_its_end_until_somebody_scrolls(qtbot, log):
    state = said(RunState(), *(f"line {i}" for i in range(60)))
    log.refresh(state)
    bar = log.view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    bar.setValue(3)
    log.refresh(said(state, "one more"))
    qtbot.waitUntil(lambda: log._model.rowCount() == 61)
    assert (bar.value(), log.end.isEnabled()) == (3, True)
    log.end.click()
    log.refresh(said(state, "and another"))
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())
    assert messages(log)[-1] == "and another"


def test_levels_and_words_are_filtered_together(log):
    state = RunState()
    state.apply(Phase(name="Training"))
    said(state, "all is well", "the disk fills")
    said(state, "the disk is nearly full", level="warn")
    state.apply(Failed(message="The disk is full."))
    log.refresh(state)
    log.find.setText("DISK the")
    assert len(messages(log)) == 3
    log.level.setCurrentText("Warnings")
    log.level.activated.emit(log.level.currentIndex())
    assert messages(log) == ["the disk is nearly full", "The disk is full."]
    log.refresh(said(state, "the disk is well again"))  # what comes is filtered, too
    assert len(messages(log)) == 2
    log.find.setText("nothing like it")
    assert log._none.isVisible()
    log.find.clear()
    log.level.setCurrentText(next(iter(LEVELS)))
    log.level.activated.emit(0)
    assert len(messages(log)) == 6


def test_find_has_its_key_and_copy_takes_what_is_shown(qtbot, log):
    log.refresh(said(RunState(), "alpha", "beta"))
    log.view.setFocus()
    qtbot.keyClick(log.view, Qt.Key_F, Qt.ControlModifier)
    qtbot.waitUntil(log.find.hasFocus)
    qtbot.keyClicks(log.find, "bet")
    log.copy()
    assert QGuiApplication.clipboard().text().endswith("info  beta")


def test_pins_are_toggled_bounded_and_kept(qtbot, tmp_path):
    bar = PinBar()
    qtbot.addWidget(bar)
    bar.show_run(tmp_path)
    for step in range(MOST + 1):
        bar.toggle(step)
    bar.toggle(3)
    assert bar.steps == [1, 2, 4, 5, 6]
    again = PinBar()
    qtbot.addWidget(again)
    again.show_run(tmp_path)
    assert again.steps == bar.steps
    assert not again.isHidden()
    again.clear.click()
    assert again.steps == []
    assert again.isHidden()


def test_a_click_pins_the_nearest_sample_and_a_double_click_does_not(qtbot):
    chart = LineChart("Loss", x_label="step")
    qtbot.addWidget(chart)
    chart.resize(500, 300)
    chart.show()
    chart.set_series("loss", np.arange(11), np.arange(11.0))
    chart.redraw()
    pins: list[float] = []
    chart.pin_asked.connect(lambda x: pins.remove(x) if x in pins else pins.append(x))
    at = chart.mapFromScene(chart.plotItem.vb.mapViewToScene(chart.plotItem.vb.viewRect().center()))
    qtbot.mouseClick(chart.viewport(), Qt.LeftButton, pos=at)
    assert pins == [5.0]
    assert chart.value_at(5.2) == "5"
    chart.set_pins(pins)
    chart.redraw()
    assert chart._pin_items[0][0].isVisible()
    assert chart._pin_items[0][0].value() == 5.0
    chart.set_pins([])
    chart.redraw()
    assert not chart._pin_items[0][0].isVisible()
    pins.clear()
    qtbot.mouseClick(chart.viewport(), Qt.LeftButton, pos=at)
    qtbot.mouseDClick(chart.viewport(), Qt.LeftButton, pos=at)
    assert pins == []


def test_peaks_can_be_hidden(qtbot):
    chart = LineChart("Loss")
    qtbot.addWidget(chart)
    values = np.ones(1000)
    values[::2] = 2.0
    values[500] = 1000.0
    chart.set_series("loss", np.arange(1000), values)
    chart.redraw()
    assert chart.viewRange()[1][1] > 1000
    chart.set_clip(True)
    chart.redraw()
    assert 2 <= chart.viewRange()[1][1] < 3


def held_out(**more) -> HeldOut:
    text = "naïve = 1"  # ten bytes
    line = {"rank": "worst", "text": text, "mean": "6.250", "target": packed(np.arange(10.0)), "source": ""}
    return HeldOut(step=40, source="a", target="b", lines=[{**line, **more}])


def test_bits_of_bytes_become_bits_of_characters():
    found = per_character("naïve = 1", packed(np.arange(10.0)))
    assert found.tolist() == [0, 1, 2.5, 4, 5, 6, 7, 8, 9]
    assert per_character("naive", packed(np.arange(10.0))) is None
    assert per_character("naive", "zz") is None


def test_held_out_lines_are_shown_read_and_told(qtbot):
    pane = LinesPane()
    qtbot.addWidget(pane)
    qtbot.addWidget(pane.head)
    pane.resize(600, 160)
    pane.show()
    state = RunState()
    state.apply(Started(total_steps=100))
    state.apply(held_out())
    pane.refresh(state)
    (line,) = pane.view.lines
    assert pane.view.accessibleName() == "Held-out lines. Worst: 6.25 bits per byte, naïve = 1"
    assert [pane.by.button(place).isEnabled() for place in range(3)] == [True, False, False]
    _, width, _, title = pane.view._metrics()
    assert (
        pane.view.words_at(pane.view._left() + 2.5 * width, title + 3) == "'ï': 2.5 bits a byte by this run"
    )
    state.apply(held_out(source=packed(np.full(10, 4.0))))
    pane.refresh(state)
    pane.by.set_index(2)
    (line,) = pane.view.lines
    assert line.shades("Difference").tolist() == pytest.approx([-1, -1, -0.75, 0, 0.5, 1, 1, 1, 1])
    assert not pane.grab().toImage().isNull()


def test_lines_of_another_version_are_left_out(qtbot):
    pane = LinesPane()
    qtbot.addWidget(pane)
    qtbot.addWidget(pane.head)
    state = RunState()
    state.apply(held_out(target="00"))
    pane.refresh(state)
    assert pane.view.lines == []


def test_a_resume_before_the_measurement_forgets_its_lines():
    state = RunState()
    state.apply(Started(total_steps=100))
    state.apply(Metrics(step=40, values={"loss": 1.0}))
    state.apply(held_out())
    state.apply(Started(total_steps=100, step=60))
    assert state.held_out is not None
    state.apply(Started(total_steps=100, step=20))
    assert state.held_out is None


def test_the_last_word_of_a_run_counts_before_its_state_file_does(tmp_path):
    """The list, the pill and the log say the same while the process ends."""
    run = RunStore(tmp_path).create("selftest", "count", "steps = 9")
    me = identity(psutil.Process())
    write_json(run.folder / "state.json", {**me, "state": "stopping", "step": 3})
    watch = Watch(run)
    watch._follower = object()  # still reads
    watch.state.apply(Started(total_steps=9))
    assert watch.shown_state() == "running"
    watch.state.apply(Stopped(step=3))
    assert watch.shown_state() == "stopped"
    watch._follower = None
    write_json(run.folder / "state.json", {**me, "state": "stopped", "step": 3})
    assert watch.shown_state() == "stopped"
