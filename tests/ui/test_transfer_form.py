"""All settings, recipes, objectives, fixes and the queue on the Transfer page."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from tests.ui.test_transfer import PATIENCE, measured, page, store  # noqa: F401  fixtures
from tokstudio.runs.store import RunStore
from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.settings import load_toml, to_dict
from tokstudio.transfer.base import METHODS
from tokstudio.ui.transfer_cards.checks import Check
from tokstudio.ui.transfer_cards.form import flat, settings


@pytest.fixture
def form(qtbot, page):  # noqa: F811
    qtbot.mouseClick(page.form.fold, Qt.LeftButton)
    qtbot.waitUntil(lambda: not page.form._coming, timeout=PATIENCE)
    return page.form


def test_every_setting_of_the_dataclass_is_there_and_shows_what_holds(form, page):  # noqa: F811
    values = flat(to_dict(page.config))
    assert set(form.lines) == set(values)
    assert form.lines["train.steps"].part.text() == "240"
    assert form.lines["objectives"].part.text() == "next_token, projected_kl, alm"
    assert form.lines["check_export"].part.isChecked()
    for _, name, field, _kind in settings(TransferConfig):
        assert field.metadata["title"] in form.lines[name].part.accessibleName()


def test_a_value_is_set_refused_in_place_and_found(qtbot, form, page):  # noqa: F811
    line = form.lines["data.window_bytes"]
    line.part.setFocus()
    line.part.selectAll()
    qtbot.keyClicks(line.part, "5")
    assert "at least 32" in line.part.accessibleDescription()
    assert not page.estimate.go.isEnabled()
    qtbot.keyClicks(line.part, "12")
    assert page.config.data.window_bytes == 512
    assert line.part.accessibleDescription() == ""
    qtbot.keyClicks(form.find, "sinkhorn")
    assert [name for name, line in form.lines.items() if line.isVisible()] == ["s2t2.iterations"]


def test_methods_and_objectives_come_from_their_registries(page):  # noqa: F811
    shown = [page.method.start.itemData(i) for i in range(page.method.start.count())]
    assert shown == list(METHODS)
    assert list(page.method._actions) == list(OBJECTIVES)
    page.method._actions["uld"].trigger()
    assert page.config.objectives == ("next_token", "projected_kl", "alm", "uld")
    assert page.config.weights == (1.0, 3.0, 1.0, 1.0)
    page.method._actions["alm"].trigger()
    assert page.config.weights == (1.0, 3.0, 1.0)


def test_a_recipe_keeps_the_pair(page):  # noqa: F811
    page._change({"tokenizer": "bytes"})
    place = next(i for i, recipe in enumerate(page.method.recipes, 1) if recipe.kind == "transfer")
    page.method.recipe.setCurrentIndex(place)
    page.method._take_recipe(place)
    assert page.config.tokenizer == "bytes"
    assert page.config.train == page.method.recipes[place - 1].config.train


def test_a_recipe_for_bytes_sets_the_target(page):  # noqa: F811
    page._change({"tokenizer": "demo:code"})
    place = next(i for i, recipe in enumerate(page.method.recipes, 1) if recipe.name == "subword-to-bytes")
    page.method._take_recipe(place)
    assert page.config.tokenizer == "bytes"
    assert page.config.expansion.longest == 16


@pytest.mark.parametrize(
    ("key", "state", "name", "value"),
    [("device", "warn", "batch_size", 1), ("folder", "warn", "keep_checkpoints", 1)],
)
def test_a_fix_puts_it_right(qtbot, measured, key, state, name, value):  # noqa: F811
    measured.preflight.set_check(key, Check(state, "for the test"))
    button = measured.preflight.lines[key].fix
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.LeftButton)
    assert getattr(measured.config.train, name) == value


def test_settings_are_saved_as_toml(page, tmp_path, monkeypatch):  # noqa: F811
    path = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    page._change({"train.steps": 12})
    page.form.save_asked.emit()
    assert load_toml(TransferConfig, path) == page.config


def test_the_queue_gets_the_frozen_settings(qtbot, page, store):  # noqa: F811
    went = []
    page.context.went.connect(lambda name, what: went.append((name, what)))
    qtbot.mouseClick(page.estimate.wait, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(went), timeout=PATIENCE)
    assert went == [("runs", {"queue": "english-to-code-01"})]
    folder = RunStore(store.folder).open("english-to-code-01").folder
    assert load_toml(TransferConfig, folder / "config.toml") == demo()
    page.receive(like=str(folder))
    assert page.config == demo()


def test_objectives_are_told_apart_where_there_is_little_room(page):  # noqa: F811
    labels = [OBJECTIVES[name].label for name in OBJECTIVES]
    assert len(set(labels)) == len(labels)
    page._change({"objectives": ["kl", "projected_kl", "byte_kl"], "weights": [1.0, 1.0, 1.0]})
    assert page.method.objectives.text() == "Next-token KL + Projected KL + Byte KL"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"data.corpus": "nowhere/at-all"}, "There is no file or folder"),
        ({"model": "nowhere/at-all"}, "There is no model folder"),
        ({"train.device": "tpu"}, "There is no device \u201ctpu\u201d here. This machine has: cpu."),
    ],
    ids=["text", "model", "device"],
)
def test_a_start_before_the_checks_are_done_waits_for_them_and_leaves_nothing(
    qtbot,
    page,  # noqa: F811
    store,  # noqa: F811
    values,
    says,
):
    page._change(values)
    page.start()
    assert page.estimate.go.text().startswith("Preparing")
    qtbot.waitUntil(page.estimate.problem.isVisible, timeout=PATIENCE)
    assert says in page.estimate.problem.title.text()
    assert len(page.preflight.failed()) == 1 or "model" in values  # nothing else is blamed
    assert not store.folder.exists()
    assert page.estimate.go.text() == "Start transfer"


def test_a_device_that_is_not_here_is_put_right_by_one_press(qtbot, measured):  # noqa: F811
    measured._change({"train.device": "tpu"})
    line = measured.preflight.lines["device"]
    assert line.check.state == "bad"
    assert not measured.estimate.go.isEnabled()
    qtbot.mouseClick(line.fix, Qt.LeftButton)
    assert measured.config.train.device == "auto"
    assert line.check.state == "ok"
    assert measured.estimate.go.isEnabled()


def test_other_settings_end_the_wait_for_the_checks(qtbot, page, store):  # noqa: F811
    page.start()
    qtbot.waitUntil(lambda: page._waits, timeout=PATIENCE)
    page._change({"train.steps": 7})
    assert not page._waits
    assert page.estimate.go.text() == "Start transfer"
    assert page.estimate.go.isEnabled()
    assert not store.folder.exists()
