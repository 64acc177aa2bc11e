"""The view Corpus, driven as a person would: choose, start, look, click a figure, cancel, export."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from tests.tokens import vocabularies as v
from tokstudio.ui import theme
from tokstudio.ui.compare_views.corpus import CorpusView, told
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.panes.picker import TokenizerPicker

PATIENCE = 60_000
TEXTS = {"en": "The unhappiness of dogs. ", "de": "Donaudampfschifffahrt und Größe. ", "zh": "我能吞下玻璃。"}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"lang": k, "text": t * 20}) + "\n" for k, t in TEXTS.items()))
    return path


@pytest.fixture
def view(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    made = CorpusView(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    for part in (made.tools, *made.actions()):
        qtbot.addWidget(part)
    made.resize(1300, 800)
    made.show()
    made.tools.show()
    made.tokenizers.set([v.CL100K, v.BERT])
    yield made
    made.close_down()


@pytest.fixture
def counted(qtbot, view, data):
    view.set_path(data)
    view.start.click()
    assert view.cancel.isVisible()
    qtbot.waitUntil(lambda: not view.follower.running, timeout=PATIENCE)
    assert not view.problem.isVisible(), view.problem.title.text()
    return view


def texts(view) -> list[list[str]]:
    return [[cell.text for cell in row] for row in view.figures.grid.grid.rows]


def test_before_the_first_run(view, data):
    assert view.empty.isVisible()
    assert not view.start.isEnabled()
    assert view.start.toolTip()
    view.set_path(data)
    assert view.ready.isVisible()
    assert view.start.isEnabled()
    assert not view.export.isEnabled()
    view.tokenizers.set([])
    assert not view.start.isEnabled()


def test_figures_bars_and_groups(counted):
    rows = {row[0]: row[1:] for row in texts(counted)}
    assert [column.title for column in counted.figures.grid.grid.columns] == [
        "Figure",
        "cl100k_base",
        "bert-base-uncased",
    ]
    assert rows["Unknown"][0] == "0"
    assert int(rows["Unknown"][1]) > 0
    assert float(rows["Bytes / token"][0]) > 1
    assert "Gini" in rows
    notes = [cell.note for row in counted.figures.grid.grid.rows for cell in row]
    assert any(note.endswith("%") for note in notes)
    groups = [group for group, _ in counted.figures.bars._rows]
    assert groups == [None, "de", "en", "zh"]
    assert "unknown" in counted.figures.bars._told(3, 1)
    assert counted.speed.text().startswith("Finished")
    assert counted.export.isEnabled()
    counted.figures.chosen.setCurrentIndex(0)  # tokens: the sum is left out
    assert [group for group, _ in counted.figures.bars._rows] == ["de", "en", "zh"]


def test_a_click_lists_what_causes_a_figure(qtbot, counted):
    counted.figures.bars.chosen.emit(1, "en")
    qtbot.waitUntil(lambda: counted.causes.event is not None, timeout=PATIENCE)
    counted.explain(1, "fertility", "en")
    qtbot.waitUntil(lambda: counted.causes.event["metric"] == "fertility", timeout=PATIENCE)
    assert counted.causes.grid.grid.rows[0][0].text == "unhappiness"
    assert "bert-base-uncased, en" in counted.causes._card.subtitle.text()
    row = next(i for i, cells in enumerate(texts(counted)) if cells[0] == "Unknown")
    counted.figures.grid.chosen.emit(row, 2)
    qtbot.waitUntil(lambda: counted.causes.event["metric"] == "unknown", timeout=PATIENCE)
    assert {cells[0].text for cells in counted.causes.grid.grid.rows} <= set("我能吞下玻璃")
    counted.explain(0, "unknown", None)
    qtbot.waitUntil(lambda: counted.causes.event["tokenizer"] == "cl100k_base", timeout=PATIENCE)
    assert "none" in counted.causes.note.text()
    for metric in ("renyi", "gini"):
        counted.explain(0, metric, None)
        qtbot.waitUntil(lambda metric=metric: counted.causes.event["metric"] == metric, timeout=PATIENCE)
        assert counted.causes.grid.isVisible()
    counted.causes.copy.click()


def test_groups_by_a_field_of_any_name(qtbot, view, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "One", "topic": "x"}\n{"text": "Two", "topic": "y"}\n')
    view.set_path(path)
    view.by.setCurrentIndex(view.by.count() - 1)
    assert view.field.isVisible()
    qtbot.keyClicks(view.field, "topic")
    view.run()
    qtbot.waitUntil(lambda: not view.follower.running, timeout=PATIENCE)
    assert list(view.result["groups"]) == ["x", "y"]


def test_the_mouse_chooses_cells_bars_and_words(qtbot, counted):
    grid, bars, causes = counted.figures.grid, counted.figures.bars, counted.causes
    row = next(i for i, cells in enumerate(texts(counted)) if cells[0] == "Fertility")
    place = grid.visualRect(grid.model().index(row, 2)).center()
    qtbot.mouseClick(grid.viewport(), Qt.LeftButton, pos=place)
    qtbot.waitUntil(lambda: (causes.event or {}).get("metric") == "fertility", timeout=PATIENCE)
    assert causes.event["tokenizer"] == "bert-base-uncased"
    at = next(i for i, cells in enumerate(causes.grid.grid.rows) if cells[0].text == "Donaudampfschifffahrt")
    qtbot.mouseClick(
        causes.grid.viewport(),
        Qt.LeftButton,
        pos=causes.grid.visualRect(causes.grid.model().index(at, 0)).center(),
    )
    assert causes.example.text().startswith("In: Donaudampfschifffahrt und Größe.")
    qtbot.mouseClick(bars.viewport(), Qt.LeftButton, pos=bars.box(2, 0).center().toPoint())
    qtbot.waitUntil(lambda: causes.event["group"] == "en", timeout=PATIENCE)
    assert (causes.event["metric"], causes.event["k"]) == ("bytes_per_token", 0)


def test_keys_walk_the_bars(qtbot, counted):
    counted.figures.bars.setFocus()
    qtbot.keyClick(counted.figures.bars, Qt.Key_Down)
    assert counted.figures.bars.current == (0, 0)
    for _ in range(20):
        qtbot.keyClick(counted.figures.bars, Qt.Key_Down)
    assert counted.figures.bars.current == (3, 1)
    qtbot.waitUntil(lambda: (counted.causes.event or {}).get("group") == "zh", timeout=PATIENCE)


def test_cancel_keeps_what_was_counted(qtbot, view, tmp_path):
    path = tmp_path / "much.txt"
    path.write_text("The unhappiness of dogs. " * 800_000)
    jobs = []
    view.context.job_changed.connect(lambda *job: jobs.append(job))
    view.set_path(path)
    view.run()
    qtbot.waitUntil(lambda: view.result is not None or "MB" in view.speed.text(), timeout=PATIENCE)
    view.cancel.click()
    assert not view.cancel.isEnabled()
    qtbot.waitUntil(lambda: not view.follower.running, timeout=PATIENCE)
    assert view.speed.text().startswith("Stopped")
    assert view.start.isVisible()
    assert jobs[0][0] == "corpus"
    assert jobs[-1][2] == -1.0


def test_stopped_while_it_loads_leaves_old_figures_marked(qtbot, counted, tmp_path):
    other, said = tmp_path / "other.txt", []
    other.write_text("One")
    counted.context.said.connect(lambda *words: said.append(words[0]))
    first = counted.path
    assert not counted.figures.old.isVisible()
    counted.set_path(other)
    assert counted.figures.old.isVisible()
    counted.explain(0, "fertility", None)  # the process that counted still knows
    qtbot.waitUntil(lambda: counted.causes.event is not None, timeout=PATIENCE)
    counted.set_path(first)
    assert not counted.figures.old.isVisible()
    counted.run()
    counted.cancel.click()
    assert not counted.follower.running
    assert counted.speed.text().startswith("Stopped before")
    assert counted.figures.old.isVisible()
    assert not counted.export.isEnabled()
    counted.explain(0, "fertility", None)
    assert "comparison before" in said[-1]


def test_closing_in_the_middle(qtbot, view, tmp_path):
    path = tmp_path / "much.txt"
    path.write_text("The unhappiness of dogs. " * 400_000)
    view.set_path(path)
    view.run()
    qtbot.wait(300)


def test_errors_stay_where_they_happened(qtbot, view, tmp_path):
    view.set_path(tmp_path / "missing.txt")
    view.run()
    qtbot.waitUntil(lambda: view.problem.isVisible(), timeout=PATIENCE)
    assert "no file or folder" in view.problem.title.text()
    assert view.start.isVisible()
    view.tokenizers.set(["tiktoken:nothing"])
    path = tmp_path / "a.txt"
    path.write_text("a")
    view.set_path(path)
    view.run()
    qtbot.waitUntil(lambda: view.problem.isVisible(), timeout=PATIENCE)
    assert "no encoding named" in view.problem.title.text()


def test_export(qtbot, counted, tmp_path, monkeypatch):
    said = []
    counted.context.said.connect(lambda text, _: said.append(text))
    for ending in (".csv", ".md", ".tex", ".json"):
        target = tmp_path / f"out{ending}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, target=target: (str(target), ""))
        counted._ask_export(ending)
        qtbot.waitUntil(lambda target=target: any(str(target) in text for text in said), timeout=PATIENCE)
        assert "cl100k" in target.read_text()


def test_the_list_of_tokenizers(view):
    view.tokenizers.set([v.CL100K, v.BERT, v.CL100K, "bytes"])
    assert view.tokenizers.references == [v.CL100K, v.BERT, "bytes"]
    assert view.context.settings.get("corpus/tokenizers") == [v.CL100K, v.BERT, "bytes"]
    other = CorpusView(view.context)
    assert other.tokenizers.references == [v.CL100K, v.BERT, "bytes"]
    other.close_down()
    for part in (other.tools, *other.actions()):
        part.deleteLater()
    other.deleteLater()


def test_a_tokenizer_is_chosen_where_no_pane_asked_for_one_before(qtbot, view):
    view.tokenizers.add.click()
    picker = TokenizerPicker.of(view)
    assert picker.isVisible()
    picker.field.setText("bytes")
    qtbot.keyClick(picker.field, Qt.Key_Return)
    assert len(view.tokenizers.references) == 3


def test_parts_have_names_and_follow_the_theme(qapp, counted):
    for part in counted.regions():
        assert part.accessibleName() or part.text()
    light = counted.grab().toImage()
    theme.apply(qapp, "dark")
    assert counted.grab().toImage() != light
    theme.apply(qapp, "light")
    assert all(choice.act for choice in counted.commands())


def test_words_for_progress():
    event = {"done": 5e6, "size": 10e6, "rate": 1.2e6, "seconds": 30}
    assert told(event) == "5 MB of 10 MB, 1.2 MB/s, 30 s, about 30 s to go"
