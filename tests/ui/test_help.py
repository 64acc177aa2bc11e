"""Help inside the window, first steps, and the way back to what was shown before."""

import re

import pytest
from PySide6.QtCore import Qt

from tokstudio.ui import crashes, first_steps, help, page_list, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.history import History
from tokstudio.ui.main_window import MainWindow


@pytest.fixture
def open_window(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    made: list[MainWindow] = []

    def make(start: crashes.Start | None = None) -> MainWindow:
        window = MainWindow(Context(Settings(tokstudio_home / "window.ini")), start)
        qtbot.addWidget(window)
        window.show()
        made.append(window)
        return window

    yield make
    for window in made:
        window.end(0)


def test_every_page_has_its_help():
    assert {entry.name for entry in page_list.SHIPPED} <= set(help.TOPICS)
    for entry in page_list.SHIPPED:
        assert help.title_of(entry.name) == entry.title
        assert "## Keys" in help.text_of(entry.name)
    assert all(len(help.text_of(topic).split()) < 400 for topic in help.TOPICS)


def test_the_help_finds_words_in_all_pages():
    assert help.found("") == list(help.TOPICS)
    assert help.found("park checkpoint") == ["runs"]
    assert help.found("Compare")[0] == "compare"
    assert help.found("no-such-word") == []


def test_keys_of_the_help_are_those_of_the_window(open_window):
    from PySide6.QtGui import QShortcut

    window = open_window()
    known = {shortcut.key().toString() for shortcut in window.findChildren(QShortcut)}
    everywhere = help.text_of("keys").partition("## Everywhere")[2].partition("## ")[0]
    named = re.findall(r"\b(?:(?:Ctrl|Alt|Shift)\+)+[A-Z0-9+\-=]\w*|\bF\d\b", everywhere)
    assert len(named) >= 10
    assert set(named) - {"Shift+Tab"} <= known


def test_f1_opens_the_help_of_the_page_in_front(qtbot, open_window):
    window = open_window()
    window.show_page("transfer")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=10_000)
    qtbot.keyClick(window, Qt.Key_F1)
    assert window._help.topic == "transfer"
    assert "Moves a language model" in window._help.page.toPlainText()
    qtbot.keyClicks(window._help.field, "trash")
    assert window._help.topic == "runs"
    assert window._help.page.textCursor().selectedText().lower() == "trash"
    qtbot.keyClicks(window._help.field, "zzz")
    assert window._help.none.isVisible()
    window._help.close()


def test_first_steps_are_shown_once_and_again_when_asked(qtbot, open_window, tokstudio_home):
    window = open_window(crashes.Start(0, False))
    strip = window.hints
    assert strip.isVisible()
    assert strip.count.text() == "1 of 4"
    assert not strip.back.isEnabled()
    for _ in range(3):
        strip.next.click()
    assert (strip.count.text(), strip.next.text()) == ("4 of 4", "Done")
    strip.next.click()
    assert not strip.isVisible()
    assert window.context.settings.get(first_steps.KEY) is True
    window.end(0)
    again = open_window(crashes.Start(0, False))
    assert not again.hints.isVisible()
    again.open_help()
    again._help.hints_asked.emit()
    assert again.hints.isVisible()
    again.hints.close_.click()
    assert not again.hints.isVisible()


def test_the_palette_has_what_can_be_pressed_on_the_page(qtbot, open_window):
    window = open_window()
    window.show_page("transfer")
    window.open_palette()
    rows = {choice.text: choice for choice in window.palette_.model.rows}
    assert {"Run again", "Copy as command", "All settings", "Start the demo transfer", "Help: Runs"} <= set(
        rows
    )
    form = window.page("transfer").form
    before = form.fold.text(), form.height()
    rows["All settings"].act()
    qtbot.waitUntil(lambda: form.height() != before[1], timeout=10_000)
    window.show_page("compare")
    window.open_palette()
    names = [choice.text for choice in window.palette_.model.rows]
    assert "What is colored: Every token" in names or any(name.endswith(": Every token") for name in names)
    assert len(names) == len(set(names))


def test_the_way_back(qtbot, open_window):
    window = open_window()
    window.show_page("transfer")
    window._go("vocabulary", {"tokenizer": "bytes", "token": 65})
    window.go_back(-1)  # while it is being built
    assert window._front == "transfer"
    assert not window.opening.busy
    window.go_back(1)
    qtbot.waitUntil(lambda: window._front == "vocabulary", timeout=60_000)
    window.go_back(-1)
    assert window._front == "transfer"
    window.go_back(1)
    assert window._front == "vocabulary"
    window.go_back(1)  # there is nothing further
    assert window._front == "vocabulary"


def test_going_back_begins_nothing_again():
    history = History()
    history.visit("compare", {})
    history.visit("runs", {"start": "a"})
    history.visit("runs", {"demo": True})
    assert history.go(-1) == ("compare", {})
    assert history.go(1) == ("runs", {})
    assert history.go(1) is None


def test_a_new_place_forgets_what_came_after():
    history = History()
    for name in ("a", "b", "c"):
        history.visit(name, {})
    history.go(-1)
    history.go(-1)
    history.visit("d", {})
    assert history.go(1) is None
    assert history.go(-1) == ("a", {})


def test_a_safe_start_sets_the_session_aside_and_brings_it_back(tokstudio_home):
    tokstudio_home.mkdir(parents=True)
    session = tokstudio_home / "compare.json"
    session.write_text('{"text": "mine"}')
    gone = {"pid": 2**22 + 1, "began": 1.0}  # above the largest number of a process
    for ends, safe in ((0, False), (1, True)):
        crashes._write({**gone, "ends": ends})
        start = crashes.look()
        assert (start.ends, start.safe) == (ends + 1, safe)
    assert not session.exists()
    assert crashes.kept()
    start.begin()
    assert crashes._read()["ends"] == 0
    crashes.bring_back()
    assert session.read_text() == '{"text": "mine"}'
    start.closed()
    assert crashes.look() == crashes.Start(0, False)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"pid": "x"}', '{"pid": 1}'])
def test_a_marker_that_cannot_be_read_stops_nothing(tokstudio_home, content):
    tokstudio_home.mkdir(parents=True)
    crashes.marker_path().write_text(content)
    assert crashes.look() == crashes.Start(0, False)


def test_a_window_that_is_open_has_not_ended(tokstudio_home):
    start = crashes.look()
    start.begin()
    assert crashes.look() == crashes.Start(0, False)
    crashes._write({**crashes._read(), "began": 1.0, "ends": 3})  # its number belongs to another process now
    assert crashes.look().safe


def test_the_session_is_kept_without_closing(qtbot, open_window, tokstudio_home):
    window = open_window()
    window.show_page("model")
    window.page("model").text.setPlainText("kept")
    window.page("compare").text.editor.set_text("kept, too")
    window.resize(1111, 777)
    window.keep()
    fresh = Settings(tokstudio_home / "window.ini")
    assert fresh.get("model.text") == "kept"
    assert fresh.get("window/page") == "model"
    qtbot.waitUntil(lambda: "kept, too" in _read(tokstudio_home / "compare.json"), timeout=20_000)


def _read(path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
