"""What a run said, oldest first; the view follows the end until somebody scrolls up."""

from PySide6.QtCore import QAbstractListModel, QModelIndex, QSize, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeySequence, QPainter, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QVBoxLayout,
)

from tokstudio.events import (
    Changed,
    Checkpointed,
    Continued,
    Failed,
    Finished,
    Log,
    Parked,
    Paused,
    Phase,
    RunEvent,
    Started,
    Stopped,
)
from tokstudio.runs.state import RunState
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import combo, label, row, tool
from tokstudio.ui.words import clock, size

ROW = 20
ROLES = {"warn": "warning", "error": "danger", "fail": "danger", "eval": "accent", "info": "text2"}
TROUBLE, WARNINGS = ("error", "fail"), ("warn", "error", "fail")
LEVELS = {  # words of the choice -> levels that are shown, None: all
    "All": None,
    "Steps": ("start", "phase", "save", "set", "pause", "park", "stop", "done", "fail"),
    "Messages": ("info", *WARNINGS),
    "Warnings": WARNINGS,
    "Errors": TROUBLE,
}
NOTHING = "Nothing of this kind was said."


def line(event: RunEvent) -> tuple[str, str, str]:
    """(time, level, message); levels are at most five letters."""
    level, message = _said(event)
    return clock(event.at, seconds=True), level, message


def _said(event: RunEvent) -> tuple[str, str]:
    match event:
        case Log():
            return event.level, event.message
        case Phase():
            return "phase", event.name
        case Checkpointed():
            return "save", f"checkpoint at step {event.step:,}, {size(event.bytes)}"
        case Started() if event.step:
            return "start", f"continues at step {event.step:,} of {event.total_steps:,} on {event.device}"
        case Started():
            return "start", f"{event.total_steps:,} steps on {event.device}"
        case Stopped():
            return "stop", f"stopped, checkpoint at step {event.step:,}" if event.step else "stopped"
        case Parked():
            return "park", f"parked, checkpoint at step {event.step:,}" if event.step else "parked"
        case Paused():
            return "pause", f"waits after step {event.step:,}"
        case Continued():
            return "start", f"goes on after step {event.step:,}"
        case Changed():
            what = event.name.replace("_", " ")
            return "set", f"{what} {event.before:g} becomes {event.after:g} after step {event.step:,}"
        case Failed():
            return "fail", event.message
        case Finished():
            return "done", "finished"
    return "info", event.kind


class LogModel(QAbstractListModel):
    """All lines, and which of them are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[str, str, str]] = []
        self.lines: list[tuple[str, str, str]] = []
        self._levels: tuple[str, ...] | None = None
        self._words: list[str] = []

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self.lines)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole):
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return "  ".join(self.lines[index.row()])
        return self.lines[index.row()][2] if role == Qt.ToolTipRole else None

    def set_lines(self, lines: list[tuple[str, str, str]]) -> None:
        """What is only new is appended, which keeps the selection and the place of the scroll bar."""
        if len(lines) == len(self.all) and lines == self.all:
            return
        grown = len(lines) > len(self.all) and lines[: len(self.all)] == self.all
        fresh = lines[len(self.all) :] if grown else []
        self.all = lines
        if not grown:
            self._show()
        elif kept := [entry for entry in fresh if self._wanted(entry)]:
            self.beginInsertRows(QModelIndex(), len(self.lines), len(self.lines) + len(kept) - 1)
            self.lines += kept
            self.endInsertRows()

    def filter(self, levels: tuple[str, ...] | None, query: str) -> None:
        """`levels` None: all; `query`: words that a line must hold, in any case and order."""
        self._levels, self._words = levels, query.lower().split()
        self._show()

    def _show(self) -> None:
        self.beginResetModel()
        self.lines = [entry for entry in self.all if self._wanted(entry)]
        self.endResetModel()

    def _wanted(self, entry: tuple[str, str, str]) -> bool:
        if self._levels is not None and entry[1] not in self._levels:
            return False
        text = "  ".join(entry).lower()
        return all(word in text for word in self._words)


class _Painter(QStyledItemDelegate):
    """Reads the theme while it paints."""

    def sizeHint(self, option, index) -> QSize:
        return QSize(100, max(ROW, theme.px(ROW)))

    def paint(self, painter: QPainter, option, index) -> None:
        at, level, message = index.model().lines[index.row()]
        if option.state & QStyle.State_Selected:
            painter.fillRect(option.rect, theme.color("accent_soft"))
        painter.setFont(theme.font("monos"))
        metrics = QFontMetrics(painter.font())
        box = option.rect
        for text, role, width in ((at, "muted", 60), (level[:5], ROLES.get(level, "text2"), 40)):
            painter.setPen(theme.color(role))
            painter.drawText(box, Qt.AlignVCenter, text)
            box = box.adjusted(max(width, metrics.horizontalAdvance("0" * (width // 7)) + 7), 0, 0, 0)
        painter.setPen(theme.color("danger" if level in TROUBLE else "text2"))
        painter.drawText(box, Qt.AlignVCenter, metrics.elidedText(message, Qt.ElideRight, box.width()))


class LogView(QListView):
    """Follows the end: while its last row is in sight, what comes is scrolled to."""

    def __init__(self, model: LogModel):
        super().__init__()
        self.follows = True
        self.setModel(model)
        self.setItemDelegate(_Painter(self))
        self.setFrameShape(QFrame.NoFrame)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Log")
        self.viewport().setAutoFillBackground(False)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(lambda *_: self.to_end() if self.follows else None)

    def _scrolled(self, value: int) -> None:
        self.follows = value >= self.verticalScrollBar().maximum()

    def to_end(self) -> None:
        self.follows = True
        self.scrollToBottom()


class LogCard(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self._model = LogModel()
        self._seen: tuple[int, int] | None = None
        self.view = LogView(self._model)
        self.level = combo(tuple(LEVELS), "Lines of which kind")
        self.level.setFixedWidth(theme.px(104))
        self.level.activated.connect(lambda _: self._filter())
        self.find = QLineEdit()
        self.find.setPlaceholderText("Find")
        self.find.setAccessibleName("Find in the log")
        self.find.setClearButtonEnabled(True)
        self.find.textChanged.connect(lambda _: self._filter())
        self.end = tool("chevron-down", "To the newest line", 24)
        self.end.clicked.connect(self.view.to_end)
        self.view.verticalScrollBar().valueChanged.connect(lambda _: self._tell_end())
        self.view.verticalScrollBar().rangeChanged.connect(lambda *_: self._tell_end())
        copy = tool("copy", "Copy the lines that are shown", 24)
        copy.clicked.connect(self.copy)
        self._none = label(NOTHING, "small", "muted")
        self._none.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 6, 10, 8)
        layout.setSpacing(4)
        layout.addWidget(row(label("Log", "h2"), self.level, (self.find, 1), self.end, copy, spacing=6))
        layout.addWidget(self._none)
        layout.addWidget(self.view, 1)
        for keys, slot in (("Ctrl+F", self.search), ("Ctrl+C", self.copy)):
            QShortcut(QKeySequence(keys), self, slot, context=Qt.WidgetWithChildrenShortcut)
        QShortcut(QKeySequence("Escape"), self.find, self.find.clear, context=Qt.WidgetShortcut)

    def search(self) -> None:
        self.find.setFocus(Qt.ShortcutFocusReason)
        self.find.selectAll()

    def refresh(self, state: RunState) -> None:
        """Cheap where nothing is new: called ten times a second."""
        if self._seen == (now := (id(state), state.events)):
            return
        self._seen = now
        self._model.set_lines([line(event) for event in state.history])
        self._tell_none()

    def _filter(self) -> None:
        self._model.filter(LEVELS[self.level.currentText()], self.find.text())
        self.view.to_end()
        self._tell_none()

    def _tell_none(self) -> None:
        self._none.setVisible(bool(self._model.all) and not self._model.lines)

    def _tell_end(self) -> None:
        self.end.setEnabled(not self.view.follows)

    def text(self) -> str:
        """The lines that are shown; of those, the selected ones where there are several."""
        chosen = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        rows = chosen if len(chosen) > 1 else range(len(self._model.lines))
        return "\n".join("  ".join(self._model.lines[place]) for place in rows)

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
