"""Undo and redo over the pages: Ctrl+Z takes back what was changed on the page in front, and fields keep their own."""

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from tokstudio.errors import RunError
from tokstudio.runs import notes
from tokstudio.runs.store import RunStore
from tokstudio.train.config import demo
from tokstudio.ui import theme
from tokstudio.ui.changes import Changes, TextFirst
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow


@pytest.fixture
def window(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    context = Context(Settings(tokstudio_home / "window.ini"))
    context.settings.set("window/page", "transfer")
    made = MainWindow(context)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.end(0)


def press(qtbot, window, keys: str) -> None:
    shift = Qt.ShiftModifier if keys == "redo" else Qt.NoModifier
    target = QApplication.focusWidget() or window
    qtbot.keyClick(target, Qt.Key_Z, Qt.ControlModifier | shift)


# ---------------------------------------------------------------- the mechanism


@pytest.fixture
def box(qapp):
    """A value that steps are recorded on, and what has been said."""

    class Box:
        changes, value, said = Changes(), "a", []

        def put(self, value):
            self.value = value
            self.changes.record("page", "by hand", "x", value, self.put)  # as a page does, whoever changes it

        def step(self, value, **more):
            before, self.value = self.value, value
            return self.changes.record("page", f"to {value}", before, value, self.put, **more)

    made = Box()
    made.changes.said.connect(lambda words, _: made.said.append(words))
    made.changes.show_page("page")
    return made


def test_the_focus_may_move_when_the_collector_has_emptied_what_listens(qtbot):
    first, second, listening = QLineEdit(), QLineEdit(), (Changes(), TextFirst(QObject()))
    for field in (first, second):
        qtbot.addWidget(field)
        field.show()
    for each in listening:
        vars(each).clear()  # as the collector does before it lets go of the object
    with qtbot.captureExceptions() as raised:
        QApplication.instance().focusChanged.emit(first, second)
        QApplication.instance().focusChanged.emit(second, first)
    assert not raised


def test_there_and_back_in_words(box):
    box.step("b")
    box.step("c")
    assert (box.changes.words(-1), box.changes.words(1)) == ("to c", "")
    box.changes.undo()
    box.changes.undo()
    assert box.value == "a"
    assert (box.changes.words(-1), box.changes.words(1)) == ("", "to b")
    box.changes.undo()  # nothing is left
    box.changes.redo()
    assert box.value == "b"
    assert box.said == ["Undone: to c", "Undone: to b", "Done again: to b"]


def test_what_changes_nothing_is_no_step(box):
    box.step("a")
    assert box.changes.words(-1) == ""


def test_each_page_has_its_own_steps(box):
    box.step("b")
    box.changes.show_page("other")
    box.changes.undo()
    assert box.value == "b"
    box.changes.show_page("page")
    box.changes.undo()
    assert box.value == "a"


def test_a_message_takes_back_its_own_step_only(box):
    alone = []
    first = box.step("b", alone=lambda: alone.append("first"))
    second = box.step("c", alone=lambda: alone.append("second"))
    first()
    assert (box.value, alone) == ("c", ["first"])
    second()
    assert (box.value, alone) == ("b", ["first"])
    assert box.changes.words(1) == "to c"


def test_what_cannot_be_brought_back_is_told_and_forgotten(box):
    failed = []
    box.changes.failed.connect(failed.append)

    def refuse(_value):
        raise RunError("It is gone.")

    box.step("b")
    box.changes.record("page", "lost", 1, 2, refuse)
    box.changes.undo()
    assert [str(error) for error in failed] == ["It is gone."]
    assert box.changes.words(-1) == "to b"
    assert box.changes.words(1) == ""


def test_letters_typed_in_one_visit_are_one_step(qtbot, box):
    fields, host = (QLineEdit(), QLineEdit()), QWidget()
    qtbot.addWidget(host)
    inside = QVBoxLayout(host)
    for field in fields:
        inside.addWidget(field)
    host.show()
    fields[0].setFocus()
    qtbot.waitUntil(fields[0].hasFocus)
    for value in ("b", "bc", "bcd"):
        box.step(value, key="name")
    fields[1].setFocus()
    qtbot.waitUntil(fields[1].hasFocus)
    box.step("e", key="name")
    box.changes.undo()
    assert box.value == "bcd"
    box.changes.undo()
    assert box.value == "a"


def test_without_a_key_nothing_is_one_step_with_what_came_before(qtbot, box):
    field = QLineEdit()
    qtbot.addWidget(field)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    for value in ("b", "c"):
        before, box.value = box.value, value
        box.changes.record("page", "remove", before, value, box.put)
    box.changes.undo()
    assert box.value == "b"


def test_typed_and_taken_back_by_the_field_leaves_no_step(qtbot, box):
    field = QLineEdit()
    qtbot.addWidget(field)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    box.step("b", key="name")
    box.step("a", key="name")
    assert box.changes.words(-1) == ""


# ---------------------------------------------------------------- the pages


def test_a_recipe_is_taken_back_whole(qtbot, window):
    page = window.page("transfer")
    before = page.config
    place = next(at for at, entry in enumerate(page.method.recipes) if entry.kind == "transfer")
    page.method._take_recipe(place + 1)
    after = page.config
    assert after != before
    name = page.method.recipes[place].title
    assert window.choices()[0].text == f"Undo: recipe \u201c{name}\u201d"
    window.menu.mark()
    assert window.menu.undo.text() == f"Undo: recipe \u201c{name}\u201d\tCtrl+Z"
    press(qtbot, window, "undo")
    assert page.config == before
    assert window.toast.text.text() == f"Undone: recipe \u201c{name}\u201d"
    press(qtbot, window, "redo")
    assert page.config == after


def test_a_field_in_focus_is_undone_by_itself_and_then_by_the_page(qtbot, window):
    page = window.page("transfer")
    page._change({"mode": "lora" if demo().mode == "full" else "full"})
    changed = page.config
    line = page.budget.fields["train.steps"].line
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    line.selectAll()
    qtbot.keyClicks(line, "47")
    assert page.config.train.steps == 47
    assert window.context.changes.words(-1) == "steps 47"
    assert QApplication.focusWidget() is line
    while line.isUndoAvailable():
        press(qtbot, window, "undo")
    assert page.config == changed
    press(qtbot, window, "undo")
    assert page.config == demo()
    assert line.hasFocus()


def test_a_field_shows_what_the_page_has_taken_back(qtbot, window):
    page = window.page("transfer")
    line = page.budget.fields["train.steps"].line
    page._change({"train.steps": 47})
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    press(qtbot, window, "undo")
    assert page.config == demo()
    assert line.text() == f"{demo().train.steps}"


def test_runs_notes_and_pins_come_back(qtbot, window):
    run = RunStore().create("selftest", "one", "steps = 3")
    RunStore().create("selftest", "two", "steps = 3")
    window.show_page("runs")
    page = window.page("runs")
    page.select(run.folder.name)
    page._edit_notes()
    page.board.notes.note.line.setText("a note")
    page.board.notes._save()
    assert notes.read(run.folder).note == "a note"
    page.board.pins.show_run(run.folder)
    page.board.pins.toggle(3)
    assert page.board.pins.steps == [3]
    press(qtbot, window, "undo")
    assert page.board.pins.steps == []
    press(qtbot, window, "undo")
    assert notes.read(run.folder).note == ""

    page.throw(run.folder.name)
    qtbot.waitUntil(lambda: run.folder.name not in page.infos)
    assert window.context.changes.words(-1) == f"{run.folder.name} to the trash"
    press(qtbot, window, "undo")
    assert run.folder.name in page.infos
    press(qtbot, window, "redo")
    qtbot.waitUntil(lambda: run.folder.name not in page.infos)
    page.trash.empty()
    press(qtbot, window, "undo")
    assert "trash" in window.toast.text.text()  # says why not
    assert window.context.changes.words(-1) == ""


def test_the_queue_comes_back(qtbot, window, monkeypatch):
    monkeypatch.setattr("tokstudio.runs.queue.Queue.keep", lambda _: None)
    names = [RunStore().create("selftest", name, "steps = 3").folder.name for name in ("one", "two")]
    window.show_page("runs")
    page = window.page("runs")
    for name in names:
        page.wait(name)
    page.reorder(names[1], -1)
    assert page.queue.names() == names[::-1]
    press(qtbot, window, "undo")
    assert page.queue.names() == names
    press(qtbot, window, "undo")
    assert page.queue.names() == names[:1]
    press(qtbot, window, "redo")
    assert page.queue.names() == names


def test_the_query_of_vocabulary_comes_back(qtbot, window):
    window.show_page("vocabulary")
    page = window.page("vocabulary")
    qtbot.waitUntil(lambda: page.vocabulary is not None, timeout=30_000)
    page._put("type", "type:number")
    page._put("len", "len:>3")
    assert window.context.changes.words(-1) == "query \u201ctype:number len:>3\u201d"
    window.setFocus()
    press(qtbot, window, "undo")
    assert page.query.text() == "type:number"
    press(qtbot, window, "undo")
    assert page.query.text() == ""
    first = page.vocabulary.reference
    page.open("bytes")
    qtbot.waitUntil(lambda: page.vocabulary.reference == "bytes", timeout=30_000)
    assert window.context.changes.words(-1) == f"open {page.vocabulary.name}"
    press(qtbot, window, "undo")
    qtbot.waitUntil(lambda: page.vocabulary.reference == first, timeout=30_000)
    assert window.context.changes.words(-1) == ""
    assert window.context.changes.words(1).startswith("open ")


def test_the_second_matrix_comes_back(qtbot, window):
    window.show_page("embeddings")
    page = window.page("embeddings")
    page.open_known("Demo model")
    qtbot.waitUntil(lambda: page.engine.a is not None, timeout=30_000)
    page.open_known("Demo model", "B")
    qtbot.waitUntil(lambda: page.engine.b is not None, timeout=30_000)
    page.engine.close("B")
    assert window.context.changes.words(-1) == "close B"
    window.setFocus()
    press(qtbot, window, "undo")
    qtbot.waitUntil(lambda: page.engine.b is not None, timeout=30_000)
    press(qtbot, window, "undo")
    assert page.engine.b is None
    assert window.context.changes.words(-1) == ""
