"""One row, value by value; with a second model the same token's row, or the row of the same number, over it."""

import numpy as np
from PySide6.QtCore import Signal

from tokstudio.embed.service import Reply
from tokstudio.errors import TokstudioError
from tokstudio.ui.embeddings_engine import Side
from tokstudio.ui.embeddings_table import Column, RowsTable
from tokstudio.ui.embeddings_words import plain, shown, signed
from tokstudio.ui.late import Late
from tokstudio.ui.widgets.basic import Card, col, eliding, label, row, segmented, stat
from tokstudio.ui.widgets.legend import Legend

SAME_TOKEN, SAME_ROW = range(2)
NONE = "\u2013"


def _line():
    from tokstudio.ui.charts import LineChart

    return LineChart("Values of the row", x_label="dim", whole=True)


def _scatter():
    from tokstudio.ui.embeddings_charts import ScatterChart

    return ScatterChart()


class VectorCard(Card):
    paired_by = Signal(int)  # SAME_TOKEN or SAME_ROW

    def __init__(self):
        self.by = segmented(["Same token", "Same row number"], name="What stands in B beside the row")
        self.legend = Legend([("A", "series0"), ("B", "series1")])
        super().__init__("Vector", " ", actions=(self.legend, self.by))
        self.line, self.scatter = Late(_line, "Values of the row"), Late(_scatter, "Values of A and B")
        self.stats = {
            **{"norm": stat("Norm", NONE), "place": stat("Longer than", NONE), "mean": stat("Mean", NONE)},
            **{"std": stat("Std", NONE), "r": stat("r of A and B", NONE), "cosine": stat("Cosine", NONE)},
        }
        self.relation = label("", "small", "muted", wrap=True)
        self.largest = RowsTable("Largest values of the row")
        self.largest.setMinimumWidth(190)
        self.body.addWidget(row(*self.stats.values(), None, spacing=24))
        self.body.addWidget(self.relation)
        self.body.addWidget(self.line, 3)
        self.cloud = col(
            eliding("Each dimension: A across, B up", "small", "muted"), (self.scatter, 1), spacing=2
        )
        low = row((col((self.largest, 1)), 1), (self.cloud, 1), spacing=12)
        self.body.addWidget(low, 3)
        self.by.changed.connect(self.paired_by)
        self.values: np.ndarray | None = None
        self.other: np.ndarray | None = None
        self.show_second(False)

    def show_second(self, two: bool) -> None:
        for part in (
            self.by,
            self.legend,
            self.cloud,
            self.stats["r"],
            self.stats["cosine"],
            self.relation,
        ):
            part.setVisible(two)
        if not two:
            self.other = None
            self.line.call(lambda chart: chart.remove_series("B"))

    def show_row(self, side: Side, name: str, number: int, values: np.ndarray) -> None:
        """`number` -1: a sum of tokens."""
        self.values = values
        wide = values.astype(np.float64)
        self.subtitle.setText(f"{shown(name)}, row {number:,}" if number >= 0 else f"{name}, a sum")
        if number < 0:
            self._show_alone("A sum of tokens is no row of A, so none of B belongs to it.")
        self.stats["norm"].set(f"{np.sqrt(wide @ wide):.4g}")
        self.stats["mean"].set(signed(float(wide.mean())))
        self.stats["std"].set(f"{wide.std():.4f}")
        self.line.call(lambda chart: chart.set_series("A", np.arange(len(values)), values))
        self.show_place(side)

    def show_place(self, side: Side) -> None:
        """What needs the figures of the whole matrix; called again when they come."""
        if self.values is None:
            return
        if side.summary is not None and len(side.summary.arrays["mean"]) != len(self.values):
            return  # another matrix was opened, and its row has not come yet
        if side.summary is not None:
            norm = float(np.linalg.norm(self.values.astype(np.float64)))
            share = float((side.summary.arrays["norms"] < norm).mean())
            self.stats["place"].set(f"{100 * share:.0f} %", "of rows")
        self._list_largest(side, self.values)

    def _list_largest(self, side: Side, values: np.ndarray) -> None:
        top = np.argsort(-np.abs(values), kind="stable")[:40]
        columns = [Column("Dimension", top.tolist(), ",d"), Column("Value", values[top].tolist(), "+.4f")]
        if side.summary is not None:
            mean, std = side.summary.arrays["mean"][top], side.summary.arrays["std"][top]
            z = np.divide(values[top] - mean, std, out=np.full(len(top), np.nan), where=std > 0)
            columns.append(Column("z", z.tolist(), "+.1f"))
        self.largest.set_rows(top, columns, (90, 90))

    def show_pair(self, reply: Reply) -> None:
        about, a, b = reply.values, reply.arrays["a"], reply.arrays["b"]
        self.other = b
        defined = about["r"] is not None
        self.stats["r"].set(
            plain(about["r"], 3) if defined else NONE,
            "" if defined else "widths differ" if len(a) != len(b) else "a row is constant",
        )
        self.stats["cosine"].set(plain(about["cosine"], 3) if about["cosine"] is not None else NONE)
        names = [f"{shown(about[f'token_{side}'])} (row {about[f'id_{side}']:,})" for side in "ab"]
        words = f"A {names[0]}, B {names[1]}. {about['relation']}"
        if len(a) != len(b):
            words += (
                f" Rows of {len(a):,} and of {len(b):,} values have no r; Two models lays them over each other"
                " after the best rotation."
            )
        self.relation.setText(words)
        self.line.call(lambda chart: chart.set_series("A", np.arange(len(a)), a))
        self.line.call(lambda chart: chart.set_series("B", np.arange(len(b)), b, series=1, dashed=True))
        self.cloud.setVisible(len(a) == len(b))
        if len(a) == len(b):
            self.scatter.call(lambda chart: chart.set_points(a, b))

    def show_error(self, error: TokstudioError) -> None:
        self._show_alone(f"{error} {error.hint}".strip())

    def _show_alone(self, why: str) -> None:
        self.other = None
        self.relation.setText(why)
        self.line.call(lambda chart: chart.remove_series("B"))
        self.cloud.hide()
        for key in ("r", "cosine"):
            self.stats[key].set(NONE)
