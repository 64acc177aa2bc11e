"""Download from the Hub: address and size first, progress, cancel, errors in the dialog."""

import time

import pytest
from PySide6.QtCore import Qt

from tokstudio.errors import TokenizerError
from tokstudio.tokens import download
from tokstudio.tokens.download import Plan, RemoteFile, Stopped
from tokstudio.ui import theme
from tokstudio.ui.panes.download_dialog import DownloadDialog, described, size_of


@pytest.fixture
def plan(tmp_path) -> Plan:
    files = (
        RemoteFile("tokenizer.json", "https://hub.example/a/b/tokenizer.json", 7_031_645),
        RemoteFile("tokenizer_config.json", "https://hub.example/a/b/tokenizer_config.json", 7_305),
    )
    return Plan("a/b", "https://hub.example/a/b", files, tmp_path / "a-b")


@pytest.fixture
def dialog(qtbot, qapp, plan):
    theme.apply(qapp, "light")
    made = DownloadDialog(None, "a/b", find=lambda reference: plan)
    made.setAttribute(Qt.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.reject()


def test_nothing_is_fetched_before_a_person_agrees(qtbot, dialog, monkeypatch):
    asked = []
    monkeypatch.setattr(download, "fetch", lambda *_: asked.append(1))
    assert not dialog.start.isEnabled()
    dialog.look_up()
    qtbot.waitUntil(dialog.start.isEnabled)
    assert "https://hub.example/a/b" in dialog.what.text()
    assert "2 files, 7.0 MB" in dialog.what.text()
    assert asked == []
    dialog.field.setText("a/c")
    assert not dialog.start.isEnabled()


def test_progress_and_the_end(qtbot, dialog, plan, monkeypatch):
    def fetch(found, progress, cancelled):
        assert found is plan
        progress(3_500_000, plan.bytes)
        return plan.folder

    monkeypatch.setattr(download, "fetch", fetch)
    dialog.look_up()
    qtbot.waitUntil(dialog.start.isEnabled)
    with qtbot.waitSignal(dialog.fetched) as got:
        dialog.download()
    assert got.args == ["a/b"]
    assert dialog.count.text() == "3.5 MB of 7.0 MB"


def test_cancel_stops_it(qtbot, dialog, monkeypatch):
    started, ended = [], []

    def fetch(_plan, progress, cancelled):
        started.append(1)
        while not cancelled():
            time.sleep(0.01)
        ended.append(1)
        raise Stopped("stopped")

    monkeypatch.setattr(download, "fetch", fetch)
    dialog.look_up()
    qtbot.waitUntil(dialog.start.isEnabled)
    dialog.download()
    qtbot.waitUntil(lambda: bool(started))
    dialog.reject()
    assert ended == [1]


def test_errors_stay_in_the_dialog(qtbot, dialog, monkeypatch):
    def fetch(*_):
        raise TokenizerError("The connection broke.", hint="Try again.")

    monkeypatch.setattr(download, "fetch", fetch)
    dialog.look_up()
    qtbot.waitUntil(dialog.start.isEnabled)
    dialog.download()
    qtbot.waitUntil(dialog.problem.isVisible)
    assert dialog.problem.title.text() == "The connection broke."
    assert dialog.start.isEnabled()


def test_sizes_in_words(plan):
    assert [size_of(n) for n in (None, 7_305, 7_031_645)] == ["size not stated", "7.3 kB", "7.0 MB"]
    assert described(plan).splitlines()[0] == "From https://hub.example/a/b"
