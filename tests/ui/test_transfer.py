"""The Transfer page: what it measures, what it refuses, what it starts."""

import json
import os
import subprocess
import sys
from functools import lru_cache

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QWidget

from tokstudio.errors import ConfigError, InputError, RunError
from tokstudio.runs.device import ask
from tokstudio.runs.store import RunStore
from tokstudio.train.config import demo
from tokstudio.train.settings import load_toml
from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.pages.transfer import TransferPage
from tokstudio.ui.transfer_cards import checks, facts
from tokstudio.ui.transfer_cards.budget import read_number
from tokstudio.ui.transfer_cards.values import command, set_values

PATIENCE = 60_000
DEVICE = {"device": "cpu", "name": "CPU, 2 cores", "memory": 16e9, "torch": "2.13.0", "cuda": None}


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def page(qtbot, qapp, tmp_path, store, monkeypatch):
    theme.apply(qapp, "light")
    monkeypatch.setattr(checks, "ask_device", lru_cache(lambda: DEVICE))
    page = TransferPage(Context(Settings(tmp_path / "window.ini")), store)
    qtbot.addWidget(page)
    page.resize(1368, 826)
    page.show()
    yield page
    page.close_down()


@pytest.fixture
def measured(qtbot, page) -> TransferPage:
    page.opened()
    qtbot.waitUntil(lambda: not waiting(page), timeout=PATIENCE)
    return page


def waiting(page: TransferPage) -> list[str]:
    return [name for name, line in page.preflight.lines.items() if line.check.state == "run"]


def write(qtbot, field, text: str) -> None:
    field.line.setFocus()
    field.line.selectAll()
    qtbot.keyClicks(field.line, text)


def test_the_demo_is_measured_for_real(measured):
    assert {line.check.state for line in measured.preflight.lines.values()} == {"ok"}
    pair = measured._pair
    assert pair.exact + pair.pieces + pair.bytes_only == len(pair.target)
    assert pair.exact_lines == pair.lines > 100
    assert measured.pair.counts.value.text() == f"{pair.per_thousand(1):.0f}"
    assert int(measured.pair.new.count.text()) == len(pair.example[1])
    assert measured.estimate.go.isEnabled()
    assert measured.estimate.memory.note.text() == "of 16 GB"


def test_nothing_here_loads_torch():
    """In a process of its own: other tests of this one may have loaded it."""
    code = "import sys; import tokstudio.ui.pages.transfer, tokstudio.ui.pages.runs; "
    code += "print([m for m in ('torch', 'transformers', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


def test_start_freezes_the_settings_and_goes_to_the_runs(qtbot, page, store):
    went = []
    page.context.went.connect(lambda name, what: went.append((name, what)))
    write(qtbot, page.budget.fields["train.steps"], "60")
    qtbot.mouseClick(page.estimate.go, Qt.LeftButton)
    assert page.estimate.go.text().startswith("Preparing")  # with the click
    qtbot.waitUntil(lambda: bool(went), timeout=PATIENCE)
    assert went == [("runs", {"start": "english-to-code-01"})]
    frozen = load_toml(type(demo()), store.folder / "english-to-code-01" / "config.toml")
    assert frozen == set_values(demo(), {"train.steps": 60})
    assert page.estimate.go.isEnabled()


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("train.steps", "6k", "Write a whole number, for example 100."),
        ("train.steps", "0", "Write a number of at least 1."),
        ("train.batch_size", "1.5", "Write a whole number, for example 100."),
        ("optimizer.learning_rate", "fast", "Write a number, for example 0.0003."),
        ("optimizer.learning_rate", "0", "Write a number above 0."),
    ],
)
def test_a_field_says_in_place_what_to_write(qtbot, page, field, text, says):
    write(qtbot, page.budget.fields[field], text)
    assert page.budget.fields[field].line.accessibleDescription() == says
    assert not page.estimate.go.isEnabled()
    assert page.estimate.go.toolTip() == "A field needs another value"
    write(qtbot, page.budget.fields[field], "2")
    assert page.estimate.go.isEnabled()


def test_thousands_may_be_parted(qtbot, page):
    write(qtbot, page.budget.fields["train.steps"], "6,000")
    assert page.config.train.steps == 6000


@pytest.mark.parametrize(("text", "value"), [("6 000", 6000), ("6\N{NO-BREAK SPACE}000", 6000), ("12", 12)])
def test_numbers_are_read_as_people_write_them(text, value):
    assert read_number(text, int, 1) == (value, "")


def test_lora_changes_the_picture_and_the_forecast(qtbot, measured):
    full = measured.estimate.disk.value.text()
    qtbot.mouseClick(measured.method.options["lora"], Qt.LeftButton)
    assert measured.config.mode == "lora"
    assert [on.ring.isChecked() for on in measured.method.options.values()] == [False, True]
    assert "adapters" in measured.method.flow.accessibleName()
    assert measured.estimate.disk.value.text() != full


def test_another_tokenizer_is_measured_anew(qtbot, measured):
    measured.receive(tokenizer="bytes")
    # a run to bytes has the source's special tokens too
    qtbot.waitUntil(
        lambda: measured._pair.target.reference == "demo:english:conversion=byte", timeout=PATIENCE
    )
    assert measured.pair.counts.value.text() == "1000"
    assert measured._pair.bytes_only == 0 or measured._pair.bytes_only < len(measured._pair.target)


def test_a_model_that_is_none_forbids_the_start(qtbot, page, tmp_path):
    page.receive(model=str(tmp_path / "nothing"))
    page.opened()
    qtbot.waitUntil(lambda: not waiting(page), timeout=PATIENCE)
    assert page.preflight.lines["model"].check.state == "bad"
    assert "There is no model folder" in page.preflight.lines["model"].text.text()
    assert not page.estimate.go.isEnabled()
    assert page.estimate.go.toolTip() == "Failed: source model"


def test_a_device_that_cannot_be_asked_forbids_the_start(qtbot, page, monkeypatch):
    def refuse():
        raise RunError("PyTorch cannot be used: no module", hint="Install it again.")

    monkeypatch.setattr(checks, "ask_device", lru_cache(refuse))
    page.opened()
    qtbot.waitUntil(lambda: not waiting(page), timeout=PATIENCE)
    assert page.preflight.failed() == ["Device", "Training runtime"]


def test_an_unwritable_runs_folder_is_said_before_and_at_the_start(qtbot, qapp, page, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert checks.folder(tmp_path / "file" / "runs", 0).state == "bad"
    page.store = RunStore(tmp_path / "file")
    page.start()
    qtbot.waitUntil(page.estimate.problem.isVisible, timeout=PATIENCE)
    assert "cannot be written" in page.estimate.problem.title.text()


def test_checks_in_words(tmp_path, store):
    assert checks.folder(tmp_path / "a" / "b", 1).state == "ok"
    assert checks.folder(tmp_path, 1e18).state == "bad"
    assert "Choose a smaller batch" in checks.on_device(DEVICE, 20e9).text
    assert checks.runtime({**DEVICE, "cuda": "13.0"}).text.endswith("CUDA 13.0")
    assert checks.others(store).state == "ok"
    run = store.create("selftest", "busy", "steps = 5000\npause = 0.01")
    run.start()
    assert "busy-01" in checks.others(store).text
    run.kill()


def test_the_command_is_the_demo_and_what_differs(qtbot, measured):
    assert command(demo()) == "tokstudio transfer --demo"
    changed = set_values(demo(), {"train.steps": 7, "tokenizer": "/a folder/x"})
    assert command(changed) == "tokstudio transfer --demo --set 'tokenizer=/a folder/x' --set train.steps=7"
    qtbot.mouseClick(measured.estimate.command, Qt.LeftButton)
    assert QGuiApplication.clipboard().text() == "tokstudio transfer --demo"


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        set_values(demo(), {"train.steps": 0})


def test_the_time_comes_from_the_last_run_like_this_one(store):
    model = facts.model_facts("demo:english")
    counted = facts.estimate(model, None, demo(), store)
    assert counted.like == ""
    assert 20 < counted.seconds * (os.cpu_count() or 1) / 2 < 200  # 80 to 100 s were measured on two cores
    from tokstudio.train.settings import to_dict, to_toml

    run = store.create("transfer", "before", to_toml(demo()))
    (run.folder / "state.json").write_text(json.dumps({"state": "finished"}))
    report = {"seconds": {"this_attempt": 90.0}, "settings": to_dict(demo())}
    (run.folder / "report.json").write_text(json.dumps(report))
    twice = set_values(demo(), {"train.steps": 2 * demo().train.steps})
    assert facts.estimate(model, None, twice, store).seconds == pytest.approx(180.0)
    assert facts.estimate(model, None, twice, store).like == "before-01"


def test_steps_of_a_translation_are_part_of_the_estimate(store):
    model = facts.model_facts("demo:english")
    plain, staged = demo(), set_values(demo(), {"s2t2.steps": demo().train.steps, "s2t2.candidates": 32})
    alone = set_values(staged, {"s2t2.finetune": False})
    before, both, only = (facts.estimate(model, None, config, store) for config in (plain, staged, alone))
    assert before.seconds * 1.3 < both.seconds < before.seconds * 2
    assert only.seconds < before.seconds
    scores = model.vocabulary * 32 * 4 * 4  # each with its gradient and two moments
    assert both.memory - before.memory == pytest.approx(scores)
    assert dict(only.parts)["Optimizer and gradients"] == pytest.approx(scores)
    two = facts.estimate(model, None, set_values(staged, {"s2t2.shared": False}), store)
    assert two.memory - before.memory == pytest.approx(2 * scores)


def test_counts_of_the_demo_model(page):
    model = facts.model_facts("demo:english")
    assert model.parameters > 1e6
    assert model.row_parameters == model.vocabulary * model.hidden * (1 if model.tied else 2)
    assert np.isfinite(facts.estimate(model, None, demo(), page.store).memory)


@pytest.mark.parametrize("width", [1368, 1028, 832])
def test_room(qtbot, page, width):
    page.resize(width, 646)
    assert page.minimumSizeHint().width() <= 832
    qtbot.waitUntil(page.estimate.go.isVisible)


def test_everything_that_can_be_used_has_a_name(page):
    for widget in page.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox | QLineEdit) and widget.isVisible():
            assert widget.accessibleName() or getattr(widget, "text", str)(), widget


def test_the_device_is_asked_in_a_process_of_its_own():
    answer = ask()
    assert answer["device"] in ("cpu", "cuda")
    assert answer["memory"] > 1e8
    assert answer["torch"]


def test_a_device_that_does_not_answer(monkeypatch):
    def fail(*_args, **_kwargs):
        raise subprocess.CalledProcessError(
            1, "x", stderr="Traceback\nModuleNotFoundError: No module named 'torch'"
        )

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(RunError, match="No module named 'torch'") as caught:
        ask()
    assert caught.value.hint


def test_what_the_run_does_is_chosen_in_the_method_card(qtbot, page):
    went = []
    page.context.went.connect(lambda name, what: went.append((name, what)))
    assert page.estimate.go.text() == "Start transfer"
    page.method.purpose.set_index(1)
    assert page.config.tokenizer == page.config.model == "demo:english"
    assert page.config.objectives == ("next_token",)
    assert page.estimate.go.text() == "Start fine-tuning"
    assert page.pair.tokenizer.isHidden()
    assert page.method._start.isHidden()
    assert command(page.config).startswith(
        "tokstudio finetune --model demo:english --set data.held_out_bytes=65536"
    )
    page.start()
    qtbot.waitUntil(lambda: bool(went), timeout=PATIENCE)
    name = went[0][1]["start"]
    assert name == "english-finetuned-01"
    assert json.loads((page.store.folder / name / "run.json").read_text())["kind"] == "finetune"


def test_distillation_asks_for_a_teacher(qtbot, page, tmp_path):
    page.method.purpose.set_index(2)
    assert not page.pair.teacher.isHidden()
    assert page.estimate.go.toolTip() == "Choose a teacher"
    page.pair.teacher.picked.emit(str(tmp_path))
    assert page.config.teacher == str(tmp_path)
    assert page.estimate.go.isEnabled()
    page.method.purpose.set_index(0)
    assert (page.config.tokenizer, page.config.teacher) == ("demo:code", "")
    assert page.config.objectives == demo().objectives
    assert not page.pair.tokenizer.isHidden()


def test_a_recipe_says_what_the_run_does(page):
    titles = [page.method.recipe.itemText(i) for i in range(page.method.recipe.count())]
    page.method._take_recipe(titles.index("Fine-tune on text"))
    assert page.method.purpose.index() == 1
    page.method._take_recipe(titles.index("Subwords to subwords"))
    assert page.method.purpose.index() == 0
    assert page.config.tokenizer == "demo:code"


def test_where_a_run_works_is_chosen_and_kept(qtbot, qapp):
    from tokstudio.runs.launch import Launch
    from tokstudio.ui.transfer_cards.run_on import RunOn

    chooser = RunOn()
    qtbot.addWidget(chooser)
    chooser.show()
    assert chooser.launch() == Launch()
    assert not chooser.count.isVisible()
    chooser.place.setCurrentIndex(1)
    chooser.count.setText("4")
    assert chooser.launch() == Launch("torchrun", 4)
    assert command(demo(), chooser.launch()).endswith("--demo --target torchrun --nproc-per-node 4")
    chooser.place.setCurrentIndex(2)
    chooser.address.setText(" http://head:8265 ")
    assert chooser.address.isVisible()
    assert chooser.launch() == Launch("ray", 4, address="http://head:8265")
    chooser.count.setText("many")
    with pytest.raises(InputError, match="no number of processes"):
        chooser.launch()
