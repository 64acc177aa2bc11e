"""All runs as a table: ranked, searched, laid over each other, their settings compared."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLineEdit,
    QMenu,
    QSplitter,
    QTableView,
    QVBoxLayout,
)

from tokstudio.runs import notes
from tokstudio.runs.clock import told
from tokstudio.runs.configs import difference
from tokstudio.runs.files import read_json
from tokstudio.runs.report import read
from tokstudio.runs.state import RunState
from tokstudio.runs.store import RunInfo, folder_size
from tokstudio.transfer.gap import Gap, gap_of
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.chart_data import number
from tokstudio.ui.charts import Legend, LineChart
from tokstudio.ui.widgets.ask import Ask
from tokstudio.ui.widgets.basic import button, combo, label, row
from tokstudio.ui.words import counted, duration, size

MOST = 20  # runs laid over each other
WIDTHS = (210, 92, 150, 130, 96, 90, 70, 86, 76, 80, 90)  # of all columns but the last, which takes the rest
DASH = "\N{EN DASH}"
LIVE = "One of them is still going: stop it first"
METRICS = {
    "bits_per_byte": "Bits per byte",
    "loss": "Training loss",
    "gradient_norm": "Gradient norm",
    "learning_rate": "Learning rate",
    "tokens_per_second": "Tokens per second",
}


@dataclass(frozen=True)
class Line:
    info: RunInfo
    tags: tuple[str, ...]
    note: str
    gap: Gap | None
    disk: int  # bytes
    times: tuple[float, float] | None  # as `RunInfo.times`

    def text(self) -> str:
        return " ".join((self.info.name, self.info.state, self.info.title, *self.tags, self.note)).lower()


def lines(infos: list[RunInfo]) -> list[Line]:
    """Reads two small files of each run, how large the others are, and of old runs the events; for a thread."""
    made = []
    for info in infos:
        written, gap = notes.read(info.folder), gap_of(read_json(info.folder / "report.json"))
        disk = _disk(info.folder, info.state, info.checkpoint)
        made.append(Line(info, written.tags, written.note, gap, disk, info.times()))
    return made


def _times(line: Line) -> str:
    return DASH if line.times is None else duration(line.times[0])


@lru_cache(maxsize=4096)
def _disk(folder: Path, _state: str, _checkpoint: int | None) -> int:
    """Looked at again where the state or the checkpoint is another."""
    return folder_size(folder)


def _date(line: Line) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(line.info.created))


def _steps(line: Line) -> str:
    return f"{line.info.step:,} of {line.info.total_steps:,}" if line.info.total_steps else DASH


def _metric(name: str) -> tuple[Callable[[Line], str], Callable[[Line], Any]]:
    """How the newest value of a metric is written, and what is sorted by."""
    value = lambda line: line.info.latest.get(name)  # noqa: E731
    return (lambda line: DASH if value(line) is None else number(value(line))), value


COLUMNS: tuple[tuple[str, Callable[[Line], str], Callable[[Line], Any]], ...] = (
    ("Run", lambda line: line.info.name, lambda line: line.info.name),
    ("State", lambda line: line.info.state, lambda line: line.info.state),
    ("Created", _date, lambda line: line.info.created),
    ("Steps", _steps, lambda line: line.info.step),
    (
        "Bits per byte",
        lambda line: DASH if line.info.bits_per_byte is None else f"{line.info.bits_per_byte:.4f}",
        lambda line: line.info.bits_per_byte,
    ),
    (
        "Gap closed",
        lambda line: line.gap.value if line.gap else DASH,
        lambda line: line.gap.share if line.gap else None,
    ),
    ("Loss", *_metric("loss")),
    ("Tokens / s", *_metric("tokens_per_second")),
    ("Worked", _times, lambda line: line.times and line.times[0]),
    ("Disk", lambda line: size(line.disk), lambda line: line.disk),
    ("Tags", lambda line: ", ".join(line.tags), lambda line: ", ".join(line.tags)),
    ("Note", lambda line: line.note, lambda line: line.note),
)


class RunTable(QAbstractTableModel):
    """Sorts and filters by its own order; what has no value is always last."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Line] = []
        self.shown: list[Line] = []
        self._query, self._column, self._down = "", 2, True

    def set_lines(self, found: list[Line]) -> None:
        if found != self.all:
            self.all = found
            self._arrange()

    def search(self, query: str) -> None:
        self._query = query.lower()
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.AscendingOrder) -> None:
        self._column, self._down = column, order == Qt.DescendingOrder
        self._arrange()

    def _arrange(self) -> None:
        words, key = self._query.split(), COLUMNS[self._column][2]
        found = [line for line in self.all if all(word in line.text() for word in words)]
        known = sorted((line for line in found if key(line) is not None), key=key, reverse=self._down)
        self.layoutAboutToBeChanged.emit()
        self.shown = known + [line for line in found if key(line) is None]
        self.layoutChanged.emit()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole):
        if role not in (Qt.DisplayRole, Qt.AccessibleTextRole, Qt.ToolTipRole):
            return None
        title, words, _ = COLUMNS[index.column()]
        line = self.shown[index.row()]
        return (
            told(*line.times) if title == "Worked" and line.times and role != Qt.DisplayRole else words(line)
        )

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole):
        if role == Qt.DisplayRole and orientation == Qt.Horizontal:
            return COLUMNS[section][0]
        return None


class DifferenceTable(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.rows: list[tuple[str, list[Any]]] = []

    def set_runs(self, infos: list[RunInfo]) -> None:
        self.beginResetModel()
        self.names = [info.name for info in infos]
        self.rows = difference([info.folder for info in infos])
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 1 + len(self.names)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole):
        if role not in (Qt.DisplayRole, Qt.AccessibleTextRole, Qt.ToolTipRole):
            return None
        name, values = self.rows[index.row()]
        value = values[index.column() - 1] if index.column() else name
        return DASH if value is None else str(value)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole):
        if role == Qt.DisplayRole and orientation == Qt.Horizontal:
            return self.names[section - 1] if section else "Setting"
        return None


def _table(model: QAbstractTableModel, name: str) -> QTableView:
    view = QTableView()
    view.setModel(model)
    view.setAccessibleName(name)
    view.setSelectionBehavior(QAbstractItemView.SelectRows)
    view.setFrameShape(QFrame.NoFrame)
    view.setShowGrid(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(28)
    view.horizontalHeader().setStretchLastSection(True)
    view.horizontalHeader().setSectionResizeMode(QHeaderView.Interactive)
    view.horizontalHeader().setHighlightSections(False)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    return view


class ManyRuns(QFrame):
    """`set_runs` may be called often."""

    picked = Signal(str)  # double click or Enter: look at this one
    thrown = Signal(list)  # names, to the trash
    restored = Signal(str)  # a run of the trash
    emptied = Signal()
    menu_asked = Signal(str, QPoint)  # where on the screen

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("All runs")
        self._states: dict[str, RunState] = {}
        self._reading: dict[str, tuple[int, str]] = {}  # step and state of each run when it was read last
        self.model, self.differences = RunTable(), DifferenceTable()
        self.find = QLineEdit()
        self.find.setPlaceholderText("Find by name, state, tag or note")
        self.find.setAccessibleName("Find runs")
        self.find.textChanged.connect(self.model.search)
        self.view = _table(self.model, "Runs")
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(2, Qt.DescendingOrder)
        for column, width in enumerate(WIDTHS):
            self.view.setColumnWidth(column, theme.px(width))
        self.view.activated.connect(lambda index: self.picked.emit(self.model.shown[index.row()].info.name))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._selected())
        self.view.setContextMenuPolicy(Qt.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._ask_menu)
        self.by = combo((), "Metric")
        for name, title in METRICS.items():
            self.by.addItem(title, name)
        self.by.activated.connect(lambda _: self._draw())
        self.trash = button("Move to the trash", "trash", "quiet")
        self.trash.clicked.connect(lambda: self.thrown.emit([info.name for info in self.selection()]))
        self.bin = button("Trash", "trash", "quiet")
        self.bin.setAccessibleName("What the trash holds")
        self.bin_menu = QMenu(self.bin)
        self.bin.clicked.connect(self._show_bin)
        self.held: Callable[[], list[str]] = list  # names of what the trash holds
        self.chart = LineChart("Runs", x_label="step", whole=True)
        self.chart.setAccessibleName("Chart: selected runs")
        self.legend = Legend()
        self.settings = _table(self.differences, "Settings that differ")
        self.about = label("", "small", "muted")
        self._build()
        self._reader = Worker(self)  # the events of a long run take seconds
        self._reader.done.connect(self._arrived)
        self._selected()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.addWidget(row((self.find, 1), self.trash, self.bin))
        low, compare = QFrame(), QSplitter(Qt.Horizontal)
        inside = QVBoxLayout(low)
        inside.setContentsMargins(0, 4, 0, 0)
        inside.addWidget(row(self.by, self.about, None, self.legend))
        compare.addWidget(self.chart)
        compare.addWidget(self.settings)
        compare.setSizes([500, 400])
        inside.addWidget(compare, 1)
        parts = QSplitter(Qt.Vertical)
        parts.addWidget(self.view)
        parts.addWidget(low)
        parts.setSizes([320, 300])
        layout.addWidget(parts, 1)

    def _ask_menu(self, point: QPoint) -> None:
        if (index := self.view.indexAt(point)).isValid():
            name = self.model.shown[index.row()].info.name
            self.menu_asked.emit(name, self.view.viewport().mapToGlobal(point))

    def _show_bin(self) -> None:
        self.fill_bin()
        self.bin_menu.popup(self.bin.mapToGlobal(self.bin.rect().bottomLeft()))

    def fill_bin(self) -> None:
        self.bin_menu.clear()
        names = self.held()
        if not names:
            self.bin_menu.addAction("The trash is empty").setEnabled(False)
            return
        for name in names[:20]:
            action = self.bin_menu.addAction(f"Bring back {name}")
            action.triggered.connect(lambda _checked=False, name=name: self.restored.emit(name))
        self.bin_menu.addSeparator()
        self.bin_menu.addAction("Delete all of it for good").triggered.connect(
            lambda: self._ask_to_empty(len(names))
        )

    def _ask_to_empty(self, held: int) -> None:
        words = f"Delete {counted(held, 'run')} in the trash for good?"
        Ask(self, words, "Nothing brings them back.", "Delete", self.emptied.emit)

    def close_down(self) -> None:
        self._reader.close()

    def set_runs(self, infos: list[RunInfo]) -> None:
        self._reader.submit(("lines",), lambda: lines(infos))

    def _read(self, chosen: list[RunInfo]) -> None:
        """Curves that are not known, or no longer as far as the run is."""
        for info in chosen[:MOST]:
            if self._reading.get(info.name) != (seen := (info.step, info.state)):
                self._reading[info.name] = seen
                self._reader.submit(("state", info.name), lambda folder=info.folder: read(folder))

    def selection(self) -> list[RunInfo]:
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self.model.shown[place].info for place in rows if place < len(self.model.shown)]

    def _selected(self) -> None:
        chosen = self.selection()
        self._permit(chosen)
        self.differences.set_runs(chosen if len(chosen) > 1 else [])
        self.settings.resizeColumnsToContents()  # the end of a name is what tells two runs apart
        self._read(chosen)
        self._draw()

    def _permit(self, chosen: list[RunInfo]) -> None:
        going = any(info.live for info in chosen)
        self.trash.setEnabled(bool(chosen) and not going)
        self.trash.setToolTip("" if self.trash.isEnabled() else LIVE if going else "Choose runs in the table")

    def _arrived(self, key: tuple, answer: Any) -> None:
        if key[0] == "lines":
            names = {info.name for info in self.selection()}
            self.model.set_lines(answer)
            self._select(names)
            self._permit(chosen := self.selection())
            self._read(chosen)
        elif isinstance(answer, RunState):
            self._states[key[1]] = answer
            self._draw()

    def _select(self, names: set[str]) -> None:
        """The same runs, wherever they stand now."""
        chosen = self.view.selectionModel()
        if {info.name for info in self.selection()} == names:
            return
        chosen.clearSelection()
        for place, line in enumerate(self.model.shown):
            if line.info.name in names:
                flags = QItemSelectionModel.Select | QItemSelectionModel.Rows
                chosen.select(self.model.index(place, 0), flags)

    def _draw(self) -> None:
        metric, entries = self.by.currentData(), []
        chosen = self.selection()
        for name in set(self.chart._series) - {info.name for info in chosen[:MOST]}:
            self.chart.remove_series(name)
        for place, info in enumerate(chosen[:MOST]):
            column = self._states[info.name].columns.get(metric) if info.name in self._states else None
            if not column:
                self.chart.remove_series(info.name)
                continue
            dashed = place >= 6
            self.chart.set_series(
                info.name,
                column.steps,
                column.values,
                series=place % 6,
                dashed=dashed,
                points=len(column) < 40,
            )
            if len(entries) < 6:
                entries.append((info.name, place % 6, "dash" if dashed else "line"))
        self.legend.set_entries(entries)
        if not chosen:
            words = "Choose runs in the table; with two or more their curves and settings are compared."
        elif len(chosen) > 1 and not self.differences.rows:
            words = "their settings are the same"
        else:
            words = f"the first {MOST} of {len(chosen)}" if len(chosen) > MOST else ""
        self.about.setText(words)
        self.settings.setVisible(bool(self.differences.rows))
