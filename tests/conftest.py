"""What every test runs under: a home folder of its own, no network, and guards against what it leaves behind.

A test that leaks a thread, a process, a QThread or a top-level widget, that makes Qt complain, or that
reaches beyond this machine fails at its teardown and is told why (`tests/guards.py`).
"""

import gc
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tqdm
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when the hub's library is imported
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _name in ("HF_HOME", "TIKTOKEN_CACHE_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
    # what this person keeps on this machine neither helps a test nor is touched by it
    os.environ[_name] = os.path.join(tempfile.gettempdir(), "tokstudio-tests", _name.lower())

from PySide6.QtCore import qInstallMessageHandler  # noqa: E402  after the platform has been chosen
from pytestqt.qtbot import QtBot  # noqa: E402

from tests import guards  # noqa: E402

# Wall-clock time says nothing on a busy machine, so no example has a deadline.
settings.register_profile("tokstudio", deadline=None, print_blob=True)
settings.load_profile("tokstudio")
tqdm.tqdm.monitor_interval = 0  # its watchdog thread outlives the bar that started it

PATIENCE = 60_000  # milliseconds that a test waits for what it does not name a time for
network_allowed = False


def pytest_configure(config: pytest.Config) -> None:
    guards.remember_started_threads()
    remote = {"connect": lambda _, address: address, "connect_ex": lambda _, address: address}
    for name, where in remote.items():
        setattr(socket.socket, name, guards.refuse_remote(getattr(socket.socket, name), where, _allowed))
    socket.getaddrinfo = guards.refuse_remote(socket.getaddrinfo, lambda host, *_, **__: (host,), _allowed)

    for wait in (QtBot.waitUntil, QtBot.waitSignal, QtBot.waitSignals, QtBot.waitCallback, QtBot.waitExposed):
        wait.__kwdefaults__["timeout"] = PATIENCE  # five seconds are not enough where others have the cores


def pytest_unconfigure(config: pytest.Config) -> None:
    qInstallMessageHandler(None)  # Qt may still speak when Python no longer can


def _allowed() -> bool:
    return network_allowed


@pytest.fixture(autouse=True)
def tokstudio_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs, settings and cache of this test."""
    home = tmp_path / "home"
    monkeypatch.setenv("TOKSTUDIO_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test of the window leaves for Python's search for garbage goes at its end, and on the window's thread:
    later, or on a thread of another test, it would be that one which breaks."""
    if "qapp" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.enable()
    gc.collect(0)  # all that came to be since


@pytest.fixture(autouse=True)
def guarded(request: pytest.FixtureRequest, tokstudio_home: Path) -> Iterator[None]:
    """Set up before and torn down after what a test asks for: a conftest's autouse fixtures come first."""
    global network_allowed
    network_allowed = request.node.get_closest_marker("network") is not None
    qInstallMessageHandler(guards.note_qt_message)  # each time: the program under test may install its own
    watching = [guard() for guard in guards.GUARDS]
    yield
    left = [line for guard in watching for line in guard.left()]
    network_allowed = False
    if left:
        pytest.fail("this test left or caused\n- " + "\n- ".join(left), pytrace=False)
