"""Two or three vocabularies laid over each other."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from tokstudio.tokens.catalog import catalog
from tokstudio.ui import theme
from tokstudio.ui.vocabulary_cards.engine import VocabularyEngine
from tokstudio.ui.widgets.bar import StackedBar
from tokstudio.ui.widgets.basic import Card, button, eliding, label, row, tool


class DifferencesCard(Card):
    compare_wanted = Signal(list)  # references of the others
    shown = Signal(str)  # key of `in:`
    swapped = Signal(str)  # a reference: show what only that one has
    file_wanted = Signal()

    def __init__(self):
        self._add = button("Compare with…", "compare")
        super().__init__("Differences", "", (self._add,))
        self.layout().setContentsMargins(12, 8, 12, 8)
        self.body.setSpacing(6)
        self.others: list[str] = []
        self._rows = [_Other(self, letter) for letter in "bc"]
        self._only = _figure("Only here", lambda: self.shown.emit("only"))
        self._both = _figure("In all", lambda: self.shown.emit("both"))
        self._words = eliding(
            "Compared by bytes: “Ġriver”, “▁river” and “ river” are one token.", "small", "text2"
        )
        self.body.addWidget(row(self._only, self._both, (self._words, 1), spacing=12))
        for made in self._rows:
            self.body.addWidget(made)
        self._add.clicked.connect(self._menu)

    def _menu(self) -> None:
        menu = QMenu(self)
        for entry in catalog():
            menu.addAction(entry.name, lambda reference=entry.reference: self.add(reference))
        menu.addSeparator()
        menu.addAction("Open a file or folder…", self.file_wanted.emit)
        menu.exec(self._add.mapToGlobal(self._add.rect().bottomLeft()))

    def add(self, reference: str) -> None:
        """A third takes the place of the second of two others."""
        kept = [r for r in self.others if r != reference][:1]
        self.compare_wanted.emit([*kept, reference])

    def remove(self, place: int) -> None:
        self.compare_wanted.emit([r for k, r in enumerate(self.others) if k != place])

    def show_facts(self, engine: VocabularyEngine) -> None:
        shared = engine.shared
        others = shared.get("others", [])
        self.others = [other["reference"] for other in others]
        own = engine.vocabulary.name if engine.vocabulary is not None else ""
        self._only.show(bool(others))
        self._both.show(len(others) > 1)
        if others:
            self._only.set(f"Only in {own}", shared["only"])
            self._both.set("In all three", shared["both"])
        for place, made in enumerate(self._rows):
            made.setVisible(place < len(others))
            if place < len(others):
                made.show_other(others[place], place, len(engine.vocabulary), engine.twins[place])
        self._add.setText(
            "Compare with…" if not others else "Add a third…" if len(others) == 1 else "Replace…"
        )


def shift_words(twins: np.ndarray) -> str:
    """How far ids of the same tokens are apart. `twins`: int [n], the id there of each token, -1 for none."""
    shared = np.flatnonzero(twins >= 0)
    if not len(shared):
        return "No token is shared."
    shifts = twins[shared] - shared
    low, middle, high = (int(value) for value in np.percentile(shifts, (25, 50, 75)))
    return f"Id there less id here: {middle:+,} in the middle, half of them from {low:+,} to {high:+,}"


class _Figure(QWidget):
    """A count that lists its tokens when pressed."""

    def __init__(self, act: Callable[[], object]):
        super().__init__()
        self.link = button("", kind="link")
        self.link.clicked.connect(lambda: act())
        inner = row(self.link)
        self.setLayout(inner.layout())

    def set(self, name: str, count: int) -> None:
        self.link.setText(f"{name}: {count:,}")
        self.link.setAccessibleName(f"List {count:,} tokens: {name}")

    def show(self, on: bool = True) -> None:
        self.setVisible(on)


def _figure(name: str, act: Callable[[], object]) -> _Figure:
    made = _Figure(act)
    made.set(name, 0)
    made.show(False)
    return made


class _Other(QWidget):
    def __init__(self, owner: DifferencesCard, letter: str):
        super().__init__()
        self._reference, self._place = "", 0
        self._twins: np.ndarray | None = None
        self._name = eliding("", "strong")
        self._name.setFixedWidth(150)
        self._bar = StackedBar(height=8, name="Shared and not shared")
        self._shared = _figure("Shared", lambda: owner.shown.emit(letter))
        self._theirs = _figure("Only there", lambda: owner.swapped.emit(self._reference))
        self._ids = label("", "small", "muted")
        remove = tool("close", "Take it away", 24)
        remove.clicked.connect(lambda: owner.remove(self._place))
        made = row(self._name, (self._bar, 1), self._shared, self._theirs, self._ids, remove, spacing=12)
        self.setLayout(made.layout())
        self.hide()

    def show_other(self, about: dict, place: int, own: int, twins: np.ndarray) -> None:
        self._reference, self._place = about["reference"], place
        self._name.setText(about["name"])
        total = max(1, own + about["only_there"])
        self._bar.set_parts(
            [((own - about["both"]) / total, "series0"), (about["both"] / total, "neutral_tok"),
             (about["only_there"] / total, "series1", True)]
        )  # fmt: skip
        self._bar.setAccessibleDescription(
            f"{about['both']:,} shared, {about['only_there']:,} only in {about['name']}"
        )
        for figure, name, key in (
            (self._shared, "In both", "both"),
            (self._theirs, f"Only in {about['name']}", "only_there"),
        ):
            figure.set(name, about[key])
            figure.show()
        alike = f"{about['same_id']:,} with the same id" if about["same_id"] else "no id alike"
        self._ids.setWordWrap(theme.scale() > 1.2)  # more lines where the figures need the width
        self._ids.setText(alike)
        if twins is not self._twins:
            self._twins = twins
            self._ids.setToolTip(shift_words(twins))
