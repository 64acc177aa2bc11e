"""What Compare does with tokens: steps, pipeline, figures, find, copy, undo of panes, round trips, long texts."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.test_compare import TWO, WORD, open_page, pane, settled, view  # noqa: F401  (a fixture)
from tokstudio.errors import InputError
from tokstudio.tokens.measure import measure
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.ui.panes import copying, models_file, words
from tokstudio.ui.panes.agreement import jaccard
from tokstudio.ui.panes.find_bar import places
from tokstudio.ui.panes.models_dialog import ModelsDialog
from tokstudio.ui.panes.models_file import ModelPrice, cost, share
from tokstudio.ui.panes.pane import ComparePane
from tokstudio.ui.panes.picture_view import PictureView, spoken


@pytest.fixture
def page(open_page):  # noqa: F811
    return open_page(TWO)


def test_steps_and_pipeline_of_the_selection(qtbot, page):
    start = page.session.data.index(b"sails")
    page.select(start, start + 5)
    page.inspector.tabs.set_index(2)
    qtbot.waitUntil(lambda: len(page.inspector.steps.findChildren(PictureView)) == 2, timeout=30_000)
    heard = [spoken(found.picture) for found in page.inspector.steps.findChildren(PictureView)]
    assert heard[0].startswith(" sails: tokens  sails")
    assert heard[1].startswith("sails: tokens sails")
    page.inspector.tabs.set_index(3)
    texts = [
        label.accessibleName() for label in page.inspector.pipeline.findChildren(type(page.inspector.word))
    ]
    assert any(text.startswith("Normalizer, BERT: ") for text in texts)
    assert sum(text.startswith("Post-processor") for text in texts) == 2
    assert not page.grab().toImage().isNull()


def test_figures_of_document_and_selection(page):
    page.inspector.tabs.set_index(4)
    table = page.inspector.figures.table
    assert table.item(0, 1).text() == str(page.session.panes[0].measures.tokens)
    start = page.session.data.index(WORD.encode())
    page.select(start, start + len(WORD))
    assert table.item(0, 1).text().startswith(f"{page.session.panes[0].measures.tokens} / ")
    assert table.item(0, 7).text().endswith("% of 128k")
    assert table.item(1, 7).text().endswith("% of 512")
    assert table.item(0, 8).text() == ""


def test_prices_are_edited_and_kept(qtbot, page):
    dialog = ModelsDialog(page, ["tiktoken:cl100k_base"])
    qtbot.addWidget(dialog)
    at = next(row for row in range(dialog.table.rowCount()) if dialog._text(row, 1) == "tiktoken:cl100k_base")
    dialog.table.item(at, 3).setText("a lot")
    dialog.save()
    assert "write the price as a number" in dialog.problem.title.text()
    dialog.table.item(at, 3).setText("10")
    dialog.save()
    found = models_file.model_of(models_file.load(), "tiktoken:cl100k_base")
    assert cost(found, 1_000_000) == "10.00 USD"
    assert cost(found, 50) == "0.0005 USD"
    assert cost(found, 2) == "0.00002 USD"  # not 0.0000, which says that it is free
    page.inspector.tabs.set_index(4)
    page.links.show()
    assert page.inspector.figures.table.item(0, 8).text().endswith("USD")


def test_a_damaged_table_of_models_is_not_fatal(tokstudio_home):
    tokstudio_home.mkdir(parents=True, exist_ok=True)
    models_file.path().write_text('[{"name": 1}, {"name": "A", "window": "x", "price": -1}]')
    assert models_file.load() == [ModelPrice("A", "")]
    models_file.path().write_text("{")
    assert models_file.load() == list(models_file.DEFAULTS)
    assert share(ModelPrice("A", "", 512), 256) == "50 % of 512"
    assert all(row.price is None for row in models_file.DEFAULTS)


def test_round_trips_are_said_where_text_is_lost(qtbot, page):
    qtbot.waitUntil(lambda: all(state.round_trip for state in page.session.panes), timeout=30_000)
    assert not pane(page, 0).notice.isVisible()
    assert pane(page, 1).notice.words.text() == "Normalizer reads The·Donaud as the·donaud (byte 0)"
    pane(page, 1).notice.go.click()
    assert page.selection[0] == 0


def test_find_words_ids_and_bytes(qtbot, page):
    encodings = [state.encoding for state in page.session.panes]
    data = page.session.data
    assert places("it", data, encodings) == [(data.index(b"It"), data.index(b"It") + 2)]
    assert places("IT", data, encodings) == []
    number = int(encodings[0].ids[0])
    assert places(f"#{number}", data, encodings)[0] == (0, 3)
    assert places("0x54 68", data, encodings) == [(0, 2)]
    assert places("@7", data, encodings) == [(7, 8)]
    assert places("@7000", data, encodings) == []
    with pytest.raises(ValueError, match="hexadecimal"):
        places("0x5", data, encodings)
    page.editor.find.start()
    qtbot.keyClicks(page.editor.find.field, "i")
    assert page.selection is not None
    first = page.selection
    qtbot.keyClick(page.editor.find.field, Qt.Key_Return)
    assert page.selection > first
    qtbot.keyClick(page.editor.find.field, Qt.Key_Return, Qt.ShiftModifier)
    assert page.selection == first
    assert page.editor.find.count.text().startswith("1 of ")
    page.editor.find.field.setText("#x")
    assert page.editor.find.count.text() == "?"


def test_tokens_are_copied_in_five_ways(page):
    encoding, tokenizer = page.session.panes[0].encoding, page.session.panes[0].tokenizer
    every = copying.chosen(encoding, None)
    ids = encoding.ids.tolist()
    assert copying.as_text("space", encoding, every, tokenizer) == " ".join(map(str, ids))
    assert json.loads(copying.as_text("json", encoding, every, tokenizer)) == ids
    assert eval(copying.as_text("python", encoding, every, tokenizer)) == ids
    assert bytes.fromhex(copying.as_text("hex", encoding, every, tokenizer)) == encoding.text
    rows = copying.as_text("tsv", encoding, every, tokenizer).splitlines()
    assert len(rows) == len(ids) + 1
    assert rows[1].split("\t")[:4] == ["0", str(ids[0]), "0", "3"]
    page.select(4, 6)
    page.copy_ids()
    assert len(json.loads(QGuiApplication.clipboard().text())) == len(copying.chosen(encoding, (4, 6)))


def test_changes_of_panes_are_undone_and_done_again(qtbot, page):
    history = page.pane_set.history
    page.pane_set.add("bytes")
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    page.pane_set.move_to(page.session.panes[2].number, 0)
    assert [state.reference for state in page.session.panes] == ["bytes", *TWO["panes"]]
    history.undo()
    history.undo()
    assert [state.reference for state in page.session.panes] == TWO["panes"]
    history.redo()
    qtbot.waitUntil(lambda: settled(page), timeout=30_000)
    assert [state.reference for state in page.session.panes] == [*TWO["panes"], "bytes"]
    page.pane_set.change(page.session.panes[2].number, "demo:english")
    qtbot.waitUntil(
        lambda: settled(page) and page.session.panes[2].reference == "demo:english", timeout=30_000
    )
    history.undo()
    qtbot.waitUntil(lambda: settled(page) and page.session.panes[2].reference == "bytes", timeout=30_000)


def test_a_pane_dropped_elsewhere_moves(page):
    right = pane(page, 1)
    place = page.row.place_at(QPoint(page.row.width() - 5, 20))
    assert place == 1
    assert page.row.place_at(right.mapTo(page.row, QPoint(-300, 5))) == 0
    page.row.dropped.emit(page.session.panes[0].number, 1)
    assert page.session.panes[1].reference == TWO["panes"][0]


def test_jaccard_of_f1():
    assert jaccard(np.array([1.0, 0.5, 0.0])).round(3).tolist() == [1.0, 0.333, 0.0]


def test_long_texts_are_laid_out_behind_the_window(qtbot, page):
    text = "The ferrymen carry letters across the ice. Ünïcode 😀\n" * 3000
    page.editor.set_text(text)
    qtbot.waitUntil(
        lambda: (
            settled(page)
            and all(view(page, at).tokens.text == text.encode() for at in range(2))
            and all(state.round_trip for state in page.session.panes)
        ),
        timeout=90_000,
    )
    shown = view(page, 0)
    assert len(shown.tokens) == len(page.session.panes[0].encoding)
    assert len(shown._shared) == len(shown.tokens)
    page.step(1)
    assert page.selection is not None
    assert page.session.panes[1].round_trip.normalized
    assert page.session.panes[0].round_trip.same


def test_measures_of_words():
    gpt = load_tokenizer("tiktoken:cl100k_base")
    found = measure(gpt.encode("one two three"), gpt)
    assert (found.words, found.tokens_per_word, found.special) == (3, 1.0, 0)
    bert = load_tokenizer("bert-base-uncased")
    assert measure(bert.encode("one", special=True), bert).special == 2


def test_a_table_that_cannot_be_written_says_so(tokstudio_home):
    tokstudio_home.parent.mkdir(parents=True, exist_ok=True)
    tokstudio_home.write_text("a file where the folder should be")
    with pytest.raises(InputError):
        models_file.save([])


def test_a_pane_counts_unknown_tokens(open_page):  # noqa: F811
    page = open_page({**TWO, "text": "a 度 😀 b"})
    assert pane(page, 0).unknown.isHidden()
    assert pane(page, 1).unknown.accessibleName() == "Unknown: 2"
    page.editor.set_text("plain")
    assert pane(page, 1).unknown.isHidden()


def test_a_new_pane_is_in_sight_and_may_stand_beside_another(qtbot, open_page):  # noqa: F811
    many = ["tiktoken:cl100k_base", "bert-base-uncased", "tiktoken:o200k_base", "bytes", "tiktoken:gpt2"]
    page = open_page({**TWO, "panes": many})

    def in_sight(at: int) -> bool:
        shown = pane(page, at)
        left = shown.mapTo(page.row, QPoint(0, 0)).x()
        return left >= 0 and left + shown.width() <= page.row.width() + 1

    assert not in_sight(4)
    page.receive(tokenizer="tiktoken:p50k_base")
    qtbot.waitUntil(lambda: in_sight(5))
    page.receive(tokenizer="tiktoken:r50k_base", beside="bert-base-uncased")
    assert [p.wanted or p.reference for p in page.session.panes[1:3]] == [
        "bert-base-uncased",
        "tiktoken:r50k_base",
    ]
    qtbot.waitUntil(lambda: in_sight(2))
    qtbot.waitUntil(lambda: all(p.tokenizer or p.error for p in page.session.panes), timeout=30_000)


def test_part_of_a_word_is_said_and_has_no_figures_by_word(page):
    start = page.session.data.index(WORD.encode())
    page.select(start, start + 5)
    assert page.inspector.note.text() == f"5 bytes at {start}, part of a word"
    page.inspector.tabs.set_index(4)
    table = page.inspector.figures.table
    assert table.item(0, 5).text().endswith("% / \u2013")
    page.select(start, start + len(WORD))
    assert page.inspector.note.text().endswith("one word")
    assert table.item(0, 5).text().endswith(" %")
    page.select(start, start + len(WORD) + 3)
    assert page.inspector.note.text().endswith("2 words, not all whole")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (",", "no word"), ("1,048", "2 words"), (" read the", "2 words"), ("048,5", "2 words, not all whole"),
        ("\u6771", "part of a word"), ("e\u0301", "one word"),
        (b"\xe6\x9d", "part of a character"), ("the.", "one word"),
    ],
)  # fmt: skip
def test_words_are_those_of_the_figures(part, said):
    data = "I read the. 1,048,576 \u6771\u4eac e\u0301".encode()
    part = part if isinstance(part, bytes) else part.encode()
    start = data.index(part)
    assert words.spoken(data, start, start + len(part)) == said


def test_the_inspector_can_be_tall_and_stays_so(qtbot, page):
    low = page.inspector.height()
    page.inspector.taller.click()
    assert page.inspector.height() >= 380 > low
    assert page.context.settings.get("compare/places/wide")[1] >= 380
    qtbot.mouseDClick(page.inspector._head, Qt.LeftButton, pos=QPoint(4, 4))
    assert page.inspector.height() == low


def test_steps_begin_with_the_pane_that_was_clicked(qtbot, page):
    start = page.session.data.index(b"sails")
    page.inspector.tabs.set_index(2)
    pane(page, 1).clicked.emit(start, start + 5)
    qtbot.waitUntil(lambda: len(page.inspector.steps.findChildren(PictureView)) == 2, timeout=30_000)
    heard = [spoken(found.picture) for found in page.inspector.steps.findChildren(PictureView)]
    assert heard[0].startswith("sails: tokens")


def test_an_empty_text_has_no_shared_boundaries(page):
    page.editor.set_text("")
    assert "F1 none, Jaccard none" in page.matrix.accessibleName()
    assert not page.matrix.grab().isNull()


def test_four_figures_fit_a_narrow_pane(qtbot):
    pane = ComparePane(1)
    qtbot.addWidget(pane)
    pane.setMinimumWidth(0)
    pane.resize(280, 400)
    pane.show()
    pane.unknown.show()
    pane._fit_names()
    assert [pane.dense._caption.text(), pane.whole._caption.text()] == ["B / token", "Whole"]
    assert pane.dense.accessibleName().startswith("Bytes / token")
    pane.resize(420, 400)
    assert [pane.dense._caption.text(), pane.whole._caption.text()] == ["Bytes / token", "Words whole"]
