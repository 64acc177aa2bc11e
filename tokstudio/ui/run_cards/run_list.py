"""All runs: what goes on now, and what was earlier."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tokstudio.runs.store import NOW, RunInfo
from tokstudio.ui import theme
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import eliding, hline, label, row, tool
from tokstudio.ui.widgets.pill import Pill
from tokstudio.ui.words import counted, size

WIDTH = 264


def summary(info: RunInfo) -> str:
    """One line under a run's name."""
    match info.state:
        case "queued":
            return "not started yet"
        case "preparing":
            return info.phase or "preparing"
        case "finished" if info.bits_per_byte is not None:
            return f"{info.bits_per_byte:.3f} bits per byte"
        case "finished":
            return counted(info.total_steps, "step")
        case "failed":
            return info.message or "ended by an error"
        case "parked" if info.checkpoint is not None:
            return f"parked at step {info.checkpoint:,}"
        case "stopped" | "lost" if info.checkpoint is not None:
            return f"checkpoint at step {info.checkpoint:,} kept"
        case "stopped" | "lost" | "parked":
            return "no checkpoint"
    return f"step {info.step:,} of {info.total_steps:,}"


class RunRow(QWidget):
    picked = Signal(str)
    moved = Signal(str, int)  # a run of the queue: by so many places
    menu_asked = Signal(str, QPoint)  # where on the screen

    def __init__(self, info: RunInfo, waits: bool = False):
        """`waits`: in the queue, where it can be dragged, or moved with Alt and the arrows."""
        super().__init__()
        self._waits = waits
        self._pressed: QPoint | None = None
        self._on = self._hover = False
        self.name = info.name
        self.pill = Pill(info.state)
        self._line = eliding("", "small", "muted")
        self._bar = ProgressBar(0.0, 4, f"Progress of {info.name}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 10, 9)
        layout.setSpacing(4)
        layout.addWidget(row((eliding(info.name, "strong", mode=Qt.ElideMiddle), 1), self.pill, spacing=6))
        layout.addWidget(self._line)
        layout.addWidget(self._bar)
        self.setFocusPolicy(Qt.TabFocus)
        self.update_info(info)

    def update_info(self, info: RunInfo, state: str | None = None) -> None:
        state = "queued" if self._waits else state or info.state
        self.pill.set_state(state)
        self._line.setText(summary(info))
        self._bar.setVisible(state in ("running", "pausing", "paused", "stopping") and info.total_steps > 0)
        self._bar.set(info.step / info.total_steps if info.total_steps else 0.0)
        self.setAccessibleName(f"{info.name}, {state}, {summary(info)}")

    def set_on(self, on: bool) -> None:
        self._on = on
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.LeftButton:
            self._pressed = event.position().toPoint()
            self.picked.emit(self.name)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_asked.emit(self.name, event.globalPos())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._waits and self._pressed is not None:
            self.setCursor(Qt.ClosedHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A row of the queue goes where it is let go."""
        pressed, self._pressed = self._pressed, None
        self.unsetCursor()
        if self._waits and pressed is not None:
            places = round((event.position().y() - pressed.y()) / max(1, self.height()))
            if places:
                self.moved.emit(self.name, places)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space):
            self.picked.emit(self.name)
        elif self._waits and event.modifiers() & Qt.AltModifier and event.key() in (Qt.Key_Up, Qt.Key_Down):
            self.moved.emit(self.name, 1 if event.key() == Qt.Key_Down else -1)
        elif event.key() in (Qt.Key_Up, Qt.Key_Down):
            self.focusNextPrevChild(event.key() == Qt.Key_Down)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event) -> None:
        self._hover = False
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        if self._on:
            painter.fillRect(self.rect(), theme.color("accent_soft"))
            painter.fillRect(QRectF(0, 0, 3, self.height()), theme.color("accent_fill"))
        elif self._hover:
            painter.fillRect(self.rect(), theme.color("raised"))
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))


class RunList(QFrame):
    """`set_runs` may be called often: rows stay as long as the same runs are in the same groups."""

    picked = Signal(str)
    moved = Signal(str, int)
    menu_asked = Signal(str, QPoint)
    held = Signal(bool)
    wanted_new = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setFixedWidth(WIDTH)
        self.rows: dict[str, RunRow] = {}
        self._order: list[tuple[str, ...]] = []
        self._selected = ""
        new = tool("plus", "New run")
        new.clicked.connect(self.wanted_new)
        self._foot = label("", "caption", "muted")
        self._inside = QWidget()
        self._rows_layout = QVBoxLayout(self._inside)
        self._rows_layout.setContentsMargins(0, 0, 0, 0)
        self._rows_layout.setSpacing(0)
        self._rows_layout.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        head = row(label("Runs", "h2"), None, new, margins=(12, 0, 6, 0))
        head.setFixedHeight(40)
        layout.addWidget(head)
        layout.addWidget(hline())
        layout.addWidget(_scroll(self._inside), 1)
        layout.addWidget(hline())
        layout.addWidget(row(self._foot, None, margins=(12, 6, 12, 6)))

    def set_runs(
        self, infos: list[RunInfo], states: dict[str, str], waiting: Sequence[str] = (), held: bool = False
    ) -> None:
        """`states`: words that this window knows better than the files do. `waiting`: the queue in its order."""
        known = {info.name: info for info in infos}
        queue = [known[name] for name in waiting if name in known]
        rest = [info for info in infos if info.name not in waiting]
        now = [info for info in rest if states.get(info.name, info.state) in NOW]
        earlier = [info for info in rest if info not in now]
        groups = (("Now", now), ("Queue, held" if held else "Queue", queue), ("Earlier", earlier))
        order = [(title, *(info.name for info in group)) for title, group in groups]
        if order != self._order:
            self._order = order
            self._rebuild(groups)
        for info in infos:
            self.rows[info.name].update_info(info, states.get(info.name))

    def set_disk_use(self, runs: int, used: int) -> None:
        self._foot.setText(f"{counted(runs, 'run')}, {size(used)}")

    def select(self, name: str) -> None:
        self._selected = name
        for key, line in self.rows.items():
            line.set_on(key == name)

    def _rebuild(self, groups) -> None:
        had_focus = next((name for name, line in self.rows.items() if line.hasFocus()), None)
        while self._rows_layout.count() > 1:
            widget = self._rows_layout.takeAt(0).widget()
            widget.hide()
            widget.deleteLater()
        self.rows.clear()
        for title, infos in groups:
            if infos:
                self._add(
                    row(label(title, "caption", "muted"), None, *self._tools(title), margins=(12, 8, 6, 4))
                )
            for info in infos:
                self.rows[info.name] = line = RunRow(info, waits=title.startswith("Queue"))
                line.picked.connect(self.picked)
                line.moved.connect(self.moved)
                line.menu_asked.connect(self.menu_asked)
                self._add(line)
        self.select(self._selected)
        if had_focus in self.rows:
            self.rows[had_focus].setFocus()

    def _tools(self, title: str) -> list[QWidget]:
        """The queue can be held."""
        if not title.startswith("Queue"):
            return []
        held = title != "Queue"
        switch = tool("play" if held else "pause", "Let the queue go on" if held else "Hold the queue", 24)
        switch.clicked.connect(lambda: self.held.emit(not held))
        return [switch]

    def _add(self, widget: QWidget) -> None:
        self._rows_layout.insertWidget(self._rows_layout.count() - 1, widget)


def _scroll(inside: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setFrameShape(QFrame.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.NoFocus)
    area.setWidget(inside)
    for part in (area.viewport(), inside):
        part.setAutoFillBackground(False)
    return area
