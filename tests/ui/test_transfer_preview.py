"""The preview of a pair and the measurement of two steps, on the Transfer page."""

import sys
from functools import lru_cache
from types import ModuleType

import numpy as np
import pytest
from PySide6.QtCore import Qt

from tests.ui.test_transfer import DEVICE, PATIENCE, waiting
from tokstudio.align.spans import Alignment, align
from tokstudio.errors import RunError
from tokstudio.runs.store import RunStore
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import demo
from tokstudio.train.kinds import target_reference
from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.pages.transfer import TransferPage
from tokstudio.ui.run_cards.create import create_transfer
from tokstudio.ui.transfer_cards import checks
from tokstudio.ui.transfer_cards.blocks import BlocksView, shapes
from tokstudio.ui.transfer_cards.estimate import _measured
from tokstudio.ui.transfer_cards.facts import Estimate
from tokstudio.ui.transfer_cards.measure import HIGH, LOW, START, Correction, correction
from tokstudio.ui.transfer_cards.values import set_values

FOUND = {"measured_bytes": 2e9, "estimated_bytes": 1e9, "seconds_per_step": 0.5}


@pytest.fixture
def page(qtbot, qapp, tmp_path, monkeypatch):
    theme.apply(qapp, "light")
    monkeypatch.setattr(checks, "ask_device", lru_cache(lambda: DEVICE))
    made = TransferPage(Context(Settings(tmp_path / "window.ini")), RunStore(tmp_path / "runs"))
    qtbot.addWidget(made)
    made.resize(1368, 826)
    made.show()
    made.opened()
    qtbot.waitUntil(lambda: not waiting(made), timeout=PATIENCE)
    yield made
    made.close_down()


def test_blocks_are_counted_by_their_shape():
    found = Alignment(
        np.array([0, 1, 3, 5, 9]), np.array([0, 1, 1, 2, 3, 3]), np.array([0, 1, 2, 2, 3, 3, 3])
    )
    assert list(shapes(found).values()) == [1, 1, 1, 1]


def test_the_blocks_of_the_demo_pair_are_drawn(qtbot):
    tokenizers = [load_tokenizer(name) for name in ("demo:english", "demo:code")]
    sides = tuple((tokenizer.encode("def spam(eggs): return None"), tokenizer) for tokenizer in tokenizers)
    view = BlocksView()
    qtbot.addWidget(view)
    found = align(sides[0][0], sides[1][0])
    view.set_blocks(found, sides)
    assert view._left[-1] >= view._wide.sum()
    assert sum(shapes(found).values()) == len(found)
    assert not view.grab().toImage().isNull()
    view.set_blocks(None, ())
    assert view.accessibleName() == "No blocks"


def test_a_persons_own_text_is_tokenized_both_ways(qtbot, page):
    preview = page.preview
    qtbot.mouseClick(preview.fold, Qt.LeftButton)
    preview.text.setPlainText("self.assertEqual(self.value, None)")
    before, after = (
        len(load_tokenizer(n).encode(preview.text.toPlainText())) for n in ("demo:english", "demo:code")
    )
    qtbot.waitUntil(lambda: preview.counts.text().startswith(f"{before} to {after} tokens"), timeout=PATIENCE)
    assert preview.about.text().startswith("blocks: ")
    assert page.preflight.lines["special"].check.state == "ok"
    assert "with a counterpart" in preview.sum.text()
    preview.text.setPlainText("")
    qtbot.waitUntil(lambda: preview.counts.text() == "0 to 0 tokens", timeout=PATIENCE)


def test_to_bytes_the_special_tokens_stay_as_in_the_run(qtbot, page):
    page._change({"tokenizer": "bytes"})
    assert target_reference(page.config) == "demo:english:conversion=byte"
    qtbot.waitUntil(lambda: "258 tokens" in page.pair._size.text(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not waiting(page), timeout=PATIENCE)
    check = page.preflight.lines["special"].check
    assert (check.state, check.text) == ("ok", "2 with a counterpart")
    assert page.config.tokenizer == "bytes"


def test_two_steps_correct_what_was_computed():
    config = demo()
    same = correction(config, 1e9, config, 1e9, FOUND)
    whole = START + 0.5 * config.train.steps
    assert (same.memory, same.seconds, same.exact) == (2.0, (LOW * whole, HIGH * whole), True)
    larger = set_values(config, {"train.batch_size": 2 * config.train.batch_size})
    other = correction(larger, 1.8e9, config, 1e9, FOUND)
    assert (other.memory, other.exact) == (2.0, False)
    assert other.seconds[0] == pytest.approx(LOW * (START + config.train.steps))
    assert correction(set_values(config, {"tokenizer": "bytes"}), 1e9, config, 1e9, FOUND) is None


class FakeProbe:
    """Stands in for a process that takes half a minute."""

    answer = FOUND

    def __init__(self, config):
        from threading import Event

        self._gone = Event()

    def wait(self):
        if self.answer is None and self._gone.wait(PATIENCE / 1000):
            raise RunError("The measurement was stopped.")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def cancel(self) -> None:
        self._gone.set()


@pytest.fixture
def probe(monkeypatch):
    module = ModuleType("tokstudio.runs.probe")
    module.Probe = type("Probe", (FakeProbe,), {})
    monkeypatch.setitem(sys.modules, "tokstudio.runs.probe", module)
    return module.Probe


def test_what_an_earlier_run_took_is_within_the_measured_range():
    two_steps = Correction(1.0, (360.0, 660.0), True)
    before = Estimate((("Weights", 1.0),), 1.0, 240.0, "english-to-code-01")
    assert _measured(two_steps, before) == ("4 min to 11 min", "by two steps, an earlier run")
    alone = Estimate((("Weights", 1.0),), 1.0, 240.0, "")
    assert _measured(two_steps, alone) == ("6 min to 11 min", "by two steps")


def test_measure_shows_what_two_steps_took(qtbot, page, probe):
    card = page.estimate
    qtbot.mouseClick(card.measure, Qt.LeftButton)
    qtbot.waitUntil(lambda: card._how.text() == "two steps were measured", timeout=PATIENCE)
    assert card.memory.value.text() in ("2 GB", "2.0 GB")
    assert card.told.text().startswith("2 GB measured in two steps, ")
    assert card.told.text().endswith(" computed: a run takes up to 2.4 GB.")
    assert card.time.note.text() == "by two steps"
    assert card.measure.text() == "Measure"
    page._change({"train.batch_size": 7})
    assert card._how.text() == "computed, corrected by two measured steps"
    assert "two steps measured with other settings make it" in card.told.text()
    page._change({"tokenizer": "bytes"})
    assert card._how.text() == "computed from the sizes"
    assert " computed, not measured yet: expect " in card.told.text()


def test_a_measurement_can_be_cancelled_and_may_fail(qtbot, page, probe):
    card = page.estimate
    probe.answer = None
    card.measure.click()
    assert (card.measure.text(), card.progress.isHidden()) == ("Cancel", False)
    qtbot.waitUntil(lambda: page.measuring._probe is not None, timeout=PATIENCE)
    card.measure.click()
    qtbot.waitUntil(lambda: card.measure.text() == "Measure", timeout=PATIENCE)
    assert not card.problem.isVisible()
    probe.answer = RunError("Memory does not suffice.", hint="Take a smaller batch.")
    card.measure.click()
    qtbot.waitUntil(lambda: card.problem.title.text() == "Memory does not suffice.", timeout=PATIENCE)
    assert card._how.text() == "computed from the sizes"


def test_a_recipe_that_keeps_the_tokenizer_starts_another_kind_of_run(page):
    place = next(i for i, recipe in enumerate(page.method.recipes, 1) if recipe.kind == "finetune")
    page.method._take_recipe(place)
    assert page.config.tokenizer == page.config.model == "demo:english"
    assert page.estimate.go.text() == "Start fine-tuning"
    page._change({"model": "demo:code"})
    assert page.config.tokenizer == "demo:code"
    run = create_transfer(page.store, page.config)
    assert page.store.info(run.folder.name).kind == "finetune"
    assert run.folder.name == "code-finetuned-01"
    page._change({"tokenizer": "demo:english"})
    assert page.estimate.go.text() == "Start transfer"
