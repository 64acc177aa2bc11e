"""What Compare does beyond looking: split by a budget, change a tokenizer, look a token up, see where it is cut."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QShortcut
from PySide6.QtWidgets import QLabel

from tests.ui.test_compare import open_page, pane, settled, view  # noqa: F401  (a fixture)
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.spec import notes_of
from tokstudio.ui.panes import copying
from tokstudio.ui.panes.split_dialog import SplitDialog
from tokstudio.ui.panes.whatif_dialog import WhatIfDialog

TEXT = "Ships sail. The captain sleeps.\n\nÉlan 👩‍👧 stays."


@pytest.fixture
def page(qtbot, open_page):  # noqa: F811
    made = open_page({"text": TEXT, "panes": ["demo:english", "bytes"]})
    qtbot.waitUntil(lambda: settled(made), timeout=30_000)
    return made


def texts(widget) -> list[str]:
    return [label.text() or label.accessibleName() for label in widget.findChildren(QLabel)]


def test_a_token_is_looked_up(qtbot, page):
    start = page.session.data.index(b" sail")
    page.links.select_in(page.session.panes[0].number, start, start + 5)
    page.inspector.tabs.set_index(5)
    qtbot.waitUntil(lambda: any("token 1 of" in text for text in texts(page.inspector.token)), timeout=30_000)
    heard = [label.accessibleName() for label in page.inspector.token.findChildren(QLabel)]
    first = int(
        page.session.panes[0].encoding.ids[
            copying.chosen(page.session.panes[0].encoding, (start, start + 5))[0]
        ]
    )
    assert any(text.startswith(f"Id: {first:,}, text") for text in heard)
    assert "U+0020" in texts(page.inspector.token)
    page.inspector.token.stepped.emit(1)
    qtbot.waitUntil(lambda: any("token 2 of" in text for text in texts(page.inspector.token)), timeout=30_000)
    page.links.select_in(
        page.session.panes[1].number, page.session.data.index("É".encode()), len(TEXT.encode())
    )
    qtbot.waitUntil(
        lambda: any("Part of a character" in text for text in texts(page.inspector.token)), timeout=30_000
    )


def test_characters_are_cut_where_tokens_are(page):
    page.toolbar.show_as.set_index(3)
    shown = view(page, 1)
    prepared = shown._prepared
    assert prepared.cells is not None
    start = page.session.data.index("👩".encode())
    first, stop = shown.tokens.overlapping(start, start + len("👩‍👧".encode()))
    assert stop - first == 11  # bytes of one character
    number = prepared.cells.starts.tolist().index(start)
    assert prepared.cells.slices[number] == 11
    assert prepared.chip[first:stop].sum() == pytest.approx(prepared.cells.wide[number])
    assert not page.grab().toImage().isNull()


def test_split_lists_jumps_and_writes(qtbot, page, tmp_path):
    dialog = SplitDialog(page, TEXT, [state.tokenizer for state in page.session.panes], 1)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.place_asked.connect(page.select)
    dialog.most.setValue(33)
    qtbot.waitUntil(lambda: len(dialog.chunks) == 2, timeout=30_000)
    assert dialog.table.item(0, 1).text() == "33"
    dialog.table.setCurrentCell(1, 0)
    assert page.selection == (33, len(TEXT.encode()))
    dialog.most.setValue(3)
    qtbot.waitUntil(lambda: dialog.problem.isVisibleTo(dialog), timeout=30_000)
    assert "more than 3" in dialog.problem.title.text()
    dialog.most.setValue(33)
    qtbot.waitUntil(lambda: len(dialog.chunks) == 2, timeout=30_000)
    with qtbot.waitSignal(dialog.said):
        dialog.write(tmp_path / "chunks.jsonl")
    lines = (tmp_path / "chunks.jsonl").read_text("utf-8").splitlines()
    assert "".join(json.loads(line)["text"] for line in lines) == TEXT


def test_a_long_text_is_split_by_another_process(qtbot, page, monkeypatch):
    monkeypatch.setattr("tokstudio.ui.panes.split_dialog.SHORT", 10)
    dialog = SplitDialog(page, TEXT, [page.session.panes[0].tokenizer])
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: len(dialog.chunks) == 1, timeout=60_000)
    assert dialog.chunks[0].stop == len(TEXT.encode())
    dialog.most.setValue(1)
    qtbot.waitUntil(lambda: dialog.problem.isVisibleTo(dialog), timeout=60_000)
    assert "tokens alone, more than 1" in dialog.problem.title.text()
    dialog.close()


def test_a_change_is_tried_beside_the_original_undone_and_saved(qtbot, page, tmp_path):
    dialog = WhatIfDialog(page, page.session.panes[0])
    qtbot.addWidget(dialog)
    dialog.show()

    def apply(kind: int, text: str) -> None:
        dialog.kind.setCurrentIndex(kind)
        dialog.left.setText(text)
        dialog.try_it()
        qtbot.waitUntil(lambda: dialog._wanted is None, timeout=60_000)
        qtbot.waitUntil(
            lambda: settled(page) and not any(p.wanted for p in page.session.panes), timeout=60_000
        )

    apply(1, " captain")
    assert [state.name for state in page.session.panes] == ["Demo english", "Demo english, changed", "Bytes"]
    tokens = [state.measures.tokens for state in page.session.panes]
    assert tokens[1] < tokens[0]
    assert dialog.effect.text().startswith(
        f"The text takes {tokens[1]} tokens; without the changes {tokens[0]}."
    )
    apply(0, "no such token")
    assert "is no token" in dialog.problem.title.text()
    apply(0, "#300")
    assert dialog.edits.count() == 2
    page.pane_set.history.undo()
    qtbot.waitUntil(lambda: dialog.edits.count() == 1, timeout=60_000)
    apply(0, "#300")
    assert dialog.edits.count() == 2
    dialog.findChild(QShortcut).activated.emit()  # Ctrl+Z
    qtbot.waitUntil(lambda: dialog.edits.count() == 1 and dialog._wanted is None, timeout=60_000)
    dialog.save(tmp_path / "mine")
    assert len(load_tokenizer(str(tmp_path / "mine")).encode(" captain")) == 1
    qtbot.waitUntil(lambda: not any(p.wanted for p in page.session.panes), timeout=60_000)


def test_bytes_cannot_be_changed_and_say_so(qtbot, page):
    dialog = WhatIfDialog(page, page.session.panes[1])
    qtbot.addWidget(dialog)
    dialog.show()
    assert "One token per byte" in dialog.problem.title.text()
    assert not dialog.go.isEnabled()
    dialog.close()


def test_notes_of_a_spec_show_in_its_pane(qtbot, page):
    spec = "mistral:v3:target=Qwen2"
    page.session.add(spec)
    qtbot.waitUntil(lambda: page.session.panes[2].tokenizer is not None, timeout=60_000)
    assert pane(page, 2).notes.words.text() == " ".join(notes_of(spec)) != ""
    assert pane(page, 2).notes.isVisibleTo(page)
    pane(page, 2).notes.shut.click()
    page.pane_set.show(page.session.panes[2].number)
    assert not pane(page, 2).notes.isVisibleTo(page)
    assert not pane(page, 0).notes.isVisibleTo(page)


def test_a_forbidden_token_is_marked_and_can_be_shown(page):
    page.session.remove(page.session.panes[1].number)
    name = next(iter(page.session.panes[0].tokenizer.special_tokens))
    page.editor.set_text(f"é {name} b")
    page.toolbar.written.setCurrentIndex(2)
    start, stop = 3, 3 + len(name.encode())
    assert page.session.panes[0].refused == (start, stop)
    assert page.editor.edit._wrong == [(start, stop)]
    marks = page.editor.edit.extraSelections()
    assert [mark.cursor.selectedText() for mark in marks] == [name]
    pane(page, 0).text_asked.emit()
    assert page.toolbar.how_written() == "text"
    assert page.editor.edit._wrong == []


def test_undo_in_a_message_undoes_what_the_message_names(page):
    said = []
    page.context.said.connect(lambda text, undo: said.append((text, undo)))
    page.pane_set.remove(page.session.panes[0].number)
    page.pane_set.add("demo:code")
    said[-1][1]()
    assert [state.reference for state in page.session.panes] == ["demo:english", "bytes", "demo:code"]
    page.pane_set.history.undo()
    assert [state.reference for state in page.session.panes] == ["bytes", "demo:code"]


def test_undo_of_a_file_brings_its_text_back(page, tmp_path):
    said = []
    page.context.said.connect(lambda text, undo: said.append((text, undo)))
    (tmp_path / "one.txt").write_text("One.")
    page.files.open(tmp_path / "one.txt")
    page.editor.edit.insertPlainText("typed since ")
    said[-1][1]()
    assert page.session.text == TEXT


def test_more_ways_to_copy(page):
    encoding, tokenizer = page.session.panes[1].encoding, page.session.panes[1].tokenizer
    which = copying.chosen(encoding, (0, 3))
    assert copying.as_text("c", encoding, which, tokenizer) == "const int32_t ids[3] = {83, 104, 105};"
    assert copying.as_text("text", encoding, which, tokenizer) == "Shi"
    assert copying.as_text("repr", encoding, which, tokenizer) == "['S', 'h', 'i']"
    assert json.loads(copying.as_text("offsets", encoding, which, tokenizer)) == [[0, 1], [1, 2], [2, 3]]
    at = page.session.data.index("É".encode())
    half = copying.chosen(encoding, (at, at + 1))
    assert copying.as_text("repr", encoding, half, tokenizer) == "[b'\\xc3']"


def test_keys_go_to_a_byte_and_copy(qtbot, page):
    page.window().activateWindow()
    view(page, 1).setFocus()
    qtbot.waitUntil(lambda: view(page, 1).hasFocus())
    qtbot.keyClick(view(page, 1), Qt.Key_C)
    assert page.toolbar.show_as.index() == 3
    qtbot.keyClick(view(page, 1), Qt.Key_A, Qt.ControlModifier)
    assert page.selection == (0, len(page.session.data))
    qtbot.keyClick(view(page, 1), Qt.Key_C, Qt.ControlModifier)
    assert QGuiApplication.clipboard().text() == TEXT
    qtbot.keyClick(view(page, 1), Qt.Key_Home, Qt.ControlModifier | Qt.ShiftModifier)
    assert page.session.panes[0].reference == "bytes"
    qtbot.keyClick(view(page, 0), Qt.Key_G, Qt.ControlModifier)
    assert page.editor.find.field.text() == "@"
    page.editor.find.field.setText("@6")
    assert page.selection == (6, 7)
