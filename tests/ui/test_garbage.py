"""Where the garbage goes."""

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QEvent, QObject, QThread, QTimer
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from shiboken6 import delete

from tokstudio.ui import garbage
from tokstudio.ui.charts import LineChart
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.embeddings_course import CourseView
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.panes.find_bar import FindBar
from tokstudio.ui.panes.picker import TokenizerPicker
from tokstudio.ui.vocabulary_cards.charts import Coverage


class Part(QObject):
    """Keeps itself, and belongs to the thread that made it."""

    def __init__(self):
        super().__init__()
        self.me = self
        self.timer = QTimer(self, interval=1000)
        self.timer.start()


class Busy(QThread):
    """Makes so many objects that Python would search for garbage."""

    def run(self) -> None:
        self.kept = [[n] for n in range(200_000)]


def left_to(thread: QThread) -> list[str]:
    """On which thread the garbage of this one went while the other was at work; nothing: it is still there."""
    went: list[str] = []
    part = Part()
    weakref.finalize(part, lambda: went.append(threading.current_thread().name))
    del part
    thread.start()
    assert thread.wait(20_000)
    return went


@pytest.fixture
def searching():
    gc.enable()
    yield
    gc.enable()


def test_a_busy_thread_leaves_the_garbage_of_the_window(qtbot, searching):
    collector = garbage.Collector()
    collector.begin()
    try:
        went = left_to(busy := Busy())
        assert went == []
        qtbot.waitUntil(lambda: bool(went))
        assert went == [threading.main_thread().name]
        assert len(busy.kept) == 200_000
    finally:
        collector.end()
    assert gc.isenabled()


def test_searching_goes_on_with_the_last_of_several(searching):
    first, second = garbage.Collector(), garbage.Collector()
    for each in (first, second, second):
        each.begin()
    first.end()
    assert not gc.isenabled()
    second.end()
    second.end()
    assert gc.isenabled()


def test_it_goes_as_far_back_as_python_would(monkeypatch):
    asked = []
    monkeypatch.setattr(gc, "collect", asked.append)
    for count in ((10, 0, 0), (701, 3, 0), (900, 11, 2), (900, 11, 11), (3, 0, 11)):
        monkeypatch.setattr(gc, "get_count", lambda count=count: count)
        garbage.look()
    assert asked == [0, 1, 2, 2]
    monkeypatch.setattr(gc, "get_threshold", lambda: (0, 0, 0))  # somebody has switched it off
    garbage.look()
    assert asked == [0, 1, 2, 2]


def test_a_window_searches_while_it_is_open(qtbot, searching, tokstudio_home):
    window = MainWindow(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(window)
    window.show()
    assert not gc.isenabled()
    window.end(0)
    assert gc.isenabled()


# ---------------------------------------------------------------- what the collector has emptied, Qt may still call


def emptied(window) -> list[dict]:
    """As the collector leaves all parts before Qt takes the window apart: in the worst order. Returns what they held,
    which the collector lets go of only afterwards."""
    parts = [window, window.context, window.context.changes, *window.findChildren(QObject)]
    mine = [part for part in parts if type(part).__module__.startswith("tokstudio")]
    held = [dict(vars(part)) for part in mine]
    for part in mine:
        vars(part).clear()
    return held


@pytest.mark.parametrize("front", ["palette", "help", "find", "picker"])
def test_a_window_is_taken_apart_after_it_was_emptied(qtbot, tokstudio_home, front):
    window = MainWindow(Context(Settings(tokstudio_home / "window.ini")))
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    window.end(0)  # threads and timers are over
    window.show()
    window.activateWindow()
    field = asked_for(window, front)
    field.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is field)
    with qtbot.captureExceptions() as raised:
        held = emptied(window)
        delete(window)
    assert raised == []
    assert held


def asked_for(window: MainWindow, front: str) -> QLineEdit:
    """A field whose keys something listens to."""
    if front == "palette":
        window.open_palette()
        return window.palette_.field
    if front == "help":
        window.open_help()
        return window._help.field
    if front == "find":
        bar = window.findChild(FindBar)
        bar.start()
        return bar.field
    picker = TokenizerPicker.of(window.page("compare"))
    picker.ask(window.top.find, str)
    return picker.field


@pytest.mark.parametrize("make", [Coverage, lambda: LineChart("Loss"), CourseView])
def test_a_part_that_was_emptied_is_hidden_and_loses_the_focus(qtbot, make):
    part = make()
    qtbot.addWidget(part)
    part.show()
    held = dict(vars(part))
    vars(part).clear()
    with qtbot.captureExceptions() as raised:
        QApplication.sendEvent(part, QFocusEvent(QEvent.FocusOut))
        part.hide()
    assert raised == []
    vars(part).update(held)
