"""Rows that look wrong, as a table with the evidence beside each."""

from PySide6.QtCore import Signal

from tokstudio.embed.service import Reply
from tokstudio.ui.embeddings_engine import Side
from tokstudio.ui.embeddings_table import Column, RowsTable
from tokstudio.ui.widgets.basic import Card, label, segmented

LISTS = ("Under-trained", "Repeated", "Zero", "Not finite")
NOTES = (
    "Candidates, no proofs: their norm is far below the middle, or their row lies near those of {reference}."
    " z counts spreads from the middle of all rows.",
    "Rows that are equal to the last bit.",
    "Rows of zeros have no direction: cosine leaves them out.",
    "Rows that hold NaN or infinities; they count as zero in every figure.",
)
SIMILARITY_TIP = "Cosine with the mean of the rows that no text can give, all less the mean of the matrix"
COUNTS = ("under_trained", "duplicate", "zero", "broken")
LISTED = ("under_trained", "duplicates", "zero_rows", "broken_rows")


class HealthCard(Card):
    row_chosen = Signal(int)

    def __init__(self):
        self.which = segmented(list(LISTS), name="Which rows")
        super().__init__("Health", " ", actions=(self.which,))
        self.note = label("", "small", "muted", wrap=True)
        self.table = RowsTable("Rows that look wrong")
        self.body.addWidget(self.note)
        self.body.addWidget(self.table, 1)
        self.which.changed.connect(lambda _: self._list())
        self.table.row_chosen.connect(self.row_chosen)
        self._side: Side | None = None
        self._values: dict | None = None

    @property
    def known(self) -> bool:
        return self._values is not None

    def clear(self) -> None:
        self._values = None
        self.subtitle.setText("Checking every row…")
        self.note.setText("")
        self.table.set_rows([], [])

    def show_health(self, side: Side, reply: Reply) -> None:
        found = self._values = reply.values
        self._side = side
        counts = [found[f"{key}_count"] for key in COUNTS]
        for place, (title, count) in enumerate(zip(LISTS, counts, strict=True)):
            self.which.button(place).setText(f"{title} {count:,}")
            self.which.button(place).setAccessibleName(f"{title}, {count:,} rows")
        self.subtitle.setText(side.mismatch or f"{side.rows:,} rows")
        self._list()

    def _list(self) -> None:
        if self._values is None:
            return
        which, found, token = self.which.index(), self._values, self._side.token
        reference = found["reference"] or "ids that no text gives (none are known here)"
        listed = found[LISTED[which]]
        rows = sum(len(group) - 1 for group in listed) if which == 1 else len(listed)
        part = f" The first {rows:,} are listed." if rows < found[f"{COUNTS[which]}_count"] else ""
        self.note.setText(NOTES[which].format(reference=reference) + part)
        if which == 0:
            self._list_candidates(found["under_trained"])
        elif which == 1:
            pairs = [(row, group[0]) for group in found["duplicates"] for row in group[1:]]
            columns = [
                Column("Token", [token(row) for row, _ in pairs]),
                Column("Row", [row for row, _ in pairs], ",d"),
                Column("Same as row", [first for _, first in pairs], ",d"),
                Column("Token there", [token(first) for _, first in pairs]),
            ]
            self.table.set_rows([row for row, _ in pairs], columns, (160, 80, 100))
        else:
            rows = found["zero_rows" if which == 2 else "broken_rows"]
            columns = [Column("Token", [token(row) for row in rows]), Column("Row", rows, ",d")]
            self.table.set_rows(rows, columns, (160, 80))

    def _list_candidates(self, entries: list[dict]) -> None:
        columns = [
            Column("Token", [entry["token"] for entry in entries]),
            Column("Row", [entry["id"] for entry in entries], ",d"),
            Column("Norm", [entry["norm"] for entry in entries], ".3f"),
            Column(
                "z", [entry["norm_z"] for entry in entries], "+.1f", "How far the norm is from the middle"
            ),
            Column("Similarity", [entry["similarity"] for entry in entries], ".3f", SIMILARITY_TIP),
            Column(
                "z of it",
                [entry["similarity_z"] for entry in entries],
                "+.1f",
                "How far that is from the middle",
            ),
            Column("Kind", [entry["kind"] for entry in entries]),
            Column("Why", [entry["why"] for entry in entries]),
        ]
        self.table.set_rows([entry["id"] for entry in entries], columns, (130, 72, 64, 56, 78, 64, 110))
