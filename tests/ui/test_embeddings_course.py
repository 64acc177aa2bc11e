"""The slider over a run's checkpoints on the Embeddings page, with its maths process."""

import shutil

import numpy as np
import pytest
from PySide6.QtCore import Qt

from tests.embed.test_course import ROWS, make_run
from tests.ui.test_embeddings import SLOW, page, ready  # noqa: F401  the fixture
from tokstudio.ui.embeddings_body import TRANSFER
from tokstudio.ui.embeddings_export import write
from tokstudio.ui.embeddings_transfer import COURSE, PLAN


@pytest.fixture
def values() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    first, push = (rng.normal(0, size, (ROWS, 256)).astype(np.float32) for size in (0.1, 0.01))
    push[777] *= 50
    return [first + factor * push for factor in (0, 1, 2)]


@pytest.fixture
def course(qtbot, page, tmp_path, values):  # noqa: F811
    run = make_run(tmp_path / "run", dict(zip((5, 10, 15), values, strict=True)))
    ready(qtbot, page, run)
    page.show_view(TRANSFER)
    view = page.body.transfer.course
    qtbot.waitUntil(lambda: view.reply is not None and bool(view.list.model().rows), timeout=SLOW)
    return view


def test_the_keys_walk_over_the_checkpoints(qtbot, page, course, values):  # noqa: F811
    assert not page.body.header.views.button(TRANSFER).isHidden()
    assert page.body.transfer.which.index() == COURSE
    assert page.subtitle() == "run, step 15"
    assert course.place.text() == "Step 15, 3 of 3"
    qtbot.keyClick(course.slider, Qt.Key_Home)
    assert course.place.text() == "Step 5, 1 of 3"
    qtbot.keyClick(course.slider, Qt.Key_Right)
    assert course.place.text() == "Step 10, 2 of 3"
    course.measure.button(1).click()
    model = course.table.model()
    assert model.index(0, 0).data(Qt.UserRole) == 777
    moved = np.linalg.norm((values[1] - values[0])[777]) / np.linalg.norm(values[0][777])
    assert float(model.index(0, 3).data()) == pytest.approx(100 * moved, abs=0.006)
    assert course.row == 777, "the row that moved most is followed"


def test_playing_runs_to_the_end_and_stops(qtbot, course):
    course.playing.timer.setInterval(10)
    qtbot.keyClick(course.slider, Qt.Key_Space)
    assert course.slider.value() == 0
    qtbot.waitUntil(lambda: course.slider.value() == 2 and not course.playing.timer.isActive(), timeout=SLOW)
    qtbot.mouseClick(course.play, Qt.LeftButton)
    assert course.playing.timer.isActive()
    qtbot.keyClick(course.slider, Qt.Key_Space)
    assert not course.playing.timer.isActive()


def test_a_new_checkpoint_and_a_removed_one_are_seen(qtbot, course, values):
    make_run(course.folder, {20: values[0]})
    shutil.rmtree(course.folder / "checkpoints" / "step-5")
    course._look()
    qtbot.waitUntil(lambda: course.place.text() == "Step 20, 3 of 3", timeout=SLOW)
    assert [stop["step"] for stop in course.reply.values["stops"]] == [10, 15, 20]
    course.slider.setValue(0)
    shutil.rmtree(course.folder / "checkpoints" / "step-15")
    course._look()
    qtbot.waitUntil(lambda: len(course.reply.values["stops"]) == 2, timeout=SLOW)
    assert course.place.text() == "Step 10, 1 of 2", "it stays where somebody looks"


def test_checkpoints_that_cannot_be_read_are_said(qtbot, course):
    for place in course.folder.glob("checkpoints/*/model.safetensors"):
        place.write_bytes(place.read_bytes()[:40])
    (course.folder / "checkpoints" / "step-5" / "state.json").touch()
    course._look()
    qtbot.waitUntil(lambda: course.reply is None, timeout=SLOW)
    assert course.about.text().strip()
    assert not course.slider.isEnabled()


def test_another_model_leaves_the_run(qtbot, page, course, tmp_path):  # noqa: F811
    page.open_known("Demo model")
    qtbot.waitUntil(lambda: page.engine.a.name == "Demo model", timeout=SLOW)
    assert page.body.header.views.button(TRANSFER).isHidden()
    assert course.folder is None
    assert not course._looks.isActive()
    assert page.body.transfer.which.index() in (PLAN, COURSE)


def test_the_movement_is_exported_with_its_checkpoints(page, course, values, tmp_path):  # noqa: F811
    view = next(view for view in page.views() if view.title == "Checkpoints")
    for kind in ("csv", "npy", "png", "svg"):
        write(view, tmp_path / f"it.{kind}", {})
    made = np.load(tmp_path / "it.npy")
    assert made.shape == (4, 3, ROWS)
    assert made[1, 2, 777] == pytest.approx(
        np.linalg.norm((values[2] - values[0])[777]) / np.linalg.norm(values[0][777]), rel=1e-4
    )
    lines = (tmp_path / "it.csv").read_text().splitlines()
    assert any(line.startswith("# checkpoints:") and "step-15" in line for line in lines)
    assert len([line for line in lines if not line.startswith("#")]) >= 3 * ROWS


def test_runs_are_offered_where_a_matrix_is_opened(page, tokstudio_home, values):  # noqa: F811
    make_run(tokstudio_home / "runs" / "going-on", {3: values[0]})
    (tokstudio_home / "runs" / "going-on" / "run.json").write_text("{}")
    menu = page.menu("A")
    below = next(action.menu() for action in menu.actions() if action.text() == "Runs")
    assert [action.text() for action in below.actions()] == ["going-on"]
