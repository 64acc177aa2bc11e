"""What every name of a file, a model, a tokenizer or a run offers, wherever it stands."""

from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu

from tokstudio.embed.known import matrix_folder
from tokstudio.paths import resource
from tokstudio.runs.store import RunStore
from tokstudio.ui import reveal, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.reveal import Thing, deeds

DEMO = resource("demo/english")
FILES = ["Show in folder", "Copy path"]
TOKENIZER = ["Open in Compare", "Open in Vocabulary"]
MATRIX, MODEL = ["Open in Embeddings"], ["Open in Model", "Transfer this model"]
TARGET = ["Transfer a model to this tokenizer"]


@pytest.fixture
def context(qapp, tokstudio_home):
    return Context(Settings(tokstudio_home / "window.ini"))


def titles(context, reference, here="") -> list[str]:
    return [deed.title for deed in deeds(context, Thing(str(reference)), here)]


def test_each_kind_goes_where_it_can_be_shown(context, tmp_path):
    (tmp_path / "a.txt").write_text("a text")
    (tmp_path / "b.jsonl").write_text("{}")
    count = ["Count over it in Compare"]
    assert titles(context, "demo:english") == [*FILES, *TOKENIZER, *MATRIX, *MODEL]
    assert titles(context, DEMO) == titles(context, "demo:english")
    assert titles(context, DEMO / "model.safetensors") == [*FILES, *MATRIX]
    assert titles(context, DEMO / "tokenizer.json") == [*FILES, *TOKENIZER, *TARGET]
    assert titles(context, "tiktoken:cl100k_base") == ["Copy name", *TOKENIZER, *TARGET]
    assert titles(context, tmp_path / "a.txt") == [*FILES, "Open in Compare", *count]
    assert titles(context, tmp_path / "b.jsonl") == [*FILES, *count]
    assert titles(context, tmp_path / "gone") == FILES  # says so when it is pressed
    assert titles(context, "") == []


def test_a_tokenizer_with_a_matrix_of_its_own_leads_to_that(context):
    went = []
    context.went.connect(lambda page, what: went.append((page, what)))
    folder = str(matrix_folder("bert-base-uncased"))
    for deed in deeds(context, Thing("bert-base-uncased")):
        if deed.title.startswith(("Open", "Transfer")):
            deed.act()
    assert ("compare", {"tokenizer": "bert-base-uncased"}) in went
    assert ("embeddings", {"path": folder}) in went
    assert ("model", {"model": folder}) in went


def test_a_run_offers_its_export_too(context, tmp_path):
    run = RunStore().create("selftest", "one", "steps = 3")
    assert titles(context, run.folder) == [*FILES, "Open in Runs"]
    assert titles(context, run.folder, "runs") == FILES
    (run.folder / "export").symlink_to(DEMO)
    assert titles(context, run.folder, "runs") == [*FILES, *TOKENIZER, *MATRIX, *MODEL]


def test_names_as_people_know_them():
    assert Thing("demo:english").words() == "Demo english"
    assert Thing("tiktoken:cl100k_base").words() == "cl100k_base"
    assert Thing(str(DEMO / "tokenizer.json")).words() == "tokenizer.json"
    assert Thing(str(DEMO), "mine").words() == "mine"


def test_the_page_that_asks_is_left_out(context):
    assert titles(context, DEMO, "compare") == [*FILES, "Open in Vocabulary", *MATRIX, *MODEL]


def test_show_copy_and_go(context, monkeypatch, tmp_path):
    opened, went, failed = [], [], []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    context.went.connect(lambda page, what: went.append((page, what)))
    context.failed.connect(failed.append)
    known = {deed.title: deed.act for deed in deeds(context, Thing(str(DEMO / "tokenizer.json")))}
    for title in (*FILES, "Open in Vocabulary"):
        known[title]()
    assert [Path(path) for path in opened] == [DEMO]
    assert QGuiApplication.clipboard().text() == str(DEMO / "tokenizer.json")
    assert went == [("vocabulary", {"tokenizer": str(DEMO / "tokenizer.json")})]
    reveal.show(context, tmp_path / "gone")
    assert len(opened) == 1
    assert "not there any more" in str(failed[0])


def test_the_window_offers_what_its_pages_show(qtbot, qapp, tokstudio_home, context):
    theme.apply(qapp, "light")
    run = RunStore().create("selftest", "one", "steps = 3")
    context.settings.set("window/page", "runs")
    window = MainWindow(context)
    qtbot.addWidget(window)
    window.show()
    words = [choice.text for choice in window.choices()]
    assert f"{run.folder.name}: show in folder" in words
    assert f"{run.folder.name}: copy path" in words

    for widget in (window.top.about, window.page("runs").board.head):
        widget.customContextMenuRequested.emit(widget.rect().center())
        menu = next(made for made in widget.findChildren(QMenu) if made.isVisible())
        assert [action.text() for action in menu.actions() if action.text()] == FILES
        menu.close()
    line = window.page("runs").list.rows[run.folder.name]
    line.menu_asked.emit(line.name, line.mapToGlobal(line.rect().center()))
    menu = next(made for made in window.page("runs").findChildren(QMenu) if made.isVisible())
    assert [action.text() for action in menu.actions() if action.text()] == [
        *(*FILES, "Set up another one like it", "Move to the trash")
    ]
    menu.close()
    window.end(0)


def test_the_result_of_a_run_answers_with_words(qtbot, qapp, context, monkeypatch):
    run = RunStore().create("selftest", "one", "steps = 3")
    window = MainWindow(context)
    qtbot.addWidget(window)
    window.show_page("runs")
    page = window.page("runs")
    page.select(run.folder.name)
    monkeypatch.setattr(
        page.watches[run.folder.name].state, "report", {"export": {"path": "/no/such/folder"}}
    )
    page.board.result.folder.click()
    assert "/no/such/folder is not there any more" in window.toast.text.text()
    page.board.result.copy.click()
    assert QGuiApplication.clipboard().text() == "/no/such/folder"
    window.end(0)


@pytest.mark.parametrize("page", ["compare", "vocabulary", "embeddings", "model", "transfer", "runs"])
def test_every_page_names_what_it_shows(qtbot, qapp, context, page):
    window = MainWindow(context)
    qtbot.addWidget(window)
    window.show_page(page)
    assert hasattr(window.page(page), "things")
    assert all(isinstance(thing, Thing) for thing in window.things())
    window.end(0)
