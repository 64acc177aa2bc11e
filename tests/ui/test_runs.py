"""The Runs page, driven from the click to the end with runs that only count."""

import os
import signal
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QListView, QWidget

from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.pages.runs import RunsPage
from tokstudio.ui.run_cards.run_list import summary
from tokstudio.ui.words import counted, duration, size

PATIENCE = 60_000


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def context(tmp_path) -> Context:
    return Context(Settings(tmp_path / "window.ini"))


@pytest.fixture
def open_page(qtbot, qapp, store, context):
    theme.apply(qapp, "light")
    pages: list[RunsPage] = []

    def make() -> RunsPage:
        page = RunsPage(context, store)
        qtbot.addWidget(page)
        page.resize(1368, 826)
        page.show()
        page.opened()
        pages.append(page)
        return page

    yield make
    for page in pages:
        page.close_down()
    for info in store.runs():
        Run(info.folder).kill()


@pytest.fixture
def page(open_page) -> RunsPage:
    return open_page()


@pytest.fixture
def begin(page, store) -> Callable[[str], str]:
    """`begin("steps = 5")`: a self-test is started as a click would do it. Returns its name."""

    def start(config: str) -> str:
        name = store.create("selftest", "count", config).folder.name
        page.receive(start=name)
        return name

    return start


def state(page: RunsPage) -> str:
    return page.board.head.pill.state


def shown(page: RunsPage) -> set[str]:
    head = page.board.head
    buttons = {"stop": head.stop, "kill": head.kill, "resume": head.resume, "start": head.start}
    return {name for name, button in buttons.items() if button.isVisible()}


def wait_for(qtbot, page: RunsPage, word: str) -> None:
    qtbot.waitUntil(lambda: state(page) == word, timeout=PATIENCE)


def test_an_empty_page_offers_the_demo(page):
    assert page.empty.isVisible()
    assert [button.text() for button in page.empty.buttons] == ["Start the demo transfer", "Set one up"]
    assert page.actions() == []  # one filled button a page


def test_from_the_click_to_the_result(qtbot, page, begin):
    name = begin("steps = 300\npause = 0.01\nprepare = 0.2")
    assert state(page) == "preparing"  # with the click, before there is a process
    wait_for(qtbot, page, "running")
    assert shown(page) == {"stop"}
    wait_for(qtbot, page, "finished")
    qtbot.waitUntil(page.board.result.isVisible, timeout=PATIENCE)
    board = page.board
    # the board is brought up to date a part a turn
    qtbot.waitUntil(lambda: "finished" in board.log.text().rpartition("\n")[2], timeout=PATIENCE)
    assert shown(page) == set()
    assert board.result.trained.value.text() == "1.450"
    assert board.result.gap.value.text() == "86 %"
    assert "reloaded in a fresh process" in board.result.check.text()
    assert board.head.steps.text() == "300 of 300 steps"
    assert board.samples.rows["source"].count.text().endswith("tokens")
    qtbot.waitUntil(lambda: summary(page.infos[name]) == "1.450 bits per byte", timeout=PATIENCE)
    assert len({panel.value.text() for panel in board._placed if panel.title != "Load"}) == 4


def test_every_event_is_drawn_once(qtbot, page, begin):
    begin("steps = 20")
    wait_for(qtbot, page, "finished")
    qtbot.waitUntil(lambda: not page.watches["count-01"].following)
    qtbot.waitUntil(lambda: "finished" in page.board.log.text().rpartition("\n")[2], timeout=PATIENCE)
    assert page.board.log.text().count("20 steps on cpu") == 1


def refuse(_folder) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_folder_that_cannot_be_read_is_told_once_and_nothing_goes(
    qtbot, page, begin, store, context, monkeypatch
):
    name = begin("steps = 5")
    wait_for(qtbot, page, "finished")
    said = []
    context.failed.connect(said.append)
    monkeypatch.setattr(type(store.folder), "iterdir", refuse)
    page.reload()
    page.reload()
    monkeypatch.undo()
    assert [str(error) for error in said] == [
        f"The runs folder {store.folder} cannot be read: Permission denied."
    ]
    assert name in page.infos


def test_the_disk_use_counts_what_a_run_writes_later(qtbot, page, begin, store):
    name = begin("steps = 20")
    (store.folder / name / "checkpoints").mkdir(exist_ok=True)
    (store.folder / name / "checkpoints" / "large").write_bytes(bytes(3_000_000))
    wait_for(qtbot, page, "finished")
    qtbot.waitUntil(lambda: page.list._foot.text() == "1 run, 3.0 MB", timeout=PATIENCE)


def test_stop_then_resume(qtbot, page, begin):
    name = begin("steps = 300\npause = 0.01")
    qtbot.waitUntil(lambda: page.watches[name].state.step > 2, timeout=PATIENCE)
    page.board.head.stop_asked.emit()
    assert state(page) in ("stopping", "stopped")
    wait_for(qtbot, page, "stopped")
    assert shown(page) == {"resume"}
    qtbot.waitUntil(lambda: "checkpoint at step" in summary(page.infos[name]), timeout=PATIENCE)
    qtbot.mouseClick(page.board.head.resume, Qt.LeftButton)
    assert state(page) == "preparing"
    wait_for(qtbot, page, "finished")
    assert page.watches[name].state.columns["loss"].steps.tolist() == list(range(1, 301))


def test_the_stop_button_says_what_it_will_do(qtbot, page, begin):
    begin("steps = 3000\npause = 0.01")
    wait_for(qtbot, page, "running")
    words = [action.text() for action in page.board.head.stop_menu.actions()]
    assert [text.partition(":")[0] for text in words] == ["Stop and keep", "Stop and discard", "", "End now"]
    page.board.head.stop_menu.actions()[3].trigger()
    wait_for(qtbot, page, "failed")


def test_a_killed_worker_shows_what_happened_and_a_way_on(qtbot, page, begin):
    name = begin("steps = 300\npause = 0.01")
    qtbot.waitUntil(lambda: page.watches[name].state.step > 12, timeout=PATIENCE)
    os.kill(page.watches[name].run.process.pid, signal.SIGKILL)
    wait_for(qtbot, page, "failed")
    trouble = page.board.trouble
    assert "The run's process was killed at step" in trouble.title.text()
    saved = Run(page.infos[name].folder).latest_checkpoint()
    assert trouble.hint.text() == f"Resume continues from the checkpoint at step {saved:,}."
    buttons = {button.text(): button for button in trouble.findChildren(QAbstractButton)}
    assert {"Open log", "Copy report"} <= set(buttons)
    assert "Resume" not in buttons  # the head has it
    qtbot.mouseClick(buttons["Copy report"], Qt.LeftButton)
    qtbot.mouseClick(page.board.head.resume, Qt.LeftButton)
    wait_for(qtbot, page, "finished")
    assert not trouble.isVisible()


def test_an_error_for_people_has_no_traceback(qtbot, page, begin):
    begin("steps = 30\nerror_at = 12")
    wait_for(qtbot, page, "failed")
    trouble = page.board.trouble
    assert (trouble.title.text(), trouble.hint.text()) == (
        "The loss became NaN.",
        "Use a smaller learning rate, for example 3e-4.",
    )
    assert "Traceback" not in " ".join(label.text() for label in trouble.findChildren(type(trouble.title)))


def test_a_stuck_run_can_be_ended(qtbot, page, begin, monkeypatch):
    monkeypatch.setattr("tokstudio.ui.run_cards.watch.STUCK", 0.0)
    name = begin("steps = 3000\npause = 0.01\nignore_stop = true")
    qtbot.waitUntil(lambda: page.watches[name].state.step > 2, timeout=PATIENCE)
    page.stop()
    qtbot.waitUntil(lambda: shown(page) == {"kill"}, timeout=PATIENCE)
    qtbot.mouseClick(page.board.head.kill, Qt.LeftButton)
    wait_for(qtbot, page, "failed")


def test_a_run_outlives_its_window_and_the_next_one_follows_it(qtbot, page, begin, open_page):
    name = begin("steps = 1000\npause = 0.01")
    qtbot.waitUntil(lambda: page.watches[name].state.step > 2, timeout=PATIENCE)
    page.close_down()
    assert Run(page.infos[name].folder).alive()
    second = open_page()
    wait_for(qtbot, second, "running")
    qtbot.waitUntil(lambda: second.watches[name].state.step > 20, timeout=PATIENCE)
    second.stop()
    wait_for(qtbot, second, "stopped")
    page.watches[name].run.process.wait()


def test_a_run_that_others_start_appears(qtbot, page, store):
    run = store.create("selftest", "other", "steps = 3000\npause = 0.01")
    run.start()
    page.reload()
    wait_for(qtbot, page, "running")
    assert "other-01" in page.list.rows
    run.kill()
    wait_for(qtbot, page, "failed")


def test_a_lost_run_says_so(qtbot, store, open_page):
    run = store.create("selftest", "count", "steps = 3000\npause = 0.01")
    run.start()
    next(batch for batch in run.events(poll=0.01) if any(e.kind == "metrics" for e in batch))
    run.kill()
    page = open_page()
    wait_for(qtbot, page, "lost")
    qtbot.waitUntil(page.board.trouble.isVisible)
    assert "lost" in page.board.trouble.title.text()
    assert shown(page) == {"resume"}


def test_the_selection_is_remembered(qtbot, begin, page, open_page):
    first = begin("steps = 3")
    wait_for(qtbot, page, "finished")
    begin("steps = 3")
    wait_for(qtbot, page, "finished")
    qtbot.mouseClick(page.list.rows[first], Qt.LeftButton)
    assert page._selected == first
    assert open_page()._selected == first


def test_the_list_is_walked_with_keys(qtbot, page, begin):
    for _ in range(2):
        begin("steps = 3")
        wait_for(qtbot, page, "finished")
    page.list.rows["count-01"].setFocus()
    qtbot.keyClick(page.list.rows["count-01"], Qt.Key_Return)
    assert page._selected == "count-01"


def test_a_runs_folder_that_cannot_be_written(qtbot, tmp_path, context, qapp):
    (tmp_path / "file").write_text("in the way")
    page = RunsPage(context, RunStore(tmp_path / "file"))
    qtbot.addWidget(page)
    said = []
    context.failed.connect(said.append)
    page.start_demo()
    page.close_down()
    assert "cannot be written" in str(said[0])
    assert said[0].hint


def test_the_shell_hears_of_what_goes_on(qtbot, page, begin, context):
    jobs, badges = [], []
    context.job_changed.connect(lambda key, _title, fraction, _cancel: jobs.append((key, fraction)))
    context.badge_changed.connect(lambda name, alive: badges.append((name, alive)))
    begin("steps = 3000\npause = 0.01")
    wait_for(qtbot, page, "running")
    page.reload()
    assert badges[-1] == ("runs", True)
    assert any(key == "run:count-01" and fraction >= 0 for key, fraction in jobs)
    page.stop()
    wait_for(qtbot, page, "stopped")
    page.reload()
    assert badges[-1] == ("runs", False)
    assert jobs[-1] == ("run:count-01", -1.0)


@pytest.mark.parametrize(("width", "listed", "columns"), [(1368, True, 2), (1028, False, 2), (832, False, 1)])
def test_room(qtbot, page, begin, width, listed, columns):
    begin("steps = 3")
    wait_for(qtbot, page, "finished")
    page.resize(width, 646)
    assert page.list.isVisible() is listed
    assert page.board._columns == columns
    assert page.minimumSizeHint().width() <= 832
    assert page.board.head.others.isVisible() is not listed


def test_everything_that_can_be_used_has_a_name(qtbot, page, begin):
    begin("steps = 3")
    wait_for(qtbot, page, "finished")
    for widget in page.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QListView) and widget.isVisible():
            assert widget.accessibleName() or getattr(widget, "text", str)(), widget


def test_a_live_switch_of_the_theme(qtbot, qapp, page, begin):
    begin("steps = 30")
    wait_for(qtbot, page, "finished")
    theme.apply(qapp, "dark")
    surface = theme.color("surface").name()
    image = page.board.panels[0].grab().toImage()
    assert image.pixelColor(image.width() // 2, image.height() - 3).name() == surface
    theme.apply(qapp, "light")


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 B"), (999, "999 B"), (612e6, "612 MB"), (20.7e9, "20.7 GB"), (1e9, "1 GB"), (18432, "18.4 kB")],
)
def test_sizes(value, words):
    assert size(value) == words


def test_times():
    assert [duration(s) for s in (0.2, 45, 900, 7500, 7200)] == ["1 s", "45 s", "15 min", "2 h 5 min", "2 h"]
    assert [counted(n, "run") for n in (0, 1, 7)] == ["0 runs", "1 run", "7 runs"]


def test_a_closed_page_does_not_follow_again(qtbot, page, begin):
    """The last signal of a follower that was left arrives when nobody is its sender any more."""
    name = begin("steps = 3000\npause = 0.01")
    qtbot.waitUntil(lambda: page.watches[name].state.step > 2, timeout=PATIENCE)
    page.close_down()
    qtbot.wait(300)
    assert not page.watches[name].following
