"""A vocabulary as a Qt table: an order array inside the model does sorting and filtering.

A QSortFilterProxyModel calls back into Python for every comparison: 256,000 rows took 104 s to sort, this
takes 30 ms.
"""

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt

from tokstudio.embed.vocabulary import KINDS, Vocabulary
from tokstudio.tokens.vocab_scripts import NAMES

ID, TOKEN, BYTES, LENGTH, KIND, SCRIPT, COUNT, NORM, TWIN = range(9)
HEADINGS = ("Id", "Token", "Bytes", "Len", "Type", "Script", "Count", "Norm", "Id there")
NUMBERS = (ID, LENGTH, COUNT, NORM, TWIN)
RIGHT = int(Qt.AlignRight | Qt.AlignVCenter)
LEFT = int(Qt.AlignLeft | Qt.AlignVCenter)


class VocabularyModel(QAbstractTableModel):
    """`Qt.UserRole` gives the id of a row, whatever the column."""

    def __init__(self):
        super().__init__()
        self.vocabulary: Vocabulary | None = None
        self.ids = np.zeros(0, np.int64)  # id of each row, in the order shown
        self._mask: np.ndarray | None = None
        self._ranks: np.ndarray | None = None
        self.facts: dict[int, np.ndarray] = {}  # column -> values, where they are known
        self.sorted_by = (ID, Qt.AscendingOrder)

    def set_vocabulary(self, vocabulary: Vocabulary | None) -> None:
        self._mask = self._ranks = None
        self.facts = {}
        self.vocabulary = vocabulary
        self._arrange()

    def set_mask(self, mask: np.ndarray) -> None:
        """bool [n]: which tokens are shown."""
        self._mask = mask
        self._arrange()

    def set_ranks(self, ranks: np.ndarray) -> None:
        """int64 [n]: the place of each token in the order of their bytes."""
        self._ranks = ranks
        if self.sorted_by[0] in (TOKEN, BYTES):
            self._arrange()

    def set_facts(self, facts: dict[int, np.ndarray]) -> None:
        """SCRIPT, COUNT, NORM, TWIN: what is known so far, each [n]. The order changes only where it is by one of
        them."""
        self.facts = facts
        if self.sorted_by[0] in (SCRIPT, COUNT, NORM, TWIN):
            self._arrange()
        elif len(self.ids):
            self.dataChanged.emit(self.index(0, SCRIPT), self.index(len(self.ids) - 1, TWIN))

    def sort(self, column: int, order=Qt.AscendingOrder) -> None:
        self.sorted_by = (column, order)
        self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        self.ids = self._order()
        self.endResetModel()
        self.headerDataChanged.emit(Qt.Horizontal, 0, len(HEADINGS) - 1)

    def _order(self) -> np.ndarray:
        if self.vocabulary is None:
            return np.zeros(0, np.int64)
        ids = np.arange(len(self.vocabulary)) if self._mask is None else np.flatnonzero(self._mask)
        column, order = self.sorted_by
        if (keys := self._keys(column)) is None:
            return ids if order == Qt.AscendingOrder else ids[::-1]
        keys = keys[ids] if column == NORM else keys[ids].astype(np.int64)
        return ids[np.argsort(keys if order == Qt.AscendingOrder else -keys, kind="stable")]

    def _keys(self, column: int) -> np.ndarray | None:
        """None: the id itself, also for texts until their ranks have arrived."""
        if column == LENGTH:
            return self.vocabulary.lengths
        if column == KIND:
            return self.vocabulary.kinds
        return self._ranks if column in (TOKEN, BYTES) else self.facts.get(column)

    def row_of(self, token: int) -> int | None:
        found = np.flatnonzero(self.ids == token)
        return int(found[0]) if len(found) else None

    # ---------------------------------------------------------------- what Qt asks

    def rowCount(self, parent=QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent=QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section, orientation, role=Qt.DisplayRole):
        if orientation == Qt.Horizontal and 0 <= section < len(HEADINGS):
            if role == Qt.DisplayRole:
                by, order = self.sorted_by
                arrow = "↑" if order == Qt.AscendingOrder else "↓"
                return f"{HEADINGS[section]} {arrow}" if section == by else HEADINGS[section]
            if role == Qt.TextAlignmentRole:
                return RIGHT if section in NUMBERS else LEFT
        return None

    def data(self, index, role=Qt.DisplayRole):
        if not index.isValid() or self.vocabulary is None:
            return None
        token = int(self.ids[index.row()])
        if role == Qt.UserRole:
            return token
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return self.cell(token, index.column())
        if role == Qt.TextAlignmentRole:
            return RIGHT if index.column() in NUMBERS else LEFT
        return None

    def cell(self, token: int, column: int) -> str:
        if column == ID:
            return f"{token:,}"
        if column == TOKEN:
            return self.vocabulary.text(token)
        if column == BYTES:
            return self.vocabulary.bytes_of(token).hex(" ").upper()
        if column == LENGTH:
            return str(self.vocabulary.lengths[token])
        return KINDS[self.vocabulary.kinds[token]] if column == KIND else self._fact(token, column)

    def _fact(self, token: int, column: int) -> str:
        if (values := self.facts.get(column)) is None:
            return ""
        value = values[token]
        if column == SCRIPT:
            return NAMES[value]
        if column == NORM:
            return f"{value:.3f}" if np.isfinite(value) else "\u2013"
        return "\u2013" if column == TWIN and value < 0 else f"{value:,}"
