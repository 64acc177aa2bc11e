"""The Matrix card: the heat map with its scale, its two modes and its switches."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Signal

from tokstudio.embed.order import COLUMN_ORDERS, ORDERS
from tokstudio.embed.pyramid import POOLINGS, STEP
from tokstudio.embed.service import Reply
from tokstudio.ui.embeddings_heat import HeatMap
from tokstudio.ui.embeddings_planes import MatrixPlane, RowsPlane, Shade
from tokstudio.ui.embeddings_scale import ColorBar
from tokstudio.ui.embeddings_words import shown
from tokstudio.ui.widgets.basic import Card, button, combo, eliding, row, segmented

NEAREST, WHOLE = range(2)
DIFFERENCE = 2
ORDER_WORDS = {
    **{"id": "By id", "norm": "By norm", "cluster": "By cluster"},
    **{"frequency": "By frequency", "name": "By name"},
}
ORDER_SENTENCES = {
    "id": "in the order of their ids",
    "norm": "from the longest to the shortest",
    "cluster": "by 64 clusters of direction",
    "frequency": "by how often the text that comes with Python has them",
    "name": "in the order of their bytes",
}
BY_VALUE = "value"
COLUMN_WORDS = {
    **{BY_VALUE: "Dims by value", "id": "Dims by id"},
    **{"variance": "Dims by variance", "pca": "Dims by PCA"},
}
COLUMN_SENTENCES = {
    **{BY_VALUE: "dimensions sorted by its values", "id": "dimensions by id"},
    **{"variance": "dimensions by variance", "pca": "dimensions by their loading on PCA 1"},
}
FIXED = 0.15  # a level that stays the same from matrix to matrix
POOLING_WORDS = {"mean": "Mean", "max-abs": "Max-abs", "min": "Min", "std": "Std"}
POOLING_TIPS = {
    "mean": "Mean of the values under a pixel: hides single outliers",
    "max-abs": "The value farthest from zero under a pixel: shows outliers",
    "min": "The smallest value under a pixel",
    "std": "How much the values under a pixel differ",
}


class MatrixCard(Card):
    tiles_wanted = Signal(str, list)  # pooling, [[r, i, c, j], …]
    row_chosen = Signal(int)
    order_chosen = Signal(str)
    columns_chosen = Signal(str)
    row_opened = Signal()  # the row that was chosen last, to be looked at value by value
    side_chosen = Signal(int)  # 0 A, 1 B, 2 difference
    vector_wanted = Signal()

    def __init__(self, side: int = 0):
        self.scale = ColorBar()
        self.mode = segmented(["Nearest rows", "Whole matrix"], name="What the heat map shows")
        self.sides = segmented(["A", "B", "Difference"], on=side, name="Which matrix")
        self.sides.hide()
        super().__init__("Matrix", " ", actions=(self.scale, self.mode, self.sides))
        self.mode.setHidden(side == DIFFERENCE)
        self.heat = HeatMap()
        if side:
            self.heat.setAccessibleName(("", "Heat map of B", "Heat map of A less B")[side])
        self.side = side
        self.order = combo(name="Order of the rows")
        self.order.setMinimumWidth(132)
        for order in ORDERS:
            self.order.addItem(ORDER_WORDS[order], order)
        self.columns = combo(name="Order of the dimensions")
        self.columns.setMinimumWidth(136)
        self.columns.setToolTip(
            "By id, by variance (widest first) or by their loading on the first principal component"
        )
        self.pooling = segmented(
            [POOLING_WORDS[p] for p in POOLINGS], on=1, name="Pooling of values under a pixel"
        )
        for place, pooling in enumerate(POOLINGS):
            self.pooling.button(place).setToolTip(POOLING_TIPS[pooling])
        self.level = segmented(["p99.5", "3.6 std", f"{FIXED}"], name="Level of the full color")
        self.level.setToolTip("The value that gets the full color")
        self._range = eliding("", "small", "muted")
        self._fit = button("Show all", kind="quiet")
        self._vector = button("Vector", kind="quiet")
        self._vector.setToolTip("The asked row, value by value")
        self._pooled = row(self.order, self.pooling, spacing=6)
        self._pooled.setVisible(False)
        foot = row(self._pooled, self.columns, self.level, 4, (self._range, 1), self._vector, self._fit)
        self.body.addWidget(self.heat, 1)
        self.body.addWidget(foot)
        self._numbers: dict[str, float] = {"level": FIXED, "spread": FIXED / 3.6}
        self._whole: MatrixPlane | None = None
        self._nearest: RowsPlane | None = None
        self._asked, self._order = "", "id"
        self._columns = {NEAREST: BY_VALUE, WHOLE: "id"}  # by mode
        self._dims: dict[str, np.ndarray] = {}  # by order, as far as known
        self._rows: tuple[np.ndarray, np.ndarray] | None = None  # nearest rows and their ids
        self._summary: Reply | None = None
        self._cells: dict[str, list[float]] = {}
        self._whole_ready = False
        self._fill_columns()
        self._connect()

    def _connect(self) -> None:
        self.mode.changed.connect(lambda _: self._switch())
        self.sides.changed.connect(self._choose_side)
        self.order.activated.connect(lambda place: self.order_chosen.emit(self.order.itemData(place)))
        self.columns.activated.connect(lambda place: self._choose_columns(self.columns.itemData(place)))
        self.pooling.changed.connect(lambda _: self._repool())
        self.level.changed.connect(lambda _: self._relevel())
        self._fit.clicked.connect(self.heat.fit)
        self._vector.clicked.connect(self.vector_wanted)
        self.heat.row_chosen.connect(self.row_chosen)
        self.heat.row_opened.connect(self.row_opened)
        self.heat.view_changed.connect(self._viewed)

    def _choose_side(self, side: int) -> None:
        if side != self.side:
            self.sides.set_index(self.side)  # this card stays what it is; another one comes to the front
            self.side_chosen.emit(side)

    # ---------------------------------------------------------------- what it shows

    def show_matrix(self, shape: tuple[int, int]) -> None:
        """A new matrix: nothing of the old one is left but the mode."""
        self.heat.set_summary(np.zeros(0), np.zeros(0), np.zeros(0))
        self._nearest, self._summary, self._rows, self._dims = None, None, None, {}
        self._columns[WHOLE] = "id"
        self._fill_columns()
        self._whole = MatrixPlane(
            shape, self._shade(), POOLINGS[self.pooling.index()], self.tiles_wanted.emit
        )
        self._cells, self._whole_ready = {}, False
        self._switch()

    def show_summary_of(self, reply: Reply) -> None:
        if reply is not self._summary:
            self._summary = reply
            found, values = reply.arrays, reply.values
            self.show_summary(found["norms"], found["mean"], found["std"], values["level"], values["spread"])

    def keep_order(self) -> str:
        """The order that was asked for cannot be had: the one that is shown stays."""
        self.order.setCurrentIndex(max(0, self.order.findData(self._order)))
        return self._order

    def show_summary(
        self, norms: np.ndarray, mean: np.ndarray, std: np.ndarray, level: float, spread: float
    ) -> None:
        self._numbers = {"level": level, "spread": spread or FIXED / 3.6}
        self.heat.set_summary(norms, mean, std)
        self._relevel()

    def set_names(self, name: Callable[[int], str]) -> None:
        self.heat.set_names(name)

    def show_nearest(self, rows: np.ndarray, ids: np.ndarray, asked: str) -> None:
        """`rows` [k + 1, d], the asked one first."""
        self._asked, self._rows = asked if ids[0] < 0 else shown(asked), (rows, ids)  # a sum is no token
        self._lay_out_nearest()

    def show_difference(self, rows: np.ndarray, ids: np.ndarray, asked: str) -> None:
        """`rows` [k, d]: A less B of shared tokens. The scale and the lengths at the right are those of `rows`."""
        self.show_matrix((len(ids), rows.shape[1]))
        wide = rows.astype(np.float64)
        norms = np.zeros(int(ids.max()) + 1)
        norms[ids] = np.linalg.norm(np.nan_to_num(wide), axis=1)
        known = wide[np.isfinite(wide)]
        level = float(np.quantile(np.abs(known), 0.995)) if len(known) else 0.0
        self.show_summary(
            norms, np.zeros(0), np.zeros(0), level or FIXED, float(known.std()) if len(known) else 0.0
        )
        self.show_nearest(rows, ids, asked)

    def _lay_out_nearest(self) -> None:
        """Dimensions by the values of the asked row, or in the chosen order as soon as that is known."""
        if self._rows is None:
            return
        rows, ids = self._rows
        chosen = self._columns[NEAREST]
        if chosen == BY_VALUE:
            dims = np.argsort(rows[0], kind="stable")
        elif chosen in self._dims and len(self._dims[chosen]) == rows.shape[1]:
            dims = self._dims[chosen]
        else:
            dims = np.arange(rows.shape[1])
            if chosen != "id":
                self.columns_chosen.emit(chosen)
        self._nearest = RowsPlane(rows[:, dims], ids, dims, self._shade())
        if self.mode.index() == NEAREST:
            self._switch()

    def set_columns(self, reply: Reply) -> None:
        """An order of the dimensions that was asked for."""
        chosen = reply.values["columns"]
        self._dims[chosen] = reply.arrays["order"].astype(np.int64)
        if self._columns[WHOLE] == chosen and self._whole is not None:
            self._whole.set_dims(None if chosen == "id" else self._dims[chosen])
            self.heat.update()
        if self._columns[NEAREST] == chosen:
            self._lay_out_nearest()
        self._describe()

    def columns_of_tiles(self) -> str:
        """The order in which tiles come."""
        return self._columns[WHOLE]

    def _fill_columns(self) -> None:
        nearest = self.mode.index() == NEAREST
        self.columns.clear()
        for order in (BY_VALUE, *COLUMN_ORDERS) if nearest else COLUMN_ORDERS:
            self.columns.addItem(COLUMN_WORDS[order], order)
        self.columns.setCurrentIndex(max(0, self.columns.findData(self._columns[self.mode.index()])))

    def _choose_columns(self, order: str) -> None:
        mode = self.mode.index()
        if order == self._columns[mode]:
            return
        self._columns[mode] = order
        if mode == NEAREST:
            self._lay_out_nearest()
        else:
            self.columns_chosen.emit(order)

    def tiles_ready(
        self, cells: dict[str, list[float]], order: str = "id", rows: np.ndarray | None = None
    ) -> None:
        """The pyramid is built: from now on tiles may be asked for. `cells`: p99.5 of the cells by pooling, for
        cells of 16, 256, 4,096… rows. `rows`: the row at each place, None by id."""
        self._cells, self._whole_ready, self._order = cells, True, order
        self._whole.set_order(rows)
        self.order.setCurrentIndex(max(0, self.order.findData(order)))
        if self.mode.index() == WHOLE:
            self.heat.set_plane(self._whole)

    def put_tile(self, reply: Reply) -> None:
        about = reply.values
        current = self._order, self._columns[WHOLE]
        if self._whole is not None and (about["order"], about["columns"]) == current:
            self._whole.put(about["pooling"], tuple(about["tile"]), reply.arrays["values"])
            self.heat.update()

    # ---------------------------------------------------------------- switches

    def _shade(self) -> Shade:
        pooling = POOLINGS[self.pooling.index()] if self.mode.index() == WHOLE else ""
        levels = (self._usual(pooling), 3.6 * self._numbers["spread"], FIXED)
        return Shade(levels[self.level.index()], pooling == "std")

    def _usual(self, pooling: str) -> float:
        """p99.5 of the cells at this zoom: of single values, and between two stored levels by interpolation."""
        stored = self._cells.get(pooling, [])
        halvings = self.heat.row_halvings() if pooling else 0
        if not stored or halvings == 0:
            return self._numbers["level"]
        known = [self._numbers["level"], *stored] if pooling != "std" else [stored[0], *stored]
        at = np.interp(halvings / STEP, np.arange(len(known)), np.log(np.maximum(known, 1e-30)))
        return float(np.exp(at))

    def _switch(self) -> None:
        whole = self.mode.index() == WHOLE
        self._pooled.setVisible(whole)
        self._fill_columns()
        plane = self._whole if whole and self._whole_ready else None if whole else self._nearest
        if plane is None:
            self.heat.clear()
        else:
            self.heat.set_plane(plane)
        self._relevel()

    def _viewed(self) -> None:
        if self._whole is not None and self.heat.plane is self._whole and self._shade() != self._whole.shade:
            self._relevel()
        else:
            self._describe()

    def _repool(self) -> None:
        if self._whole is not None:
            self._whole.pooling = POOLINGS[self.pooling.index()]
        self._relevel()

    def _relevel(self) -> None:
        shade = self._shade()
        self.scale.set_shade(shade)
        for plane in (self._whole, self._nearest):
            if plane is not None:
                plane.set_shade(shade)
        self.heat.update()
        self._describe()

    def _describe(self) -> None:
        plane, view = self.heat.plane, self.heat.view
        self._fit.setEnabled(
            plane is not None and (view.height < plane.shape[0] or view.width < plane.shape[1])
        )
        if plane is None:
            self.subtitle.setText("Building the picture…" if self.mode.index() == WHOLE else "")
            self._range.setText("")
        elif isinstance(plane, RowsPlane):
            order = COLUMN_SENTENCES[self._columns[NEAREST]]
            words = f"{plane.shape[0] - 1} rows nearest to {self._asked}, {order}"
            if self.side == DIFFERENCE:
                words = f"A less B for {plane.shape[0]} shared tokens nearest to {self._asked}"
            self.subtitle.setText(words)
            self._range.setText("")
        else:
            words = f"{plane.shape[0]:,} rows {ORDER_SENTENCES[self._order]}"
            if self._columns[WHOLE] != "id":
                words += f", {COLUMN_SENTENCES[self._columns[WHOLE]]}"
            self.subtitle.setText(words)
            first, last = int(view.top), min(int(np.ceil(view.bottom)), plane.shape[0]) - 1
            left, right = int(view.left), min(int(np.ceil(view.right)), plane.shape[1]) - 1
            across = "dims" if self._columns[WHOLE] == "id" else "places"
            self._range.setText(f"rows {first:,}\u2013{last:,}, {across} {left:,}\u2013{right:,}")
