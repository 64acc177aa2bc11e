"""The training panel of the Vocabulary page."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QPushButton, QSlider

from tests.tokens import vocabularies as v
from tests.ui.test_vocabulary import SLOW, page, ready, search  # noqa: F401  `page` is a fixture
from tokstudio.errors import ConfigError
from tokstudio.ui.vocabulary_cards.differences import shift_words
from tokstudio.ui.vocabulary_cards.layout import ALL, DIFFERENCES, HEALTH, MERGES

# ruff: noqa: F811  the fixture again as an argument


@pytest.fixture
def panel(qtbot, page, tmp_path):
    ready(qtbot, page)
    page.show_training()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("\n".join(v.lines()), encoding="utf-8")
    page.training.form.set_inputs([str(tmp_path / "texts")])
    page.training.form.size.line.setText("700")
    page.training.form.output.line.setText(str(tmp_path / "made"))
    page.training.form._refresh()
    return page.training


def test_a_tokenizer_is_trained_and_opened_beside_its_parent(qtbot, page, panel, tmp_path):
    went = []
    page._context.went.connect(lambda name, what: went.append((name, what)))
    assert "of memory" in panel.form.forecast.text()
    assert panel.start.isEnabled()
    panel.start.click()
    assert panel.running
    assert panel.cancel.isVisible()
    qtbot.waitUntil(lambda: not panel.running, timeout=SLOW)
    assert "700 tokens" in panel._said.text()
    assert panel._points
    assert panel.newest._pieces
    panel.grab()
    panel._compare.click()
    assert went == [("compare", {"tokenizer": str(tmp_path / "made"), "beside": v.BERT})]
    panel._show.click()
    qtbot.waitUntil(lambda: len(page.vocabulary) == 700, timeout=SLOW)


def test_a_cancel_leaves_nothing(qtbot, page, panel, tmp_path):
    panel.form.size.line.setText("30000")
    (tmp_path / "texts" / "b.txt").write_text("".join(f"w{i * 7919} " for i in range(400_000)))
    panel.start.click()
    qtbot.wait(300)
    assert panel.running
    panel.cancel.click()
    assert not panel.running
    assert not (tmp_path / "made").exists()
    assert panel.start.isVisible()


def test_what_is_missing_is_said_before_the_start(qtbot, panel):
    panel.form.longest.line.setText("16")
    assert panel.form.settings().longest == 16
    panel.form.longest.line.setText("long")
    with pytest.raises(ConfigError, match="no length"):
        panel.form.settings()
    panel.form.longest.line.setText("0")
    panel.form.size.line.setText("many")
    panel.form._refresh()
    assert "no number" in panel.form.size._words.text()
    assert not panel.start.isEnabled()
    panel.form.set_inputs([])
    assert "Add text" in panel.form.forecast.text()
    panel.form.what.set_index(1)
    assert panel.form._parent_words.isVisible()
    panel.form.size.line.setText("50")
    panel.form.set_inputs([str(Path(__file__))])
    assert panel.start.isEnabled()
    panel.set_parent_tokenizer(v.CL100K, "cl100k_base")
    assert not panel.start.isEnabled()
    assert "no tokenizer.json" in panel.form.forecast.text()


def test_a_trained_tokenizer_is_replaced_on_request(qtbot, panel, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "notes.txt").write_text("mine")
    panel.start.click()
    assert not panel.running
    assert "not empty" in panel.problem.title.text()
    assert "Replace it" not in [b.text() for b in panel.problem.findChildren(QPushButton)]
    (tmp_path / "made" / "training.json").write_text("{}")
    panel.start.click()
    assert "--" not in panel.problem.hint.text()
    next(b for b in panel.problem.findChildren(QPushButton) if b.text() == "Replace it").click()
    assert panel.running
    qtbot.waitUntil(lambda: not panel.running, timeout=SLOW)
    assert not (tmp_path / "made" / "notes.txt").exists()
    assert (tmp_path / "made" / "tokenizer.json").exists()


def test_the_form_has_what_the_command_has(qtbot, panel):
    form = panel.form
    assert not form.rarest.isVisible()
    form._more.click()
    assert form.rarest.isVisible()
    for field, text in ((form.rarest, "5"), (form.held_out, "4.5"), (form.column, "body")):
        field.line.setText(text)
    form.fallback.setChecked(False)
    found = form.settings()
    assert (found.min_frequency, found.held_out, found.column) == (5, 0.045, "body")
    assert not found.byte_fallback
    form.held_out.line.setText("some")
    with pytest.raises(ConfigError, match="no share"):
        form.settings()


def test_the_shift_of_ids_is_told():
    assert "+2 in the middle" in shift_words(np.array([2, 3, -1, 5]))
    assert shift_words(np.array([-1, -1])) == "No token is shared."


def test_a_slow_training_offers_less_text(qtbot, panel, monkeypatch):
    from tokstudio.tokens.training import forecast as module

    assert "about" in panel.form.forecast.text()
    assert not panel.form._less.isVisible()
    monkeypatch.setattr(module, "SLOW", panel.form.expected.seconds / 4)
    panel.form._refresh()
    assert panel.form._less.text() in ("Learn from 12 %", "Learn from 13 %")
    panel.form._less.click()
    assert panel.form.settings().sample in (0.12, 0.13)
    panel.form.share.setValue(100)


def test_a_failure_is_shown_in_the_panel(qtbot, panel, tmp_path):
    (tmp_path / "texts" / "b.jsonl").write_text("{no json}\n")
    panel.start.click()
    qtbot.waitUntil(lambda: not panel.running, timeout=SLOW)
    assert panel.problem.isVisible()
    assert "no JSON" in panel.problem.title.text()


def test_every_control_of_the_cards_has_a_name(qtbot, page, panel):
    for mode in (DIFFERENCES, HEALTH, MERGES, ALL):
        page.parts.modes.set_index(mode)
        for kind in (QAbstractButton, QLineEdit, QComboBox, QSlider):
            for widget in page.findChildren(kind):
                if widget.isVisibleTo(page) and widget.parent() is not page.table:
                    assert widget.accessibleName() or getattr(widget, "text", str)(), widget
