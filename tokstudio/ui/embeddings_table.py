"""Rows of a matrix as a table with columns that sort: from a lasso, a health check, or a comparison."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from tokstudio.ui import theme
from tokstudio.ui.embeddings_words import shown


@dataclass(frozen=True)
class Column:
    title: str
    values: Sequence  # one a row; numbers sort as numbers
    form: str = ""  # how a number is written, e.g. ".3f"
    tip: str = ""  # what the column says, where its title is short

    def text(self, row: int) -> str:
        value = self.values[row]
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return "\u2013"
        return f"{value:{self.form}}".replace("-", "\u2212") if self.form else str(value)


class RowsModel(QAbstractTableModel):
    """Sorting turns an order array; the rows stay where they are."""

    def __init__(self):
        super().__init__()
        self.columns: list[Column] = []
        self.ids = np.zeros(0, np.int64)
        self._order = np.zeros(0, np.int64)

    def set_rows(self, ids: Sequence[int], columns: list[Column]) -> None:
        self.beginResetModel()
        self.ids, self.columns = np.asarray(ids, np.int64), columns
        self._order = np.arange(len(self.ids))
        self.endResetModel()

    def rowCount(self, parent=QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent=QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section, orientation, role=Qt.DisplayRole):
        if role == Qt.DisplayRole and orientation == Qt.Horizontal and section < len(self.columns):
            return self.columns[section].title
        if role == Qt.ToolTipRole and orientation == Qt.Horizontal and section < len(self.columns):
            return self.columns[section].tip or None
        if role == Qt.TextAlignmentRole and section < len(self.columns) and self.columns[section].form:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return None

    def data(self, index, role=Qt.DisplayRole):
        if not index.isValid():
            return None
        column, row = self.columns[index.column()], int(self._order[index.row()])
        if role == Qt.DisplayRole:
            return shown(column.text(row)) if column.title.startswith("Token") else column.text(row)
        if role == Qt.UserRole:
            return int(self.ids[row])
        if role == Qt.TextAlignmentRole and column.form:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        if role == Qt.FontRole and column.title.startswith("Token"):
            return theme.font("mono")
        return None

    def sort(self, section: int, order=Qt.AscendingOrder) -> None:
        if not 0 <= section < len(self.columns):  # -1: no column, the order that the rows came in
            return
        self.layoutAboutToBeChanged.emit()
        values = self.columns[section].values
        if self.columns[section].form:
            keys = np.array([np.nan if value is None else value for value in values], float)
            turned = np.argsort(-keys if order == Qt.DescendingOrder else keys, kind="stable")
        else:
            names = [str(value) for value in values]
            places = sorted(range(len(names)), key=names.__getitem__, reverse=order == Qt.DescendingOrder)
            turned = np.array(places, np.int64)
        self._order = turned
        self.layoutChanged.emit()

    def as_csv(self) -> str:
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow([column.title for column in self.columns])
        for row in self._order.tolist():
            table.writerow([column.values[row] for column in self.columns])
        return out.getvalue()


class RowsTable(QTableView):
    """Activate a row (double click, Enter) to ask for its neighbors."""

    row_chosen = Signal(int)

    def __init__(self, name: str):
        super().__init__()
        self.rows = RowsModel()
        self.setModel(self.rows)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.NoFrame)
        self.setShowGrid(False)
        self.setSortingEnabled(True)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setSortIndicator(-1, Qt.AscendingOrder)
        self._widths, self._scale = (), theme.scale()
        theme.changed.connect(self._rescale)
        self.activated.connect(lambda index: self.row_chosen.emit(index.data(Qt.UserRole)))

    def _widen(self) -> None:
        self._scale = theme.scale()
        for place, width in enumerate(self._widths):
            self.setColumnWidth(place, round(width * max(1.0, self._scale)))

    def _rescale(self) -> None:
        if theme.scale() != self._scale:  # else columns keep the widths that a person gave them
            self._widen()

    def set_rows(self, ids: Sequence[int], columns: list[Column], widths: Sequence[int] = ()) -> None:
        self.horizontalHeader().setSortIndicator(-1, Qt.AscendingOrder)
        self.rows.set_rows(ids, columns)
        self._widths = tuple(widths)
        self._widen()
        words_last = bool(columns) and not columns[-1].form
        self.horizontalHeader().setStretchLastSection(words_last)
        names_first = bool(columns) and columns[0].title.startswith("Token") and not words_last
        if columns:  # the room that is left goes to words, never between numbers
            how = QHeaderView.Stretch if names_first else QHeaderView.Interactive
            self.horizontalHeader().setSectionResizeMode(0, how)
