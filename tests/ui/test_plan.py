"""The plan of a translation in the window: its picture, its tokens, and a real small S2T2 run from click to plan."""

import argparse
import inspect
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import InputError, TransferError
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.settings import to_dict
from tokstudio.transfer.plan import Plan, load_plan, save_plan
from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.embeddings_list import Neighbor
from tokstudio.ui.embeddings_planes import Shade, View
from tokstudio.ui.embeddings_scale import ColorBar
from tokstudio.ui.pages.runs import RunsPage
from tokstudio.ui.pages.transfer import TransferPage, set_values
from tokstudio.ui.run_cards import plan_data
from tokstudio.ui.run_cards.create import create_transfer
from tokstudio.ui.run_cards.plan import PlanCard, share
from tokstudio.ui.run_cards.plan_data import Pair, Picture, Shot, draw, read_shot, stamp
from tokstudio.ui.run_cards.plan_heat import image

PATIENCE = 240_000


def random_rows(rows: int, columns: int, width: int, seed: int = 1) -> SparseRows:
    rng = np.random.default_rng(seed)
    place = np.sort(rng.integers(0, columns, (rows, width)), axis=1)
    made = SparseRows.from_entries(
        np.repeat(np.arange(rows), width),
        place.ravel(),
        rng.random(rows * width).astype(np.float32),
        (rows, columns),
    )
    return made.normalized()


def dense(rows: SparseRows) -> np.ndarray:
    full = np.zeros((len(rows), rows.width), np.float32)
    full[rows.row, rows.columns] = rows.weights
    return full


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair(load_tokenizer("demo:english"), load_tokenizer("demo:code"))


def make_plan(pair: Pair, seed: int) -> Plan:
    rows = random_rows(len(pair.target), len(pair.source), 6, seed)
    mass = np.random.default_rng(seed).dirichlet(np.ones(len(pair.target))).astype(np.float32)
    return Plan(rows, None, mass, pair.source.fingerprint, pair.target.fingerprint, ("english", "code"))


# ---------------------------------------------------------------- the picture


@pytest.mark.parametrize("view", [(0, 70, 0, 90), (3.5, 41.2, 10, 33), (69, 70, 89, 90), (0, 70, 88.5, 90)])
@pytest.mark.parametrize("pixels", [(200, 300), (20, 20), (1, 1), (64, 7)])
def test_a_picture_shows_the_largest_of_each_pixel(view, pixels):
    rows = random_rows(70, 90, 5)
    full, part = dense(rows), draw(rows, *view, pixels)
    assert part.values.shape[0] <= pixels[0] + 1
    assert part.values.shape[1] <= pixels[1] + 1
    assert part.top <= view[0]
    assert part.bottom >= view[1]
    assert part.left <= view[2]
    assert part.right >= view[3]
    for i in range(part.values.shape[0]):
        for j in range(part.values.shape[1]):
            top, left = part.top + i * part.down, part.left + j * part.across
            assert part.values[i, j] == full[top : top + part.down, left : left + part.across].max(initial=0)


def test_a_change_keeps_its_sign(pair):
    before, after = make_plan(pair, 1), make_plan(pair, 2)
    shot = Shot(before, after, "plan.safetensors")
    wanted = dense(after.input) - dense(before.input)
    assert np.allclose(draw(shot.change, 0, 30, 0, 50, (30, 50)).values, wanted[:30, :50])
    pooled = draw(shot.change, 0, 1024, 0, 1024, (1, 1)).values[0, 0]
    assert abs(pooled) == pytest.approx(np.abs(wanted[:1024, :1024]).max())
    assert shot.most_changed() == (np.abs(wanted).sum(1) * after.mass).argmax()


@pytest.mark.parametrize("signed", [False, True])
def test_the_legend_stands_by_the_colors_of_the_map(qapp, signed):
    scale, shade = ColorBar(), Shade(1.0, unsigned=not signed)
    scale.set_shade(shade, roots=True)
    marks = {float(words.replace("\u2212", "-")): place for words, place in scale._marks()}
    assert set(marks) == ({-1, -0.25, 0, 0.25, 1} if signed else {0, 0.25, 1})
    for value, place in marks.items():
        if value or not signed:  # zero is the card's own color there
            drawn = image(Picture(np.array([[value]], np.float32), 0, 0, 1, 1), signed)
            bar = QColor(shade.colors()[round(place * 255)])
            near = zip(QColor(drawn.pixel(0, 0)).getRgb(), bar.getRgb(), strict=True)
            assert max(abs(one - other) for one, other in near) <= 3


def test_a_large_plan_is_drawn_without_making_it_dense():
    rows = random_rows(50_000, 50_000, 32)
    draw(rows, 0, 10, 0, 10, (10, 10))
    began = time.process_time()
    part = draw(rows, 0, 50_000, 0, 50_000, (300, 600))
    assert time.process_time() - began < 2
    assert part.values.max() == rows.weights.max()


# ---------------------------------------------------------------- tokens


def test_tokens_are_found_by_text_and_by_id(pair):
    token, remark = pair.find(" def")
    assert pair.target_text(token) == " def"
    assert not remark
    assert pair.find(f"#{token}") == (token, "")
    first, remark = pair.find("unspeakably long words")
    assert remark.endswith("tokens; the first")
    assert "unspeakably long words".startswith(pair.target_text(first))
    with pytest.raises(InputError, match="Ids end at"):
        pair.find("#999999")
    assert pair.source_text(10**6) == "#1000000"  # a table may have more rows than tokens


def test_what_is_read(tmp_path, pair):
    assert stamp(tmp_path) == ()
    save_plan(make_plan(pair, 1), tmp_path / "plan-start.safetensors")
    shot = read_shot(tmp_path)
    assert shot.now is shot.start
    save_plan(make_plan(pair, 2), tmp_path / "plan-now.safetensors")
    shot = read_shot(tmp_path, shot.start)
    assert (shot.file, shot.shape) == ("plan-now.safetensors", (len(pair.target), len(pair.source)))
    assert [name for name, *_ in stamp(tmp_path)] == ["plan-start.safetensors", "plan-now.safetensors"]
    save_plan(make_plan(pair, 1), tmp_path / "plan-start.safetensors")  # as a resumed run does
    assert read_shot(tmp_path).file == "plan-now.safetensors"
    (tmp_path / "plan.safetensors").write_bytes(b"no plan")
    with pytest.raises(TransferError, match="is no translation plan"):
        read_shot(tmp_path)


# ---------------------------------------------------------------- the card


@pytest.fixture
def card(qtbot, qapp):
    theme.apply(qapp, "light")
    card = PlanCard()
    qtbot.addWidget(card)
    card.resize(1060, 360)
    yield card
    card.close_down()


def ready(card: PlanCard) -> bool:
    return card.heat.picture is not None and card.pair is not None and not card._busy


@pytest.fixture
def folder(tmp_path, pair):
    run = create_transfer(RunStore(tmp_path / "runs"), demo())
    save_plan(make_plan(pair, 1), run.folder / "plan-start.safetensors")
    return run.folder


def test_a_run_without_a_plan_has_no_card(card, tmp_path):
    card.show_run(tmp_path)
    assert card.isHidden()


def test_the_card_follows_the_files(qtbot, card, folder, pair):
    card.show_run(folder)
    qtbot.waitUntil(lambda: ready(card), timeout=PATIENCE)
    assert card.isVisible()
    assert "4,160 target tokens in rows, 4,096 source tokens in columns" in card.about.text()
    card.search.setText(" def")
    card.search.textEdited.emit(" def")
    token, _ = pair.find(" def")
    assert card.token == token
    first = [row.id for row in card.lists["now"].model().rows]
    later = make_plan(pair, 2)
    save_plan(later, folder / "plan-now.safetensors")
    qtbot.waitUntil(lambda: card.shot.file == "plan-now.safetensors", timeout=PATIENCE)
    assert [row.id for row in card.lists["start"].model().rows] == first
    assert [(row.id, row.score) for row in card.lists["now"].model().rows] == later.top(token, 9)
    assert card.token == token  # what was searched for stays


def test_two_plans_are_shown_one_at_a_time(qtbot, card, folder, pair):
    card.show_run(folder)
    qtbot.waitUntil(lambda: ready(card), timeout=PATIENCE)
    assert card.end.isHidden()
    other = make_plan(pair, 3)
    plan = replace(make_plan(pair, 2), output=other.input)
    save_plan(plan, folder / "plan-now.safetensors")
    qtbot.waitUntil(lambda: card.shot.two, timeout=PATIENCE)
    assert card.end.isVisible()
    card.choose(300)
    listed = card.lists["now"].model()
    assert [(row.id, row.score) for row in listed.rows] == plan.top(300, 9)
    card.end.set_index(1)
    assert [(row.id, row.score) for row in listed.rows] == other.top(300, 9)
    qtbot.waitUntil(lambda: not card._busy, timeout=PATIENCE)
    view = card.heat.view
    edges = view.top, view.bottom, view.left, view.right
    assert np.array_equal(card.heat.picture.values, draw(other.input, *edges, card.heat.pixels).values)


def test_small_shares_keep_their_digits(card, qtbot):
    assert [share(v) for v in (1.0, 0.1234, 0.0004, 0.00001, 0.0)] == [
        "1.0000", "0.1234", "0.0004", "<0.0001", "0.0000",
    ]  # fmt: skip
    card.lists["now"].set_rows([Neighbor(1, "a", 0.0004, 0.0004)])
    assert "0.0004" in card.lists["now"].model().index(0).data(Qt.AccessibleTextRole)


def test_a_damaged_plan_is_said_and_the_next_one_is_shown(qtbot, card, folder, pair):
    card.show_run(folder)
    qtbot.waitUntil(lambda: ready(card), timeout=PATIENCE)
    (folder / "plan-now.safetensors").write_bytes(b"half")
    qtbot.waitUntil(lambda: "is no translation plan" in card.about.text(), timeout=PATIENCE)
    save_plan(make_plan(pair, 3), folder / "plan-now.safetensors")
    qtbot.waitUntil(lambda: "entries" in card.about.text(), timeout=PATIENCE)


def test_the_map_by_hand(qtbot, card, folder):
    card.show_run(folder)
    qtbot.waitUntil(lambda: ready(card), timeout=PATIENCE)
    heat = card.heat
    heat._see(View(100, 110, 200, 240))
    qtbot.waitUntil(lambda: heat.picture.down == 1 and heat.picture.top == 100, timeout=PATIENCE)
    spot = QPoint(int(heat.box().center().x()), int(heat.box().top()) + 3)
    qtbot.mouseMove(heat, spot)
    heat._pointer = heat.box().topLeft() + QPoint(5, 5)
    heat._tell()
    assert " from " in card.readout.text()
    qtbot.mouseClick(heat, Qt.LeftButton, pos=spot)
    assert card.token == 100
    assert card.search.text() == "#100"
    heat.setFocus()
    qtbot.keyClick(heat, Qt.Key_Minus)
    assert heat.view.height > 10
    qtbot.keyClick(heat, Qt.Key_0)
    assert heat.view == View(0, 4160, 0, 4096)
    card.kind.set_index(2)
    qtbot.waitUntil(lambda: heat._signed, timeout=PATIENCE)
    assert card.scale.accessibleDescription().startswith("from \u22121")
    qtbot.mouseClick(card.fold, Qt.LeftButton)
    assert not card.inside.isVisible()


def test_another_run_is_another_plan(qtbot, card, folder, tmp_path):
    card.show_run(folder)
    card.show_run(tmp_path)  # answers about the first are dropped
    qtbot.wait(300)
    assert card.shot is None
    assert card.isHidden()


# ---------------------------------------------------------------- setting one up


@pytest.fixture
def context(tmp_path) -> Context:
    return Context(Settings(tmp_path / "window.ini"))


def test_one_click_sets_it_up_and_another_takes_it_back(qtbot, qapp, context, tmp_path):
    page = TransferPage(context, RunStore(tmp_path / "runs"))
    qtbot.addWidget(page)
    choice = page.method.s2t2
    choice.box.click()
    assert page.config.s2t2.steps == 40
    assert page.config.objectives == ("next_token",)
    assert choice.about.text() == "40 steps, 80 more after; 32 candidates"
    assert "Translation: learnt first" in page.method.flow.accessibleName()
    choice.box.click()
    assert to_dict(page.config) == to_dict(demo())
    page.close_down()


def test_a_real_run_is_watched_while_its_plan_forms(qtbot, qapp, context, tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(inspect.getsource(argparse), encoding="utf-8")
    values = {
        "objectives": ["next_token"],
        "weights": [1.0],
        "s2t2.steps": 2,
        "s2t2.candidates": 8,
        "train.steps": 1,
        "train.batch_size": 2,
        "train.evaluate_every": 1,
        "train.sample_tokens": 2,
        "train.device": "cpu",
        "data.corpus": str(corpus),
        "data.window_bytes": 200,
        "data.held_out_bytes": 1024,
    }
    store = RunStore(tmp_path / "runs")
    page = RunsPage(context, store)
    qtbot.addWidget(page)
    page.resize(1368, 826)
    page.show()
    name = create_transfer(store, set_values(TransferConfig(), values)).folder.name
    try:
        page.receive(start=name)
        card = page.board.plan
        qtbot.waitUntil(lambda: ready(card), timeout=PATIENCE)
        qtbot.waitUntil(lambda: page.board.head.pill.state in ("finished", "failed"), timeout=PATIENCE)
        assert page.board.head.pill.state == "finished"
        qtbot.waitUntil(lambda: card.shot.file != plan_data.START, timeout=PATIENCE)
        learnt = load_plan(store.folder / name / "plan.safetensors")
        assert np.array_equal(card.shot.now.input.weights, learnt.input.weights)
        assert card.lists["start"].model().rows
        assert card.lists["now"].model().rows
        assert {"Plan: entries a row", "Plan: entropy of a row", "Plan: error of the columns"} <= {
            panel.title for panel in page.board._placed
        }
    finally:
        page.close_down()
        Run(store.folder / name).kill()
