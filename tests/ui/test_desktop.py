"""Notices outside the window: which program is asked, and when none is."""

import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tests.runs.test_notices import FULL, info
from tokstudio.runs.notices import Notice
from tokstudio.ui import desktop
from tokstudio.ui.context import Context, Settings

BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
NOTICE = Notice("a", "failed", "a has failed", "The disk isn't large enough.")


def only(name: str):
    return lambda wanted: f"/usr/bin/{wanted}" if wanted == name else None


def test_no_session_no_program(tmp_path):
    assert desktop.command(NOTICE, {}, only("notify-send")) == []
    assert desktop.command(NOTICE, {"XDG_RUNTIME_DIR": str(tmp_path)}, only("notify-send")) == []
    (tmp_path / "bus").touch()
    assert desktop.command(NOTICE, {"XDG_RUNTIME_DIR": str(tmp_path)}, only("notify-send"))
    assert desktop.command(NOTICE, BUS, lambda _: None) == []


def test_texts_reach_the_program_whole():
    call = desktop.command(NOTICE, BUS, only("notify-send"))
    assert call[-3:] == ["--", NOTICE.title, NOTICE.text]
    assert "--urgency=critical" in call
    call = desktop.command(NOTICE, BUS, only("gdbus"))
    assert r"'The disk isn\'t large enough.'" in call


@pytest.fixture
def notifier(qapp, tmp_path, monkeypatch):
    made = desktop.Notifier(Context(Settings(tmp_path / "window.ini")))
    made.shown, made.said = [], []
    monkeypatch.setattr(made.desktop, "show", lambda notice: made.shown.append(notice.kind))
    made._context.said.connect(lambda text, _: made.said.append(text))
    made.see([info("a", "running")])
    return made


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the programs of a Linux desktop")
def test_the_program_of_the_desktop_is_really_started(qtbot, tmp_path, monkeypatch):
    program, written = tmp_path / "notify-send", tmp_path / "written"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {written}.part && mv {written}.part {written}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    assert desktop.Desktop().show(NOTICE) is True
    qtbot.waitUntil(written.exists, timeout=20_000)
    assert written.read_text().splitlines()[-2:] == [NOTICE.title, NOTICE.text]


def look(monkeypatch, state) -> None:
    monkeypatch.setattr(QGuiApplication, "applicationState", lambda: state)


def test_away_from_the_window_the_desktop_tells(notifier, monkeypatch):
    look(monkeypatch, Qt.ApplicationInactive)
    notifier.see([info("a", "running")], {"a": [FULL]})
    notifier.see([info("a", "finished")])
    assert notifier.shown == ["alarm", "finished"]
    assert notifier.said == []


def test_switched_off_it_tells_nothing(notifier, monkeypatch):
    look(monkeypatch, Qt.ApplicationInactive)
    notifier._context.settings.set(desktop.KEY, False)
    notifier.see([info("a", "finished")])
    assert notifier.shown == []


def test_at_the_window_the_window_tells_unless_the_run_is_on_the_screen(notifier, monkeypatch):
    look(monkeypatch, Qt.ApplicationActive)
    notifier.see([info("a", "failed", message="Out of memory.")])
    assert (notifier.shown, notifier.said) == ([], ["a has failed. Out of memory."])
    notifier.see([info("a", "running")])
    notifier.see([info("a", "finished")], watched=True)
    assert len(notifier.said) == 1
