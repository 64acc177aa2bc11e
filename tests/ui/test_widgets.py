"""Small widgets: what they say, what they are called, how they behave without a mouse."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tokstudio.errors import TokenizerError
from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.panes.offsets import Offsets
from tokstudio.ui.widgets.bar import ProgressBar, StackedBar
from tokstudio.ui.widgets.basic import button, card, check, combo, eliding, label, segmented, stat, tool
from tokstudio.ui.widgets.choice_list import Choice, ChoiceList
from tokstudio.ui.widgets.empty import EmptyState
from tokstudio.ui.widgets.pill import STATES, Pill
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.widgets.toast import Toast


@pytest.fixture(autouse=True)
def look(qapp):
    theme.apply(qapp, "light")


def add(qtbot, widget):
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.mark.parametrize("state", list(STATES))
def test_a_pill_is_a_shape_and_a_word(qtbot, state):
    pill = add(qtbot, Pill(state))
    assert pill.accessibleName() == f"State: {state.capitalize()}"
    assert not pill.grab().toImage().isNull()


def test_a_pill_refuses_a_word_that_is_no_state(qtbot):
    with pytest.raises(KeyError):
        Pill("sleeping")


def test_segmented_moves_by_keyboard_and_tells(qtbot):
    shown = add(qtbot, segmented(["Text", "Ids", "Bytes"]))
    with qtbot.waitSignal(shown.changed) as told:
        shown.set_index(2)
    assert told.args == [2]
    shown.button(2).setFocus(Qt.TabFocusReason)
    qtbot.keyClick(shown.button(2), Qt.Key_Left)
    assert shown.index() == 1


def test_a_busy_button_keeps_its_width_and_takes_no_click(qtbot):
    shown = add(qtbot, button("Pause", "pause"))
    shown.resize(120, 30)
    shown.set_busy("Pausing…")
    assert not shown.isEnabled()
    assert shown.text() == "Pausing…"
    assert shown.minimumWidth() == 120
    shown.set_busy(None)
    assert (shown.text(), shown.isEnabled()) == ("Pause", True)


def test_clicks_do_not_leave_a_focus_ring(qtbot):
    shown = add(qtbot, button("Start"))
    qtbot.mouseClick(shown, Qt.LeftButton)
    assert shown.focusPolicy() == Qt.TabFocus


def test_a_drop_down_leaves_the_wheel_to_the_page(qtbot):
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent

    shown = add(qtbot, combo(["a", "b", "c"], "Letters"))
    shown.clearFocus()
    at = QPointF(5, 5)
    wheel = QWheelEvent(
        at, at, QPoint(), QPoint(0, -120), Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False
    )
    QGuiApplication.sendEvent(shown, wheel)
    assert shown.currentIndex() == 0


def test_an_eliding_label_gets_narrow_and_keeps_its_words_in_the_tooltip(qtbot):
    shown = add(qtbot, eliding("a-rather-long-tokenizer-name"))
    assert shown.minimumSizeHint().width() == 0
    shown.resize(60, 20)
    shown.grab()
    assert shown.toolTip() == shown.text()
    shown.resize(600, 20)
    shown.grab()
    assert shown.toolTip() == ""


def test_a_stat_is_spoken_as_one(qtbot):
    shown = add(qtbot, stat("Tokens", "110", "reference"))
    shown.set("149", "+35 %")
    assert shown.accessibleName() == "Tokens: 149 +35 %"


def test_progress_stays_between_nothing_and_all(qtbot):
    shown = add(qtbot, ProgressBar())
    for given, kept in ((0.4, 0.4), (1.7, 1.0), (-1, 0.0)):
        shown.set(given)
        assert shown.fraction == kept
    bar = add(qtbot, StackedBar([(0.5, "series0"), (0.5, "border_strong", True)]))
    bar.resize(100, 8)
    assert bar.grab().toImage().pixelColor(10, 4) == theme.color(theme.table()["series"][0])


def test_a_problem_says_what_and_what_to_do(qtbot):
    tried = []
    shown = Problem()
    qtbot.addWidget(shown)
    assert shown.isHidden()
    shown.show_error(
        TokenizerError("No vocabulary.", hint="Choose a file."), [("Choose…", lambda: tried.append(1))]
    )
    assert shown.title.text() == "No vocabulary."
    assert "Choose a file." in shown.accessibleName()
    shown.clear()
    assert shown.isHidden()


def test_an_empty_state_offers_its_actions(qtbot):
    done = []
    shown = add(
        qtbot,
        EmptyState("embeddings", "No matrix", "Open one.", [("Open…", lambda: done.append(1), "primary")]),
    )
    qtbot.mouseClick(shown.buttons[0], Qt.LeftButton)
    assert done == [1]


def test_undo_in_a_toast_runs_once(qtbot):
    window = add(qtbot, card())
    window.resize(600, 300)
    toast, undone = Toast(window), []
    toast.say("Pane removed", undo=lambda: undone.append(1))
    assert toast.isVisible()
    qtbot.mouseClick(toast.undo, Qt.LeftButton)
    assert undone == [1]
    assert not toast.isVisible()
    toast.fail(TokenizerError("It failed.", hint="Do this."))
    assert toast.hint.text() == "Do this."
    assert not toast.undo.isVisible()
    toast.dismiss()


def test_a_list_narrows_by_every_word_and_takes_the_first(qtbot):
    window = add(qtbot, card())
    window.resize(600, 400)
    taken = []
    chooser = ChoiceList(window, "Choose", "type")
    chooser.set_choices(
        [Choice(n, "note", "", lambda n=n: taken.append(n)) for n in ("gpt2", "o200k base", "bytes")]
    )
    chooser.open()
    qtbot.keyClicks(chooser.field, "base o2")
    assert [choice.text for choice in chooser.model.rows] == ["o200k base"]
    qtbot.keyClick(chooser.field, Qt.Key_Return)
    assert taken == ["o200k base"]
    assert not chooser.isVisible()
    chooser.open()
    qtbot.keyClicks(chooser.field, "zzz")
    assert [choice.text for choice in chooser.model.rows] == ["Nothing is called 'zzz'"]
    qtbot.keyClick(chooser.field, Qt.Key_Escape)
    assert not chooser.isVisible()


def test_settings_keep_types(tmp_path):
    settings = Settings(tmp_path / "window.ini")
    for value in (True, 1.15, "text", ["a", "b"], {"k": 1}, None):
        settings.set("key", value)
        assert settings.get("key") == value
    settings.sync()
    assert Settings(tmp_path / "window.ini").get("key") is None
    assert settings.get("missing", 7) == 7


def test_settings_edited_by_hand_fall_back(tmp_path):
    (tmp_path / "window.ini").write_text("[look]\nmode=dark\n")
    assert Settings(tmp_path / "window.ini").get("look/mode", "system") == "system"


def test_pages_work_without_a_window(qtbot, tmp_path):
    context = Context(Settings(tmp_path / "window.ini"))
    with qtbot.waitSignal(context.went) as went:
        context.go("runs", run="a")
    assert went.args == ["runs", {"run": "a"}]
    with qtbot.waitSignal(context.size_class_changed):
        context.set_size_class("narrow")


@pytest.mark.parametrize("text", ["plain", "wörter", "a😀b", "鬱😀", ""])
def test_bytes_and_qt_positions_agree(text):
    offsets = Offsets(text)
    for at in range(len(text) + 1):
        in_bytes, in_units = len(text[:at].encode()), len(text[:at].encode("utf-16-le")) // 2
        assert offsets.position(in_bytes) == offsets.end_position(in_bytes) == in_units
        assert offsets.offset(in_units) == in_bytes


def test_a_byte_inside_a_character_means_that_character():
    offsets = Offsets("a😀b")
    assert (offsets.position(3), offsets.end_position(3)) == (1, 3)


def test_everything_interactive_has_a_name(qtbot):
    switches = (check("Marks"), combo(["a"], "Letters"), segmented(["A", "B"]))
    for widget in (button("Go"), tool("folder", "Open"), *switches):
        add(qtbot, widget)
        assert widget.accessibleName()
    assert add(qtbot, label("x")).text() == "x"
