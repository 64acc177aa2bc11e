"""The painted charts of the Vocabulary page: what they show, and what pointing at them finds."""

import csv
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtWidgets import QMenu

from tests.tokens import vocabularies as v
from tests.ui.test_vocabulary import SLOW, page  # noqa: F401  `page` is a fixture
from tokstudio.tokens.vocab_scripts import CODES
from tokstudio.ui import theme
from tokstudio.ui.vocabulary_cards import charts
from tokstudio.ui.vocabulary_cards.flow import GAP, LEAST, ROOM, FlowPicture
from tokstudio.ui.vocabulary_cards.flow_card import WAITS
from tokstudio.ui.vocabulary_cards.layout import DIFFERENCES
from tokstudio.ui.vocabulary_cards.terms import with_terms
from tokstudio.ui.vocabulary_cards.treemap import ScriptMap, script_term, squarified, tiles_of
from tokstudio.ui.widgets.plot import nearest

# ruff: noqa: F811  the fixture again as an argument

LATIN, HAN, ARAB = CODES.index("Latn"), CODES.index("Hani"), CODES.index("Arab")


def shown(qtbot, chart, width: int = 300, height: int = 160):
    qtbot.addWidget(chart)
    chart.resize(width, height)
    chart.show()
    return chart


# ---------------------------------------------------------------- lines and clouds


def test_zipf_counts_by_rank(qtbot):
    chart = shown(qtbot, charts.Zipf())
    chart.set_counts(np.array([0, 10, 1000, 0, 100, 1]))
    assert chart.ranks.tolist() == [1, 2, 3, 4]
    assert chart.counts.tolist() == [1000, 100, 10, 1]
    assert chart.reading(1) == "rank 2: 100 times"
    assert [words for _, words in chart.y_ticks(*chart.extent()[2:], 4)] == ["1", "10", "100", "1,000"]
    chart.grab()


def test_a_text_without_any_token_leaves_zipf_empty(qtbot):
    chart = shown(qtbot, charts.Zipf())
    chart.set_counts(np.zeros(5, np.int64))
    assert chart.accessibleDescription() == "nothing yet"
    chart.grab()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.data())
def test_sweeping_ranks_finds_the_tokens_of_these_ranks(counts, data):
    counts = np.array(counts)
    first = data.draw(st.integers(1, len(counts)))
    last = data.draw(st.integers(first, len(counts)))
    term = charts.rank_term(counts, np.log10(first), np.log10(last)).removeprefix("count:")
    low, _, high = term.partition("-")
    found = np.flatnonzero((counts >= int(low)) & (counts <= int(high or low)))
    ordered = np.sort(counts)[::-1]
    assert set(ordered[first - 1 : last]) == set(counts[found])


def test_norms_by_rank_and_by_id(qtbot):
    chart = shown(qtbot, charts.Norms())
    norms, low = np.array([1.0, 2.0, 3.0, np.nan, 0.1]), np.array([False, False, False, False, True])
    chart.set_norms(norms, low, np.array([5, 50, 500, 0, 1]))
    assert chart.y.tolist() == [3.0, 2.0, 1.0]
    assert chart.reading(0) == "rank 1   norm 3"
    chart.set_by_id(True)
    assert chart.x.tolist() == [0.0, 1.0, 2.0]
    assert chart.low_x.tolist() == [4.0]
    assert chart.accessibleDescription() == "1 rows far below the middle"
    chart.grab()
    swept = []
    chart.swept.connect(lambda *ends: swept.append(ends))
    for key in (Qt.Key_End, Qt.Key_Return):
        qtbot.keyClick(chart, key)
    assert swept == [(3.0, 3.0)]
    assert charts.norm_term(3.0, 3.0) == "norm:2.9995-3.0005"


def test_the_cursor_walks_and_leaves(qtbot):
    chart = shown(qtbot, charts.Coverage())
    chart.set_coverage(np.array([0.5, 0.75, 1.0]), 3)
    for key, words in (
        (Qt.Key_Right, "0 tokens cover 0.0 %"), (Qt.Key_Right, "1 token covers 50.0 %"),
        (Qt.Key_End, "3 tokens cover 100.0 %"), (Qt.Key_Left, "2 tokens cover 75.0 %"),
    ):  # fmt: skip
        qtbot.keyClick(chart, key)
        assert chart.accessibleDescription() == words
    qtbot.keyClick(chart, Qt.Key_Escape)
    assert chart.cursor_place is None


@given(st.lists(st.integers(-50, 50), min_size=1, unique=True), st.floats(-60, 60))
def test_the_nearest_is_found(values, wanted):
    values = np.sort(values)
    assert abs(values[nearest(values, wanted)] - wanted) == np.abs(values - wanted).min()


def test_a_low_chart_has_a_scale(qtbot):
    chart = shown(qtbot, charts.Lengths(), 300, 70)
    for most in (2, 30, 44, 46, 99, 4_600, 90_000):
        chart.set_lengths(np.full(most, 4), np.zeros(0, int))
        assert len(chart._fit_y(0.0, chart.extent()[3], QFontMetricsF(theme.font("axis")))) >= 2


# ---------------------------------------------------------------- tiles


def test_the_example_of_the_paper():
    """Bruls, Huizing, van Wijk 2000, figure 4."""
    found = squarified([6, 6, 4, 3, 2, 2, 1], QRectF(0, 0, 6, 4))
    assert (found[0], found[1]) == (QRectF(0, 0, 3, 2), QRectF(0, 2, 3, 2))
    assert found[2].height() == found[3].height() == pytest.approx(7 / 3)
    assert found[2].width() == pytest.approx(12 / 7)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=40), st.integers(20, 900), st.integers(20, 900))
def test_tiles_fill_the_box_by_their_sizes(sizes, width, height):
    sizes = sorted(sizes, reverse=True)
    found = squarified(sizes, QRectF(0, 0, width, height))
    for size, tile in zip(sizes, found, strict=True):
        assert tile.width() * tile.height() == pytest.approx(size / sum(sizes) * width * height, rel=1e-6)
        assert tile.left() >= -1e-6
        assert tile.top() >= -1e-6
        assert tile.right() <= width + 1e-6
        assert tile.bottom() <= height + 1e-6


def test_very_small_scripts_are_one_tile():
    counts = np.zeros(len(CODES), np.int64)
    counts[[LATIN, HAN, ARAB, CODES.index("Thai")]] = 1000, 200, 1, 2
    tiles = tiles_of(counts, counts // 2)
    assert [(tile.name, tile.count, tile.matches) for tile in tiles] == [
        ("Latin", 1000, 500), ("Han", 200, 100), ("2 other scripts", 3, 1),
    ]  # fmt: skip
    assert script_term(tiles[-1]) == "script:Thai,Arab"


def test_tiles_are_pointed_at_by_mouse_and_keys(qtbot):
    chart = shown(qtbot, ScriptMap())
    chart.set_scripts(np.array([LATIN] * 60 + [HAN] * 40), np.array([HAN] * 10))
    chosen = []
    chart.chosen.connect(lambda number: chosen.append(chart.tiles[number].codes))
    qtbot.mouseClick(chart, Qt.LeftButton, pos=chart.paths()[1].boundingRect().center().toPoint())
    qtbot.keyClick(chart, Qt.Key_Home)
    assert chart.accessibleDescription() == "Latin: 60, 60.0 %"
    qtbot.keyClick(chart, Qt.Key_Right)
    assert chart.accessibleDescription() == "Han: 40, 40.0 %, 10 found"
    qtbot.keyClick(chart, Qt.Key_Return)
    assert chosen == [("Hani",), ("Hani",)]


# ---------------------------------------------------------------- flow


@given(
    st.lists(st.lists(st.integers(0, 100_000), min_size=7, max_size=7), min_size=3, max_size=3).filter(
        lambda counts: any(any(row) for row in counts)
    ),
    st.integers(120, 600),
)
def test_bands_are_thick_as_their_tokens(qapp, counts, height):
    """On both sides by one scale, without an overlap of nodes, and with all of them inside."""
    picture = FlowPicture("Tokens there")
    picture.resize(340, height)
    picture.set_flow(counts)
    picture.paths()
    for x in {node.box.left() for node in picture._nodes}:
        column = [node for node in picture._nodes if node.box.left() == x]
        assert column[0].box.top() >= 0
        assert column[-1].box.bottom() <= height + 1e-6
        for above, below in pairwise(column):
            assert above.box.bottom() < below.box.top()
            middles = below.box.center().y() - above.box.center().y()
            assert middles >= min(ROOM, (height - 2) / len(column) - GAP) - 1e-6
        for node in column:
            assert node.box.height() == pytest.approx(max(LEAST, node.count * picture._scale))


def test_thin_bands_can_be_pointed_at(qtbot):
    picture = shown(qtbot, FlowPicture("Tokens there"), 340, 220)
    picture.set_flow([[40_000, 0, 3_000, 0, 0, 0, 0], [40_000, 0, 10_000, 700, 140, 0, 0], [8_000] + 6 * [0]])
    paths = picture.paths()
    for n, band in enumerate(picture.bands):
        if band.fate in (3, 4):
            end = QPointF(paths[n].elementAt(4).x - 1, paths[n].elementAt(4).y + 2)
            assert picture.part_at(end) == n
    assert picture.part_at(QPointF(1, 1)) == -1


def test_bands_are_as_thick_as_their_tokens_and_clicked(qtbot):
    picture = shown(qtbot, FlowPicture("Tokens there"), 400, 300)
    picture.set_flow([[300, 0, 100, 0, 0, 0, 0], [0, 50, 0, 0, 0, 0, 0], [0] * 7])
    assert [(band.group, band.fate) for band in picture.bands] == [(0, 0), (0, 2), (1, 1)]
    paths = picture.paths()
    left = [path.elementAt(0) for path in paths]
    assert left[1].y - left[0].y == pytest.approx(picture._nodes[0].box.height() * 0.75)
    chosen = []
    picture.chosen.connect(lambda number: chosen.append(picture.bands[number].term))
    at = picture._nodes[0].box
    qtbot.mouseClick(picture, Qt.LeftButton, pos=QPointF(at.right() + 3, at.top() + 5).toPoint())
    assert chosen == ["type:word-start in:b"]
    qtbot.keyClick(picture, Qt.Key_End)
    assert picture.accessibleDescription() == "50 continuations: one token of other bytes there"
    pictures = []
    for scheme in ("light", "dark", "contrast"):
        theme._State.name = scheme
        pictures.append(picture.grab().toImage())
    theme._State.name = "light"
    assert pictures[0] != pictures[1] != pictures[2]


def test_terms_take_the_place_of_those_of_the_same_fields():
    assert with_terms("river in:only -cut:2 script:Latn", "type:digits -in:b cut:1") == (
        "river script:Latn type:digits -in:b cut:1"
    )


# ---------------------------------------------------------------- on the page


def test_a_tile_and_a_band_fill_the_table_and_charts_become_files(qtbot, page, tmp_path):
    page._context.settings.set("vocabulary.others", ["bytes"])
    page.open(v.byte_bpe())
    qtbot.waitUntil(lambda: page.engine.scripts is not None and bool(page.engine.shared), timeout=SLOW)
    column = page.parts.charts
    assert not column.flow.isVisible()
    column.by.set_index(1)
    column.scripts.chosen.emit(0)
    assert page.query.text() == "script:Latn"
    tile = column.scripts.tiles[0]
    qtbot.waitUntil(lambda: page.model.rowCount() == tile.count, timeout=SLOW)
    qtbot.waitUntil(lambda: column.scripts.tiles[0].matches == tile.count, timeout=SLOW)
    page.query.setText("")
    page.parts.modes.set_index(DIFFERENCES)
    qtbot.waitUntil(lambda: bool(page.engine.flow), timeout=SLOW)
    assert column.flow.isVisible()
    assert not column.coverage.isVisible()
    place = next(n for n, band in enumerate(column.flow.here.bands) if band.fate == 4)
    column.flow.here.chosen.emit(place)
    assert page.query.text() == f"{column.flow.here.bands[place].term}"
    qtbot.waitUntil(lambda: page.model.rowCount() == column.flow.here.bands[place].count, timeout=SLOW)
    views = column.views()
    assert [view.title for view in views] == [
        "Tokens by script", "Tokens of byte-bpe in Bytes", "Tokens of Bytes in byte-bpe",
    ]  # fmt: skip
    for view in views:
        for kind in ("png", "svg", "csv"):
            column.exporter.write(view, tmp_path / f"a.{kind}")
        image = QImage(str(tmp_path / "a.png"))
        assert image.width() == 2 * view.widget().width()
        svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
        assert view.table()[next(iter(view.table()))][0] in svg
        lines = [
            line for line in (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines() if line[0] != "#"
        ]
        assert len(list(csv.DictReader(lines))) == len(next(iter(view.table().values())))


def test_the_menu_of_exports_names_the_charts_that_are_seen(qtbot, page):
    page._context.settings.set("vocabulary.others", ["demo:english"])
    page.open("bytes")
    qtbot.waitUntil(lambda: bool(page.engine.shared), timeout=SLOW)
    menu = QMenu()
    qtbot.addWidget(menu)
    page.header.fill_charts(menu)
    lengths = ["Token length in bytes", "Token length in bytes, Demo english"]
    assert [action.text() for action in menu.actions()] == [*lengths, "Share of the text covered"]
    page.parts.charts.curve.set_index(1)
    page.header.fill_charts(menu)
    assert [action.text() for action in menu.actions()] == [*lengths, "Count by rank"]
    formats = menu.actions()[2].menu()
    assert [action.text() for action in formats.actions()] == ["PNG…", "SVG…", "CSV…", "NPY…"]


def test_a_band_of_the_other_vocabulary_is_listed_there(qtbot, page):
    page._context.settings.set("vocabulary.others", ["bytes"])
    page.open(v.byte_bpe())
    page.parts.modes.set_index(DIFFERENCES)
    qtbot.waitUntil(lambda: bool(page.engine.flow), timeout=SLOW)
    there, first = page.parts.charts.flow.there, page.vocabulary.reference
    count = there.bands[0].count
    page.query.setText("a")
    qtbot.waitUntil(lambda: not page.engine.maths.busy(), timeout=SLOW)
    there.chosen.emit(0)
    qtbot.waitUntil(lambda: page.vocabulary.name == "Bytes" and page.model.rowCount() == count, timeout=SLOW)
    qtbot.waitUntil(lambda: page.parts.differences.others == [first], timeout=SLOW)
    changes = page._context.changes
    changes.show_page(page.name)
    changes.undo()  # all of it is one step: the tokenizer, the query, what was beside it
    qtbot.waitUntil(lambda: page.vocabulary.reference == first, timeout=SLOW)
    qtbot.waitUntil(lambda: page.parts.differences.others == ["bytes"], timeout=SLOW)
    assert page.query.text() == "a"
    changes.redo()
    qtbot.waitUntil(lambda: page.vocabulary.name == "Bytes" and page.model.rowCount() == count, timeout=SLOW)


def test_cuts_are_worked_out_when_a_query_asks_for_them(qtbot, page):
    """Also where no picture shows them."""
    page._context.settings.set("vocabulary.others", ["bytes"])
    page.open(v.byte_bpe())
    qtbot.waitUntil(lambda: bool(page.engine.shared) and not page.engine.maths.busy(), timeout=SLOW)
    assert not page.engine.flow
    refused = []
    page.engine.refused.connect(
        lambda *_: refused.append((page.parts.wrong.text(), page.query.property("problem")))
    )
    page.query.setText("cut:>4")
    qtbot.waitUntil(
        lambda: "of" in page.hits.text() and page.parts.wrong.isHidden() and bool(refused), timeout=SLOW
    )
    assert refused == [(WAITS, "")]
    assert (page.vocabulary.lengths[page.model.ids] > 4).all()
    assert 0 < len(page.model.ids) < len(page.vocabulary)


def test_the_page_is_there_without_pyqtgraph():
    """Its import alone takes 0.2 s of the window's thread."""
    import subprocess
    import sys

    code = (
        "import sys\n"
        "import tokstudio.ui.pages.vocabulary\n"
        "assert 'pyqtgraph' not in sys.modules, 'pyqtgraph'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
