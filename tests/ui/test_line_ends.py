"""Line ends and escapes: what an editor holds, shows and gives back, to the byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QTextCursor

from tokstudio.ui.panes.escapes import escaped, meant, widths
from tokstudio.ui.panes.line_ends import CR, CRLF, LF, LineEnds
from tokstudio.ui.panes.offsets import Offsets
from tokstudio.ui.panes.text_edit import TextEdit

GOLDEN = "start\r\n\n\t\t\tend"
TEXTS = st.lists(
    st.sampled_from(
        ["\n", "\r", "\r\n", "\u2029", "\ufdd0", "a", "é", "😀", "\\", "\\r", " ", "\x00", "\u2028"]
    ),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def edit(qapp):
    made = TextEdit()
    made.resize(300, 200)
    yield made
    made.close()
    made.deleteLater()


def write(edit: TextEdit, text: str) -> None:
    cursor = edit.textCursor()
    cursor.select(QTextCursor.Document)
    edit.put(cursor, text)
    edit.filling.finish()


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_any_line_ends_stay_and_undo_brings_them_back(edit, texts):
    edit.setPlainText("")
    texts = [text for text, before in zip(texts, ["", *texts], strict=False) if text != before] or ["\r"]
    for text in texts:
        write(edit, text)
        assert edit.raw_text() == text
    for text in reversed(["", *texts[:-1]]):
        edit.undo()
        assert edit.raw_text() == text
    edit.setPlainText(texts[0])
    assert edit.raw_text() == texts[0]
    assert not edit.document().isUndoAvailable()


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.data())
def test_what_is_read_is_what_the_lines_say_after_any_edit(edit, text, data):
    edit.setPlainText("")
    write(edit, text)
    for _ in range(4):
        last = edit.document().characterCount() - 1
        start, stop = sorted(data.draw(st.tuples(st.integers(0, last), st.integers(0, last))))
        cursor = edit.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(stop, QTextCursor.KeepAnchor)
        match data.draw(st.integers(0, 4)):
            case 0:
                cursor.insertText(data.draw(st.sampled_from(["", "x", "a\nb", "\n\n"])))
            case 1:
                edit.put(cursor, data.draw(TEXTS))
            case 2:
                edit.ends.convert(data.draw(st.sampled_from([LF, CRLF, CR])))
            case 3:
                edit.undo()
            case 4:
                edit.redo()
        again = LineEnds(edit.document())
        again.watch()
        again._follow(0, 0, edit.document().characterCount())
        assert edit.raw_text() == again.text()
        again.deleteLater()
        again._document.contentsChange.disconnect(again._follow)


def test_the_ends_of_other_lines_stay_where_two_are_joined_or_split(qtbot, edit):
    edit.setPlainText("one\r\ntwo\nthree\rfour")
    cursor = edit.textCursor()
    cursor.setPosition(len("one"))
    cursor.deleteChar()
    assert edit.raw_text() == "onetwo\nthree\rfour"
    edit.undo()
    cursor.setPosition(len("one two thr"))
    edit.setTextCursor(cursor)
    qtbot.keyClick(edit, Qt.Key_Return)
    assert edit.raw_text() == "one\r\ntwo\nthr\nee\rfour"
    write(edit, "a\r\nb")
    edit.moveCursor(QTextCursor.End)
    qtbot.keyClick(edit, Qt.Key_Return)
    assert edit.raw_text() == "a\r\nb\r\n"


def test_ends_are_converted_in_one_step_of_undo(edit):
    edit.setPlainText(GOLDEN)
    assert edit.ends.name() == "Mixed"
    for kind, name, text in ((CRLF, "CRLF", "start\r\n\r\n\t\t\tend"), (CR, "CR", "start\r\r\t\t\tend")):
        edit.ends.convert(kind)
        assert (edit.ends.name(), edit.raw_text()) == (name, text)
    edit.undo()
    edit.undo()
    assert edit.raw_text() == GOLDEN


def test_a_long_text_keeps_its_ends(edit):
    text = "some words\r\nand more\nof them\r" * 20_000
    edit.setPlainText("")
    write(edit, text)
    assert edit.raw_text() == text
    edit.undo()
    assert edit.raw_text() == ""
    edit.redo()
    assert edit.raw_text() == text
    edit.setPlainText("")


def test_copy_and_paste_keep_what_they_are_given(edit):
    edit.setPlainText(GOLDEN)
    edit.selectAll()
    assert edit.createMimeDataFromSelection().text() == GOLDEN
    cursor = edit.textCursor()
    cursor.setPosition(3)
    cursor.setPosition(7, QTextCursor.KeepAnchor)
    edit.setTextCursor(cursor)
    assert edit.createMimeDataFromSelection().text() == "rt\r\n\n"
    data = QMimeData()
    cases = [("", GOLDEN, GOLDEN), ("a\r\nb", "c\nd", "a\r\nbc\r\nd"), ("a\nb", "c\rd", "a\nbc\rd")]
    for before, pasted, after in cases:
        edit.setPlainText(before)
        edit.moveCursor(QTextCursor.End)
        data.setText(pasted)
        edit.insertFromMimeData(data)
        assert edit.raw_text() == after
    edit.selectAll()
    data.setText("x\ny")
    edit.insertFromMimeData(data)
    assert edit.raw_text() == "x\ny"


@given(st.text() | TEXTS)
def test_a_text_is_what_its_escapes_mean(text):
    assert meant(escaped(text)) == text
    assert "\r" not in escaped(text)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"start\r\n\n\t\t\tend", GOLDEN),
        (r"\x41\u00e9\U0001f600\u{1F600}", "Aé😀😀"),
        (r"\ud83d\ude00!", "😀!"),
        (r"C:\dir\x4", r"C:\dir\x4"),
        (r"\\r\"\U00110000", '\\r"\\U00110000'),
        ("a\\\nb", "a\\\nb"),
    ],
)
def test_escapes(written, text):
    assert meant(written) == text
    offsets, units = Offsets(text, lambda _: widths(written)), widths(written)
    assert len(units) == len(text)
    assert units.sum() == len(written.encode("utf-16-le")) // 2
    at = 0
    for number, width in enumerate(units.tolist()):  # every unit of an escape is the character that it makes
        byte = len(text[:number].encode())
        assert [offsets.offset(at + unit) for unit in range(width)] == [byte] * width
        assert offsets.position(byte) == at
        at += width
    assert offsets.end_position(len(text.encode())) == at


def test_places_in_a_text_with_crlf(edit):
    edit.setPlainText("é\r\nb\rc\n😀")
    edit.renew()
    data = edit.raw_text().encode()
    offsets = edit.offsets
    found = {sign: offsets.position(data.index(sign.encode())) for sign in "ébc😀"}
    assert found == {"é": 0, "b": 2, "c": 4, "😀": 6}
    assert [offsets.offset(position) for position in range(9)] == [0, 2, 4, 5, 6, 7, 8, 8, 12]
    assert offsets.end_position(4) == 2
    assert offsets.end_offset(2) == 4
