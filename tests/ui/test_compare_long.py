"""Long texts in the editor: they go in by pieces, one undo takes them back, and wrapping follows the text."""

import pytest
from PySide6.QtGui import QTextCursor, QTextOption

from tokstudio.ui.panes.long_text import LONG, PIECE, pieces
from tokstudio.ui.panes.text_edit import TextEdit


@pytest.fixture
def edit(qtbot, qapp) -> TextEdit:
    made = TextEdit()
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.show()
    return made


def put(qtbot, edit: TextEdit, text: str) -> int:
    """How many steps it took."""
    cursor, steps = edit.textCursor(), []
    edit.document().contentsChange.connect(lambda *_: steps.append(1))
    cursor.select(QTextCursor.Document)
    edit.put(cursor, text)
    qtbot.waitUntil(lambda: not edit.filling.busy, timeout=60_000)
    return len(steps)


def test_pieces_are_whole_lines():
    text = "a line\n" * 10_000 + "x" * 100_000 + "\nend"
    found = list(pieces(text))
    assert "".join(found) == text
    assert all(piece.endswith("\n") for piece in found[:-1])
    assert max(map(len, found)) < 100_000 + 2 * PIECE
    assert list(pieces("")) == []


def test_a_long_text_goes_in_by_pieces_and_out_by_one_undo(qtbot, edit):
    edit.setPlainText("before")
    text = "some words\n" * (LONG // 10)
    assert put(qtbot, edit, text) > 5
    assert edit.raw_text() == text
    assert not edit.isReadOnly()
    assert put(qtbot, edit, "short") > 5  # the old one goes by pieces, too
    edit.undo()
    assert edit.raw_text() == text
    edit.undo()
    assert edit.raw_text() == "before"


def test_nothing_can_be_typed_while_a_text_goes_in(edit):
    edit.put(edit.textCursor(), "some words\n" * (LONG // 10))
    assert edit.filling.busy
    assert edit.isReadOnly()
    edit.filling.finish()
    assert not edit.isReadOnly()


def test_wrapping_goes_back_to_words(qtbot, edit):
    put(qtbot, edit, "x" * 20_000)
    assert edit.wordWrapMode() == QTextOption.WrapAnywhere
    put(qtbot, edit, "words again")
    assert edit.wordWrapMode() == QTextOption.WrapAtWordBoundaryOrAnywhere
    edit.undo()
    assert edit.wordWrapMode() == QTextOption.WrapAnywhere
    edit.redo()
    assert edit.wordWrapMode() == QTextOption.WrapAtWordBoundaryOrAnywhere
