"""Live runs are visible from the start, before anybody opens the Runs page."""

import pytest

from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.ui import leaving, lookout, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow

PATIENCE = 60_000


@pytest.fixture
def window(qtbot, qapp, tokstudio_home, monkeypatch):
    monkeypatch.setattr(lookout, "AFTER", 0)
    monkeypatch.setattr(lookout, "LOOK", 50)
    theme.apply(qapp, "light")
    made = MainWindow(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    made.show()
    yield made
    made.end(0)


@pytest.fixture
def going():
    """A run that somebody else started. Nobody waits for its end, which comes also when pytest is interrupted."""
    run = RunStore().create("selftest", "elsewhere", "steps = 600\npause = 0.1")
    run.start()
    yield run
    run.kill()


def alive(window) -> bool:
    return window.rail.buttons["runs"].alive


def test_a_live_run_shows_at_the_start_and_its_page_takes_it_over(qtbot, going, window):
    key = f"run:{going.folder.name}"
    qtbot.waitUntil(lambda: alive(window) and key in window.status._jobs, timeout=PATIENCE)
    assert "runs" not in window._pages
    window.show_page("runs")
    assert window.lookout is None
    assert alive(window)
    page = window.page("runs")
    qtbot.waitUntil(lambda: page.watches[going.folder.name].state.step > 0, timeout=PATIENCE)
    assert key in window.status._jobs


def test_it_can_be_stopped_from_the_status_bar(qtbot, going, window):
    key = f"run:{going.folder.name}"
    qtbot.waitUntil(lambda: key in window.status._jobs, timeout=PATIENCE)
    window.status._jobs[key].stop.click()
    qtbot.waitUntil(lambda: key not in window.status._jobs, timeout=PATIENCE)
    assert not alive(window)
    assert Run(going.folder).state() == "stopped"


def test_without_runs_nothing_shows(qtbot, window):
    qtbot.wait(200)
    assert not alive(window)
    assert window.status._jobs == {}


def question(window):
    return window.findChild(leaving.Question)


def test_closing_asks_and_the_default_keeps_the_run(qtbot, going, window):
    window.close()
    assert window.isVisible()
    assert question(window).defaultButton().text() == "Keep running"
    question(window).stay.click()
    assert window.isVisible()
    qtbot.waitUntil(lambda: question(window) is None, timeout=PATIENCE)
    window.close()
    question(window).always.setChecked(True)
    question(window).keep.click()
    assert not window.isVisible()
    assert going.alive()
    assert window.context.settings.get(leaving.KEY) == "keep"


def test_closing_can_park(qtbot, going, window):
    qtbot.waitUntil(lambda: going.state() == "running", timeout=PATIENCE)
    window.close()
    question(window).park.click()
    assert not window.isVisible()
    qtbot.waitUntil(lambda: going.state() == "parked", timeout=PATIENCE)
