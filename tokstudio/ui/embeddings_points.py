"""The Projection card: method, seed, lasso, and the table of what the lasso holds."""

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui.embeddings_engine import Side
from tokstudio.ui.embeddings_projection import Projection
from tokstudio.ui.embeddings_table import Column, RowsTable
from tokstudio.ui.numbers import Whole
from tokstudio.ui.widgets.basic import Card, button, combo, eliding, row, tool
from tokstudio.ui.widgets.legend import Legend

PCA, UMAP, TSNE = range(3)
METHODS = ("pca", "umap", "tsne")
SHOWN = 20_000  # rows of the table


class ProjectionCard(Card):
    layout_wanted = Signal(str, int)  # method, seed
    layout_dropped = Signal()
    row_chosen = Signal(int)

    def __init__(self):
        self.lasso = tool("pin", "Lasso: draw around rows to list them (or Shift and drag)")
        self.lasso.setCheckable(True)
        self.fit = tool("refresh", "Show all points")
        self.legend = Legend([("neighbors", "series1")])
        super().__init__("Projection", "", actions=(self.legend, self.lasso, self.fit))
        self.method = combo(["PCA", "UMAP", "t-SNE"], name="Projection method")
        self.method.setMinimumWidth(104)
        self.seed = Whole()
        self.seed.setRange(0, 999_999)
        self.seed.setPrefix("seed ")
        self.seed.setAccessibleName("Seed")
        self.seed.setToolTip("The same seed lays the rows out the same way again")
        self.again = button("Lay out")
        self.again.setToolTip("Runs in a process of its own")
        self._phase = eliding("", "small", "muted")
        self._phase.hide()
        self._working = False
        self.picture = Projection()
        self.table = RowsTable("Rows in the lasso")
        self._found = eliding("", "small", "muted")
        self._back = button("Back to the picture", kind="quiet")
        listed = QWidget()
        self._stack = QStackedLayout()
        self._fill(listed)
        self._controls = row(self.method, self.seed, self.again, None, spacing=8)
        self.body.addWidget(self._controls)
        self.body.addWidget(self._phase)
        holder = QWidget()
        holder.setLayout(self._stack)
        self._stack.addWidget(self.picture)
        self._stack.addWidget(listed)
        self.body.addWidget(holder, 1)
        self._side: Side | None = None
        self._pca: tuple[np.ndarray, list[float]] | None = None
        self.about: dict = {"method": "pca"}
        self.shown: Reply | None = None
        self._connect()
        self._show_controls()

    def _fill(self, listed: QWidget) -> None:
        from PySide6.QtWidgets import QVBoxLayout

        layout = QVBoxLayout(listed)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(row((self._found, 1), self._back))
        layout.addWidget(self.table, 1)

    def _connect(self) -> None:
        self.lasso.toggled.connect(lambda on: setattr(self.picture, "lasso", on))
        self.fit.clicked.connect(self.picture.fit)
        self.method.activated.connect(lambda _: self._choose())
        self.again.clicked.connect(self._press)
        self.picture.chosen_rows.connect(self.list_rows)
        self.picture.row_chosen.connect(self.row_chosen)
        self.table.row_chosen.connect(self.row_chosen)
        self._back.clicked.connect(lambda: self._stack.setCurrentIndex(0))

    def _show_controls(self) -> None:
        other = self.method.currentIndex() != PCA
        self.seed.setVisible(other)
        self.again.setVisible(other)

    def _choose(self) -> None:
        self._show_controls()
        if self.method.currentIndex() == PCA:
            self.layout_dropped.emit()
            self._work(False)
            self._show_pca()
        else:
            self._ask()

    def _ask(self) -> None:
        self._work(True)
        self.layout_wanted.emit(METHODS[self.method.currentIndex()], self.seed.value())

    def _press(self) -> None:
        if self._working:
            self.layout_dropped.emit()
            self.dropped()
        else:
            self._ask()

    def _work(self, on: bool) -> None:
        self._working = on
        self.again.setText("Cancel" if on else "Lay out")
        self._phase.setVisible(on)
        self.show_phase("starting")

    def show_phase(self, words: str) -> None:
        """What the layout does now."""
        self._phase.setText(f"{self.method.currentText()}: {words}…")

    def set_side(self, side: Side) -> None:
        self._side = side
        self.picture.set_names(side.token)

    def show_points(self, reply: Reply) -> None:
        """PCA of all rows, which is there without being asked for."""
        self.shown = reply
        self._pca = reply.arrays["points"], reply.values["explained"]
        if self.method.currentIndex() == PCA:
            self._show_pca()

    def _show_pca(self) -> None:
        if self._pca is not None:
            points, explained = self._pca
            self.subtitle.setText(f"PCA: {100 * sum(explained):.1f} % of the variance")
            self.about = {"method": "pca", "explained": explained}
            self.picture.set_points(points)
            self._stack.setCurrentIndex(0)

    def show_layout(self, reply: Reply) -> None:
        self._work(False)
        about, ids = reply.values, reply.arrays["ids"]
        self.about = dict(about)
        sample = "" if self._side is None or len(ids) == self._side.rows else f", {len(ids):,} rows"
        self.subtitle.setText(
            f"{self.method.itemText(METHODS.index(about['method']))}, seed {about['seed']}{sample}"
        )
        self.picture.set_points(reply.arrays["points"], ids)
        self._stack.setCurrentIndex(0)

    def dropped(self) -> None:
        """Canceled: the picture before stays, and the method may be asked for again."""
        self._work(False)

    def failed(self) -> None:
        """The picture before stays, and the picker names it."""
        self._work(False)
        self.method.setCurrentIndex(METHODS.index(self.about["method"]))
        self._show_controls()
        if self.method.currentIndex() == PCA and not len(self.picture.points()):
            self._show_pca()  # it came while the layout was being made

    def list_rows(self, rows: np.ndarray) -> None:
        side = self._side
        if side is None or not len(rows):
            return
        shown = np.asarray(rows)[:SHOWN]
        columns = [Column("Token", [side.token(int(i)) for i in shown]), Column("Row", shown.tolist(), ",d")]
        if side.summary is not None:
            columns.append(Column("Norm", side.summary.arrays["norms"][shown].tolist(), ".3f"))
        self.table.set_rows(shown, columns, (170, 80))
        more = "" if len(rows) == len(shown) else f", the first {len(shown):,} are listed"
        self._found.setText(f"{len(rows):,} rows{more}")
        self._stack.setCurrentIndex(1)
        self.lasso.setChecked(False)

    def clear(self) -> None:
        self.subtitle.setText("")
        self._pca = self.shown = None
        self.about = {"method": "pca"}
        self.method.setCurrentIndex(PCA)
        self._show_controls()
        self._work(False)
        self._stack.setCurrentIndex(0)
        self.picture.set_points(np.zeros((0, 2), np.float32))
        self.picture.set_chosen([])
