"""What a test may not leave behind. Each guard looks once before the test and once after it.

They cover Python threads, processes (reparented ones too, by their TOKSTUDIO_HOME), QThreads and Qt's global
pool, top-level widgets, Qt's warnings, and Python's sockets. They do not cover threads that native libraries
start for themselves, files, or sockets that native code opens.
"""

import gc
import os
import re
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psutil
from PySide6.QtCore import QCoreApplication, QEvent, QMessageLogContext, QThread, QThreadPool, QtMsgType
from PySide6.QtWidgets import QApplication

PATIENCE = 20.0  # seconds that something which is already ending may take


class Guard(Protocol):
    def left(self) -> list[str]:
        """What the test left, one line each; ended or dropped here, so that the next test is not blamed."""


class Threads:
    def __init__(self):
        self.before = set(threading.enumerate())

    def left(self) -> list[str]:
        deadline = time.monotonic() + PATIENCE
        for thread in self._new():
            thread.join(max(0.0, deadline - time.monotonic()))
        return [f"a running thread: {thread.name} ({type(thread).__qualname__})" for thread in self._new()]

    def _new(self) -> list[threading.Thread]:
        # a QThread that ran Python code stays listed as a dummy for ever; class QThreads watches the real one
        return [
            t
            for t in threading.enumerate()
            if t not in self.before and not isinstance(t, threading._DummyThread)
        ]


class Processes:
    def __init__(self):
        self.before = {child.pid for child in psutil.Process().children(recursive=True)}
        self.home = f"TOKSTUDIO_HOME={os.environ.get('TOKSTUDIO_HOME', '')}".encode()

    def left(self) -> list[str]:
        _, alive = psutil.wait_procs(self._new(), timeout=PATIENCE)
        lines = [f"a running process: {self._describe(process)}" for process in alive]
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=PATIENCE)
        self._wait_for_ended()
        return lines

    @staticmethod
    def _wait_for_ended() -> None:
        """Runs and keepers outlive their window, which asks after them only when it starts the next one: until
        then an ended one is a zombie, which the next test would find among its children."""
        for module, name in (("tokstudio.runs.process", "CHILDREN"), ("tokstudio.runs.queue", "KEEPERS")):
            for process in getattr(sys.modules.get(module), name, ()):
                process.poll()

    def _new(self) -> list[psutil.Process]:
        found = {c.pid: c for c in psutil.Process().children(recursive=True) if c.pid not in self.before}
        for pid in self._of_this_home() - set(found):
            try:
                found[pid] = psutil.Process(pid)
            except psutil.NoSuchProcess:
                continue
        return [process for process in found.values() if not self._harmless(process)]

    def _of_this_home(self) -> set[int]:
        """A run leads its own session: once its parent has gone, only its environment shows whose it was."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.home in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:  # ended meanwhile, or another user's
                continue
        return found - {os.getpid()}

    @staticmethod
    def _harmless(process: psutil.Process) -> bool:
        """Ended but not yet waited for, or the one process that multiprocessing keeps for the session."""
        try:
            return process.status() == psutil.STATUS_ZOMBIE or any(
                "resource_tracker" in a for a in process.cmdline()
            )
        except psutil.NoSuchProcess:
            return True

    @staticmethod
    def _describe(process: psutil.Process) -> str:
        try:
            return f"{process.pid} {' '.join(process.cmdline())[:200]}"
        except psutil.NoSuchProcess:  # ZombieProcess too
            return f"{process.pid} (has just ended)"


STARTED: "weakref.WeakSet[QThread]" = weakref.WeakSet()


def remember_started_threads() -> None:
    """Qt has no list of its threads, so every `start` is noted."""
    original = QThread.start

    def start(self: QThread, *priority) -> None:
        STARTED.add(self)
        original(self, *priority)

    QThread.start = start


class QThreads:
    def left(self) -> list[str]:
        lines = [
            f"a running QThread: {type(t).__qualname__} {t.objectName()}"
            for t in list(STARTED)
            if self._runs(t)
        ]
        if not QThreadPool.globalInstance().waitForDone(int(PATIENCE * 1000)):
            lines.append("work in QThreadPool.globalInstance()")
        STARTED.clear()
        return lines

    @staticmethod
    def _runs(thread: QThread) -> bool:
        try:
            if not thread.isRunning() or thread.wait(int(PATIENCE * 1000)):
                return False
        except RuntimeError:  # the C++ half has been deleted
            return False
        thread.requestInterruption()
        thread.quit()
        if not thread.wait(2000):
            thread.terminate()
            thread.wait(2000)
        return True


class Widgets:
    def __init__(self):
        self.before = {id(widget) for widget in self._roots()}

    def left(self) -> list[str]:
        if not QApplication.instance():
            return []
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        if (
            self._new()
        ):  # a widget in a reference cycle goes with the collector; too slow to ask after every test
            gc.collect()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        lines = [f"a top-level widget: {type(w).__qualname__} {w.objectName()!r}" for w in self._new()]
        for widget in self._new():
            widget.hide()
            widget.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return lines

    def _new(self) -> list:
        return [widget for widget in self._roots() if id(widget) not in self.before]

    @staticmethod
    def _roots() -> list:
        """Windows without a parent. QTipLabel is Qt's one tooltip, shared by all widgets."""
        if not QApplication.instance():
            return []
        return [
            w
            for w in QApplication.topLevelWidgets()
            if not w.parent() and w.metaObject().className() != "QTipLabel"
        ]


EXPECTED_FROM_QT = [
    re.compile(
        r"This plugin does not support "
    ),  # what the offscreen platform says of grabs, raise, size hints
]
MESSAGES: list[str] = []


def note_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    if kind in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) or any(e.match(message) for e in EXPECTED_FROM_QT):
        return
    MESSAGES.append(f"Qt: {message} ({kind.name})")


class QtMessages:
    def __init__(self):
        MESSAGES.clear()

    def left(self) -> list[str]:
        return list(dict.fromkeys(MESSAGES))


ATTEMPTS: list[str] = []


class Network:
    """Listed again at the end of the test, because code that expects a dead network survives the refusal."""

    def __init__(self):
        ATTEMPTS.clear()

    def left(self) -> list[str]:
        return [f"a connection: {attempt}" for attempt in ATTEMPTS]


class NetworkBlocked(RuntimeError):
    """A test reached beyond this machine."""


def is_local(address: object) -> bool:
    """A path or an abstract name (Unix), or a loopback host. None is getaddrinfo's "this machine"."""
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(address, tuple) and isinstance(host, str):
        return host in ("", "localhost", "::1", "0.0.0.0", "::") or host.startswith("127.")
    return True


def refuse_remote(call: Callable, where: Callable[..., object], allowed: Callable[[], bool]) -> Callable:
    """`call`, but for remote hosts; `where` takes its arguments to the address."""

    def guarded(*args, **kwargs):
        address = where(*args, **kwargs)
        if not is_local(address) and not allowed():
            ATTEMPTS.append(f"{call.__name__} {address}")
            raise NetworkBlocked(
                f"{call.__name__} {address}: mark the test with `network` if it must reach out"
            )
        return call(*args, **kwargs)

    return guarded


GUARDS: list[type[Guard]] = [Network, QThreads, Threads, Processes, Widgets, QtMessages]
