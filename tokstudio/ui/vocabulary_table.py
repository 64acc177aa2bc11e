"""The table of all tokens."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyle, QStyledItemDelegate, QTableView

from tokstudio.ui import theme
from tokstudio.ui.models.vocabulary import BYTES, ID, KIND, LENGTH, TOKEN, VocabularyModel
from tokstudio.ui.vocabulary_chip import draw_chip

ROW = 28
WIDTHS = {ID: 84, TOKEN: 220, BYTES: 190, LENGTH: 52, KIND: 120}


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
            self._paint_words(painter, inner, model.cell(token, column), column)
        painter.restore()

    @staticmethod
    def _paint_words(painter: QPainter, box: QRectF, words: str, column: int) -> None:
        painter.setFont(theme.font("monos" if column == BYTES else "small"))
        painter.setPen(theme.color("muted" if column in (ID, BYTES) else "text2"))
        words = painter.fontMetrics().elidedText(words, Qt.ElideRight, int(box.width()))
        side = Qt.AlignRight if column in (ID, LENGTH) else Qt.AlignLeft
        painter.drawText(box, side | Qt.AlignVCenter, words)


class VocabularyTable(QTableView):
    """Rows of one height and no automatic column widths: both would look at every row."""

    token_chosen = Signal(int)

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
        self.setSelectionMode(QAbstractItemView.SingleSelection)
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
        header.setStretchLastSection(True)
        self._restyle()
        theme.changed.connect(self._restyle)
        self.selectionModel().currentRowChanged.connect(self._current)

    def _restyle(self) -> None:
        self.verticalHeader().setDefaultSectionSize(max(ROW, theme.px(13) + 15))
        self.horizontalHeader().setFont(theme.font("caption"))
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

    def choose(self, token: int | None) -> None:
        """Select `token` where it is shown; else the first row."""
        if not self.model().rowCount():
            return
        row = self.model().row_of(token) if token is not None else None
        self.setCurrentIndex(self.model().index(row or 0, ID))
        self.scrollTo(self.currentIndex())

    def resizeEvent(self, event) -> None:
        """Columns leave in this order as it gets narrow: bytes, type."""
        super().resizeEvent(event)
        self.setColumnHidden(BYTES, self.width() < 560)
        self.setColumnHidden(KIND, self.width() < 400)
