"""The views of the Compare page: found by themselves, built when they are first shown, with their own tools."""

import sys

import pytest

from tests.ui.test_compare import TWO, settled
from tokstudio.ui import compare_views, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.pages.compare import ComparePage
from tokstudio.ui.panes import state_file

VIEW = """
from PySide6.QtWidgets import QLabel, QWidget

class Echo(QWidget):
    name, title, order = "echo", "Echo", 9

    def __init__(self, context):
        super().__init__()
        self.tools = QLabel("tools of the echo")
        self.calls = []

    def take(self, text, references):
        self.calls.append(("take", text, references))

    def receive(self, **what):
        self.calls.append(("receive", what))

    def subtitle(self):
        return "an echo"

    def close_down(self):
        self.calls.append("closed")
"""


@pytest.fixture
def page(qtbot, qapp, tokstudio_home, tmp_path, monkeypatch):
    folder = tmp_path / "views"
    folder.mkdir()
    (folder / "echo.py").write_text(VIEW)
    monkeypatch.setattr(compare_views, "__path__", [*compare_views.__path__, str(folder)])
    theme.apply(qapp, "light")
    state_file.save(TWO)
    made = ComparePage(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    made.resize(1360, 800)
    made.show()
    qtbot.waitUntil(lambda: settled(made.text), timeout=60_000)
    yield made
    made.close_down()
    sys.modules.pop("tokstudio.ui.compare_views.echo", None)


def test_a_file_is_a_view(qtbot, page):
    assert next(entry.title for entry in page.entries) == "Text"
    assert page.entries[-1].title == "Echo"
    assert "echo" not in page.views
    page.switch.set_index(len(page.entries) - 1)
    assert page.front is page.text  # until the other is made
    qtbot.waitUntil(lambda: page.front is page.views.get("echo"), timeout=20_000)
    assert page.tools.currentWidget() is page.front.tools
    assert page.front.calls == [("take", TWO["text"], TWO["panes"])]
    assert page.subtitle() == "an echo"
    assert page.actions() == []


def test_a_view_is_reached_from_elsewhere_and_remembered(page):
    page.receive(view="echo", id=3)
    assert page.front.calls[-1] == ("receive", {"id": 3})
    assert page.context.settings.get("compare/view") == "echo"
    page.receive(tokenizer="bytes")
    assert page.front is page.text
    assert page.session.panes[-1].reference == "bytes"
    page.receive(view="gone")
    assert page.front is page.text


def test_each_view_is_offered_in_the_palette(page):
    assert "Compare: Echo" in [choice.text for choice in page.commands()]


def test_what_ships_is_named_as_its_file_says():
    for entry in compare_views.entries():
        cls = compare_views.view_class(entry.name)
        assert (cls.name, cls.title, cls.order) == (entry.name, entry.title, entry.order)
