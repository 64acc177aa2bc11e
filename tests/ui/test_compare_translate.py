"""The view Translate, driven as a person would: golden facts on the screen, links, errors, ids."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tests.tokens import vocabularies as v
from tokstudio.ui import theme
from tokstudio.ui.compare_views.translate import SAMPLE, TranslateView
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.panes.state_file import sample_text

PATIENCE = 30_000


@pytest.fixture
def view(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    made = TranslateView(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    for part in (made.tools, *made.actions()):
        qtbot.addWidget(part)
    made.resize(1300, 800)
    made.show()
    qtbot.waitUntil(lambda: settled(made), timeout=PATIENCE)
    yield made
    made.close_down()


def settled(view: TranslateView) -> bool:
    return view.board.shown is not None and not view.board.old.isVisible()


def write(qtbot, view: TranslateView, text: str, kind: str = "text") -> None:
    view.editor.set_text(text, kind)
    qtbot.waitUntil(lambda: settled(view) or view.problem.isVisible(), timeout=PATIENCE)


def test_the_golden_sentence(view):
    assert view.editor.text() == SAMPLE
    assert [token["target"] for token in view.board.direct.tokens] == [
        "lately", "[unused10]", "[unused851]", "[unused831]", "[unused369]", "decent", "[unused318]",
        "[unused353]", "¾", "olympian", "[unused12]",
    ]  # fmt: skip
    assert view.board.through.tokens.label(0) == "[CLS]"
    assert view.pair.length.text() == "11 tokens become 13 (+18 %, 2 of them special)"
    kinds = [row[0].text for row in view.board.losses.grid.rows]
    assert kinds == ["Special added", "Case", "Case", "Case", "Special added"]
    assert view.board.loss_card.subtitle.text() == "case 3; 2 special tokens added"


def test_hovering_an_id_explains_it_and_lights_its_text(view):
    at = next(i for i, token in enumerate(view.board.direct.tokens) if token["id"] == 25977)
    view.board.direct._tell(at)
    assert "' purple' in cl100k_base" in view.board.why.text()
    lit = [view.board.through.tokens.token(i) for i in view.board.through.highlighted()]
    assert lit == [b"purple"]
    assert [mark.cursor.selectedText() for mark in view.editor.edit.extraSelections()] == [" purple"]
    view.board.direct._tell(None)
    assert view.board.through.highlighted() == []


def test_the_text_and_the_tokens_light_the_ids(view):
    start = SAMPLE.index("Mike")
    view.editor.hovered.emit(start, start + 1)
    lit = view.board.direct._lit
    assert [
        t["source"] for t in view.board.direct.tokens if t["span"][0] < lit[1] and t["span"][1] > lit[0]
    ] == [" Mike"]
    view.board.through.hovered.emit(SAMPLE.index("like"), SAMPLE.index("like") + 4)
    assert view.board.direct._lit == (SAMPLE.index("like"), SAMPLE.index("like") + 4)


def test_the_mouse_points_and_chooses(qtbot, view):
    board = view.board
    qtbot.mouseMove(board.direct.viewport(), board.direct.box(3).center().toPoint())
    board.direct._tell(board.direct.token_at(board.direct.box(3).center()))
    assert "[unused831]" in board.why.text()
    qtbot.mouseClick(board.direct.viewport(), Qt.LeftButton, pos=board.direct.box(5).center().toPoint())
    assert board.direct.current == 5
    place = board.losses.visualRect(board.losses.model().index(2, 1)).center()
    qtbot.mouseClick(board.losses.viewport(), Qt.LeftButton, pos=place)
    marks = [mark.cursor.selectedText() for mark in view.editor.edit.extraSelections()]
    assert marks == ["Mike", "Mike"]
    assert [board.through.tokens.token(i) for i in board.through.selected()] == [b"Mike"]


def test_keys_walk_the_ids(qtbot, view):
    view.board.direct.setFocus()
    qtbot.keyClick(view.board.direct, Qt.Key_Right)
    qtbot.keyClick(view.board.direct, Qt.Key_Right)
    assert view.board.direct.current == 1
    assert "[unused10]" in view.board.why.text()
    qtbot.keyClick(view.board.direct, Qt.Key_End)
    assert view.board.direct.current == 10


@pytest.mark.parametrize("typed", [False, True])
def test_line_ends_of_a_text(qtbot, view, tmp_path, typed):
    """Kept by GPT-4, lost by BERT; a loss stands where the editor marks it."""
    text = "start\r\n\n\t\t\tend"
    if typed:
        view.editor.set_kind("escapes")
        view.editor.edit.selectAll()
        qtbot.keyClicks(view.editor.edit, r"start\r\n\n\t\t\tend")
    else:
        (tmp_path / "a.txt").write_bytes(text.encode())
        view.open_text(tmp_path / "a.txt")
    qtbot.waitUntil(lambda: settled(view) and view.board.shown.facts["through_text"] != "", timeout=PATIENCE)
    qtbot.waitUntil(lambda: "start" in view.board.shown.facts["through_text"], timeout=PATIENCE)
    assert view.editor.text() == text
    assert view.editor.ends.text() == "Mixed"
    assert view.editor.length.text() == "14 bytes"
    assert view.board.shown.facts["through_text"] == "[CLS] start end [SEP]"
    view.editor.highlight(11, 14)
    assert [mark.cursor.selectedText() for mark in view.editor.edit.extraSelections()] == ["end"]
    view.editor.set_kind("text" if typed else "escapes")
    assert view.editor.text() == text
    view.editor.highlight(11, 14)
    assert [mark.cursor.selectedText() for mark in view.editor.edit.extraSelections()] == ["end"]
    view.editor.ends.chosen.emit(0)
    assert view.editor.text() == "start\n\n\t\t\tend"
    view.pair.set(["tiktoken:cl100k_base", "tiktoken:cl100k_base"])
    view.editor.edit.undo()
    qtbot.waitUntil(lambda: view.board.shown.facts["through_text"] == text, timeout=PATIENCE)


def test_a_loss_shows_its_place(qtbot, view):
    write(qtbot, view, "start\r\n\n\t\t\tend É")
    rows = [[cell.text for cell in row] for row in view.board.losses.grid.rows]
    assert ["Whitespace", "5\u201311", "←↵↵→→→", "·", "bert-base-uncased"] in rows
    at = next(i for i, row in enumerate(rows) if row[0].startswith("Case"))
    view.board.choose(at)
    assert [view.board.through.tokens.token(i).decode() for i in view.board.through.selected()] == ["É"]
    view.board.choose(0)


def test_bpe_to_bpe_comes_back_unchanged(qtbot, view):
    view.pair.set([v.CL100K, v.O200K])
    qtbot.waitUntil(
        lambda: settled(view) and view.board.shown.facts["target"] == "o200k_base", timeout=PATIENCE
    )
    assert view.board.loss_card.subtitle.text() == "The text comes back unchanged"
    view.pair.swap.click()
    qtbot.waitUntil(
        lambda: settled(view) and view.board.shown.facts["source"] == "o200k_base", timeout=PATIENCE
    )
    assert view.context.settings.get("translate/pair") == [v.O200K, v.CL100K]
    view.context.changes.show_page("compare/translate")
    view.context.changes.undo()
    assert view.pair.pair == [v.CL100K, v.O200K]
    view.context.changes.redo()
    assert view.pair.pair == [v.O200K, v.CL100K]


def test_ids_instead_of_a_text(qtbot, view):
    write(qtbot, view, "9906, 11", "ids")
    assert view.board.shown.facts["returned"] == "hello,"
    write(qtbot, view, "25977", "ids")
    assert view.pair.length.text().startswith("1 token becomes 3 ")
    write(qtbot, view, "9906, 11", "ids")
    assert [token["target"] for token in view.board.direct.tokens] == ["lately", "[unused10]"]
    write(qtbot, view, "9906, x", "ids")
    qtbot.waitUntil(lambda: view.problem.isVisible(), timeout=PATIENCE)
    assert "no list of ids" in view.problem.title.text()
    view.editor.set_kind("text")
    qtbot.waitUntil(lambda: settled(view), timeout=PATIENCE)
    assert view.editor.text() == SAMPLE
    assert not view.problem.isVisible()


def test_a_long_text_is_translated_elsewhere(qtbot, view):
    write(qtbot, view, "Purple Rain, and more. " * 400)
    assert view.board.shown.facts["source_tokens"] == 400 * 6 + 1
    assert "the first 2,000" in view.board.direct_card.subtitle.text()
    write(qtbot, view, "")
    assert view.board.direct.tokens == []


def test_errors_say_what_to_do(qtbot, view):
    view.pair.set(["tiktoken:nothing", v.BERT])
    qtbot.waitUntil(lambda: view.problem.isVisible(), timeout=PATIENCE)
    assert "no encoding named" in view.problem.title.text()
    view.pair.set([v.CL100K, v.BERT])
    qtbot.waitUntil(lambda: not view.problem.isVisible(), timeout=PATIENCE)


def test_what_the_panes_show_is_taken_over(qtbot, view):
    golden = view.editor.text()
    view._given = None
    view.take(sample_text(), [v.CL100K, v.O200K])
    assert view.editor.text() == golden
    view._given = None
    view.take("One", [v.CL100K, v.O200K])
    assert view.editor.text() == "One"
    view.take("Two", [v.CL100K, v.O200K])
    assert view.editor.text() == "Two"


def test_copy_and_themes(qtbot, qapp, view):
    view._copy(lambda shown: shown.facts["through_text"])
    assert QGuiApplication.clipboard().text() == "[CLS] hello, my name is mike and i like purple. [SEP]"
    for text in view.copy.menu().actions():
        text.trigger()
    assert "Hello" in QGuiApplication.clipboard().text()
    light = view.grab().toImage()
    theme.apply(qapp, "dark")
    assert view.grab().toImage() != light
    theme.apply(qapp, "light")


def test_every_part_has_a_name(view):
    for part in (
        view.pair.source,
        view.pair.target,
        view.pair.swap,
        view.editor.edit,
        view.board.direct,
        view.board.through,
        view.board.losses,
    ):
        assert part.accessibleName()
    assert all(choice.act for choice in view.commands())
    assert view.subtitle()
