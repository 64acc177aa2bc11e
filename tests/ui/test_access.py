"""The window without eyes and without a mouse: names, the way of the Tab key, what is said aloud."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QWidget

from tests.ui.walk import told, usable
from tokstudio.errors import InputError
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.ui import announce, in_turns, page_list, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.widgets.problem import Problem

PAGES = [entry.name for entry in page_list.entries()]
MOST = 400  # presses of Tab that a page may need


@pytest.fixture
def window(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    made = MainWindow(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    made.resize(1600, 1000)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.end(0)
    for info in RunStore().runs():
        Run(info.folder).kill()


def opened(qtbot, window: MainWindow, name: str) -> QWidget:
    """The page, with something in it."""
    if name == "runs":
        RunStore().create("selftest", "one", "steps = 3")
    window.show_page(name)
    page = window.page(name)
    if name == "embeddings":
        from tokstudio.embed.known import known_matrices

        with qtbot.waitSignal(page.engine.opened, timeout=60_000):
            page.open_known(known_matrices()[0].name)
    qtbot.wait(300)
    qtbot.waitUntil(lambda: not in_turns._queue()._waiting)  # its parts are made one a turn
    return page


@pytest.mark.parametrize("name", PAGES)
def test_everything_on_a_page_has_a_name(qtbot, window, name):
    page = opened(qtbot, window, name)
    found = usable(page)
    assert len(found) >= 5
    assert [told(widget) for widget in found if not widget.accessibleName()] == []


@pytest.mark.parametrize("name", PAGES)
def test_the_tab_key_reaches_everything_on_a_page(qtbot, qapp, window, name):
    page = opened(qtbot, window, name)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=10_000)
    window.rail.buttons[name].setFocus(Qt.TabFocusReason)
    seen, traps = set(), []
    for _ in range(MOST):
        before = QApplication.focusWidget()
        qtbot.keyClick(before, Qt.Key_Tab)
        after = QApplication.focusWidget()
        if after is before:
            if not (isinstance(before, QPlainTextEdit) and not before.tabChangesFocus()):
                traps.append(told(before))
            qtbot.keyClick(before, Qt.Key_Tab, Qt.ControlModifier)  # an editor takes the key as text
            after = QApplication.focusWidget()
        if after in seen and after is window.rail.buttons[name]:
            break
        seen.add(after)
    wanted = [w for w in usable(page) if w.isVisible() and w.isEnabled() and w.focusPolicy() & Qt.TabFocus]
    assert wanted
    assert traps == []
    assert [told(widget) for widget in wanted if widget not in seen] == []


@pytest.mark.parametrize("name", PAGES)
def test_what_a_mouse_can_press_takes_the_keyboard_too(qtbot, window, name):
    page = opened(qtbot, window, name)
    mouse_only = [
        told(widget)
        for widget in usable(page)
        if widget.isVisible()
        and widget.isEnabled()
        and not widget.focusPolicy() & Qt.TabFocus
        # one of several that exclude each other: the arrow keys lead to it
        and not (getattr(widget, "group", lambda: None)() or getattr(widget, "autoExclusive", bool)())
    ]
    assert mouse_only == []


def test_f6_leads_out_of_an_editor_that_takes_the_tab_key(qtbot, window):
    edit = window.page("compare").text.editor.edit
    edit.setFocus()
    qtbot.keyClick(edit, Qt.Key_F6)
    assert QApplication.focusWidget() is not edit


@pytest.fixture
def said(monkeypatch):
    """What a screen reader would get: (words, interrupts)."""
    heard = []

    def take(event):
        assertive = event.politeness() == QAccessible.AnnouncementPoliteness.Assertive
        heard.append((event.message(), assertive))

    monkeypatch.setattr(announce.QAccessible, "updateAccessibility", take)
    monkeypatch.setattr(announce.QAccessible, "isActive", lambda: True)
    return heard


def test_ends_of_jobs_and_errors_are_said(qtbot, window, said):
    window.context.job("index", "Indexing", 0.5)
    window.context.job_done("index")
    window.context.say("Saved")
    window.context.fail(InputError("There is no file.", hint="Check the spelling."))
    assert said == [
        ("Indexing has ended", False),
        ("Saved", False),
        ("There is no file. Check the spelling.", True),
    ]
    window.toast.dismiss()


def test_a_problem_in_its_place_is_said(qtbot, said):
    problem = Problem()
    qtbot.addWidget(problem)
    problem.show_error(InputError("No model.", hint="Choose one."))
    problem.show_error(InputError("Small.", hint=""), warning=True)
    assert said == [("No model. Choose one.", True), ("Small.", False)]
