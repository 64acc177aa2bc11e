"""Change: how far each tensor of model B is from the same one of model A."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidgetItem, QVBoxLayout, QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui.embeddings_words import shown
from tokstudio.ui.lab_cards.lab import Lab
from tokstudio.ui.lab_cards.layers import NamesFirst, Rows, ShareBar
from tokstudio.ui.widgets.basic import card

COLUMNS = ("Tensor", "Shape in A", "Shape in B", "Change", "Cosine", "Rows that moved most")
WORDS = "how far each tensor of B is from that of A, as a share of its length"


class _Item(QTreeWidgetItem):
    """Sorted by value, not by text."""

    def __lt__(self, other) -> bool:
        column = self.treeWidget().sortColumn()
        mine, theirs = self.data(column, Qt.UserRole + 1), other.data(column, Qt.UserRole + 1)
        if mine is None or theirs is None:
            return (
                theirs is not None
                if mine is None and theirs is not None
                else self.text(column) < other.text(column)
            )
        return mine < theirs


class ChangeView(QWidget):
    name, title, order = "change", "Change", 6

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.table = NamesFirst()
        self.table.setHeaderLabels(COLUMNS)
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(3, Qt.DescendingOrder)
        self.table.setAccessibleName("Change of every tensor")
        self.table.setItemDelegate(Rows(self.table))
        self.table.setItemDelegateForColumn(3, ShareBar(self.table))
        for column, width in enumerate((330, 104, 104, 100, 72, 236)):
            self.table.setColumnWidth(column, width)
        header = self.table.header()
        header.setStretchLastSection(False)
        for _ in range(2):  # the shapes last: in a narrow window the figures are worth more
            header.moveSection(1, len(COLUMNS) - 1)
        self.table.headerItem().setTextAlignment(4, Qt.AlignRight | Qt.AlignVCenter)
        self._card = card("From A to B", "choose a second model")
        self._card.body.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._card)
        self.refresh()

    def refresh(self) -> None:
        both = len(self.lab.present()) == 2
        self._card.subtitle.setText(
            WORDS if both else "choose a second model to compare weights, for example the export of a run"
        )
        if not both:
            self.table.clear()

    def run(self) -> None:
        if len(self.lab.present()) == 2:
            a, b = (self.lab.sides[side].reference for side in "AB")
            self.lab.maths.ask(
                "Comparing weights A", "differ", self._show, title="Comparing weights", before=a, after=b
            )

    def _show(self, reply: Reply) -> None:
        found, shared = reply.values["changes"], reply.values["shared"]
        joined = "" if shared is None else f"; token rows by their tokens, {shared:,} that both models have"
        self._card.subtitle.setText(WORDS + joined)
        most = max((c["relative"] or 0.0 for c in found), default=0.0) or 1.0
        self.table.clear()
        self.table.setSortingEnabled(False)
        for change in found:
            shapes = [" x ".join(map(str, change[key])) or "missing" for key in ("shape", "other_shape")]
            names = change["tokens"] or [f"{row:,}" for row in change["rows"]]
            went = [name for name, far in zip(names, change["distances"], strict=True) if far > 0]
            moved = "   ".join(map(shown, went)) if len(change["shape"]) == 2 else ""
            share, cosine = change["relative"], change["cosine"]
            figures = [
                "" if share is None else f"{100 * share:.3f} %",
                "" if cosine is None else f"{cosine:.4f}",
            ]
            item = _Item([change["name"], *shapes, *figures, moved])
            item.setData(3, Qt.UserRole, (change["relative"] or 0.0) / most)
            for column, key in ((3, "relative"), (4, "cosine")):
                item.setData(column, Qt.UserRole + 1, change[key])
                item.setTextAlignment(column, Qt.AlignRight | Qt.AlignVCenter)
            item.setToolTip(
                5,
                ", ".join(
                    f"row {r}: {d:.3g}" for r, d in zip(change["rows"], change["distances"], strict=True)
                ),
            )
            self.table.addTopLevelItem(item)
        self.table.setSortingEnabled(True)

    def failed(self) -> None:
        pass
