"""The list of nearest neighbors: place, token, bar, score."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate

from tokstudio.ui import icons, theme
from tokstudio.ui.embeddings_words import plain, shown

ROW = 27
BAR = 96


@dataclass(frozen=True)
class Neighbor:
    id: int
    token: str
    score: float
    share: float  # 0 to 1, the length of its bar


class NeighborModel(QAbstractListModel):
    def __init__(self):
        super().__init__()
        self.rows: list[Neighbor] = []
        self.words: Callable[[float], str] = plain
        self.common: set[int] = set()  # places whose word the other model's list has too

    def set_common(self, places: set[int]) -> None:
        if places != self.common:
            self.common = places
            if self.rows:
                self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def set_rows(self, rows: list[Neighbor]) -> None:
        self.beginResetModel()
        self.rows, self.common = rows, set()
        self.endResetModel()

    def rowCount(self, parent=QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index, role=Qt.DisplayRole):
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if role == Qt.DisplayRole:
            return row.token
        if role == Qt.UserRole:
            return row
        if role == Qt.AccessibleTextRole:
            both = ", in both lists" if index.row() in self.common else ""
            return f"{index.row() + 1}, {row.token}, {self.words(row.score)}{both}"
        if role == Qt.ToolTipRole:
            return f"#{row.id:,}"
        return None


class _Delegate(QStyledItemDelegate):
    def __init__(self, parent, series: int):
        super().__init__(parent)
        self._series, self.slim, self.words = series, False, plain

    def sizeHint(self, _option, _index) -> QSize:
        return QSize(160, max(ROW, theme.px(13) + 12))

    def paint(self, painter: QPainter, option, index) -> None:
        row: Neighbor = index.data(Qt.UserRole)
        box, selected = QRectF(option.rect), bool(option.state & QStyle.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        if selected:
            painter.fillRect(box, theme.color("accent_soft"))
            painter.fillRect(QRectF(box.left(), box.top(), 3, box.height()), theme.color("accent_fill"))
        elif option.state & QStyle.State_MouseOver:
            painter.fillRect(box, theme.color("raised"))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("muted"))
        painter.drawText(box.adjusted(8, 0, 0, 0), Qt.AlignVCenter, str(index.row() + 1))
        words = self.words(row.score)
        painter.setFont(theme.font("small"))
        wide = max(62, 16 + painter.fontMetrics().horizontalAdvance(words))
        score = QRectF(box.right() - wide, box.top(), wide - 8, box.height())
        painter.drawText(score, Qt.AlignVCenter | Qt.AlignRight, words)
        long, lead = (24, 44) if self.slim else (BAR, 36)
        if self.slim:
            score.setLeft(box.right() - max(44, 16 + painter.fontMetrics().horizontalAdvance(words)))
        self._paint_bar(painter, QRectF(score.left() - long + 4, box.center().y() - 2, long, 4), row.share)
        if index.row() in index.model().common:
            icons.draw(painter, "link", "accent", box.left() + 28, box.center().y() - 6, 12)
        name = QRectF(box.left() + lead, box.top(), score.left() - long - 6 - box.left() - lead, box.height())
        painter.setFont(theme.font("mono"))
        painter.setPen(theme.color("text"))
        words = painter.fontMetrics().elidedText(shown(row.token), Qt.ElideRight, int(name.width()))
        painter.drawText(name, Qt.AlignVCenter, words)
        painter.restore()

    def _paint_bar(self, painter: QPainter, box: QRectF, share: float) -> None:
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(box, 2, 2)
        painter.setBrush(theme.color(theme.table()["series"][self._series]))
        painter.drawRoundedRect(QRectF(box.left(), box.top(), box.width() * share, box.height()), 2, 2)


class NeighborList(QListView):
    """Activate a row (double click, Enter) to ask for its own neighbors."""

    def __init__(self, series: int = 0):
        super().__init__()
        self.setModel(NeighborModel())
        self._delegate = _Delegate(self, series)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.NoFrame)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Nearest neighbors")
        theme.changed.connect(self.viewport().update)

    def set_rows(self, rows: list[Neighbor]) -> None:
        self.model().set_rows(rows)

    def set_words(self, words: Callable[[float], str]) -> None:
        """How a score is written."""
        self._delegate.words = self.model().words = words
        self.viewport().update()

    def set_slim(self, slim: bool) -> None:
        """Short bars: two lists share the width of one."""
        self._delegate.slim = slim
        self.viewport().update()

    def sizeHint(self) -> QSize:
        return QSize(300, 6 * ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 4 * ROW)
