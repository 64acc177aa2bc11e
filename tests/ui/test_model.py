"""The Model page on the demo model, with its own process."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton
from safetensors.numpy import load_file, save_file

from tokstudio.paths import resource
from tokstudio.ui import theme
from tokstudio.ui.context import Context
from tokstudio.ui.lab_cards.flow import FULL, STRONGEST, Flow, Piece, fill
from tokstudio.ui.lab_cards.opening import OpeningRows
from tokstudio.ui.pages.model import ModelPage

SLOW = 120_000  # milliseconds; a busy machine takes long to import torch


@pytest.fixture
def page(qtbot, qapp):
    theme.apply(qapp, "light")
    made = ModelPage(Context())
    qtbot.addWidget(made)
    made.resize(1368, 826)
    made.show()
    yield made
    made.close_down()


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The demo model with one layer norm changed."""
    import shutil

    folder = tmp_path_factory.mktemp("lab") / "changed"
    shutil.copytree(resource("demo/english"), folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * 0.2
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def idle(qtbot, page):
    qtbot.waitUntil(lambda: not page.lab.maths.busy(), timeout=SLOW)


def view(page, name):
    number = next(i for i, v in enumerate(page.views) if v.name == name)
    page.choice.set_index(number)
    return page.views[number]


def test_a_model_that_comes_is_named_with_how_far_it_is(qtbot, page):
    assert page.subtitle() == "No model"
    page.opened()
    shown = page.findChild(OpeningRows)
    written = view(page, "generate")
    assert shown.isVisible()
    assert shown.rows["A"].words.text() == page.subtitle() == "Opening Demo english…"
    assert written.cards["A"].name.text() == "Opening Demo english…"
    assert not shown.rows["B"].isVisible()
    page.lab.maths.progressed.emit("open A", "Opening Demo english", 0.4)
    assert shown.rows["A"].share.text() == "40 %"
    qtbot.waitUntil(lambda: page.lab.present() == ["A"], timeout=SLOW)
    assert not shown.isVisible()
    assert page.subtitle() == written.cards["A"].name.text() == "Demo english"


def test_opening_can_be_given_up(qtbot, page, other):
    page.opened()
    qtbot.waitUntil(lambda: page.lab.present() == ["A"], timeout=SLOW)
    page.choose("A", str(other))
    shown = page.findChild(OpeningRows)
    assert shown.rows["A"].words.text() == "Opening changed…"
    assert view(page, "generate").cards["A"].name.text() == "Demo english"  # until the other is there
    qtbot.mouseClick(shown.rows["A"].findChild(QPushButton), Qt.LeftButton)
    assert not shown.isVisible()
    assert page.pickers["A"].currentText() == "Demo english"
    assert not page.lab.maths.busy()


def test_both_models_write_read_and_are_compared(qtbot, page, other, monkeypatch):
    page.opened()
    page.choose("B", str(other))
    qtbot.waitUntil(lambda: page.lab.present() == ["A", "B"], timeout=SLOW)
    assert page.subtitle() == f"Demo english and {page.lab.sides['B'].name}"
    written = view(page, "generate")
    written.fields["max_new_tokens"].setValue(6)
    qtbot.mouseClick(written.go, Qt.LeftButton)
    assert written.go.text() == "Stop"
    idle(qtbot, page)
    assert written.go.text() == "Write"
    for made in written.cards.values():
        new = [p for p in made.flow.pieces if not p.quiet]
        assert len(new) == 6
        assert "Most likely here" in new[0].about
    assert "at the limit" in written.cards["A"].stats.text()

    read = view(page, "bits")
    idle(qtbot, page)
    figures = [float(read.cards[side].figure.value.text()) for side in "AB"]
    assert 0 < figures[0] < figures[1]  # flat odds do not help
    pieces = read.cards["A"].flow.pieces
    assert "".join(p.text for p in pieces) == page.text.toPlainText()
    read.unit.set_index(1)
    assert len(read.cards["A"].flow.pieces) == len(page.text.toPlainText())
    for words in ("", "word " * 2000):  # nothing, and more than the model reads
        text = page.text.toPlainText()
        page.text.setPlainText(words)
        page._text_changed()
        idle(qtbot, page)
        assert read.cards["A"].figure.value.text() == "\u2013", "the figure of another text has gone"
        assert not read.cards["A"].flow.pieces
        assert page.problem.isVisible() == bool(words)
        page.text.setPlainText(text)
        page._text_changed()
        idle(qtbot, page)
        assert float(read.cards["A"].figure.value.text()) == figures[0]

    layers = view(page, "layers")
    idle(qtbot, page)
    assert layers._items["lm_head"].text(3) == "tied"
    assert layers._items["model.layers.0.mlp"].text(7)
    assert layers.norms.accessibleDescription().endswith("columns")

    lens = view(page, "lens")
    idle(qtbot, page)
    assert lens.grid._rows[-1] == "Layer 4, answer"
    assert "entropy" in lens.grid._about(4, 0)

    attention = view(page, "attention")
    idle(qtbot, page)
    box = attention.maps._box(0)
    assert "reads" in attention.maps.read_at(box.center().x(), box.center().y())
    assert attention.maps.read_at(-5, -5) == ""

    asked: list[str] = []
    assert not attention.which.isHidden()
    for other in (attention, view(page, "lens"), view(page, "layers")):
        view(page, other.name)
        idle(qtbot, page)
        with monkeypatch.context() as patched:
            patched.setattr(page.lab, "ask", lambda slot, side, *args, **more: asked.append(side))
            other.which.button(1).click()
        other.which.button(0).click()
        idle(qtbot, page)
    assert asked == ["B", "B", "B"]

    change = view(page, "change")
    idle(qtbot, page)
    top = change.table.topLevelItem(0)
    assert top.text(0) == "model.norm.weight"
    assert float(top.text(3).removesuffix(" %")) == pytest.approx(80, abs=0.1)
    assert change.table.topLevelItem(1).text(3) == "0.000 %"
    assert change.table.topLevelItem(1).text(5) == "", "no row moved"


def test_writing_can_be_stopped_and_the_text_is_read_again_after_a_pause(qtbot, page):
    page.opened()
    qtbot.waitUntil(lambda: page.lab.present() == ["A"], timeout=SLOW)
    written = view(page, "generate")
    written.fields["max_new_tokens"].setValue(900)
    written.toggle()
    qtbot.waitUntil(lambda: len(written.cards["A"].flow.pieces) > 4, timeout=SLOW)
    written.toggle()
    count = len(written.cards["A"].flow.pieces)
    assert "stopped" in written.cards["A"].stats.text()
    read = view(page, "bits")
    page.text.setPlainText("import os\n")
    qtbot.waitUntil(lambda: "of 10 bytes" in read.cards["A"].count.note.text(), timeout=SLOW)
    assert len(written.cards["A"].flow.pieces) == count


def test_a_folder_that_is_no_model_is_said_and_the_old_one_stays(qtbot, page, tmp_path):
    page.opened()
    qtbot.waitUntil(lambda: page.lab.present() == ["A"], timeout=SLOW)
    page.choose("A", str(tmp_path))
    qtbot.waitUntil(lambda: not page.problem.isHidden(), timeout=SLOW)
    assert "config.json" in page.problem.title.text()
    assert page.pickers["A"].currentData() == "demo:english"
    assert page.lab.present() == ["A"]


def test_a_download_is_offered_and_what_was_fetched_is_opened(qtbot, page, other, monkeypatch):
    import shutil

    from tokstudio.tokens.hub import models_folder
    from tokstudio.ui.pages.model import FETCH
    from tokstudio.ui.panes.download_dialog import DownloadDialog

    page.opened()
    chosen = []
    monkeypatch.setattr(page.lab, "open", lambda side, reference, name: chosen.append((side, reference)))
    place = page.pickers["B"].findData(FETCH)
    page.pickers["B"].setCurrentIndex(place)
    page.pickers["B"].activated.emit(place)
    assert page.pickers["B"].currentData() == "", "the choice is not the download itself"
    dialog = page.findChild(DownloadDialog)
    assert "safetensors" in dialog.findChildren(QLabel)[0].text()
    assert not dialog.start.isEnabled(), "nothing is asked before a person names it"
    folder = models_folder("someone/small")
    shutil.copytree(other, folder)
    (folder / "download.json").write_text('{"id": "someone/small"}')
    dialog.fetched.emit("someone/small")
    dialog.reject()
    assert chosen == [("B", str(folder))]
    assert page.pickers["B"].currentText() == "someone/small"


def test_pieces_wrap_break_and_are_found_under_the_pointer(qtbot, qapp):
    theme.apply(qapp, "light")
    flow = Flow("test")
    qtbot.addWidget(flow)
    flow.resize(200, 200)
    flow.set_pieces([Piece("a\n"), Piece("b", 3.0), *(Piece("word" * 3) for _ in range(6))])
    rows = [box.top() for box in flow._places]
    assert rows[1] > rows[0]
    assert rows[-1] > rows[1]
    assert flow.piece_at(flow._places[1].center().toPoint()) == 1
    assert flow.piece_at(QPoint(-3, -3)) == -1
    assert flow.minimumHeight() >= int(rows[-1])
    qtbot.keyClick(flow, Qt.Key_Right)
    assert flow._at == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_strongest_fill_leaves_text_readable(qapp, scheme):
    theme.apply(qapp, scheme)

    def light(color):
        channels = [c / 255 for c in (color.red(), color.green(), color.blue())]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    text, back = light(theme.color("text")), light(fill(FULL * 2))
    assert (max(text, back) + 0.05) / (min(text, back) + 0.05) >= 4.5
    assert fill(float("nan")) == fill(0.0)
    assert STRONGEST < 256
