"""Where Compare's text comes from: a chat, ids, samples, large files; and what a person wrote stays."""

import json
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextOption

from tests.ui.test_compare import TWO, open_page, pane, settled, view  # noqa: F401  (a fixture)
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.ui.panes import pager, state_file
from tokstudio.ui.panes.ids_editor import read_ids
from tokstudio.ui.panes.pager import PagedFile
from tokstudio.ui.panes.text_files import samples


@pytest.fixture
def page(open_page):  # noqa: F811
    return open_page(TWO)


def test_a_chat_is_rendered_and_its_answers_are_marked(qtbot, page):
    page.editor.set_source("chat")
    qtbot.waitUntil(lambda: "<|im_end|>" in page.session.text, timeout=30_000)
    assert page.toolbar.how_written() == "parse"
    assert page.editor.edit.isReadOnly()
    state = page.session.panes[0]
    learnt = [
        state.encoding.text[a:b].decode()
        for (a, b), on in zip(state.encoding.spans, state.trained, strict=True)
        if on
    ]
    assert "".join(learnt).startswith("A piece of text")
    assert "What is a token" not in "".join(learnt)
    page.editor.chat.mask.setChecked(False)
    assert page.session.trained is None
    page.editor.chat.prompt.setChecked(True)
    qtbot.waitUntil(lambda: page.session.text.endswith("<|im_start|>assistant\n"), timeout=30_000)


def test_the_file_of_the_text_is_named(page, tmp_path):
    assert page.files.things() == []
    (tmp_path / "a.txt").write_text("a text")
    page.files.open(tmp_path / "a.txt")
    assert page.things()[0].path == tmp_path / "a.txt"
    page.files.show_sample()
    assert page.files.things() == []


def test_messages_come_go_and_move(qtbot, page):
    page.editor.set_source("chat")
    chat = page.editor.chat
    chat.add("user", "", focus=True)
    assert [message["role"] for message in chat.messages()] == ["user", "assistant", "user"]
    chat._rows()[2].content.setPlainText("And a byte?")
    chat._rows()[2].moved.emit(-1)
    qtbot.waitUntil(lambda: "And a byte?" in page.session.text, timeout=30_000)
    assert page.session.text.index("And a byte?") < page.session.text.index("A piece of text")
    page.context.changes.show_page("compare")
    moved = chat.messages()
    page.context.changes.undo()
    assert [message["content"] for message in chat.messages()][2] == "And a byte?"
    page.context.changes.redo()
    assert chat.messages() == moved
    chat._rows()[0].removed.emit()
    chat._rows()[0].content.setPlainText("written since")
    page.context.changes.undo()
    assert chat.messages()[0] == moved[0]
    assert chat.messages()[1]["content"] == "written since"
    page.context.changes.redo()
    qtbot.waitUntil(lambda: "What is a token" not in page.session.text, timeout=30_000)


def test_a_template_that_refuses_says_so(qtbot, page, tmp_path):
    page.editor.set_source("chat")
    qtbot.waitUntil(lambda: page.editor.chat.last is not None, timeout=30_000)
    bad = tmp_path / "bad.jinja"
    bad.write_text("{{ ''.__class__.__mro__ }}")
    page.editor.chat.open_template(bad)
    qtbot.waitUntil(page.editor.chat.problem.isVisible, timeout=30_000)
    good = tmp_path / "tokenizer_config.json"
    good.write_text(json.dumps({"chat_template": "{% for m in messages %}[{{ m['content'] }}]{% endfor %}"}))
    page.editor.chat.open_template(good)
    qtbot.waitUntil(lambda: page.session.text.startswith("[What is a token?]"), timeout=30_000)
    assert not page.editor.chat.problem.isVisible()


def test_the_text_a_person_wrote_stays(qtbot, page):
    page.editor.set_source("ids")
    page.editor.ids.edit.setPlainText("9906")
    assert page.session.text == "Hello"
    assert page.files.kept_text() == TWO["text"]
    page.editor.set_source("text")
    assert page.session.text == TWO["text"]
    assert not page.editor.edit.isReadOnly()
    assert page.toolbar.how_written() == "text"


GOLDEN = [9906, 11, 856, 836, 374, 11519, 323, 358, 1093, 25977, 13]


@pytest.mark.parametrize(
    "written", [" ".join(map(str, GOLDEN)), str(GOLDEN), f"np.array({GOLDEN})", "\n".join(map(hex, GOLDEN))]
)
def test_ids_become_text(written):
    found = read_ids(written, load_tokenizer("tiktoken:cl100k_base"))
    assert found.text == b"Hello, my name is Mike and I like purple."
    assert not found.odd
    assert not found.invalid


def test_ids_that_mean_nothing_are_named(page):
    gpt = load_tokenizer("tiktoken:cl100k_base")
    found = read_ids("9906 999999 100257 x -5", gpt)
    assert (found.invalid, found.silent, found.odd) == ((999999, -5), (100257,), "x")
    assert read_ids("12-13", gpt).ids == (12, 13)
    page.editor.set_source("ids")
    page.editor.ids.edit.setPlainText("9906 999999 100257")
    assert "999999" in page.editor.ids.note.text()
    assert "<|endoftext|>" in page.editor.ids.note.text()


def test_ids_that_the_tokenizer_would_not_write(page):
    page.editor.set_source("ids")
    page.editor.ids.edit.setPlainText("39 4896")  # "H" and "ello"
    assert page.session.text == "Hello"
    assert "from id number 1 on" in page.editor.ids.note.text()


def test_twenty_samples_and_more(qtbot, page):
    listed = samples()
    assert len(listed) >= 21
    for name, _ in listed:
        page.files.show_sample(name)
        assert page.session.text.strip()
        qtbot.waitUntil(lambda: settled(page), timeout=30_000)
        assert all(state.error is None for state in page.session.panes)


def test_large_files_are_shown_by_pages(qtbot, page, tmp_path, monkeypatch):
    monkeypatch.setattr(pager, "PAGE", 400)
    monkeypatch.setattr(pager, "SEARCH", 100)
    monkeypatch.setattr("tokstudio.ui.panes.text_files.MOST_EDITED", 1_000)
    path = tmp_path / "large.txt"
    path.write_text("".join(f"line {n} é\n" for n in range(300)), encoding="utf-8")
    page.files.open(path)
    assert page.editor.pager.isVisible()
    assert page.editor.edit.isReadOnly()
    assert page.session.text.startswith("line 0 ")
    page.editor.pager.turn(1)
    assert not page.session.text.startswith("line 0 ")
    assert page.session.text.startswith("line ")
    assert page.files.kept_text() == TWO["text"]
    page.editor.pager.closed.emit()
    assert page.session.text == TWO["text"]
    assert not page.editor.edit.isReadOnly()


@pytest.mark.parametrize("text", ["é" * 3000, "a\nbc\n" * 999, "x" * 5000 + "\n" + "😀" * 900])
def test_pages_put_together_are_the_file(tmp_path, monkeypatch, text):
    monkeypatch.setattr(pager, "PAGE", 700)
    monkeypatch.setattr(pager, "SEARCH", 90)
    path = tmp_path / "large.txt"
    path.write_text(text, encoding="utf-8", newline="")
    file = PagedFile(path)
    assert "".join(file.page(number) for number in range(len(file))) == text
    file.close()


def test_files_opened_lately_are_offered(qtbot, page, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    page.files.open(path)
    page.files._fill()
    assert "notes.txt" in [action.text() for action in page.files._menu.actions()]
    assert page.session.text == "notes"


def test_a_text_without_a_space_does_not_hold_the_window(qtbot, page):
    begun = time.thread_time()
    page.editor.set_text("x" * 300_000)
    qtbot.waitUntil(
        lambda: settled(page) and page.session.panes[0].encoding.text[:3] == b"xxx", timeout=60_000
    )
    assert time.thread_time() - begun < 5
    assert page.editor.edit.wordWrapMode() == QTextOption.WrapAnywhere
    page.editor.set_text("words again")
    page.editor.edit.undo()
    assert len(page.session.text) == 300_000


def test_special_tokens_are_parsed_text_or_forbidden(qtbot, page):
    page.editor.set_text("a<|endoftext|>b [SEP]")
    counts = [len(state.encoding) for state in page.session.panes]
    page.toolbar.written.setCurrentIndex(1)
    assert [len(state.encoding) for state in page.session.panes] < counts
    assert 100257 in page.session.panes[0].encoding.ids.tolist()
    page.toolbar.written.setCurrentIndex(2)
    assert "<|endoftext|>" in pane(page, 0).problem.title.text()
    page.toolbar.written.setCurrentIndex(0)
    assert not pane(page, 0).problem.isVisible()


def test_keys_of_the_panes(qtbot, page):
    page.window().activateWindow()
    view(page, 0).setFocus()
    qtbot.waitUntil(lambda: view(page, 0).hasFocus())
    qtbot.keyClick(view(page, 0), Qt.Key_B)
    assert page.toolbar.show_as.index() == 2
    qtbot.keyClick(view(page, 0), Qt.Key_I)
    assert page.toolbar.show_as.index() == 1
    qtbot.keyClick(view(page, 0), Qt.Key_W)
    assert not page.toolbar.marks.isChecked()
    qtbot.keyClick(view(page, 0), Qt.Key_Slash)
    assert page.editor.find.isVisible()


@pytest.mark.parametrize(
    ("data", "remark", "ends"),
    [
        (b"a\r\nb", " with CRLF line ends", "CRLF"),
        (b"a\rb", " with CR line ends", "CR"),
        (b"a\r\nb\nc", " with mixed line ends", "Mixed"),
        (b"a\nb", "", "LF"),
    ],
)
def test_a_file_keeps_its_line_ends(page, tmp_path, monkeypatch, data, remark, ends):
    path, said = tmp_path / "a.txt", []
    path.write_bytes(data)
    monkeypatch.setattr(page.context, "say", lambda words, **_: said.append(words))
    page.files.open(path)
    assert page.session.data == data
    assert said == [f"a.txt opened{remark}"]
    assert page.editor.ends.text() == ends
    page.editor.set_source("escapes")
    page.editor.set_source("text")
    assert page.session.data == data
    page.save()
    assert state_file.load()["text"].encode() == data
    page.editor.edit.undo()
    assert page.session.text == TWO["text"]
    assert page.editor.ends.text() == "LF"


def test_line_ends_in_the_window(qtbot, page):
    """What GPT-4 keeps and BERT loses, and where each token stands in the editor."""
    page.editor.set_text("start\r\n\n\t\t\tend")
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    gpt, bert = page.session.panes
    assert gpt.encoding.text == bert.encoding.text == b"start\r\n\n\t\t\tend"
    assert gpt.tokenizer.decode(gpt.encoding.ids) == b"start\r\n\n\t\t\tend"
    assert bert.tokenizer.decode(bert.encoding.ids) == b"start end"
    qtbot.waitUntil(lambda: bert.round_trip is not None and gpt.round_trip is not None)
    assert (gpt.round_trip.same, bert.round_trip.same) == (True, False)
    assert page.editor.size.text() == "14 bytes"
    page.links.hover(11, 14)  # "end", in the editor behind a CRLF that is one position
    marks = page.editor.edit.extraSelections()
    assert [(mark.cursor.selectionStart(), mark.cursor.selectedText()) for mark in marks] == [(10, "end")]
    cursor = page.editor.edit.textCursor()
    cursor.setPosition(10)
    cursor.setPosition(13, cursor.MoveMode.KeepAnchor)
    page.editor.edit.setTextCursor(cursor)
    qtbot.waitUntil(lambda: page.links.selection == (11, 14))
    page.editor.ends.chosen.emit(1)
    assert page.session.text == "start\r\n\r\n\t\t\tend"
    page.editor.edit.undo()
    assert page.session.text == "start\r\n\n\t\t\tend"


def test_a_text_is_typed_with_escapes(qtbot, page):
    page.editor.set_source("escapes")
    page.editor.edit.selectAll()
    qtbot.keyClicks(page.editor.edit, r"start\r\n\n\t\t\tend")
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    assert page.session.text == "start\r\n\n\t\t\tend"
    assert page.editor.ends.text() == "Mixed"
    assert page.subtitle().startswith("Untitled")
    assert page.session.panes[1].tokenizer.decode(page.session.panes[1].encoding.ids) == b"start end"
    page.links.hover(6, 7)
    assert page.editor.edit.extraSelections()[-1].cursor.selectedText() == r"\n"
    page.editor.hovered.connect(lambda start, _: places.append(start))
    places = []
    page.editor._pointed(6)  # in the middle of \r
    assert places == [5]
    page.editor.set_source("text")
    assert page.editor.edit.document().blockCount() == 3
    assert page.editor.edit.raw_text() == "start\r\n\n\t\t\tend"
    page.editor.set_source("escapes")
    assert page.editor.edit.toPlainText() == r"start\r\n\n\t\t\tend"  # as it was written
    page.editor.convert_ends(0)
    assert page.session.text == "start\n\n\t\t\tend"
    page.editor.set_source("ids")
    assert page.files.kept_text() == "start\n\n\t\t\tend"


def test_ids_give_the_line_ends_they_stand_for(page):
    page.editor.set_source("ids")
    text = "start\r\n\n\t\t\tend"
    ids = load_tokenizer("tiktoken:cl100k_base").encode(text).ids.tolist()
    page.editor.ids.offer([load_tokenizer("tiktoken:cl100k_base")])
    page.editor.ids.edit.setPlainText(str(ids))
    assert page.session.text == text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_lines_in_the_panes_whatever_ends_them(qtbot, page, end):
    page.editor.set_text(f"one{end}two{end}{end}three")
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    assert page.editor.edit.document().blockCount() == 4
    assert [pane.view.row_count for pane in page.panes.values()] == [4, 4]


def test_a_long_text_keeps_its_line_ends_on_its_way_to_the_panes(qtbot, page):
    text = "The quick brown fox\r\njumps over\rthe lazy dog.\n" * 100
    page.editor.set_text(text)
    qtbot.waitUntil(lambda: settled(page) and page.session.text == text, timeout=30_000)
    gpt, bert = page.session.panes
    qtbot.waitUntil(lambda: gpt.encoding.text == bert.encoding.text == text.encode(), timeout=30_000)
    assert gpt.tokenizer.decode(gpt.encoding.ids) == text.encode()
    at = text.encode().rindex(b"lazy")
    page.links.select(at, at + 4)
    assert [mark.cursor.selectedText() for mark in page.editor.edit.extraSelections()] == ["lazy"]


def test_pages_of_a_file_keep_their_line_ends_and_are_never_written(page, tmp_path, monkeypatch):
    monkeypatch.setattr("tokstudio.ui.panes.text_files.MOST_EDITED", 1_000)
    monkeypatch.setattr(pager, "PAGE", 900)
    (tmp_path / "a.txt").write_bytes(b"a line\r\n" * 300)
    page.files.open(tmp_path / "a.txt")
    first = page.session.data
    assert first == b"a line\r\n" * (len(first) // 8)
    for source in ("escapes", "chat", "text"):
        page.editor.set_source(source)
        assert page.editor.edit.isReadOnly()
        page.editor.convert_ends(0)
    assert page.session.data == first
    page.editor.set_source("escapes")
    page.files.turn(1)
    assert page.session.data.startswith(b"a line\r\n")
    assert page.editor.edit.raw_text().encode() == page.session.data
    page.files.close_paged()
    assert page.session.text == TWO["text"]
    assert not page.editor.edit.isReadOnly()
    assert page.editor.ends.isEnabled()
