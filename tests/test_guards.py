"""The guards bite: each is shown the thing it is there for."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QLabel

from tests import guards

SLEEPER = "import time; time.sleep(60)"
DETACH = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], start_new_session=True)"
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is left here never ends by itself, so waiting for it would only take time."""
    with monkeypatch.context() as patch:
        patch.setattr(guards, "PATIENCE", 0.05)
        yield


def test_a_running_thread_is_named():
    guard, end = guards.Threads(), threading.Event()
    thread = threading.Thread(target=end.wait, name="leaky")
    thread.start()
    assert guard.left() == ["a running thread: leaky (Thread)"]
    end.set()
    thread.join()
    assert guard.left() == []


def test_a_child_process_is_named_and_ended():
    guard = guards.Processes()
    child = subprocess.Popen([sys.executable, "-c", SLEEPER])
    assert [str(child.pid) in line for line in guard.left()] == [True]
    child.wait(5)
    assert guard.left() == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_left_its_parent_is_found_by_its_home():
    guard = guards.Processes()
    subprocess.run([sys.executable, "-c", DETACH], check=True)
    assert ["time.sleep(60)" in line for line in guard.left()] == [True]
    assert guard.left() == []


def test_a_running_qthread_is_named_and_ended(qapp):
    guard, thread = guards.QThreads(), QThread()
    thread.setObjectName("leaky")
    thread.start()
    assert guard.left() == ["a running QThread: QThread leaky"]
    assert thread.isFinished()


def test_a_top_level_widget_is_named_and_deleted(qapp):
    guard, widget = guards.Widgets(), QLabel("left")
    widget.setObjectName("leaky")
    assert guard.left() == ["a top-level widget: QLabel 'leaky'"]
    assert guard.left() == []


def test_a_widget_in_a_reference_cycle_is_no_leak(qapp):
    guard, widget = guards.Widgets(), QLabel("dropped")
    widget.itself = widget
    del widget
    assert guard.left() == []


def test_a_warning_of_qt_is_kept(qapp):
    guard = guards.QtMessages()
    QObject().startTimer(-1)
    assert ["negative intervals" in line for line in guard.left()] == [True]
    guards.MESSAGES.clear()


@pytest.mark.parametrize("address", [("203.0.113.1", 443), ("huggingface.co", 443)])
def test_a_connection_is_refused_and_kept_even_when_the_refusal_is_survived(address):
    guard = guards.Network()
    with pytest.raises(guards.NetworkBlocked):
        socket.create_connection(address, timeout=1)
    assert len(guard.left()) == 1
    guards.ATTEMPTS.clear()


def test_loopback_is_allowed():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    assert guards.Network().left() == []
