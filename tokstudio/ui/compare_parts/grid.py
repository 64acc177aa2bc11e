"""A table of figures: hairlines, numbers at the right with a note beside them, cells that can be chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyle, QStyledItemDelegate, QTableView

from tokstudio.ui import theme

ROW, HEAD = 28, 32


@dataclass(frozen=True, slots=True)
class Cell:
    """`note` stands behind the text, muted; `told` is what a screen reader says and the tooltip shows."""

    text: str
    note: str = ""
    role: str = "text2"
    told: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False
    mono: bool = False
    width: int = 0  # 0: takes what is left
    tip: str = ""


class GridModel(QAbstractTableModel):
    def __init__(self):
        super().__init__()
        self.columns: list[Column] = []
        self.rows: list[list[Cell]] = []

    def set(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """The same columns and as many rows: the cells alone are new, and what is selected stays."""
        same = list(columns) == self.columns and len(rows) == len(self.rows)
        if not same:
            self.beginResetModel()
        self.columns, self.rows = list(columns), [list(row) for row in rows]
        if not same:
            self.endResetModel()
        elif self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(self.columns) - 1))

    def rowCount(self, parent=QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent=QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole):
        cell = self.rows[index.row()][index.column()]
        if role == Qt.DisplayRole:
            return cell.text
        if role in (Qt.ToolTipRole, Qt.AccessibleTextRole):
            return cell.told or f"{self.columns[index.column()].title}: {cell.text} {cell.note}".strip()
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole):
        if orientation != Qt.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.DisplayRole:
            return column.title
        if role == Qt.ToolTipRole:
            return column.tip or None
        if role == Qt.TextAlignmentRole:
            return int((Qt.AlignRight if column.right else Qt.AlignLeft) | Qt.AlignVCenter)
        return None


class _Delegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option, index) -> None:
        model: GridModel = index.model()
        cell, column = model.rows[index.row()][index.column()], model.columns[index.column()]
        box, chosen = QRectF(option.rect), bool(option.state & QStyle.State_Selected)
        painter.save()
        if chosen:
            painter.fillRect(box, theme.color("accent_soft"))
        elif option.state & QStyle.State_MouseOver:
            painter.fillRect(box, theme.color("raised"))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), theme.color("border"))
        self._words(painter, box.adjusted(8, 0, -8, -1), cell, column, chosen)
        if option.state & QStyle.State_HasFocus and self.parent().hasFocus():
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRect(box.adjusted(1, 1, -1, -2))
        painter.restore()

    def _words(self, painter: QPainter, box: QRectF, cell: Cell, column: Column, chosen: bool) -> None:
        font = theme.font("monos" if column.mono else "small")
        small = theme.font("caption")
        noted = QFontMetrics(small).horizontalAdvance(cell.note) + 8 if cell.note else 0
        if noted and noted + QFontMetrics(font).horizontalAdvance(cell.text) > box.width() + 4:
            noted = 0  # the figure comes first
        painter.setFont(font)
        painter.setPen(theme.color(cell.role))
        side = Qt.AlignRight if column.right else Qt.AlignLeft
        room = box.adjusted(0, 0, -noted, 0) if column.right else box
        text = QFontMetrics(font).elidedText(cell.text, Qt.ElideRight, int(room.width()))
        painter.drawText(room, int(side | Qt.AlignVCenter), text)
        if noted:
            painter.setFont(small)
            painter.setPen(theme.color("muted"))
            at = (
                box if column.right else box.adjusted(QFontMetrics(font).horizontalAdvance(text) + 8, 0, 0, 0)
            )
            painter.drawText(at, int(side | Qt.AlignVCenter), cell.note)


class Grid(QTableView):
    """Rows of one height. `chosen` tells row and column of a click, or of the arrow keys and Enter."""

    chosen = Signal(int, int)

    def __init__(self, name: str, by_cell: bool = False):
        super().__init__()
        self.grid = GridModel()
        self.setModel(self.grid)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectItems if by_cell else QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setAccessibleName(f"Columns of {name}")
        header.setMinimumSectionSize(40)
        self._scale = theme.scale()
        self._restyle()
        theme.changed.connect(self._restyle)
        self.clicked.connect(lambda index: self.chosen.emit(index.row(), index.column()))
        self.activated.connect(lambda index: self.chosen.emit(index.row(), index.column()))

    def _restyle(self) -> None:
        self.verticalHeader().setDefaultSectionSize(max(ROW, theme.px(13) + 15))
        self.horizontalHeader().setFont(theme.font("caption"))
        self.horizontalHeader().setFixedHeight(max(HEAD, theme.px(11) + 18))
        if theme.scale() != self._scale:  # else columns keep the widths that a person gave them
            self._widths()
        self.viewport().update()

    def set(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        again = list(columns) != self.grid.columns
        self.grid.set(columns, rows)
        if again:
            self._widths()

    def _widths(self) -> None:
        header, self._scale = self.horizontalHeader(), theme.scale()
        for at, column in enumerate(self.grid.columns):
            header.setSectionResizeMode(at, QHeaderView.Interactive if column.width else QHeaderView.Stretch)
            if column.width:
                self.setColumnWidth(at, round(column.width * max(1.0, theme.scale())))

    def keyPressEvent(self, event) -> None:
        """Arrow keys choose, as a click does."""
        before = self.currentIndex()
        super().keyPressEvent(event)
        if (now := self.currentIndex()) != before and now.isValid():
            self.chosen.emit(now.row(), now.column())

    def sizeHint(self) -> QSize:
        return QSize(300, self.horizontalHeader().height() + self.verticalHeader().defaultSectionSize() * 4)
