"""Where the garbage goes."""

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QObject, QThread, QTimer

from tokstudio.ui import garbage
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow


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
