"""A field with a list under it: type to narrow, arrows to move, Enter to take. For palette and pickers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QStyle, QStyledItemDelegate, QVBoxLayout, QWidget

from tokstudio.ui import icons, theme

ROW = 32


@dataclass(frozen=True)
class Choice:
    text: str
    note: str = ""
    icon: str = ""
    act: Callable[[], object] | None = None


class ChoiceModel(QAbstractListModel):
    def __init__(self, parent=None):
        super().__init__(parent)
        self.rows: list[Choice] = []

    def set_rows(self, rows: list[Choice]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole):
        choice = self.rows[index.row()]
        if role == Qt.DisplayRole:
            return choice.text
        if role == Qt.AccessibleTextRole:
            return f"{choice.text}, {choice.note}" if choice.note else choice.text
        return choice if role == Qt.UserRole else None


class ChoiceDelegate(QStyledItemDelegate):
    """Icon, words, and a muted note at the right."""

    def sizeHint(self, _option, _index) -> QSize:
        return QSize(100, max(ROW, theme.px(ROW)))

    def paint(self, painter: QPainter, option, index) -> None:
        choice: Choice = index.data(Qt.UserRole)
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        chosen = bool(option.state & QStyle.State_Selected)
        if chosen or option.state & QStyle.State_MouseOver:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "raised"))
            painter.drawRoundedRect(option.rect.adjusted(4, 1, -4, -1), 6, 6)
        box = QRect(option.rect).adjusted(14, 0, -14, 0)
        if choice.icon:
            role = "accent" if chosen else "muted"
            icons.draw(painter, choice.icon, role, box.left(), box.center().y() - 7)
            box.setLeft(box.left() + 26)
        note = QFontMetrics(theme.font("small"))
        width = min(note.horizontalAdvance(choice.note), box.width() // 2)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("muted"))
        elided = note.elidedText(choice.note, Qt.ElideRight, width + 4)
        painter.drawText(box, Qt.AlignVCenter | Qt.AlignRight, elided)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.color("text"))
        words = QFontMetrics(theme.font("body")).elidedText(
            choice.text, Qt.ElideRight, box.width() - width - 16
        )
        painter.drawText(box, Qt.AlignVCenter, words)
        painter.restore()


class ChoiceList(QFrame):
    """A floating panel. Subclasses may offer something for words that match nothing (`otherwise`)."""

    # of the class, as Qt still calls `eventFilter` while the garbage collector has emptied this object
    field: QLineEdit | None = None

    def __init__(self, parent: QWidget, name: str, placeholder: str):
        super().__init__(parent)
        self.setProperty("frame", "float")
        self.setAccessibleName(name)
        self.field = QLineEdit()
        self.field.setPlaceholderText(placeholder)
        self.field.setAccessibleName(name)
        theme.set_font(self.field, "body")
        self.model = ChoiceModel(self)
        self.list = QListView()
        self.list.setProperty("bare", "1")
        self.list.setAccessibleName(f"{name}: results")
        self.list.setModel(self.model)
        self.list.setItemDelegate(ChoiceDelegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.NoFrame)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.NoFocus)
        self._choices: list[Choice] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 8, 8, 8)
        self._layout.setSpacing(6)
        self._layout.addWidget(self.field)
        self._layout.addWidget(self.list, 1)
        self.field.textChanged.connect(self._narrow)
        self.field.installEventFilter(self)
        self.list.clicked.connect(lambda index: self._take(index.row()))
        self.hide()

    def set_choices(self, choices: Sequence[Choice]) -> None:
        self._choices = list(choices)
        self._narrow(self.field.text())

    def _narrow(self, text: str) -> None:
        words = text.lower().split()
        kept = [c for c in self._choices if all(w in f"{c.text} {c.note}".lower() for w in words)]
        kept = kept or [self.otherwise(text.strip())]
        self.model.set_rows(kept)
        if kept:
            self.list.setCurrentIndex(self.model.index(0))

    def open(self) -> None:
        self.field.clear()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.PopupFocusReason)

    def otherwise(self, text: str) -> Choice:
        """The one line for words that match no choice."""
        return Choice(f"Nothing is called {text!r}")

    def _take(self, row: int) -> None:
        if 0 <= row < len(self.model.rows):
            act = self.model.rows[row].act
            self.hide()
            if act is not None:
                act()

    def _left(self, reason: Qt.FocusReason) -> None:
        """A click elsewhere closes the panel; another window in front does not."""
        if reason not in (Qt.PopupFocusReason, Qt.ActiveWindowFocusReason):
            self.hide()

    def eventFilter(self, watched, event) -> bool:
        if watched is self.field and event.type() == QEvent.FocusOut:
            self._left(event.reason())
        if watched is not self.field or event.type() != QEvent.KeyPress:
            return False
        if event.key() == Qt.Key_Escape:
            self.hide()
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self._take(self.list.currentIndex().row() if self.model.rows else -1)
        elif event.key() in (Qt.Key_Down, Qt.Key_Up) and self.model.rows:
            step = 1 if event.key() == Qt.Key_Down else -1
            row = (self.list.currentIndex().row() + step) % len(self.model.rows)
            self.list.setCurrentIndex(self.model.index(row))
        else:
            return False
        return True
