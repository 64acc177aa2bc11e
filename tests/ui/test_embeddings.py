"""The Embeddings page on Minilm's real matrix, with its maths process."""

import os
import signal

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QRectF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit

from tests.embed.files import MINILM, random, write
from tokstudio.ui import theme
from tokstudio.ui.context import Context
from tokstudio.ui.embeddings_header import NARROW_PICKER, PICKER, HeaderBar
from tokstudio.ui.embeddings_heat import round_step
from tokstudio.ui.embeddings_planes import MatrixPlane, RowsPlane, Shade, View, level_of, tiles_in
from tokstudio.ui.pages.embeddings import EmbeddingsPage

SLOW = 120_000  # milliseconds; a busy machine may take long, a correct page never that long


@pytest.fixture
def page(qtbot, qapp):
    theme.apply(qapp, "light")
    made = EmbeddingsPage(Context())
    qtbot.addWidget(made)
    made.resize(1368, 826)
    made.show()
    yield made
    made.close_down()


def ready(qtbot, page, path=MINILM, **what) -> None:
    page.open(str(path), **what)
    qtbot.waitUntil(lambda: page.engine.a is not None and not page.engine.maths.busy(), timeout=SLOW)


def listed(page) -> list[str]:
    return [row.token for row in page.body.neighbors.list.model().rows]


# ---------------------------------------------------------------- drawing without a page


def test_no_cell_is_narrower_than_a_pixel():
    assert [level_of(cells, 700) for cells in (1, 700, 701, 1400, 1401, 128_256)] == [0, 0, 1, 1, 2, 8]


@pytest.mark.parametrize("rows", [3, 500, 30_522, 200_000])
def test_the_tiles_of_a_view_cover_it(rows):
    shape, view = (rows, 384), View(rows * 0.3, rows * 0.9, 10, 380)
    wanted = tiles_in(view, 704, 430, shape)
    r, c = wanted[0][0], wanted[0][2]
    assert min(i for _, i, _, _ in wanted) * (256 << r) <= view.top
    assert (max(i for _, i, _, _ in wanted) + 1) * (256 << r) >= view.bottom
    assert (max(j for _, _, _, j in wanted) + 1) * (256 << c) >= view.right
    assert len(wanted) <= 12, "a screen is a few tiles at every zoom"


def test_zoom_keeps_what_is_under_the_pointer_and_stays_inside():
    view = View(0, 30_522, 0, 384)
    near = view.rows_zoomed(0.1, 10_000, 30_522)
    assert (10_000 - near.top) / near.height == pytest.approx(10_000 / 30_522)
    assert near.rows_zoomed(1e6, 10_000, 30_522) == view
    assert near.rows_zoomed(1e-9, 10_000, 30_522).height == 8
    assert near.moved(-1e9, 0, (30_522, 384)).top == 0
    assert near.moved(1e9, 0, (30_522, 384)).bottom == 30_522


def test_row_numbers_are_round():
    assert [round_step(least) for least in (0.5, 1, 3, 70, 700, 4958)] == [1, 1, 5, 100, 1000, 5000]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_zero_is_the_panel_and_signs_take_sides(qapp, mode):
    theme.apply(qapp, mode)
    image = Shade(0.2).indexed(np.array([[-0.2, 0.0, 0.2, 9.0, -9.0]], np.float32))
    assert image.format() == QImage.Format_Indexed8
    colors, table = [image.pixelColor(x, 0) for x in range(5)], theme.diverging()
    assert colors[0] == colors[4] == QColor(*table[0].tolist())
    assert colors[2] == colors[3] == QColor(*table[255].tolist())
    assert colors[0].blue() > colors[0].red()
    assert colors[2].red() > colors[2].blue()
    assert abs(colors[1].lightness() - theme.color("surface").lightness()) < 12


def test_missing_tiles_are_asked_for_once_and_coarse_ones_stand_in(qapp):
    asked = []
    plane = MatrixPlane((4096, 64), Shade(1.0), "mean", lambda pooling, tiles: asked.append((pooling, tiles)))
    image = QImage(640, 256, QImage.Format_RGB32)
    from PySide6.QtGui import QPainter

    def paint(view: View) -> int:
        image.fill(Qt.black)
        painter = QPainter(image)
        plane.paint(painter, QRectF(0, 0, 640, 256), view)
        painter.end()
        return sum(
            image.pixelColor(x, y) != QColor(Qt.black) for x in range(0, 640, 40) for y in range(0, 256, 16)
        )

    assert paint(View(0, 4096, 0, 64)) == 0
    assert asked == [("mean", [[4, 0, 0, 0]])]
    plane.put("mean", (4, 0, 0, 0), np.full((256, 64), 0.5, np.float32))
    assert paint(View(0, 4096, 0, 64)) == 256
    assert paint(View(0, 512, 0, 64)) == 256, "the coarse tile is drawn until the finer ones come"
    assert asked[-1] == ("mean", [[1, 0, 0, 0]])
    assert plane.cell(100, 3, View(0, 4096, 0, 64), QRectF(0, 0, 640, 256)) == (0.5, 16)
    assert plane.cell(100, 3, View(0, 512, 0, 64), QRectF(0, 0, 640, 256)) is None


# ---------------------------------------------------------------- the page


def test_it_says_what_it_is_for_while_it_is_empty(page):
    assert page.subtitle() == ""
    assert any(b.text() == "Try the demo" for b in page.findChildren(QAbstractButton))


def test_minilm_from_the_file_to_the_screen(qtbot, page):
    page.open_known("all-MiniLM-L6")
    qtbot.waitUntil(lambda: page.engine.a is not None and not page.engine.maths.busy(), timeout=SLOW)
    assert page.subtitle() == "all-MiniLM-L6"
    assert listed(page)[0] == "rivers"
    assert {"creek", "lake"} <= set(listed(page)[:4])
    assert isinstance(page.body.matrices[0].heat.plane, RowsPlane)
    assert page.body.matrices[0].heat.plane.shape == (30, 384)
    assert "29 rows nearest to river" in page.body.matrices[0].subtitle.text()
    assert page.body.matrices[0].heat.readout(0, 383)[0].startswith("river, dim ")
    qtbot.waitUntil(lambda: all(slot.late.chart is not None for slot in page.body.slots.slots), timeout=SLOW)
    assert page.body.projection.picture.density().max() == 1
    colors = {page.grab().toImage().pixelColor(x, 300).name() for x in range(140, 800, 3)}
    assert len(colors) > 30, "a heat map has many colors"


def test_the_whole_matrix_in_tiles(qtbot, page):
    ready(qtbot, page, token="river")
    page.body.matrices[0].mode.set_index(1)
    heat = page.body.matrices[0].heat
    assert isinstance(heat.plane, MatrixPlane)

    def drawn() -> bool:
        page.grab()
        return not page.engine.maths.busy("tiles") and heat.readout(2314, 100)[1] != "…"

    qtbot.waitUntil(drawn, timeout=SLOW)
    token, value = heat.readout(2314, 100)
    assert token == "river, dim 100"
    assert value.startswith("max-abs ")
    before = heat.view
    box = heat.box()
    wheel = QWheelEvent(
        box.center(), QPointF(heat.mapToGlobal(box.center().toPoint())), QPoint(), QPoint(0, 120),
        Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False,
    )  # fmt: skip
    heat.wheelEvent(wheel)
    assert heat.view.height < before.height
    assert heat.view.width == before.width
    heat.show_row(2314)
    qtbot.waitUntil(drawn, timeout=SLOW)
    for _ in range(60):
        heat._zoom(0.8, box.center(), columns=False)
    page.body.matrices[0].heat.show_row(2314)
    qtbot.waitUntil(drawn, timeout=SLOW)
    expected = float(np.asarray(_minilm_row(2314))[100])
    assert heat.readout(2314, 100)[1].startswith(f"value {expected:+.4f}".replace("-", "\u2212"))
    for place in range(4):
        page.body.matrices[0].pooling.set_index(place)
        qtbot.waitUntil(drawn, timeout=SLOW)


def _minilm_row(row: int) -> np.ndarray:
    from tokstudio.embed.read import open_model

    return open_model(MINILM).matrix().rows([row])[0]


def test_a_wrong_token_is_explained_and_the_list_stays(qtbot, page):
    ready(qtbot, page, token="river")
    before = listed(page)
    page.body.neighbors.field.setText("river bed")
    page.body.neighbors.field.returnPressed.emit()
    qtbot.waitUntil(lambda: page.body.neighbors._wrong.isVisible(), timeout=SLOW)
    assert "“river”, “bed”" in page.body.neighbors._wrong.text()
    assert listed(page) == before
    page.body.neighbors.field.setText("##water")
    page.body.neighbors.field.returnPressed.emit()
    qtbot.waitUntil(lambda: listed(page)[0] == "water", timeout=SLOW)
    assert not page.body.neighbors._wrong.isVisible()


def test_metrics_and_rows_lead_on(qtbot, page):
    ready(qtbot, page, token="river")
    page.body.neighbors.metric_switch.set_index(2)
    qtbot.waitUntil(lambda: not page.engine.maths.busy(), timeout=SLOW)
    scores = [row.score for row in page.body.neighbors.list.model().rows]
    assert scores == sorted(scores)
    page.body.neighbors.list.activated.emit(page.body.neighbors.list.model().index(0))
    qtbot.waitUntil(lambda: not page.engine.maths.busy(), timeout=SLOW)
    assert page.body.neighbors.token().startswith("#")
    assert page.body.matrices[0].subtitle.text().startswith("29 rows nearest to rivers")


def test_what_cannot_be_read_is_said_where_it_happened(qtbot, page, tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    page.open(str(tmp_path))
    qtbot.waitUntil(lambda: page._start_problem.isVisible(), timeout=SLOW)
    assert "safetensors only" in page._start_problem.title.text()


def test_a_file_without_tokenizer_goes_by_row_numbers(qtbot, page, tmp_path):
    path = write(tmp_path / "x.safetensors", {"wte.weight": random(400, 32)})
    ready(qtbot, page, path)
    assert page.body.neighbors.token() == "#0"
    assert all(token.startswith("#") for token in listed(page))
    page.receive(token="#17")
    qtbot.waitUntil(lambda: "id 17" in page.body.neighbors._about.text(), timeout=SLOW)


def test_a_killed_process_is_said_and_opening_again_works(qtbot, page):
    ready(qtbot, page, token="river")
    os.kill(page.engine.maths._client._process.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: page.body.problem.isVisible(), timeout=SLOW)
    assert "has ended" in page.body.problem.title.text()
    assert listed(page)[0] == "rivers", "what was there stays"
    ready(qtbot, page)
    assert not page.body.problem.isVisible()


def test_a_dropped_folder_opens(qtbot, page, tmp_path):
    write(tmp_path / "model.safetensors", {"wte.weight": random(40, 8)})
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    event = QDropEvent(QPointF(50, 50), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier, QEvent.Drop)
    page.dropEvent(event)
    qtbot.waitUntil(lambda: page.engine.a is not None and not page.engine.maths.busy(), timeout=SLOW)
    assert page.engine.a.about["shape"] == [40, 8]


def test_the_last_matrix_comes_back(qtbot, page):
    ready(qtbot, page, token="river")
    again = EmbeddingsPage(page._context)
    qtbot.addWidget(again)
    again.opened()
    qtbot.waitUntil(lambda: again.engine.a is not None and not again.engine.maths.busy(), timeout=SLOW)
    assert again.engine.a.path == str(MINILM)
    again.close_down()


def test_a_narrow_page_stacks_and_every_control_has_a_name(qtbot, page):
    ready(qtbot, page, token="river")
    page.resize(1028, 646)

    def below() -> bool:
        return page.body.neighbors.mapTo(page, QPoint()).y() > page.body.matrices[0].mapTo(page, QPoint()).y()

    qtbot.waitUntil(below, timeout=SLOW)
    for kind in (QAbstractButton, QLineEdit, QComboBox):
        for widget in page.findChildren(kind):
            if widget.isVisibleTo(page):  # pyqtgraph keeps a menu in every plot, never shown
                assert widget.accessibleName() or widget.text(), widget


def test_a_live_switch_of_theme_recolors_the_heat_map(qtbot, qapp, page):
    ready(qtbot, page, token="river")
    light = page.grab().toImage().pixelColor(20, 20)
    theme.apply(qapp, "dark")
    dark = page.grab().toImage()
    assert dark.pixelColor(20, 20) != light
    theme.apply(qapp, "light")


def test_dimensions_in_other_orders(qtbot, page):
    ready(qtbot, page, token="river")
    card = page.body.matrices[0]
    std = page.engine.a.summary.arrays["std"]

    def choose(order: str) -> None:
        place = card.columns.findData(order)
        card.columns.setCurrentIndex(place)
        card.columns.activated.emit(place)
        qtbot.waitUntil(lambda: not page.engine.maths.busy(), timeout=SLOW)

    assert (np.diff(card.heat.plane.values[0]) >= 0).all(), "by the values of the asked row"
    choose("variance")
    assert (np.diff(std[card.heat.plane.dims]) <= 0).all()
    assert card.heat.plane.values[0, 0] == _minilm_row(2314)[card.heat.plane.dims[0]]
    assert "dimensions by variance" in card.subtitle.text()
    card.mode.set_index(1)
    assert card.columns.findData("value") < 0, "there is no asked row in the whole matrix"
    for order in ("variance", "pca", "id"):
        choose(order)
        card.heat.show_row(2314)
        for _ in range(60):
            card.heat._zoom(0.8, card.heat.box().center(), columns=False)
        card.heat.show_row(2314)

        def drawn() -> bool:
            page.grab()
            return not page.engine.maths.busy() and card.heat.readout(2314, 7)[1] != "…"

        qtbot.waitUntil(drawn, timeout=SLOW)
        dim = int(card.heat.plane.dims[7])
        expected = f"value {float(_minilm_row(2314)[dim]):+.4f}".replace("-", "\u2212")
        assert card.heat.readout(2314, 7)[0] == f"river, dim {dim}"
        assert card.heat.readout(2314, 7)[1].startswith(expected)
    assert card.heat.plane.dims.tolist() == list(range(384))


def test_a_double_click_opens_the_row(qtbot, page):
    ready(qtbot, page, token="river")
    heat = page.body.matrices[0].heat
    box = heat.box()
    third = QPoint(int(box.center().x()), int(box.top() + box.height() * 2.5 / 30))
    token = page.engine.a.token(heat.plane.row_id(2))
    qtbot.mouseClick(heat, Qt.LeftButton, pos=third)
    qtbot.mouseDClick(heat, Qt.LeftButton, pos=third)
    qtbot.waitUntil(lambda: not page.engine.maths.busy(), timeout=SLOW)
    assert page.body.middle.currentWidget() is page.body.vector
    assert page.body.vector.subtitle.text().startswith(f"{token}, row ")


def test_one_click_gives_the_fixed_levels(qtbot, page):
    ready(qtbot, page, token="river")
    card = page.body.matrices[0]
    qtbot.mouseClick(card.level.button(2), Qt.LeftButton)
    assert card.heat.plane.shade.level == 0.15


def test_the_name_of_the_matrix_has_room_where_there_is_some(qtbot, qapp):
    theme.apply(qapp, "light")
    header = HeaderBar()
    qtbot.addWidget(header)
    header.arrange(True)
    header.show()
    header.resize(986, 60)
    assert header.models["A"].picker.maximumWidth() == PICKER
    header.resize(790, 60)
    assert header.models["A"].picker.maximumWidth() == NARROW_PICKER
