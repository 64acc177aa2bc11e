# ruff: noqa: F811  a fixture is named as the argument that asks for it
"""A data set of the hub as the corpus: looked up, agreed to, streamed; and what asks before."""

from dataclasses import replace

import pytest

from tests.hubs import COMMIT, reached
from tests.train.test_streaming import ROWS, lines
from tests.ui.test_transfer import PATIENCE, page, store, waiting  # noqa: F401  fixtures
from tokstudio.train.config import demo
from tokstudio.train.settings import apply_overrides, load_toml, to_toml
from tokstudio.ui.panes.download_dialog import DownloadDialog
from tokstudio.ui.panes.stream_dialog import StreamDialog
from tokstudio.ui.transfer_cards.budget import FETCH, STREAM
from tokstudio.ui.transfer_cards.facts import corpus_facts
from tokstudio.ui.transfer_cards.values import command


@pytest.fixture
def hub(monkeypatch):
    corpus_facts.cache_clear()
    with reached(
        monkeypatch, {"data/train-0.jsonl": lines(ROWS[:40]), "data/val.jsonl": lines(ROWS[40:])}
    ) as made:
        yield made


def choose(page, text: str) -> None:
    combo = page.budget.corpus.combo
    combo.setCurrentText(text)
    combo.activated.emit(combo.currentIndex())


def dialog(qtbot, page, kind):
    qtbot.waitUntil(lambda: page.findChild(kind) is not None, timeout=PATIENCE)
    return page.findChild(kind)


def look_up(qtbot, asked: StreamDialog, hub_id: str) -> None:
    asked.field.setText(hub_id)
    asked.look.click()
    qtbot.waitUntil(lambda: asked.go.isEnabled() or not asked.problem.isHidden(), timeout=PATIENCE)


def agree(qtbot, page, asked: StreamDialog) -> None:
    with qtbot.waitSignal(asked.finished, timeout=PATIENCE):
        asked.go.click()


def test_a_stream_is_chosen_after_its_address_and_size_were_named(qtbot, page, hub):
    choose(page, STREAM)
    asked = dialog(qtbot, page, StreamDialog)
    assert page.budget.corpus.combo.currentText() == "The library of this Python"
    assert not asked.go.isEnabled()
    assert not hub.asked
    look_up(qtbot, asked, "some/texts")
    said = asked.what.text()
    assert "From http://127.0.0.1:" in said
    assert "/datasets/some/texts, as it is at commit c0ffeec0ffee" in said
    assert "To train on: 1 file, " in said
    assert "To measure on: 1 file, " in said
    assert "over the network?" in said
    assert not any("/resolve/" in path for path, _ in hub.asked)
    asked.show_rows.click()
    qtbot.waitUntil(lambda: not asked.rows.isHidden(), timeout=PATIENCE)
    assert asked.rows.toPlainText().startswith(ROWS[0][:40])
    agree(qtbot, page, asked)
    data = page.config.data
    assert (data.corpus, data.stream, data.revision) == ("hub:some/texts", True, COMMIT)
    count = len(hub.asked)
    qtbot.waitUntil(lambda: not page._soon.isActive() and not waiting(page), timeout=PATIENCE)
    assert page.preflight.lines["corpus"].check.state == "ok"
    assert "streamed: 1 file" in page.preflight.lines["corpus"].check.text
    assert page.preflight.lines["round"].check.state == "ok"
    assert page.budget.corpus.combo.currentText() == "some/texts (streamed)"
    assert "over the network" in page.budget._reads.text()
    assert len(hub.asked) == count  # the page asks nobody
    choose(page, "The library of this Python")
    assert page.config.data == replace(demo().data)
    choose(page, "some/texts (streamed)")
    assert page.config.data == data


def test_an_agreed_stream_starts_at_once_and_its_command_is_one(qtbot, page, hub, store):
    choose(page, STREAM)
    asked = dialog(qtbot, page, StreamDialog)
    look_up(qtbot, asked, "some/texts")
    agree(qtbot, page, asked)
    words = command(page.config)
    assert "--set data.stream=true" in words
    went = []
    page.context.went.connect(lambda name, what: went.append(what))
    page.start()
    qtbot.waitUntil(lambda: bool(went), timeout=PATIENCE)
    frozen = load_toml(type(demo()), store.folder / went[0]["start"] / "config.toml")
    assert frozen.data == page.config.data


def test_settings_of_others_ask_before_the_start(qtbot, page, hub, store, tmp_path):
    theirs = apply_overrides(
        demo(), ["data.corpus=hub:some/texts", "data.stream=true", f"data.revision={COMMIT}"]
    )
    (tmp_path / "config.toml").write_text(to_toml(theirs))
    page.receive(like=str(tmp_path))
    qtbot.waitUntil(lambda: not page._soon.isActive() and not waiting(page), timeout=PATIENCE)
    assert "before the start" in page.preflight.lines["corpus"].check.text
    went = []
    page.context.went.connect(lambda name, what: went.append(what))
    page.start()
    asked = dialog(qtbot, page, StreamDialog)
    assert asked.field.text() == "some/texts"
    assert not went
    assert not hub.asked
    asked.look.click()
    qtbot.waitUntil(asked.go.isEnabled, timeout=PATIENCE)
    agree(qtbot, page, asked)
    qtbot.waitUntil(lambda: bool(went), timeout=PATIENCE)


def test_what_cannot_be_read_is_said_in_the_question(qtbot, page, hub):
    choose(page, STREAM)
    asked = dialog(qtbot, page, StreamDialog)
    hub.gated = True
    look_up(qtbot, asked, "some/texts")
    assert "HF_TOKEN" in asked.problem.hint.text()
    assert not asked.go.isEnabled()
    hub.gated = False
    look_up(qtbot, asked, "some/texts")
    qtbot.waitUntil(asked.go.isEnabled, timeout=PATIENCE)
    hub.refuse = [403] * 5
    asked.go.click()
    qtbot.waitUntil(lambda: not asked.problem.isHidden(), timeout=PATIENCE)
    assert "answered 403" in asked.problem.title.text()
    assert page.config == demo()
    asked.reject()


def test_a_data_set_is_fetched_from_the_same_list(qtbot, page, hub):
    choose(page, FETCH)
    asked = dialog(qtbot, page, DownloadDialog)
    asked.field.setText("some/texts")
    asked.look_up()
    qtbot.waitUntil(asked.start.isEnabled, timeout=PATIENCE)
    with qtbot.waitSignal(asked.finished, timeout=PATIENCE):
        asked.download()
    assert (page.config.data.corpus, page.config.data.stream) == ("hub:some/texts", False)
    qtbot.waitUntil(lambda: not page._soon.isActive() and not waiting(page), timeout=PATIENCE)
    assert page.preflight.lines["corpus"].check.state == "ok"
