"""Model: look inside a language model while it reads and writes; two of them side by side."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.models.download import downloaded_models
from tokstudio.runs.store import RunStore
from tokstudio.ui import theme
from tokstudio.ui.context import Context
from tokstudio.ui.embeddings_header import Badge
from tokstudio.ui.lab_cards.attention import AttentionView
from tokstudio.ui.lab_cards.bits import BitsView
from tokstudio.ui.lab_cards.change import ChangeView
from tokstudio.ui.lab_cards.generate import GenerateView
from tokstudio.ui.lab_cards.lab import SIDES, Lab
from tokstudio.ui.lab_cards.layers import LayersView
from tokstudio.ui.lab_cards.lens import LensView
from tokstudio.ui.lab_cards.opening import OpeningRows
from tokstudio.ui.page_list import parts
from tokstudio.ui.reveal import Thing, offer
from tokstudio.ui.widgets.basic import Card, Combo, Segmented, combo, row
from tokstudio.ui.widgets.problem import Problem

VIEWS = (GenerateView, BitsView, LayersView, LensView, AttentionView, ChangeView)
START = 'def read_lines(path):\n    """Return the lines of a file.'
PAUSE = 400  # milliseconds without a key before the text is read again
DEMO = ("Demo english", "demo:english")
OPEN, FETCH, NOTHING = "open…", "download…", ""
FETCH_WORDS = (
    "The hub id of a model with safetensors weights, such as HuggingFaceTB/SmolLM2-135M. Look up asks for names and"
    " sizes only; nothing is fetched before you agree."
)


class ModelPage(QWidget):
    name, title, icon, order = "model", "Model", "layers", 4

    def __init__(self, context: Context, **made: Any):
        """`made`: what `parts_apart` makes, where it was made before."""
        super().__init__()
        self.context = context
        made = parts(ModelPage, context, made)
        self.lab = made["lab"]
        self.lab.setParent(self)
        self.views = [made[cls.name] for cls in VIEWS]
        self._opened_once = False
        self._dirty: set[str] = set()
        self._last: dict[str, str] = {}  # side -> what was opened there last, for undo
        self._build()
        self.lab.opened.connect(self._opened)
        self.lab.failed.connect(self._failed)
        self.lab.opening_changed.connect(self._opening)
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._text_changed)
        self.text.textChanged.connect(self._pause.start)

    @staticmethod
    def parts_apart(context: Context) -> dict[str, Callable[[], QObject]]:
        lab = Lab(context)
        return {"lab": lambda: lab} | {cls.name: partial(cls, lab) for cls in VIEWS}

    def _build(self) -> None:
        self.problem = Problem()
        self.pickers: dict[str, Combo] = {}
        for side in SIDES:
            made = self.pickers[side] = combo([], f"Model {side}")
            made.setMinimumWidth(110)  # with more, the views beside them are cut in a narrow window
            made.activated.connect(lambda _place, side=side: self._picked(side))
            offer(made, self.context, lambda side=side: Thing(self.lab.sides[side].reference), "model")
        self.choice = Segmented([view.title for view in self.views], name="View")
        self.choice.changed.connect(self._show_view)
        bar = row(
            Badge("A"), self.pickers["A"], 8, Badge("B", 1), self.pickers["B"], None, self.choice, spacing=8
        )
        self.text = QPlainTextEdit(self.context.settings.get("model.text", START))
        self.text.setAccessibleName("Text to read or to go on from")
        self.text.setTabChangesFocus(True)
        theme.set_font(self.text, "mono", mono=True)
        self.lab.text = self.text.toPlainText()
        left = Card("Text", "what the models read")
        left.body.addWidget(self.text, 1)
        self._stack = QStackedWidget()
        for view in self.views:
            self._stack.addWidget(view)
        split = QSplitter(Qt.Horizontal)
        split.addWidget(left)
        split.addWidget(self._stack)
        split.setSizes([312, 1000])
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(bar)
        layout.addWidget(OpeningRows(self.lab))
        layout.addWidget(self.problem)
        layout.addWidget(split, 1)

    # ---------------------------------------------------------------- the window's side

    def subtitle(self) -> str:
        """Both models, as far as they are there; what is being opened before the first is."""
        return " and ".join(self.lab.sides[side].name for side in self.lab.present()) or self.lab.called("A")

    def regions(self) -> list[QWidget]:
        return [self.pickers["A"], self.text, self._stack.currentWidget()]

    def things(self) -> list[Thing]:
        return [Thing(side.reference, side.name) for side in self.lab.sides.values() if side.reference]

    def opened(self) -> None:
        if not self._opened_once:
            self._opened_once = True
            self._fill_pickers()
            self.choose("A", self.context.settings.get("model.A", DEMO[1]))
            if (other := self.context.settings.get("model.B", "")) != "":
                self.choose("B", other)

    def receive(self, model: str = "", other: str = "", **_more) -> None:
        """`model`: a reference or folder for side A; `other`: one for side B."""
        self._opened_once = True
        self._fill_pickers()
        for side, reference in zip(SIDES, (model, other), strict=True):
            if reference:
                self.choose(side, reference)

    def keep(self) -> None:
        """Once a minute."""
        self.context.settings.set("model.text", self.text.toPlainText()[:20_000])

    def close_down(self) -> None:
        self._pause.stop()
        self.context.settings.set("model.text", self.text.toPlainText()[:20_000])
        self.lab.close()

    # ---------------------------------------------------------------- models

    def _known(self) -> list[tuple[str, str]]:
        """(name, reference): the demo, what was downloaded, and what finished runs have exported."""
        found = [DEMO, *((hub_id, str(folder)) for hub_id, folder in downloaded_models())]
        try:
            runs = RunStore().runs()
        except TokstudioError:
            runs = []
        found += [
            (info.name, str(info.folder / "export"))
            for info in runs
            if (info.folder / "export" / "config.json").exists()
        ]
        return found

    def _fill_pickers(self) -> None:
        for side, picker in self.pickers.items():
            chosen = self.lab.sides[side].reference
            picker.clear()
            if side == "B":
                picker.addItem("No second model", NOTHING)
            for name, reference in self._known():
                picker.addItem(name, reference)
            picker.addItem("Open a folder…", OPEN)
            picker.addItem("Download from the Hub…", FETCH)
            self._mark(side, chosen)

    def _mark(self, side: str, reference: str) -> None:
        picker = self.pickers[side]
        place = picker.findData(reference)
        if place < 0 and reference:
            path = Path(reference)
            name = path.parent.name if path.name == "export" else path.name  # a run's export goes by the run
            picker.insertItem(picker.count() - 2, name or reference, reference)
            place = picker.findData(reference)
        picker.setCurrentIndex(max(0, place))

    def _picked(self, side: str) -> None:
        reference = self.pickers[side].currentData()
        if reference == FETCH:
            self._mark(side, self.lab.sides[side].reference)
            self._download(side)
            return
        if reference == OPEN:
            reference = QFileDialog.getExistingDirectory(self, "Open the folder of a language model")
            if not reference:
                self._mark(side, self.lab.sides[side].reference)
                return
        self.choose(side, reference)

    def _download(self, side: str) -> None:
        from tokstudio.models.download import model_plan
        from tokstudio.tokens.hub import models_folder
        from tokstudio.ui.panes.download_dialog import DownloadDialog

        dialog = DownloadDialog(self, "", model_plan, FETCH_WORDS, "owner/name")
        dialog.fetched.connect(lambda hub_id: self._fetched(side, str(models_folder(hub_id))))
        dialog.open()

    def _fetched(self, side: str, folder: str) -> None:
        self._fill_pickers()
        self.choose(side, folder)

    def choose(self, side: str, reference: str) -> None:
        """Opens a model; what is shown stays until it is there."""
        self._mark(side, reference)
        self.problem.clear()
        name = self.pickers[side].currentText() if reference else ""
        self.lab.open(side, reference, name)

    def _bring(self, side: str, reference: str) -> None:
        """For undo: its answer comes later, and is no step."""
        self._last[side] = reference
        self.choose(side, reference)

    def _opening(self) -> None:
        for side in SIDES:
            if side not in self.lab.opening:  # given up, or there
                self._mark(side, self.lab.sides[side].reference)
        self.context.refresh_header()

    def _opened(self, side: str) -> None:
        now = self.lab.sides[side]
        self.context.settings.set(f"model.{side}", now.reference)
        before, self._last[side] = self._last.get(side), now.reference
        if before is not None or side == "B":  # not the first, which an earlier start has left
            words = f"open {now.name}" if now.reference else "close B"
            self.context.changes.record(
                self.name, words, before or "", now.reference, lambda reference: self._bring(side, reference)
            )
        for view in self.views:
            view.refresh()
        self._all_dirty()
        self.context.refresh_header()

    # ---------------------------------------------------------------- views

    def view(self) -> QWidget:
        return self._stack.currentWidget()

    def _text_changed(self) -> None:
        self.lab.text = self.text.toPlainText()
        self._all_dirty(but="change")

    def _all_dirty(self, but: str = "") -> None:
        self._dirty |= {view.name for view in self.views} - {but}
        self._run()

    def _show_view(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        self._run()

    def _run(self) -> None:
        """Only the view in front works; the others when they are looked at."""
        view = self.view()
        if view.name in self._dirty and self.lab.present():
            self._dirty.discard(view.name)
            self.problem.clear()
            view.run()

    def _failed(self, slot: str, error: TokstudioError) -> None:
        for view in self.views:
            view.failed()
        for side in SIDES:
            if slot == f"open {side}":
                self._mark(side, self.lab.sides[side].reference)
        actions = []
        if slot == "process":
            chosen = {side: self.lab.sides[side].reference for side in SIDES}
            actions = [("Open again", lambda: [self.choose(s, r) for s, r in chosen.items() if r])]
        self.problem.show_error(error, actions)
