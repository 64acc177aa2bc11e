"""Compare, driven as a person would: type, hover, select, change tokenizers, come back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor

from tokstudio.tokens.service import SHORT as SERVICE_SHORT
from tokstudio.ui import theme
from tokstudio.ui.compare_views.text import TextView
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.pages.compare import ComparePage
from tokstudio.ui.panes import session, state_file
from tokstudio.ui.panes.agreement import short_names
from tokstudio.ui.panes.inspector import excerpt
from tokstudio.ui.panes.pane import relative
from tokstudio.ui.panes.strip import bar_height, bar_role

WORD = "Donaudampfschifffahrtsgesellschaft"
TWO = {
    "panes": ["tiktoken:cl100k_base", "bert-base-uncased"],
    "text": f"The {WORD} sails.\nIt is 1,234 wide. ",
}


@pytest.fixture
def open_page(qtbot, qapp, tokstudio_home):
    """Opens pages with a saved state, and closes them."""
    opened = []
    theme.apply(qapp, "light")

    def make(state: dict | None = None) -> TextView:
        if state is not None:
            state_file.save(state)
        page = ComparePage(Context(Settings(tokstudio_home / "window.ini")))
        qtbot.addWidget(page)
        page.resize(1360, 800)
        page.show()
        opened.append(page)
        qtbot.waitUntil(lambda: settled(page), timeout=60_000)
        return page.text

    yield make
    for page in opened:
        page.close_down()


def settled(page) -> bool:
    """Every pane has its tokens, its figures and the size of its vocabulary, or says why not."""
    panes = page.session.panes
    shown = [(pane.measures and not pane.stale and pane.size is not None) or pane.error for pane in panes]
    return bool(panes) and all(shown)


@pytest.fixture
def page(open_page):
    return open_page(TWO)


def view(page, at: int):
    return page.panes[page.session.panes[at].number].view


def pane(page, at: int):
    return page.panes[page.session.panes[at].number]


def test_the_first_start_shows_the_sample_in_three_panes(open_page):
    page = open_page()
    assert [p.reference for p in page.session.panes] == list(session.START)
    assert page.editor.text() == state_file.sample_text()
    assert all(p.error is None for p in page.session.panes)
    assert page.selection is not None
    assert page.session.data[slice(*page.selection)].decode() == WORD
    assert pane(page, 0).counted.note.text() == "reference"
    assert pane(page, 1).counted.note.text().endswith("%")
    assert page.inspector.word.text() == WORD


def test_typing_tokenizes_at_once(qtbot, page):
    before = len(page.session.panes[0].encoding)
    page.editor.edit.moveCursor(QTextCursor.End)
    qtbot.keyClicks(page.editor.edit, "untranslatable")
    for state in page.session.panes:
        assert state.encoding.text.endswith(b"untranslatable")
        assert not state.stale
    assert len(page.session.panes[0].encoding) > before
    assert pane(page, 0).counted.value.text() == str(len(page.session.panes[0].encoding))
    page.editor.edit.undo()
    assert page.session.text == TWO["text"]


def test_hover_links_the_same_bytes_everywhere(qtbot, page):
    tokens = view(page, 0).tokens
    start = page.session.data.index(b"sails")
    index = tokens.overlapping(start, start + 1)[0]
    view(page, 0).hovered.emit(*tokens.trimmed(index))
    for at in range(2):
        shown = view(page, at)
        joined = b"".join(shown.tokens.token(i) for i in shown.highlighted())
        assert joined.strip() == b"sails"
    marks = page.editor.edit.extraSelections()
    assert [mark.cursor.selectedText() for mark in marks] == ["sails"]
    view(page, 0).hovered.emit(-1, -1)
    assert view(page, 1).highlighted() == []
    assert page.editor.edit.extraSelections() == []


def test_the_text_links_back_to_the_panes(page):
    start = page.session.data.index(b"wide")
    page.editor.hovered.emit(start, start + 1)
    assert view(page, 1).tokens.token(view(page, 1).highlighted()[0]) == b"wide"


def test_selecting_text_shows_how_each_tokenizer_cuts_it(qtbot, page):
    at = page.editor.text().index(WORD)
    cursor = page.editor.edit.textCursor()
    cursor.setPosition(at)
    cursor.setPosition(at + len(WORD), QTextCursor.KeepAnchor)
    page.editor.edit.setTextCursor(cursor)
    qtbot.waitUntil(lambda: page.selection == (at, at + len(WORD)))
    assert page.inspector.note.text() == "34 bytes at 4, one word"
    rows = page.inspector._rows["text"]
    assert [int(row.count.text()) for row in rows[:2]] == [len(view(page, i).selected()) for i in range(2)]
    page.inspector.tabs.set_index(1)
    assert page.inspector._rows["bytes"][0].isVisible()


def test_only_tabs_that_work_are_shown(page):
    tabs = page.inspector.tabs
    assert [tabs.button(i).text() for i in range(7) if tabs.button(i).isVisible()] == [
        "Span",
        "Bytes",
        "Steps",
        "Pipeline",
        "Figures",
        "Token",
    ]


def test_f8_walks_the_disagreements_both_ways(qtbot, page):
    offsets = page.session.agreement.disagreements.tolist()
    assert offsets
    page.select(-1, -1)
    seen = []
    for _ in range(3):
        page.step(1)
        seen.append(page.selection[0])
    assert seen == sorted(set(seen))
    page.step(-1)
    assert page.selection[0] <= seen[-1]
    assert page.toolbar.count.text().startswith(str(len(offsets)))


def test_the_strip_jumps(qtbot, page):
    strip = page.strip_card.strip
    qtbot.mouseClick(strip, Qt.LeftButton, pos=strip.rect().center())
    middle = len(page.session.data) // 2
    start, stop = page.selection
    assert start <= middle + 1
    assert stop >= middle - 1


def test_changing_a_tokenizer_keeps_the_pane(qtbot, page):
    number = page.session.panes[1].number
    page.session.change(number, "bytes")
    qtbot.waitUntil(lambda: page.session.pane(number).reference == "bytes" and settled(page), timeout=30_000)
    assert len(page.session.pane(number).encoding) == len(page.session.data)
    assert pane(page, 1).name.text() == page.session.pane(number).tokenizer.name


@pytest.mark.parametrize("content", [b"{}", b"not json", b"", b"\x80\x04K\x01."])
def test_a_bad_file_shows_a_problem_and_keeps_the_old_result(qtbot, page, tmp_path, content):
    number = page.session.panes[1].number
    before = page.session.panes[1].encoding
    bad = tmp_path / "tokenizer.json"
    bad.write_bytes(content)
    page.session.change(number, str(bad))
    qtbot.waitUntil(lambda: page.session.pane(number).error is not None, timeout=30_000)
    shown = page.panes[number]
    assert shown.problem.isVisible()
    assert shown.problem.title.text()
    assert shown.problem.hint.text()
    assert page.session.pane(number).encoding is before
    assert view(page, 1).isVisible()
    page.session.settle(page.session.pane(number))
    assert not shown.problem.isVisible()


def test_a_pane_that_cannot_load_says_what_to_do(qtbot, page):
    page.pane_set.add("no/such-model")
    qtbot.waitUntil(lambda: page.session.panes[-1].error is not None, timeout=30_000)
    assert pane(page, 2).problem.isVisible()
    assert len(page.session.fresh()) == 2


def test_panes_come_go_and_come_back(qtbot, page):
    said = []
    page.context.said.connect(lambda text, undo: said.append((text, undo)))
    page.pane_set.remove(page.session.panes[0].number)
    assert len(page.session.panes) == 1
    text, undo = said[-1]
    assert text == "cl100k_base removed"
    undo()
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    assert [p.reference for p in page.session.panes] == TWO["panes"]


def test_the_picker_takes_a_reference_that_is_typed(qtbot, page):
    page.add_pane()
    picker = page.pane_set.picker()
    qtbot.keyClicks(picker.field, "no/such-model")
    assert picker.model.rows[0].text == "Load no/such-model"
    qtbot.keyClick(picker.field, Qt.Key_Return)
    assert page.session.panes[-1].reference == "no/such-model"
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)


def test_eight_panes_are_the_most(qtbot, page):
    for _ in range(10):
        page.pane_set.add("bytes")
    assert len(page.session.panes) == 8
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    assert page.row.minimumSizeHint().width() <= 400
    assert all(p.width() >= 260 for p in page.panes.values())


def test_the_reference_can_be_another(qtbot, page):
    second = page.session.panes[1]
    page.session.move(second.number, 0)
    assert page.session.panes[0] is second
    assert pane(page, 0).counted.note.text() == "reference"
    qtbot.waitUntil(pane(page, 0).pin.isVisible)
    assert not pane(page, 1).pin.isVisible()


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0b\n", "\u00a0x", "e\u0301 👩‍🚀"])
def test_odd_texts(qtbot, page, text):
    page.editor.set_text(text)
    assert page.session.text == text
    assert all(state.encoding.text == text.encode() and not state.stale for state in page.session.panes)
    assert not page.grab().toImage().isNull()


def test_half_a_character_is_explained_and_the_old_result_stays(qtbot, page):
    before = [state.encoding for state in page.session.panes]
    page.session.set_text("bad \ud83d")
    assert page.editor.problem.isVisible()
    assert "half a character" in page.editor.problem.title.text()
    assert [state.encoding for state in page.session.panes] == before
    assert all(state.stale for state in page.session.panes)
    page.session.set_text("good")
    assert not page.editor.problem.isVisible()
    assert not any(state.stale for state in page.session.panes)


def test_long_texts_are_encoded_in_their_own_process(qtbot, page):
    text = "The ferrymen carry letters across the ice.\n" * 400
    page.editor.set_text(text)
    assert all(state.stale for state in page.session.panes)
    assert all(state.encoding is not None for state in page.session.panes)  # the old result stays on screen
    assert pane(page, 0).old.isVisible()
    qtbot.waitUntil(lambda: settled(page), timeout=90_000)
    assert page.session.panes[0].encoding.text == text.encode()
    assert not pane(page, 0).old.isVisible()
    assert page.session.agreement.size == len(text)


def test_special_tokens_come_and_go(page):
    assert view(page, 1).tokens.empty.sum() == 0
    page.toolbar.special.setChecked(True)
    tokens = view(page, 1).tokens
    assert [tokens.label(i) for i in tokens.empty.nonzero()[0]] == ["[CLS]", "[SEP]"]


def test_everything_is_remembered(open_page, qtbot):
    first = open_page(TWO)
    first.editor.set_text("remember me")
    first.toolbar.mode.set_index(1)
    first.toolbar.marks.setChecked(False)
    first.pane_set.add("bytes")
    qtbot.waitUntil(lambda: settled(first), timeout=30_000)
    first.close_down()
    again = open_page()
    assert again.editor.text() == "remember me"
    assert [p.reference for p in again.session.panes] == [*TWO["panes"], "bytes"]
    assert again.toolbar.state() == {
        "mode": "every",
        "show": "text",
        "marks": False,
        "special": False,
        "written": "text",
    }
    assert view(again, 0)._mode == "every"


def test_a_broken_state_file_is_no_reason_not_to_start(open_page, tokstudio_home):
    tokstudio_home.mkdir(parents=True, exist_ok=True)
    (tokstudio_home / "compare.json").write_text('{"text": 5, "panes": [1, ')
    assert open_page().editor.text() == state_file.sample_text()


def test_narrow_windows_put_the_text_above_and_the_matrix_in_a_tab(page, qapp):
    page.context.set_size_class("narrow")
    qapp.processEvents()
    assert page.parts.upper.orientation() == Qt.Vertical
    assert page.inspector.tabs.button(6).isVisible()
    page.inspector.tabs.set_index(6)
    assert page.matrix.isVisible()
    page.context.set_size_class("wide")
    qapp.processEvents()
    assert page.parts.upper.orientation() == Qt.Horizontal
    assert page.matrix.isVisible()
    assert page.inspector.tabs.index() == 0


def test_splitters_remember_their_place_and_a_double_click_resets(qtbot, page):
    upper = page.parts.upper
    upper.moveSplitter(420, 1)
    upper.splitterMoved.emit(420, 1)
    assert page.context.settings.get("compare/places/wide")[0] == upper.sizes()[0] > 400
    assert page.parts.lower.sizes()[0] == upper.sizes()[0]
    qtbot.mouseDClick(upper.handle(1), Qt.LeftButton)
    assert upper.sizes()[0] == 312


def test_words_of_the_page():
    assert relative(135, 100) == "+35 %"
    assert relative(100, 100) == "same"
    assert relative(90, 100).endswith("10 %")
    assert short_names(["o200k_base", "bert-base-uncased", "mistral-v3"]) == ["o200k", "bert", "mistral"]
    assert short_names(["byte-bpe-1", "cl100k_base"]) == ["byte-bpe-1", "cl100k"]
    assert short_names(["Demo english", "Demo code"]) == ["Demo english", "Demo code"]
    assert [bar_height(count, 3) for count in (3, 2, 1)] == [8, 17, 26]
    assert [bar_role(count, 3) for count in (3, 2, 1)] == ["border_strong", "series2", "series1"]
    assert session.SHORT == SERVICE_SHORT


def test_an_excerpt_keeps_whole_characters(page):
    page.editor.set_text("a鬱b")
    encoding = page.session.panes[0].encoding
    found, total = excerpt(encoding, 2, 3)
    assert found.text.decode() == "鬱"
    assert total == len(found) >= 1


def test_colors_switch_live(open_page, qapp, qtbot, tokstudio_home):
    page = open_page(TWO)
    page.select(4, 10)
    theme.apply(qapp, "dark")
    qapp.processEvents()
    lived = page.grab().toImage()
    fresh = open_page()
    fresh.select(4, 10)
    qapp.processEvents()
    assert lived == fresh.grab().toImage()
    theme.apply(qapp, "light")
