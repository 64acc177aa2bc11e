"""Nearest neighbors of a token, in one model or in two beside each other."""

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QLineEdit, QToolButton, QWidget

from tokstudio.embed.neighbors import METRICS
from tokstudio.embed.space import SPACES
from tokstudio.errors import TokstudioError
from tokstudio.ui import icons, theme
from tokstudio.ui.embeddings_header import Badge
from tokstudio.ui.embeddings_list import Neighbor, NeighborList
from tokstudio.ui.embeddings_words import milliseconds
from tokstudio.ui.widgets.basic import Card, col, combo, eliding, label, row, segmented

FIELD_TIP = (
    "A token's text, #12 for row 12, or a sum: king - man + woman. A word finds the token with a space before it"
    " first; in quotes to the letter."
)
COUNTS = (29, 50, 100, 200)
SPACE_TIPS = "Raw rows, rows less their mean, or rows whose every direction is as wide as the others"


class NeighborCard(Card):
    asked = Signal(str, str)  # token as typed, metric

    def __init__(self):
        self._time = eliding("", "small", "muted")
        super().__init__("Nearest neighbors", "", actions=(self._time,))
        self.field = QLineEdit()
        theme.set_font(self.field, "mono")
        self.field.addAction(icons.icon("search", "muted"), QLineEdit.LeadingPosition)
        self.field.findChild(QToolButton).setAccessibleName("Search")
        self.field.setAccessibleName("Token")
        self.field.setPlaceholderText("token, #id or a - b + c")
        self.field.setToolTip(FIELD_TIP)
        self.metric_switch = segmented(["Cosine", "Dot", "L2"], name="How nearness is measured")
        self.space = combo([name.capitalize() for name in SPACES], name="Rows before comparing")
        self.space.setToolTip(SPACE_TIPS)
        self.count = combo([f"{count} rows" for count in COUNTS], name="How many neighbors")
        self._about = eliding("", "small", "muted")
        self._about_b = eliding("", "small", "muted")
        self._wrong, self._wrong_b = (
            label("", "small", "danger", wrap=True),
            label("", "small", "muted", wrap=True),
        )
        self._common = eliding("", "small", "muted")
        self.list, self.list_b = NeighborList(), NeighborList(series=1)
        self.list_b.setAccessibleName("Nearest neighbors in B")
        self._badge = Badge("A")
        for hidden in (self._wrong, self._wrong_b, self._common, self._badge):
            hidden.hide()
        for widget in (
            row((self.field, 1), self.metric_switch),
            row((self.space, 1), (self.count, 1)),
            self._wrong,
        ):
            self.body.addWidget(widget)
        self._second = self._build_second()
        first = col(row(self._badge, (self._about, 1)), (self.list, 1), spacing=6)
        self.body.addWidget(row((first, 1), (self._second, 1), spacing=10), 1)
        self.body.addWidget(self._common)
        self.field.returnPressed.connect(self._ask)
        self.metric_switch.changed.connect(lambda _: self._ask())
        self.space.activated.connect(lambda _: self._ask())
        self.count.activated.connect(lambda _: self._ask())

    def _build_second(self) -> QWidget:
        made = col(row(Badge("B", 1), (self._about_b, 1)), self._wrong_b, (self.list_b, 1), spacing=6)
        made.hide()
        return made

    def token(self) -> str:
        return self.field.text()

    def set_token(self, text: str) -> None:
        with QSignalBlocker(self.field):
            self.field.setText(text)

    def chosen_metric(self) -> str:
        return METRICS[self.metric_switch.index()]

    def chosen_space(self) -> str:
        return SPACES[self.space.currentIndex()]

    def chosen_count(self) -> int:
        return COUNTS[self.count.currentIndex()]

    def _ask(self) -> None:
        if self.field.text():
            self.asked.emit(self.field.text(), self.chosen_metric())

    def show_second(self, two: bool) -> None:
        """The list of a second model beside the first one."""
        self._second.setVisible(two)
        self._badge.setVisible(two)
        for made in (self.list, self.list_b):
            made.set_slim(two)
        if not two:
            self.list_b.set_rows([])
        self._mark_common()

    def show_neighbors(self, asked: int, rows: list[Neighbor], seconds: float) -> None:
        self._wrong.hide()
        theme.set_role(self.field, "", "problem")
        self._time.setText(f"exact, {milliseconds(seconds)}")
        self._about.setText(f"id {asked:,}" if asked >= 0 else "a sum")
        self.list.set_rows(rows)
        self._mark_common()

    def show_in_b(self, asked: int, rows: list[Neighbor]) -> None:
        self._wrong_b.hide()
        self._about_b.setText(f"id {asked:,}" if asked >= 0 else "a sum")
        self.list_b.set_rows(rows)
        self._mark_common()

    def show_error(self, error: TokstudioError) -> None:
        """Beside the field; the last list stays."""
        self._wrong.setText(f"{error} {error.hint}".strip())
        self._wrong.show()
        theme.set_role(self.field, "true", "problem")
        self._about.setText("the list is that of the token before" if self.list.model().rowCount() else "")

    def show_error_in_b(self, error: TokstudioError) -> None:
        self._wrong_b.setText(str(error))
        self._wrong_b.show()
        self._about_b.setText("")
        self.list_b.set_rows([])
        self._mark_common()

    def _mark_common(self) -> None:
        """A chain before those that both lists have, by the word without the marks of its vocabulary."""
        words = [{bare(row.token) for row in made.model().rows} for made in (self.list, self.list_b)]
        common = words[0] & words[1] if not self._second.isHidden() else set()
        marked = []
        for made in (self.list, self.list_b):
            both = {n for n, row in enumerate(made.model().rows) if bare(row.token) in common}
            made.model().set_common(both)
            marked.append(len(both))
        shown = not self._second.isHidden() and bool(words[1])
        self._common.setVisible(shown)
        self._common.setText(f"{marked[0]} of {len(self.list.model().rows)} in both lists")

    def clear(self) -> None:
        self.list.set_rows([])
        self._wrong.hide()
        self._time.setText("")
        self._about.setText("")


def bare(token: str) -> str:
    return token.removeprefix("##").strip() or token


def bars(scores: np.ndarray, metric: str) -> np.ndarray:
    """Lengths 0 to 1 of the bars of one list: cosine as it is, dot by the best, distance by the farthest."""
    if metric == "cosine" or not len(scores):
        return np.clip(scores, 0, 1)
    return np.clip(scores / (np.abs(scores).max() or 1.0), 0, 1)


def list_rows(ids: np.ndarray, scores: np.ndarray, metric: str, name) -> list[Neighbor]:
    lengths = bars(scores, metric)
    return [
        Neighbor(int(i), name(int(i)), float(score), float(length))
        for i, score, length in zip(ids, scores, lengths, strict=True)
    ]
