"""The table of all tokens."""

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyle, QStyledItemDelegate, QTableView

from tokstudio.ui import theme
from tokstudio.ui.models.vocabulary import (
    BYTES,
    COUNT,
    ID,
    KIND,
    LENGTH,
    NORM,
    NUMBERS,
    SCRIPT,
    TOKEN,
    TWIN,
    VocabularyModel,
)
from tokstudio.ui.vocabulary_chip import draw_chip

ROW = 28
WIDTHS = {ID: 72, TOKEN: 184, BYTES: 104, LENGTH: 48, KIND: 102, SCRIPT: 92, COUNT: 96, NORM: 72, TWIN: 84}
BAR = 34  # pixels of the bar beside a count
LEAVE = (BYTES, SCRIPT, KIND, NORM, COUNT, TWIN)  # in this order, as it gets narrow


def _growth(column: int) -> float:
    """Of a column with the text size; those that take the room that is left need none."""
    return 1.0 if column in (TOKEN, BYTES) else max(1.0, 0.4 + 0.6 * theme.scale())


class _Delegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option, index) -> None:
        model: VocabularyModel = index.model()
        token, box, column = int(model.ids[index.row()]), QRectF(option.rect), index.column()
        selected = bool(option.state & QStyle.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        if selected:
            painter.fillRect(box, theme.color("accent_soft"))
            if column == ID:
                painter.fillRect(QRectF(box.left(), box.top(), 3, box.height()), theme.color("accent_fill"))
        elif option.state & QStyle.State_MouseOver:
            painter.fillRect(box, theme.color("raised"))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), theme.color("border"))
        inner = box.adjusted(8, 0, -8, -1)
        if column == TOKEN:
            draw_chip(painter, model.vocabulary, token, inner)
        else:
            if column == COUNT and COUNT in model.facts:
                inner = self._paint_bar(painter, inner, model.facts[COUNT], token, selected)
            self._paint_words(painter, inner, model.cell(token, column), column)
        painter.restore()

    @staticmethod
    def _paint_bar(painter: QPainter, box: QRectF, counts, token: int, selected: bool) -> QRectF:
        """Length by the logarithm of the count. Returns what is left for the number."""
        share = float(np.log1p(counts[token]) / max(1e-9, np.log1p(counts.max())))
        bar = QRectF(box.right() - BAR, box.center().y() - 2, BAR, 5)
        painter.fillRect(bar, theme.color("raised"))
        painter.fillRect(
            bar.adjusted(0, 0, -BAR * (1 - share), 0),
            theme.color("accent_fill" if selected else "border_strong"),
        )
        return box.adjusted(0, 0, -BAR - 8, 0)

    @staticmethod
    def _paint_words(painter: QPainter, box: QRectF, words: str, column: int) -> None:
        painter.setFont(theme.font("monos" if column == BYTES else "small"))
        painter.setPen(theme.color("muted" if column in (ID, BYTES) else "text2"))
        words = painter.fontMetrics().elidedText(words, Qt.ElideRight, int(box.width()))
        side = Qt.AlignRight if column in NUMBERS else Qt.AlignLeft
        painter.drawText(box, side | Qt.AlignVCenter, words)


class VocabularyTable(QTableView):
    """Rows of one height and no automatic column widths: both would look at every row."""

    token_chosen = Signal(int)
    selected = Signal(int)  # how many rows

    def __init__(self, model: VocabularyModel):
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName("Vocabulary table")
        self.setFrameShape(QFrame.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        header = self.horizontalHeader()
        header.setFixedHeight(32)
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(
            False
        )  # it would cover a heading at the right; the heading says it itself
        header.setAccessibleName("Columns")
        header.sectionClicked.connect(self._click)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)
        header.setMinimumSectionSize(30)
        self._restyle()
        theme.changed.connect(self._restyle)
        self.selectionModel().currentRowChanged.connect(self._current)
        self.selectionModel().selectionChanged.connect(lambda *_: self.selected.emit(self.selected_rows()))

    def _restyle(self) -> None:
        self.verticalHeader().setDefaultSectionSize(max(ROW, theme.px(13) + 15))
        self.horizontalHeader().setFont(theme.font("caption"))
        self.show_known()
        self.viewport().update()

    def _click(self, column: int) -> None:
        """Sort by that column; a second click turns the order round."""
        by, order = self.model().sorted_by
        turned = by == column and order == Qt.AscendingOrder
        self.sort(column, Qt.DescendingOrder if turned else Qt.AscendingOrder)

    def sort(self, column: int, order) -> None:
        """The chosen token stays chosen, and in sight."""
        token = self.token()
        self.model().sort(column, order)
        self.choose(token)

    def _current(self, current, _previous) -> None:
        if current.isValid():
            self.token_chosen.emit(current.data(Qt.UserRole))

    def token(self) -> int | None:
        current = self.currentIndex()
        return current.data(Qt.UserRole) if current.isValid() else None

    def selected_rows(self) -> int:
        return sum(part.bottom() - part.top() + 1 for part in self.selectionModel().selection())

    def selected_ids(self) -> np.ndarray:
        """Ids of the selected rows, int64, in the order shown."""
        parts = sorted((part.top(), part.bottom()) for part in self.selectionModel().selection())
        rows = [np.arange(top, bottom + 1) for top, bottom in parts]
        return self.model().ids[np.unique(np.concatenate(rows))] if rows else self.model().ids[:0]

    def choose(self, token: int | None) -> None:
        """Select `token` where it is shown; else the first row."""
        if not self.model().rowCount():
            return
        row = self.model().row_of(token) if token is not None else None
        self.setCurrentIndex(self.model().index(row or 0, ID))
        self.scrollTo(self.currentIndex())

    def show_known(self) -> None:
        """Columns without values stay away; the others leave as it gets narrow. Token and bytes share the rest."""
        shown = [column for column in WIDTHS if column < SCRIPT or column in self.model().facts]
        widths = {column: round(width * _growth(column)) for column, width in WIDTHS.items()}
        room = self.viewport().width()
        for column in LEAVE:
            if sum(widths[c] for c in shown) > room and column in shown:
                shown.remove(column)
        free = max(0, room - sum(widths[c] for c in shown))
        for column, width in widths.items():
            self.setColumnHidden(column, column not in shown)
            extra = {TOKEN: 0.6 if BYTES in shown else 1.0, BYTES: 0.4}.get(column, 0.0)
            self.setColumnWidth(column, width + int(free * extra))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.show_known()
