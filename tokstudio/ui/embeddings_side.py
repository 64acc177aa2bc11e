"""The right side of the Embeddings page: nearest neighbors of a token, and where they lie."""

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QLineEdit, QToolButton

from tokstudio.embed.neighbors import METRICS
from tokstudio.errors import TokstudioError
from tokstudio.ui import icons, theme
from tokstudio.ui.embeddings_list import Neighbor, NeighborList
from tokstudio.ui.embeddings_projection import Projection
from tokstudio.ui.embeddings_words import milliseconds
from tokstudio.ui.widgets.basic import Card, eliding, label, row, segmented
from tokstudio.ui.widgets.legend import Legend

FIELD_TIP = (
    "A token's text, or #12 for row 12. A word finds the token with a space before it first;"
    " in quotes to the letter."
)


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
        self.field.setPlaceholderText("token or #id")
        self.field.setToolTip(FIELD_TIP)
        self.metric_switch = segmented(["Cosine", "Dot", "L2"], name="How nearness is measured")
        self._about = eliding("", "small", "muted")
        self._wrong = label("", "small", "danger", wrap=True)
        self._wrong.hide()
        self.list = NeighborList()
        for widget in (row((self.field, 1), self.metric_switch), self._wrong, self._about):
            self.body.addWidget(widget)
        self.body.addWidget(self.list, 1)
        self.field.returnPressed.connect(self._ask)
        self.metric_switch.changed.connect(lambda _: self._ask())

    def token(self) -> str:
        return self.field.text()

    def set_token(self, text: str) -> None:
        with QSignalBlocker(self.field):
            self.field.setText(text)

    def chosen_metric(self) -> str:
        return METRICS[self.metric_switch.index()]

    def _ask(self) -> None:
        if self.field.text():
            self.asked.emit(self.field.text(), self.chosen_metric())

    def show_neighbors(self, asked: int, rows: list[Neighbor], seconds: float) -> None:
        self._wrong.hide()
        theme.set_role(self.field, "", "problem")
        self._time.setText(f"exact, {milliseconds(seconds)}")
        self._about.setText(f"id {asked:,}")
        self.list.set_rows(rows)

    def show_error(self, error: TokstudioError) -> None:
        """Beside the field; the last list stays."""
        self._wrong.setText(f"{error} {error.hint}".strip())
        self._wrong.show()
        theme.set_role(self.field, "true", "problem")
        self._about.setText("the list is that of the token before" if self.list.model().rowCount() else "")

    def clear(self) -> None:
        self.list.set_rows([])
        self._wrong.hide()
        self._time.setText("")
        self._about.setText("")


def bars(scores: np.ndarray, metric: str) -> np.ndarray:
    """Lengths 0 to 1 of the bars of one list: cosine as it is, dot by the best, distance by the farthest."""
    if metric == "cosine" or not len(scores):
        return np.clip(scores, 0, 1)
    return np.clip(scores / (np.abs(scores).max() or 1.0), 0, 1)


class ProjectionCard(Card):
    def __init__(self):
        super().__init__("Projection", "", actions=(Legend([("neighbors", "series1")]),))
        self.picture = Projection()
        self.body.addWidget(self.picture, 1)

    def show_points(self, points: np.ndarray, explained: list[float]) -> None:
        share = 100 * sum(explained)
        self.subtitle.setText(f"PCA 1, 2: {share:.1f} % of the variance")
        self.picture.set_points(points)

    def clear(self) -> None:
        self.subtitle.setText("")
        self.picture.set_points(np.zeros((0, 2), np.float32))
        self.picture.set_chosen([])


def list_rows(ids: np.ndarray, scores: np.ndarray, metric: str, name) -> list[Neighbor]:
    lengths = bars(scores, metric)
    return [
        Neighbor(int(i), name(int(i)), float(score), float(length))
        for i, score, length in zip(ids, scores, lengths, strict=True)
    ]
