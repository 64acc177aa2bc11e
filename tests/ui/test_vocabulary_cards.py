"""The cards of the Vocabulary page: differences, health, merges, charts, training, narrow layouts."""

import csv
import json

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QPointF, Qt
from PySide6.QtWidgets import QApplication

from tests.tokens import vocabularies as v
from tests.ui.test_vocabulary import SLOW, page, ready, search  # noqa: F401  `page` is a fixture
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.vocab_scripts import CODES
from tokstudio.ui import theme
from tokstudio.ui.models.vocabulary import COUNT, NORM, SCRIPT, TWIN
from tokstudio.ui.vocabulary_cards import charts
from tokstudio.ui.vocabulary_cards.layout import ALL, CHARTS, DIFFERENCES, HEALTH, MERGES
from tokstudio.ui.vocabulary_cards.player import frames

# ruff: noqa: F811  the fixture again as an argument


def idle(qtbot, page) -> None:
    """All is answered but how tokens are cut by another tokenizer, which takes seconds with 200,000 of them."""
    pending = page.engine.maths._pending
    qtbot.waitUntil(lambda: all(p.slot == "cuts" for p in pending.values()), timeout=SLOW)


def test_scripts_counts_and_norms_are_columns_to_sort_by(qtbot, page):
    ready(qtbot, page)
    assert set(page.model.facts) == {SCRIPT, COUNT, NORM}
    page.table.sort(COUNT, Qt.DescendingOrder)
    counts = page.engine.counts[page.model.ids]
    assert (counts[:-1] >= counts[1:]).all()
    page.table.sort(NORM, Qt.AscendingOrder)
    norms = page.engine.norms[page.model.ids]
    assert (norms[:-1] <= norms[1:]).all()
    assert "percentile" in page.detail._fields["Norm"].text()
    page.grab()


def test_a_script_is_ticked(qtbot, page):
    ready(qtbot, page)
    page.facets.facet("script", "Cyrl").tick.setChecked(True)
    assert page.query.text() == "script:Cyrl"
    qtbot.waitUntil(lambda: page.model.rowCount() < 1000, timeout=SLOW)
    page.facets.facet("type", "digits").tick.setChecked(True)
    assert page.query.text() == "type:digits script:Cyrl" or page.query.text() == "script:Cyrl type:digits"
    page.facets._clear.click()
    assert page.query.text() == ""


def test_every_script_can_be_reached(qtbot, page):
    ready(qtbot, page)
    facets = page.facets
    scripts = [facet for facet in facets._facets if facet.field == "script"]
    listed = [facet for facet in scripts if facet.made.isVisible()]
    there = {CODES[number] for number in page.engine.scripts}
    assert len(listed) == 9 < len(there)
    assert facets._more.text() == f"{len(there) - 9} more…"
    facets._more.click()
    assert {facet.key for facet in scripts if not facet.made.isHidden()} == there
    rare = next(facet for facet in scripts if facet.key in there and facet not in listed)
    rare.tick.setChecked(True)
    facets._more.click()
    assert not rare.made.isHidden()  # what is ticked stays
    assert facets._more.text() == f"{len(there) - 10} more…"
    qtbot.waitUntil(
        lambda: page.model.rowCount() == np.sum(page.engine.scripts == CODES.index(rare.key)), timeout=SLOW
    )


def test_differences_of_two_and_three(qtbot, page):
    ready(qtbot, page)
    page.parts.modes.set_index(DIFFERENCES)
    page.compare_with([v.CL100K])
    idle(qtbot, page)
    assert TWIN in page.model.facts
    shared = page.engine.shared["others"][0]
    assert shared["name"] == "cl100k_base"
    page.parts.differences._only.link.click()
    assert page.query.text() == "in:only"
    qtbot.waitUntil(lambda: page.model.rowCount() == page.engine.shared["only"], timeout=SLOW)
    page.parts.differences.add("bytes")
    idle(qtbot, page)
    assert len(page.engine.shared["others"]) == 2
    assert page.parts.differences._both.isVisible()
    page.parts.differences.remove(0)
    idle(qtbot, page)
    assert [o["reference"] for o in page.engine.shared["others"]] == ["bytes"]
    page.grab()


def test_what_only_the_other_has_is_listed_there(qtbot, page):
    ready(qtbot, page)
    page.parts.modes.set_index(DIFFERENCES)
    page.compare_with(["bytes"])
    idle(qtbot, page)
    only = page.engine.shared["others"][0]["only_there"]
    page.parts.differences._rows[0]._theirs.link.click()
    qtbot.waitUntil(lambda: page.vocabulary.name == "Bytes" and page.model.rowCount() == only, timeout=SLOW)
    assert page.engine.shared["others"][0]["reference"] == v.BERT


def test_health_is_checked_and_listed(qtbot, page):
    page.open("demo:english")
    qtbot.waitUntil(lambda: page.vocabulary is not None, timeout=SLOW)
    page.parts.modes.set_index(HEALTH)
    qtbot.waitUntil(lambda: bool(page.engine.health), timeout=SLOW)
    assert page.engine.health["counts"]["unreachable"] == 13
    _, count, show = page.parts.health._rows["unreachable"]
    assert count.text() == "13"
    show.click()
    assert page.query.text() == "type:unreachable"
    qtbot.waitUntil(lambda: page.model.rowCount() == 13, timeout=SLOW)
    page.grab()


def test_a_query_that_had_to_wait_is_answered_when_the_facts_are_there(qtbot, page):
    page.open("demo:english")
    qtbot.waitUntil(lambda: page.vocabulary is not None, timeout=SLOW)
    search(qtbot, page, "type:unreachable")
    qtbot.waitUntil(page.parts.wrong.isVisible, timeout=SLOW)
    assert "Health" in page.parts.wrong.text()
    page.parts.modes.set_index(HEALTH)
    qtbot.waitUntil(lambda: page.model.rowCount() == 13, timeout=SLOW)
    assert not page.parts.wrong.isVisible()


def test_merges_are_watched(qtbot, page):
    page.open(v.CL100K)
    qtbot.waitUntil(lambda: page.vocabulary is not None, timeout=SLOW)
    page.table.choose(25977)
    page.detail.merges.click()
    player = page.parts.player
    qtbot.waitUntil(lambda: player.slider.maximum() == 6, timeout=SLOW)
    assert player._before.text() == "11 tokens had to exist before:"
    player.next.click()
    assert "l + e → le" in player._words.text()
    player.playing.timer.setInterval(10)
    qtbot.keyClick(player.slider, Qt.Key_Space)
    qtbot.waitUntil(lambda: player.slider.value() == 6 and not player.playing.timer.isActive(), timeout=SLOW)
    assert "·pur + ple → ·purple" in player._words.text()
    page.grab()
    player.field.setText("a purple river")
    player.field.returnPressed.emit()
    qtbot.waitUntil(lambda: len(player._frames[-1].words) == 3, timeout=SLOW)
    last = [token for word in player._frames[-1].words for token in word]
    assert last == load_tokenizer(v.CL100K).encode("a purple river").ids.tolist()
    needed = player.needed
    page.show_merges(25977)
    qtbot.waitUntil(lambda: len(needed._tokens) == 11, timeout=SLOW)
    assert len(list(needed._boxes(120))) == 11  # narrow: in rows, to the last
    assert needed.heightForWidth(120) > needed.heightForWidth(1000)
    assert player._area.minimumHeight() >= player.pieces.sizeHint().height()
    qtbot.mouseClick(needed, Qt.LeftButton, pos=QPointF(4, 8).toPoint())
    assert page.table.token() == needed._tokens[0] or page._token is not None


def test_what_was_not_merged_is_said_in_the_player(qtbot, page):
    ready(qtbot, page)
    page.parts.modes.set_index(MERGES)
    page.table.choose(2314)
    assert "not made by merging" in page.parts.player.subtitle.text()


def test_frames_go_word_by_word():
    words = [
        {"units": [1, 2], "steps": [{"pieces": [3], "at": 0, "rank": 9, "left": 1, "right": 2}]},
        {"units": [4], "steps": []},
    ]
    assert [frame.words for frame in frames(words)] == [[(1, 2), (4,)], [(3,), (4,)]]


# ---------------------------------------------------------------- charts


def test_sweeping_a_chart_becomes_a_term(qtbot, page):
    ready(qtbot, page)
    page.parts.charts._sweep("len", 3.2, 6.9)
    assert page.query.text() == "len:3-7"
    page.parts.charts._sweep("len", 22.0, 25.0)
    assert page.query.text() == "len:>=22"
    page.parts.charts._sweep("norm", -0.2, 0.5)
    assert page.query.text() == "len:>=22 norm:0.0000-0.5000"
    page.query.setText("")
    page.parts.charts._sweep("coverage", 0, 10)
    qtbot.waitUntil(lambda: 10 <= page.model.rowCount() <= 13, timeout=SLOW)


def test_the_mouse_sweeps_and_the_keyboard_takes_a_bar(qtbot, page):
    ready(qtbot, page)
    chart = page.parts.charts.lengths

    def at(x: float):
        return QPointF(chart.at_x(x), chart.at_y(10)).toPoint()

    qtbot.mousePress(chart, Qt.LeftButton, pos=at(5.0))
    qtbot.mouseMove(chart, at(7.0))
    qtbot.mouseRelease(chart, Qt.LeftButton, pos=at(8.0))
    assert page.query.text() == "len:5-8"
    chart.set_cursor_place(2)
    qtbot.keyClick(chart, Qt.Key_Return)
    assert page.query.text() == "len:3"
    qtbot.keyClick(chart, Qt.Key_Right)
    qtbot.keyClick(chart, Qt.Key_Return)
    assert page.query.text() == "len:4"


def test_terms_of_charts():
    counts = np.array([9, 1, 5, 0])
    assert charts.count_term(counts, 0, 1) == "count:5-9"
    assert charts.length_term(-3, 0.2) == "len:1"


def test_two_lengths_stand_above_each_other_as_a_matter_of_course(qtbot, page):
    ready(qtbot, page)
    assert page.parts.charts.others.isVisible()
    assert page.parts.charts.others.all.sum() > 190_000
    assert page.parts.charts._other_name.text() == "o200k_base, 200,019 tokens"  # as its own page says


def test_heads_of_the_charts_are_whole_at_each_text_size(qtbot, page):
    ready(qtbot, page)
    made, app = page.parts.charts, QApplication.instance()
    try:
        for scale in (1.5, 2.0):
            theme.set_scale(app, scale)
            page.resize(2400, 1100)
            for card in (made._covered, made._norm_card, made.by.parentWidget()):
                qtbot.waitUntil(lambda card=card: card.title.width() >= card.title.sizeHint().width())
            for switch in (made.by, made.curve):
                assert switch.width() >= switch.sizeHint().width()
    finally:
        theme.set_scale(app, 1.0)


# ---------------------------------------------------------------- narrow and wide


def test_narrow_charts_are_a_tab_and_facets_a_menu(qtbot, page):
    ready(qtbot, page)
    page.resize(1000, 700)
    assert not page.parts.wide
    assert not page.facets.isVisible()
    page.parts.filter.trigger()
    assert page.facets.isVisible()
    page.parts._popup.hide()
    page.parts.modes.set_index(CHARTS)
    assert page.parts.charts.isVisible()
    assert not page.table.isVisible()
    page.grab()
    page.resize(1368, 826)
    assert page.parts.modes.index() == ALL
    assert page.parts.charts.isVisible()
    assert page.facets.isVisible()
    assert page.table.isVisible()


def test_it_fits_the_smallest_window(qtbot, page):
    ready(qtbot, page)
    for mode in (ALL, DIFFERENCES, HEALTH, MERGES, CHARTS):
        page.parts.modes.set_index(mode)
        idle(qtbot, page)
        page.resize(880 - 48, 600 - 74)
        qtbot.waitUntil(lambda: page.minimumSizeHint().width() <= 832, timeout=5_000)
        qtbot.waitUntil(lambda: page.minimumSizeHint().height() <= 526, timeout=5_000)


# ---------------------------------------------------------------- out


def test_the_list_is_exported(qtbot, page, tmp_path):
    ready(qtbot, page)
    search(qtbot, page, "river")
    page.export_to(tmp_path / "a.csv")
    page.export_to(tmp_path / "a.json")
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    listed = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert len(rows) == len(listed["tokens"]) == page.model.rowCount()
    assert rows[0]["token"] == "river"
    assert rows[0]["hex"] == b"river".hex()
    assert rows[0]["script"] == "Latin"
    assert listed["query"] == "river"
    failures = []
    page._context.failed.connect(failures.append)
    page.export_to(tmp_path / "nowhere" / "a.csv")
    assert "cannot be written" in str(failures[0])


def test_a_selection_is_counted_copied_and_exported(qtbot, page, tmp_path):
    from PySide6.QtGui import QGuiApplication

    ready(qtbot, page)
    search(qtbot, page, "len:>12")
    table, model = page.table, page.model
    flags = QItemSelectionModel.Select | QItemSelectionModel.Rows
    table.selectionModel().clearSelection()
    for row in (5, 1, 2):
        table.selectionModel().select(model.index(row, 0), flags)
    wanted = model.ids[[1, 2, 5]].tolist()
    assert table.selected_ids().tolist() == wanted
    assert page.parts.shown.text().startswith("3 selected of ")
    page.export_to(tmp_path / "some.csv", selection=True)
    with (tmp_path / "some.csv").open(newline="") as file:
        assert [int(line["id"]) for line in csv.DictReader(file)] == wanted
    page.copy_selection()
    copied = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert [int(line[0]) for line in copied] == wanted
    assert bytes.fromhex(copied[0][2]) == page.vocabulary.bytes_of(wanted[0])
    table.selectAll()
    assert len(table.selected_ids()) == model.rowCount()
