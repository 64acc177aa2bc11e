"""What a run said, newest first."""

from PySide6.QtCore import QAbstractListModel, QModelIndex, QSize, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyle, QStyledItemDelegate, QVBoxLayout

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
from tokstudio.ui.widgets.basic import label, row, tool
from tokstudio.ui.words import clock, size

ROW = 20
ROLES = {"warn": "warning", "error": "danger", "fail": "danger", "eval": "accent", "info": "text2"}


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


class _Model(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, str]] = []

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self.lines)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole):
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return "  ".join(self.lines[index.row()])
        return self.lines[index.row()][2] if role == Qt.ToolTipRole else None

    def set_lines(self, lines: list[tuple[str, str, str]]) -> None:
        fresh = len(lines) - len(self.lines)
        if fresh > 0 and lines[fresh:] == self.lines:  # keeps the selection and the place of the scroll bar
            self.beginInsertRows(QModelIndex(), 0, fresh - 1)
            self.lines = lines
            self.endInsertRows()
        elif lines != self.lines:
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()


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
            box = box.adjusted(max(width, metrics.horizontalAdvance("0" * (width // 7))), 0, 0, 0)
        painter.setPen(theme.color("text2"))
        painter.drawText(box, Qt.AlignVCenter, metrics.elidedText(message, Qt.ElideRight, box.width()))


class LogCard(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self._model = _Model()
        self.view = QListView()
        self.view.setModel(self._model)
        self.view.setItemDelegate(_Painter(self.view))
        self.view.setFrameShape(QFrame.NoFrame)
        self.view.setUniformItemSizes(True)
        self.view.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.view.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.view.setAccessibleName("Log")
        self.view.viewport().setAutoFillBackground(False)
        copy = tool("copy", "Copy log", 24)
        copy.clicked.connect(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 8)
        layout.setSpacing(2)
        layout.addWidget(row(label("Log", "h2"), None, copy))
        layout.addWidget(self.view, 1)

    def refresh(self, state: RunState) -> None:
        self._model.set_lines([line(event) for event in reversed(state.history)])

    def text(self) -> str:
        """Oldest first, as a file would have it."""
        return "\n".join("  ".join(entry) for entry in reversed(self._model.lines))

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
