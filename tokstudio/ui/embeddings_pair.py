"""Two models over the tokens that both have: the join, the figures, who agrees and who does not."""

import numpy as np
from PySide6.QtCore import Signal

from tokstudio.embed.join import RULE_WORDS, RULES
from tokstudio.embed.service import Reply
from tokstudio.errors import TokstudioError
from tokstudio.ui.embeddings_engine import Engine
from tokstudio.ui.embeddings_table import Column, RowsTable
from tokstudio.ui.late import Late
from tokstudio.ui.widgets.basic import Card, col, eliding, label, row, segmented, stat
from tokstudio.ui.widgets.legend import Legend

NONE = "\u2013"
LISTED = 500
FIGURES = {
    "r_mean": "Mean r, same token",
    "same_index_r_mean": "Mean r, same row",
    "linear_cka": "Linear CKA",
    "procrustes_cosine": "Cosine, rotated",
    "procrustes_explained": "Explained",
    "overlap": "Neighbors in both",
}
TIPS = {
    "r_mean": "Correlation of the two rows of a token, value by value. Only where both are equally wide; for models"
    " that were trained apart their dimensions mean nothing to each other, so about 0 is no surprise.",
    "same_index_r_mean": "Correlation of row i of A and row i of B: two different words wherever the vocabularies"
    " differ, and then about 0 is expected.",
    "linear_cka": "0 to 1: how alike the two clouds of shared tokens are, whatever their rotation and scale.",
    "procrustes_cosine": "Mean cosine after the best rotation; fitted on half of the tokens, measured on the others.",
    "procrustes_explained": "Share of the spread of B that A reaches by rotation and scale.",
    "overlap": "Of the 10 nearest shared tokens, how many are the same in both; the note is what chance gives.",
}


def _spread():
    from tokstudio.ui.embeddings_charts import SpreadChart

    return SpreadChart("Distribution over all shared tokens")


class PairCard(Card):
    rule_chosen = Signal(str)
    row_chosen = Signal(int)

    def __init__(self):
        self.rule = segmented(["By bytes", "By words"], name="How tokens are joined")
        for place, key in enumerate(RULES):
            self.rule.button(place).setToolTip(RULE_WORDS[key])
        super().__init__("Two models", " ", actions=(self.rule,))
        self.stats = {key: stat(title, NONE) for key, title in FIGURES.items()}
        for key, made in self.stats.items():
            made.setToolTip(TIPS[key])
        self.report = label("", "small", "muted", wrap=True)
        self.chart = Late(_spread, "Distribution over all shared tokens")
        self._what = eliding("", "strong")
        self._legend = Legend([("same token", "series0"), ("same row number", "series1")])
        self.order = segmented(["Most agreeing", "Least agreeing"], name="Which tokens are listed")
        self.table = RowsTable("Shared tokens by how well they agree")
        self.body.addWidget(row(*self.stats.values(), None, spacing=20))
        self.body.addWidget(self.report)
        left = col(row((self._what, 1), self._legend), (self.chart, 1), spacing=6)
        right = col(row(self.order, None), (self.table, 1), spacing=6)
        self.body.addWidget(row((left, 1), (right, 1), spacing=16), 1)
        self.rule.changed.connect(lambda place: self.rule_chosen.emit(RULES[place]))
        self.order.changed.connect(lambda _: self._list())
        self.table.row_chosen.connect(self.row_chosen)
        self.reply: Reply | None = None
        self._engine: Engine | None = None

    def clear(self, words: str = "Open a second matrix to compare the two.") -> None:
        self.reply = None
        self.subtitle.setText("")
        self.report.setText(words)
        self.table.set_rows([], [])
        self.chart.clear()
        for made in self.stats.values():
            made.set(NONE)

    def show_error(self, error: TokstudioError) -> None:
        self.clear(f"{error} {error.hint}".strip())

    def show_comparison(self, engine: Engine, reply: Reply) -> None:
        self.reply, self._engine = reply, engine
        join, figures = reply.values["join"], reply.values["figures"]
        self.subtitle.setText(f"{engine.a.name} and {engine.b.name}")
        twice = (
            f" ({join['ambiguous']:,} more than once in one model, the first counts)"
            if join["ambiguous"]
            else ""
        )
        parts = [
            f"{join['shared']:,} shared tokens{twice}",
            f"{join['only_a']:,} only in A",
            f"{join['only_b']:,} only in B, special tokens not counted",
        ]
        if join["without_row"]:
            parts.append(f"{join['without_row']:,} without a row")
        if figures["left_out"]:
            parts.append(f"{figures['left_out']:,} left out, their rows are zero or not finite")
        self.report.setText(", ".join(parts) + ". " + RULE_WORDS[join["rule"]])
        for key, made in self.stats.items():
            value = figures[key]
            note = f"\u00b1 {figures['r_std']:.3f}" if key == "r_mean" and value is not None else ""
            if key == "overlap":
                note = f"chance {100 * figures['overlap_by_chance']:.1g} %"
                made.set(f"{100 * value:.0f} %", note)
            elif value is None:
                made.set(NONE, "widths differ")
            else:
                made.set(f"{value:.3f}".replace("-", "\u2212"), note)
        self._draw()
        self._list()

    def _draw(self) -> None:
        found = self.reply.arrays
        same_width = len(found["r"]) > 0
        self._what.setText("r of each shared token" if same_width else "Cosine of each shared token, rotated")
        self._legend.setVisible(same_width)
        sides = [found["r"], found["index_r"]] if same_width else [found["aligned"]]
        self.chart.call(lambda chart: chart.set_values(sides))

    def _list(self) -> None:
        if self.reply is None:
            return
        found, engine = self.reply.arrays, self._engine
        keys = np.nan_to_num(found["aligned"])
        places = np.argsort(keys if self.order.index() else -keys, kind="stable")[:LISTED]
        a, b = found["ids_a"][places], found["ids_b"][places]
        columns = [
            Column("Token", [engine.a.token(int(i)) for i in a]),
            Column("Cosine", found["aligned"][places].tolist(), ".3f"),
            Column("Row in A", a.tolist(), ",d"),
            Column("Row in B", b.tolist(), ",d"),
        ]
        if len(found["r"]):
            columns.insert(2, Column("r", found["r"][places].tolist(), ".3f"))
        self.table.set_rows(a, columns, (118, 62, 62, 66, 66))
