"""Work in several turns of the event loop: pages that are built, and a change of colors."""

import pytest
from PySide6.QtWidgets import QLabel, QWidget

from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.in_turns import InTurns
from tokstudio.ui.main_window import MainWindow


@pytest.fixture
def window(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    made = MainWindow(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()
    theme.apply(qapp, "light")


def steps(log: list, name: str):
    try:
        for i in range(3):
            log.append((name, i))
            yield
    finally:
        log.append((name, "end"))


def test_one_piece_a_turn(qtbot, qapp):
    work, log = InTurns(), []
    work.start(steps(log, "a"))
    assert log == []
    with qtbot.waitSignal(work.ended):
        pass
    assert log == [("a", 0), ("a", 1), ("a", 2), ("a", "end")]
    assert not work.busy


def test_another_one_ends_the_one_before(qtbot):
    work, log = InTurns(), []
    work.start(steps(log, "a"))
    work._piece()
    work.start(steps(log, "b"))
    assert log == [("a", 0), ("a", "end")]
    work.finish()
    assert log[-1] == ("b", "end")


def test_an_error_ends_it(qtbot):
    def broken():
        yield
        raise ValueError("no")

    work = InTurns()
    work.start(broken())
    work._piece()
    with pytest.raises(ValueError, match="no"):
        work._piece()
    assert not work.busy


def test_a_change_of_colors_in_turns_ends_as_one_at_once_does(qtbot, qapp):
    theme.apply(qapp, "dark")
    sheet = qapp.styleSheet()
    theme.apply(qapp, "light")
    label = QLabel("x")
    qtbot.addWidget(label)
    label.show()
    told = []
    theme.changed.connect(lambda: told.append(theme.current()))
    theme.switch(qapp, "dark")
    assert theme.current() == "dark"
    qtbot.waitUntil(lambda: not theme._turns().busy)
    assert set(told) == {"dark"}
    assert label.updatesEnabled()
    assert qapp.styleSheet() == sheet
    theme.switch(qapp, "light")  # and one that is overtaken half way
    theme._turns()._piece()
    assert not label.updatesEnabled()
    theme.apply(qapp, "dark")
    assert label.updatesEnabled()
    assert qapp.styleSheet() == sheet
    theme.apply(qapp, "light")


def test_a_click_builds_a_page_in_turns(qtbot, window):
    window.rail.chosen.emit("vocabulary")
    assert window.opening.busy
    assert window.rail.buttons["vocabulary"].isChecked()
    assert window.top.title.text() == "Compare"  # what is in front stays there
    qtbot.waitUntil(lambda: window.top.title.text() == "Vocabulary", timeout=20_000)
    assert isinstance(window.stack.currentWidget(), QWidget)
    assert window.stack.currentWidget() is window.page("vocabulary")
    assert not window.opening.busy


def test_the_last_click_wins(qtbot, window):
    window.rail.chosen.emit("vocabulary")
    window.opening._piece()
    window.rail.chosen.emit("compare")
    assert not window.opening.busy
    assert window.top.title.text() == "Compare"
    assert list(window._pages) == ["compare"]


def test_going_back_ends_what_a_click_began(qtbot, window):
    window.rail.chosen.emit("vocabulary")
    window.opening._piece()
    window._show_page("compare")
    assert not window.opening.busy
    assert list(window._pages) == ["compare"]


@pytest.mark.parametrize("turn", [1, 5, 9, 13])
@pytest.mark.parametrize("name", ["vocabulary", "embeddings"])
def test_a_page_that_is_left_half_built_leaves_nothing_behind(window, name, turn):
    """The guard of all tests looks for widgets, threads and processes."""
    window.rail.chosen.emit(name)
    for _ in range(turn):
        if window.opening.busy:
            window.opening._piece()
    window.show_page("compare")
    for page in window._pages.values():
        assert page.window() is window
    window.page(name)  # and it can still be made


def test_runs_are_looked_after_until_their_page_is_there(window):
    window.rail.chosen.emit("runs")
    window.opening._piece()
    window.show_page("compare")
    assert "runs" not in window._pages
    assert window.lookout is not None
    window.page("runs")
    assert window.lookout is None


def test_what_needs_a_page_at_once_gets_it(qtbot, window):
    window.rail.chosen.emit("vocabulary")
    window.opening._piece()
    page = window.page("vocabulary")
    assert not window.opening.busy
    assert window.page("vocabulary") is page
