"""The Embeddings page with two models, its views, and what it writes to files."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest

from tests.embed.files import MINILM, model, random, write
from tests.embed.test_compare import DEMO
from tests.ui.test_embeddings import SLOW, listed, page, ready  # noqa: F401  `page` is a fixture
from tokstudio.errors import InputError
from tokstudio.ui import embeddings_export
from tokstudio.ui.embeddings_engine import B
from tokstudio.ui.embeddings_plane_maths import Frame, density, inside
from tokstudio.ui.embeddings_projection import Projection
from tokstudio.ui.embeddings_table import Column, RowsTable
from tokstudio.ui.embeddings_vector import VectorCard
from tokstudio.ui.embeddings_words import in_other


def settle(qtbot, shown) -> None:
    qtbot.waitUntil(lambda: not shown.engine.maths.busy(), timeout=SLOW)
    qtbot.wait(20)


@pytest.fixture
def both(qtbot, page):  # noqa: F811
    ready(qtbot, page, token="water")
    page.open(str(DEMO), letter=B)
    settle(qtbot, page)
    qtbot.waitUntil(lambda: not page.engine.maths.busy(), timeout=SLOW)
    return page


def test_two_models_beside_each_other(qtbot, both):
    body = both.body
    assert both.subtitle() == "all-MiniLM-L6 and Demo model"
    assert body.header._two["shared"].value.text() == "1,319"
    assert not body.neighbors._second.isHidden()
    assert not body.matrices[0].sides.button(2).isEnabled(), "the widths differ"
    assert "1,319 shared tokens" in body.pair.report.text()
    assert body.pair.stats["r_mean"].note.text() == "widths differ"
    assert body.pair.table.rows.rowCount() == 500
    body.pair.rule.set_index(1)
    settle(qtbot, both)
    assert "1,948 shared tokens" in body.pair.report.text()
    both.ask_row(1996)
    settle(qtbot, both)
    assert body.neighbors._about_b.text().startswith("id "), "“the” is “ the” of the demo model"
    assert "The same token in both, joined by words" in body.vector.relation.text()
    body.vector.by.set_index(1)
    settle(qtbot, both)
    assert "Two different words" in body.vector.relation.text()
    assert body.vector.stats["r"].note.text() == "widths differ"
    for slot, kind in zip(body.slots.slots, ("variances", "values", "overlap"), strict=True):
        slot.show_kind(kind)
    settle(qtbot, both)
    qtbot.waitUntil(lambda: all(slot.late.chart is not None for slot in body.slots.slots), timeout=SLOW)
    a, b = (body.slots.slots[0].late.chart._series[letter] for letter in "AB")
    assert np.array_equal(a.x, b.x), "both on the same bins"
    values = body.slots.slots[1].late.chart._series
    assert np.array_equal(values["A"].x, values["B"].x)
    both.engine.close(B)
    assert both.subtitle() == "all-MiniLM-L6"
    assert body.neighbors._second.isHidden()


def test_two_of_one_width_have_r_and_a_difference(qtbot, page, tmp_path):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    page.engine.ask_compare()
    page.open(str(DEMO), letter=B)
    settle(qtbot, page)
    assert page.body.pair.stats["r_mean"].value.text() == "1.000"
    assert (
        page.body.vector.stats["r"].value.text() == "1.00"[:4]
        or page.body.vector.stats["r"].value.text() == "1.000"
    )
    assert page.body.matrices[0].sides.button(2).isEnabled()
    page.show_matrix_of(2)
    plane = page.body.matrices[2].heat.plane
    assert plane is not None
    assert np.abs(plane.values).max() == 0
    page.engine.swap()
    settle(qtbot, page)
    assert page.subtitle() == "Demo model and Demo model"


def test_rows_in_another_order_keep_their_names(qtbot, page):  # noqa: F811
    ready(qtbot, page, token="river")
    card = page.body.matrices[0]
    card.mode.set_index(1)
    for order in ("norm", "name", "cluster"):
        page.reorder("A", order)
        settle(qtbot, page)
        assert card.order.currentData() == order
        assert sorted(card.heat.plane.order) == list(range(30_522))
    norms = page.engine.a.summary.arrays["norms"]
    page.reorder("A", "norm")
    settle(qtbot, page)
    assert card.heat.plane.row_id(0) == int(norms.argmax())
    card.heat.show_row(2314)
    assert card.heat.view.top <= card.heat.plane.place_of(2314) <= card.heat.view.bottom
    page.grab()


def test_an_order_that_cannot_be_had_is_refused_and_the_old_one_stays(qtbot, page, tmp_path):  # noqa: F811
    ready(qtbot, page, write(tmp_path / "x.safetensors", {"wte.weight": random(400, 32)}))
    said = []
    page._context.failed.connect(said.append)
    page.reorder("A", "name")
    settle(qtbot, page)
    assert "no tokenizer lies beside" in str(said[0])
    assert page.engine.a.order == "id"


def test_sums_spaces_and_counts_reach_the_engine(qtbot, page):  # noqa: F811
    ready(qtbot, page, token="king - man + woman")
    page.body.neighbors.set_token("king - man + woman")
    page.body.neighbors.space.setCurrentIndex(1)
    page.body.neighbors.count.setCurrentIndex(1)
    page.body.neighbors._ask()
    settle(qtbot, page)
    assert listed(page)[0] == "queen"
    assert len(listed(page)) == 50
    assert page.body.neighbors._about.text() == "a sum"
    assert page.body.vector.subtitle.text().endswith("a sum")
    heat = page.body.matrices[0].heat
    assert heat.readout(0, 0)[0].startswith("the·sum, dim ")
    page.grab()


def test_health_lists_what_it_found_and_leads_on(qtbot, page, tmp_path):  # noqa: F811
    values = random(300, 16)
    values[7], values[40], values[9] = 0, values[20], values[9] * 0.001
    ready(qtbot, page, model(tmp_path / "m", {"model.embed_tokens.weight": values}, vocab_size=300))
    page.show_view(3)
    settle(qtbot, page)
    card = page.body.health
    assert [card.which.button(i).text() for i in range(4)] == [
        "Under-trained 1",
        "Repeated 1",
        "Zero 1",
        "Not finite 0",
    ]
    assert card.table.rows.ids.tolist() == [9]
    card.which.set_index(2)
    assert card.table.rows.ids.tolist() == [7]
    card.which.set_index(1)
    card.table.row_chosen.emit(40)
    settle(qtbot, page)
    assert page.body.neighbors.token() == "#40"


def test_padding_rows_are_named(qtbot, page, tmp_path):  # noqa: F811
    folder = model(tmp_path / "m", {"model.embed_tokens.weight": random(4100, 16)}, vocab_size=4100)
    (folder / "tokenizer.json").write_bytes((DEMO / "tokenizer.json").read_bytes())
    ready(qtbot, page, folder)
    assert "4 padding rows" in page.body.header.models["A"].about.text()
    assert page.engine.a.token(4099) == "padding #4099"


def test_the_heat_map_speaks(qtbot, page):  # noqa: F811
    ready(qtbot, page, token="river")
    heat = page.body.matrices[0].heat
    QTest.keyClick(heat, Qt.Key_Right)
    interface = QAccessible.queryAccessibleInterface(heat)
    assert interface.text(QAccessible.Name) == "Embedding heat map"
    assert ", dim " in interface.text(QAccessible.Value)
    assert "value" in interface.text(QAccessible.Value)


@pytest.mark.parametrize("kind", ["png", "svg", "csv", "npy"])
def test_every_view_can_be_written_with_where_it_came_from(qtbot, both, tmp_path, kind):
    both.show_view(3)
    settle(qtbot, both)
    found = both.views()
    titles = {view.title for view in found}
    assert {
        "Heat map",
        "Values",
        "Neighbors",
        "Neighbors in B",
        "Projection",
        "Vector",
        "Two models",
        "Health",
    } <= titles
    about = {"matrix_a": "here"}
    for place, view in enumerate(found):
        path = tmp_path / f"{place}.{kind}"
        embeddings_export.write(view, path, about)
        if kind == "png":
            assert QImage(str(path)).text("matrix_a") == "here"
        elif kind == "svg":
            assert "matrix_a" in path.read_text()
            assert "<svg" in path.read_text()
        elif kind == "csv":
            lines = path.read_text().splitlines()
            assert any(line == "# matrix_a: here" for line in lines)
            body = list(csv.reader(line for line in lines if not line.startswith("# ")))
            assert all(len(row) == len(body[0]) for row in body)
        else:
            assert np.load(path).shape == tuple(json.loads(path.with_suffix(".json").read_text())["shape"])
    heat = next(view for view in found if view.title == "Heat map")
    assert np.array_equal(heat.array(), both.body.matrices[0].heat.plane.values)
    with pytest.raises(InputError, match="which format"):
        embeddings_export.write(found[0], tmp_path / "x.doc", about)
    with pytest.raises(InputError, match="cannot be written"):
        embeddings_export.write(found[0], tmp_path / "no" / "x.csv", about)


# ---------------------------------------------------------------- projection and table without a page


def test_a_lasso_holds_what_lies_in_it():
    corners = np.array([[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]], float)
    at = np.array([[5, 2], [5, 8], [1, 8], [11, 5], [9, 8]], np.float32)
    assert inside(at, corners).tolist() == [True, False, True, False, True]


def test_a_frame_keeps_what_is_under_the_pointer():
    frame = Frame.around(random(500, 2), [], 300, 200)
    at = frame.place(np.array([[0.02, -0.01]], np.float32))[0]
    near = frame.zoomed(3, at[0], at[1], 0, 1e9)
    assert np.allclose(near.place(np.array([[0.02, -0.01]], np.float32))[0], at, atol=0.01)
    assert density(frame, random(500, 2), 3).max() == 1


def test_points_are_found_chosen_and_drawn(qtbot):
    made = Projection()
    qtbot.addWidget(made)
    made.resize(400, 300)
    points = random(25_000, 2)
    made.set_points(points)
    made.show()
    got = []
    made.chosen_rows.connect(lambda rows: got.append(rows))
    place = made.frame().place(points[[123]])[0]
    assert made.nearest(QPointF(*place.tolist())) is not None
    made.lasso = True
    box = made.rect()
    made._loop = [QPointF(at) for at in (box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft())]
    QTest.mouseRelease(made, Qt.LeftButton, pos=made.rect().bottomLeft())
    assert len(got[0]) > 24_000
    before = made.frame().scale
    made.zoom(30.0)
    assert made.frame().scale > before
    made.grab()
    made.set_points(points[:100], np.arange(100) * 3)
    made.set_chosen([(33 * 3, "x"), (34, "not laid out")])
    assert made._marked() == [(33, "x")]
    made.grab()


def test_a_table_sorts_numbers_as_numbers_and_keeps_ids(qtbot, qtmodeltester):
    table = RowsTable("Rows")
    qtbot.addWidget(table)
    table.set_rows([7, 8, 9], [Column("Token", ["a", "c", "b"]), Column("Norm", [10.0, None, 9.0], ".1f")])
    qtmodeltester.check(table.rows)
    table.rows.sort(1, Qt.AscendingOrder)
    assert [table.rows.index(row, 0).data(Qt.UserRole) for row in range(3)] == [9, 7, 8]
    table.rows.sort(0, Qt.DescendingOrder)
    assert [table.rows.index(row, 0).data() for row in range(3)] == ["c", "b", "a"]
    assert table.rows.as_csv().splitlines()[0] == "Token,Norm"


def test_a_token_is_asked_for_as_the_other_vocabulary_writes_it():
    from tokstudio.embed.matrix import finish
    from tokstudio.embed.vocabulary import read_vocabulary

    bert, demo = (finish(read_vocabulary(str(folder))) for folder in (MINILM, DEMO))
    assert demo.look_up(in_other(bert, 1996, demo)) == demo.find(b" the")
    assert bert.look_up(in_other(demo, demo.find(b" the"), bert)) == 1996
    glued = bert.look_up("##ing")
    assert demo.look_up(in_other(bert, glued, demo)) == demo.find(b"ing")
    assert in_other(bert, glued, bert) == "##ing"
    assert in_other(None, 5, bert) == "#5"


def test_the_export_of_a_run_shows_its_plan_and_the_model_before(qtbot, page, tmp_path):  # noqa: F811
    import shutil

    from tests.ui.test_plan import make_plan
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.config import demo
    from tokstudio.train.settings import to_toml
    from tokstudio.transfer.plan import save_plan
    from tokstudio.ui.embeddings_body import TRANSFER
    from tokstudio.ui.run_cards.plan_data import START, Pair

    tokenizers = Pair(load_tokenizer("demo:english"), load_tokenizer("demo:code"))
    run = tmp_path / "moved"
    run.mkdir()
    (run / "config.toml").write_text(to_toml(demo()), encoding="utf-8")
    save_plan(make_plan(tokenizers, 1), run / START)
    shutil.copytree(DEMO, run / "export")
    views = page.body.header.views
    ready(qtbot, page, token="water")
    assert views.button(TRANSFER).isHidden(), "MiniLM came from no transfer"
    ready(qtbot, page, run / "export", token="water")
    assert not views.button(TRANSFER).isHidden()
    page.show_view(TRANSFER)
    plan = page.body.transfer.plan
    qtbot.waitUntil(lambda: plan.shot is not None and plan.pair is not None, timeout=SLOW)
    plan.choose(300)
    qtbot.waitUntil(lambda: " bits)" in plan.titles["now"].text(), timeout=SLOW)
    rows = plan.shot.rows("now")
    shares = rows.weights[rows.start[300] : rows.start[301]].astype(float)
    bits = -(shares * np.log2(shares)).sum()
    assert f"({bits:.2f} bits)" in plan.titles["now"].text()
    made = {view.title: view for view in page.views()}["Transfer plan"]
    embeddings_export.write(made, tmp_path / "plan.csv", {})
    lines = list(csv.reader(io.StringIO((tmp_path / "plan.csv").read_text(encoding="utf-8"))))
    of_row = [line for line in lines if line[0] == "300"]
    assert sorted(float(line[4]) for line in of_row) == pytest.approx(sorted(shares), rel=1e-5)
    assert ["# plan: now"] in lines
    qtbot.mouseClick(page.body.transfer.before, Qt.LeftButton)
    qtbot.waitUntil(lambda: page.engine.b is not None and not page.engine.maths.busy(), timeout=SLOW)
    assert page.engine.b.path == str(DEMO)
    assert page.body.neighbors.list_b.model().rowCount() == 29
    ready(qtbot, page, token="water")
    assert views.button(TRANSFER).isHidden()
    assert page.body.middle.currentIndex() != TRANSFER


def test_figures_of_a_narrower_matrix_wait_for_its_row(qtbot):
    card = VectorCard()
    qtbot.addWidget(card)
    wide, narrow = (
        SimpleNamespace(
            summary=SimpleNamespace(arrays={"norms": np.ones(9), "mean": np.zeros(n), "std": np.ones(n)})
        )
        for n in (384, 256)
    )
    card.show_row(wide, "the", 1, np.arange(384, dtype=np.float32))
    before = card.largest.model().rowCount()
    card.show_place(narrow)  # its largest values stand behind dimension 256
    assert before == card.largest.model().rowCount() == 40
    card.show_row(narrow, "the", 1, np.arange(256, dtype=np.float32))
    assert card.largest.model().index(0, 0).data() == "255"


def test_a_layout_says_what_it_does_and_its_button_cancels_it(qtbot, qapp):
    from tokstudio.ui import theme
    from tokstudio.ui.embeddings_points import UMAP, ProjectionCard

    theme.apply(qapp, "light")
    card = ProjectionCard()
    qtbot.addWidget(card)
    card.resize(430, 300)
    card.show()
    wanted, dropped = [], []
    card.layout_wanted.connect(lambda *asked: wanted.append(asked))
    card.layout_dropped.connect(lambda: dropped.append(1))
    card.method.setCurrentIndex(UMAP)
    card.method.activated.emit(UMAP)
    assert wanted == [("umap", 0)]
    card.show_phase("finding neighbors")
    assert card._phase.isVisible()
    assert card._phase.text() == "UMAP: finding neighbors…"
    assert card.again.text() == "Cancel"
    qtbot.mouseClick(card.again, Qt.LeftButton)
    assert dropped == [1]
    assert not card._phase.isVisible()
    assert card.again.text() == "Lay out"
    qtbot.mouseClick(card.again, Qt.LeftButton)
    assert wanted == [("umap", 0)] * 2
