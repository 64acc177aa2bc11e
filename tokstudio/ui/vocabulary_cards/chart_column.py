"""The charts beside the table; where there is no room, the same as a tab in its place."""

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.late import Late
from tokstudio.ui.vocabulary_cards.engine import VocabularyEngine
from tokstudio.ui.widgets.basic import button, card, eliding, label
from tokstudio.ui.widgets.legend import Legend

WIDTH = 332


class ChartColumn(QWidget):
    termed = Signal(str, str)  # field, term: what was swept
    count_wanted = Signal()
    matrix_wanted = Signal()

    def __init__(self):
        super().__init__()
        self.lengths, self.others = Late(_lengths, "Token length"), Late(_others, "Token length there")
        self.coverage, self.norms = Late(_coverage, "Coverage"), Late(_norms, "Norms")
        self._legend = Legend([("matches", "series0"), ("all", "border_strong")])
        self._other_name = eliding("", "caption", "text2")
        self._count = button("Count in…", kind="link")
        self._count.setToolTip("Count how often each token occurs in a text of yours")
        self._no_norms = label("", "small", "muted", wrap=True)
        self._open = button("Open a model's folder…", kind="link")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        first = self._card(column, "Token length in bytes", (self._legend,), 5)
        for part, weight in ((self.lengths, 3), (self._other_name, 0), (self.others, 2)):
            first.body.addWidget(part, weight)
        self._covered = self._card(column, "Share of text covered", (self._count,), 3)
        self._where = eliding("", "caption", "muted")
        self._covered.body.addWidget(self._where)
        self._covered.body.addWidget(self.coverage, 1)
        self._norm = self._card(
            column, "Norm by frequency rank", (Legend([("under-trained", "warning")]),), 3
        )
        for part, weight in ((self.norms, 1), (self._no_norms, 0), (self._open, 0)):
            self._norm.body.addWidget(part, weight)
        self._count.clicked.connect(self.count_wanted)
        self._open.clicked.connect(self.matrix_wanted)
        for late, term in ((self.lengths, "len"), (self.coverage, "count"), (self.norms, "norm")):
            late.call(lambda chart, term=term: chart.swept.connect(lambda a, b: self._sweep(term, a, b)))
        self._counts: np.ndarray | None = None

    def _card(self, column: QVBoxLayout, title: str, actions: tuple, weight: int):
        made = card(title, "", actions)
        made.layout().setContentsMargins(12, 8, 8, 6)
        made.layout().setSpacing(4)
        made.body.setSpacing(2)
        column.addWidget(made, weight)
        return made

    def _sweep(self, name: str, low: float, high: float) -> None:
        from tokstudio.ui.vocabulary_cards import charts

        if name == "len":
            self.termed.emit(name, charts.length_term(low, high))
        elif name == "norm":
            self.termed.emit(name, charts.norm_term(low, high))
        elif self._counts is not None:
            self.termed.emit(name, charts.count_term(self._counts, low, high))

    def show_matches(self, lengths: np.ndarray, matches: np.ndarray) -> None:
        self.lengths.call(lambda chart: chart.set_lengths(lengths, matches))

    def show_facts(self, engine: VocabularyEngine) -> None:
        self._counts = counts = engine.counts
        if counts is not None:
            used, coverage = int((counts > 0).sum()), engine.coverage
            self.coverage.call(lambda chart: chart.set_coverage(coverage, used))
            where = "Python's reference" if not engine.counted["paths"] else "your text"
            self._where.setText(f"{where}, {engine.counted['tokens']:,} tokens")
        norms, low, empty = engine.norms, engine.low, np.zeros(0, np.int64)
        self.norms.setVisible(norms is not None)
        self._open.setVisible(norms is None)
        self._no_norms.setVisible(norms is None)
        self._no_norms.setText("No embedding matrix of this vocabulary has been opened.")
        if norms is not None:
            self.norms.call(lambda chart: chart.set_norms(norms, low, counts))
        there = bool(engine.shared)
        self.others.setVisible(there)
        self._other_name.setVisible(there)
        if there:
            theirs, name = engine.other_lengths[0], engine.shared["others"][0]["name"]
            self._other_name.setText(f"{name}, {len(theirs):,} tokens")
            self.others.call(lambda chart: chart.set_lengths(theirs, empty))
            theme.set_role(self._other_name, "text2")


def _lengths() -> QWidget:  # pyqtgraph costs 0.2 s to import: not before there is something to draw
    from tokstudio.ui.vocabulary_cards.charts import Lengths

    return Lengths()


def _others() -> QWidget:
    from tokstudio.ui.vocabulary_cards.charts import OtherLengths

    return OtherLengths()


def _coverage() -> QWidget:
    from tokstudio.ui.vocabulary_cards.charts import Coverage

    return Coverage()


def _norms() -> QWidget:
    from tokstudio.ui.vocabulary_cards.charts import Norms

    return Norms()
