"""The charts beside the table; where there is no room, the same as a tab in its place."""

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from tokstudio.ui.embeddings_export import Exporter, View
from tokstudio.ui.vocabulary_cards import charts
from tokstudio.ui.vocabulary_cards.engine import VocabularyEngine
from tokstudio.ui.vocabulary_cards.flow_card import FlowCard
from tokstudio.ui.vocabulary_cards.treemap import ScriptMap, script_term
from tokstudio.ui.widgets.basic import Card, Segmented, button, card, eliding, label
from tokstudio.ui.widgets.legend import Legend

WIDTH = 332
LEGEND = [("matches", "series0"), ("all", "border_strong")]
NOTHING = np.zeros(0, np.int64)


class ChartColumn(QWidget):
    termed = Signal(str, str)  # field, term: what was swept
    count_wanted = Signal()
    matrix_wanted = Signal()

    def __init__(self):
        super().__init__()
        self.lengths, self.others = charts.Lengths(), charts.Lengths(other=True)
        self.scripts = ScriptMap()
        self.coverage, self.zipf, self.norms = charts.Coverage(), charts.Zipf(), charts.Norms()
        self.flow = FlowCard()
        self.exporter: Exporter | None = None  # the page has it
        self._counts: np.ndarray | None = None
        self._scripts: np.ndarray | None = None
        self._theirs: np.ndarray | None = None
        self._mask = NOTHING
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for made, weight in ((self._tokens(), 5), (self._counted(), 3), (self._norm(), 3), (self.flow, 9)):
            column.addWidget(made, weight)
        self.flow.hide()
        for chart, name in (
            (self.lengths, "len"), (self.coverage, "coverage"), (self.zipf, "zipf"), (self.norms, "norm"),
        ):  # fmt: skip
            chart.swept.connect(lambda a, b, name=name: self._sweep(name, a, b))
        self.scripts.chosen.connect(lambda n: self.termed.emit("script", script_term(self.scripts.tiles[n])))
        for part in self._parts():
            part.setContextMenuPolicy(Qt.CustomContextMenu)
            part.customContextMenuRequested.connect(lambda at, part=part: self._menu(part, at))

    def _parts(self) -> list[QWidget]:
        return [self.lengths, self.others, self.scripts, self.coverage, self.zipf, self.norms,
                *self.flow.pictures]  # fmt: skip

    # ---------------------------------------------------------------- the three cards

    def _tokens(self) -> Card:
        self.by = Segmented(("Length", "Script"), 0, "Tokens by length or by script")
        self._legend = Legend(LEGEND)
        self._other_name = eliding("", "caption", "text2")
        by_length = QWidget()
        inner = QVBoxLayout(by_length)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2)
        for part, weight in ((self.lengths, 3), (self._other_name, 0), (self.others, 2)):
            inner.addWidget(part, weight)
        self.by.changed.connect(lambda index: self._legend.set(LEGEND[: 2 - index]))
        return _switched("Tokens", self.by, (by_length, self.scripts), self._legend)

    def _counted(self) -> Card:
        self.curve = Segmented(("Coverage", "Zipf"), 0, "Share of the text covered, or count by rank")
        self._where = eliding("", "caption", "muted")
        count = button("Count in…", kind="link")
        count.setToolTip("Count how often each token occurs in a text of yours")
        count.clicked.connect(self.count_wanted)
        made = _switched("Counts", self.curve, (self.coverage, self.zipf), count)
        made.body.insertWidget(0, self._where)
        self._covered = made
        return made

    def _norm(self) -> Card:
        self.norm_by = Segmented(("Rank", "Id"), 0, "Norm by rank or by id")
        self._no_norms = label(
            "No embedding matrix of this vocabulary has been opened.", "small", "muted", wrap=True
        )
        self._open = button("Open a model's folder…", kind="link")
        self._open.clicked.connect(self.matrix_wanted)
        self._norm_legend = Legend([("under-trained", "warning")])
        self._norm_card = made = card("Norm", "", (self.norm_by, self._norm_legend))
        _tighten(made)
        for part, weight in ((self.norms, 1), (self._no_norms, 0), (self._open, 0)):
            made.body.addWidget(part, weight)
        self.norm_by.changed.connect(lambda index: self.norms.set_by_id(index == 1))
        return made

    # ---------------------------------------------------------------- what a person does

    def _sweep(self, name: str, low: float, high: float) -> None:
        if name == "len":
            self.termed.emit("len", charts.length_term(low, high))
        elif name == "norm":
            self.termed.emit("norm", charts.norm_term(low, high))
        elif self._counts is not None:
            term = charts.count_term if name == "coverage" else charts.rank_term
            self.termed.emit("count", term(self._counts, low, high))

    def _menu(self, part: QWidget, at) -> None:
        view = next((view for view in self.views() if view.widget() is part), None)
        if view is not None and self.exporter is not None:
            menu = QMenu(part)
            menu.setAttribute(Qt.WA_DeleteOnClose)
            self.exporter.formats(menu, view)
            menu.popup(part.mapToGlobal(at))

    def views(self) -> list[View]:
        """Each chart that can be seen now."""
        return [
            View(part.name, lambda part=part: part, part.table) for part in self._parts() if part.isVisible()
        ]

    # ---------------------------------------------------------------- what is known

    def show_matches(self, lengths: np.ndarray, mask: np.ndarray) -> None:
        """int64 [n] and bool [n]."""
        self._mask = mask
        self.lengths.set_lengths(lengths, lengths[mask])
        self._show_scripts()

    def _show_scripts(self) -> None:
        if self._scripts is not None:
            known = len(self._mask) == len(self._scripts)
            self.scripts.set_scripts(self._scripts, self._scripts[self._mask] if known else NOTHING)

    def show_facts(self, engine: VocabularyEngine) -> None:
        self._scripts = engine.scripts
        self._show_scripts()
        if engine.counts is not None and engine.counts is not self._counts:
            self.coverage.set_coverage(engine.coverage, int((engine.counts > 0).sum()))
            self.zipf.set_counts(engine.counts)
            where = "Python's reference" if not engine.counted["paths"] else "your text"
            self._where.setText(f"{where}, {engine.counted['tokens']:,} tokens")
        self._counts = engine.counts
        norms = engine.norms
        for part, there in (
            (self.norms, True), (self.norm_by, True), (self._norm_legend, True),
            (self._open, False), (self._no_norms, False),
        ):  # fmt: skip
            part.setVisible((norms is not None) == there)
        if norms is not None:
            self.norms.set_norms(norms, engine.low, engine.counts)
        there = bool(engine.shared)
        self.others.setVisible(there)
        self._other_name.setVisible(there)
        if there and engine.other_lengths[0] is not self._theirs:
            self._theirs = theirs = engine.other_lengths[0]
            name = engine.shared["others"][0]["name"]
            self._other_name.setText(f"{name}, {len(theirs):,} tokens")
            self.others.name = f"Token length in bytes, {name}"
            self.others.setAccessibleName(self.others.name)
            self.others.set_lengths(theirs, NOTHING)
        self.flow.show_facts(engine)

    def set_tab(self, tab: bool) -> None:
        """In a tab, which scrolls, pictures have the height that all their labels need."""
        for picture in self.flow.pictures:
            picture.setMinimumHeight(190 if tab else 90)
        for chart in (self.coverage, self.zipf, self.norms):
            chart.setMinimumHeight(150 if tab else 80)

    def show_flow(self, flow: bool, rest: bool) -> None:
        """Which cards there are below the first one: what becomes of tokens in another vocabulary; counts and
        norms."""
        self.flow.setVisible(flow)
        self._covered.setVisible(rest)
        self._norm_card.setVisible(rest)


def _tighten(made: Card) -> None:
    made.layout().setContentsMargins(12, 8, 12, 6)
    made.layout().setSpacing(4)
    made.body.setSpacing(2)


def _switched(title: str, switch: Segmented, parts: tuple[QWidget, ...], beside: QWidget) -> Card:
    """A card that shows one of `parts`."""
    made, stack = card(title, "", (switch, beside)), QStackedWidget()
    _tighten(made)
    for part in parts:
        stack.addWidget(part)
    made.body.addWidget(stack, 1)
    switch.changed.connect(stack.setCurrentIndex)
    return made
