"""What the Embeddings page says of itself: the picker of layouts, the scale of a difference, buttons that are off."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.embed.files import MINILM, random, write
from tests.embed.test_compare import DEMO
from tests.ui.test_embeddings import SLOW, page, ready  # noqa: F401  a fixture
from tests.ui.test_embeddings_two import settle
from tokstudio.errors import InputError
from tokstudio.ui import theme
from tokstudio.ui.embeddings_engine import B
from tokstudio.ui.embeddings_points import PCA, TSNE, UMAP, ProjectionCard
from tokstudio.ui.embeddings_words import shown


def pick(card: ProjectionCard, method: int) -> None:
    card.method.setCurrentIndex(method)
    card.method.activated.emit(method)


def test_a_layout_that_fails_leaves_the_picker_at_what_is_shown(qtbot, qapp):
    theme.apply(qapp, "light")
    card = ProjectionCard()
    qtbot.addWidget(card)
    points = np.random.default_rng(3).normal(size=(50, 2)).astype(np.float32)
    pick(card, UMAP)
    first = SimpleNamespace(arrays={"points": points}, values={"explained": [0.2, 0.1]})
    card.show_points(first)  # comes while the layout is being made
    card.failed()
    assert card.method.currentIndex() == PCA
    assert card.subtitle.text().startswith("PCA")
    assert np.array_equal(card.picture.points(), points)
    assert card.again.isHidden()
    made = {"points": points + 1, "ids": np.arange(50)}
    pick(card, UMAP)
    card.show_layout(SimpleNamespace(arrays=made, values={"method": "umap", "seed": 0}))
    pick(card, TSNE)
    card.failed()
    assert card.method.currentIndex() == UMAP, "the picture before"
    assert np.array_equal(card.picture.points(), points + 1)


def test_the_page_turns_the_picker_back(qtbot, page):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    card = page.body.projection
    card.method.setCurrentIndex(TSNE)
    page.failed("layout", InputError("It cannot be laid out."))
    assert card.method.currentIndex() == PCA


def test_a_difference_has_its_own_scale_and_lengths(qtbot, page):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    card, rng = page.body.matrices[2], np.random.default_rng(5)
    rows, ids = rng.normal(size=(6, 256)).astype(np.float32) * 0.01, np.array([593, 4, 9, 3000, 12, 1])
    page.engine.sides[B] = page.engine.a
    page.show_difference(SimpleNamespace(arrays={"rows": rows, "ids": ids}))
    del page.engine.sides[B]
    assert card.heat.plane.shade.level == pytest.approx(np.quantile(np.abs(rows), 0.995))
    card.level.set_index(1)
    assert card.heat.plane.shade.level == pytest.approx(3.6 * rows.astype(float).std())
    card.level.set_index(2)
    assert card.heat.plane.shade.level == 0.15
    np.testing.assert_allclose(card.heat.norms[ids], np.linalg.norm(rows, axis=1), rtol=1e-6)
    assert not len(card.heat.std), "over a few rows it would say nothing"
    page.show_difference(SimpleNamespace(arrays={"rows": rows * 0, "ids": ids}))
    card.level.set_index(0)
    assert card.heat.plane.shade.level == 0.15, "nothing differs, and the scale is still one"


def test_the_difference_says_why_it_is_off(qtbot, page):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    page.open(str(MINILM), letter=B)
    settle(qtbot, page)
    button = page.body.matrices[0].sides.button(2)
    assert not button.isEnabled()
    assert button.toolTip() == "Needs two matrices of one width"


def test_a_carriage_return_can_be_read_in_a_list():
    assert shown("\r") == "\\r"
    assert shown("a\r\n") == "a\\r\u21b5"


def test_a_sum_is_no_row_and_has_no_r(qtbot, page):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    page.open(str(DEMO), letter=B)
    settle(qtbot, page)
    vector = page.body.vector
    assert vector.stats["r"].value.text() == "1.000"
    page.body.neighbors.set_token(" return - print + del")
    page.ask(" return - print + del")
    settle(qtbot, page)
    assert vector.subtitle.text() == " return - print + del, a sum"
    assert vector.relation.text() == "A sum of tokens is no row of A, so none of B belongs to it."
    assert vector.stats["r"].value.text() == vector.stats["cosine"].value.text() == "\u2013"
    assert vector.other is None
    assert page.body.neighbors._common.text() == "29 of 29 in both lists"
    page.ask("#593")
    settle(qtbot, page)
    assert vector.stats["r"].value.text() == "1.000"
    vector.by.set_index(1)
    page.ask_pair()
    settle(qtbot, page)
    assert vector.relation.text().endswith("The same token in both: here the row numbers agree.")


def test_a_swap_is_one_step_and_undo_takes_it_back(qtbot, page):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    page.open(str(MINILM), letter=B)
    settle(qtbot, page)
    page._context.changes.show_page("embeddings")
    paths = [page.engine.path(letter) for letter in "AB"]
    page.engine.swap()
    settle(qtbot, page)
    assert [page.engine.path(letter) for letter in "AB"] == paths[::-1]
    page._context.changes.undo()
    settle(qtbot, page)
    assert [page.engine.path(letter) for letter in "AB"] == paths
    page._context.changes.redo()
    settle(qtbot, page)
    assert [page.engine.path(letter) for letter in "AB"] == paths[::-1]


def test_a_long_list_of_rows_that_look_wrong_says_that_it_is_cut(qtbot, page):  # noqa: F811
    ready(qtbot, page, DEMO, token=" import")
    card = page.body.health
    found = {
        **{"under_trained": [], "duplicates": [[1, 2, 3]], "zero_rows": [5, 6], "broken_rows": []},
        **{
            "under_trained_count": 0,
            "duplicate_count": 2,
            "zero_count": 300,
            "broken_count": 0,
            "reference": "",
        },
    }
    card.show_health(page.engine.a, SimpleNamespace(values=found))
    notes = []
    for place in range(4):
        card.which.set_index(place)
        notes.append("are listed" in card.note.text())
    assert notes == [False, False, True, False]
    card.which.set_index(2)
    assert card.note.text().endswith("The first 2 are listed.")


def test_what_is_estimated_of_a_wide_matrix_is_said(qtbot, page, tmp_path):  # noqa: F811
    path = write(tmp_path / "x.safetensors", {"wte.weight": random(300, 4100)})
    page.open(str(path))
    qtbot.waitUntil(lambda: page.engine.a is not None and page.engine.a.spectrum is not None, timeout=SLOW)
    found = page.engine.a.spectrum
    assert found.values["found"] < 4100
    rank = page.body.header._one["rank"]
    qtbot.waitUntil(lambda: rank.note.text() == "of 4,100, estimated", timeout=SLOW)
    exact = np.linalg.svd(np.asarray(random(300, 4100), np.float64), compute_uv=False) ** 2
    shares = exact / exact.sum()
    assert found.values["effective_rank"] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=0.02)
