"""Look into a model's embedding matrix: heat map, distributions, nearest neighbors, projection."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QFrame,
    QMenu,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from tokstudio.embed.known import known_matrices
from tokstudio.embed.service import Reply
from tokstudio.embed.vocabulary import START, Vocabulary
from tokstudio.errors import TokstudioError
from tokstudio.ui.embeddings_header import HeaderBar
from tokstudio.ui.embeddings_maths import Maths
from tokstudio.ui.embeddings_matrix import MatrixCard
from tokstudio.ui.embeddings_side import NeighborCard, ProjectionCard, list_rows
from tokstudio.ui.late import Late
from tokstudio.ui.widgets.basic import button, card
from tokstudio.ui.widgets.empty import EmptyState
from tokstudio.ui.widgets.problem import Problem

NARROW = 1208  # pixels of the page: the window's 1280 without the rail
SIDE = 432
NARROW_MATRIX = 480
NEIGHBORS = 29  # with the asked row 30 rows of a matrix
TRIES = ("river", "water", "import", "the")  # tokens that most vocabularies have


class EmbeddingsPage(QWidget):
    name, title, icon, order = "embeddings", "Embeddings", "embeddings", 3

    def __init__(self, context):
        super().__init__()
        self._context = context
        self._path = self._tensor = self._shown_name = ""
        self._about: dict | None = None
        self._names: Vocabulary | None = None
        self._wanted_token = ""
        self._neighbors: tuple[np.ndarray, np.ndarray] | None = None
        self._opened_once = False
        self.maths = Maths(self)
        self.setAcceptDrops(True)
        self._build()
        self._connect()

    # ---------------------------------------------------------------- parts

    def _build(self) -> None:
        self.header, self.matrix = HeaderBar(), MatrixCard()
        self.neighbors, self.projection = NeighborCard(), ProjectionCard()
        self.values, self.norms, self.singular = (
            Late(_values, "Values"),
            Late(_norms, "Norms"),
            Late(_singular, "Rank"),
        )
        self.problem = Problem()
        self._body = QWidget()
        layout = QVBoxLayout(self._body)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.problem)
        layout.addWidget(self.header)
        layout.addLayout(self._columns(), 1)
        scroll = QScrollArea()
        scroll.setWidget(self._body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty())
        self._stack.addWidget(scroll)

    def _columns(self) -> QBoxLayout:
        low = QBoxLayout(QBoxLayout.LeftToRight)
        low.setSpacing(8)
        self._chart_cards = [
            _chart_card("Values", "all of them", self.values),
            _chart_card("Norms", "the triangle is the token", self.norms),
            _chart_card("Singular values", "", self.singular),
        ]
        for made in self._chart_cards:
            low.addWidget(made, 1)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.matrix, 1)
        left.addLayout(low)
        self._side = QBoxLayout(QBoxLayout.TopToBottom)
        self._side.setSpacing(8)
        self._side.addWidget(self.neighbors, 3)
        self._side.addWidget(self.projection, 2)
        self._sides = QBoxLayout(QBoxLayout.LeftToRight)
        self._sides.setSpacing(8)
        self._sides.addLayout(left, 1)
        self._sides.addLayout(self._side)
        return self._sides

    def _empty(self) -> QWidget:
        known = known_matrices()
        actions: list[tuple[str, Callable[[], object], str]] = [("Open…", self._choose, "primary")]
        if known:
            actions.append(("Try the demo", lambda: self.open_known(known[0].name), "plain"))
        empty = EmptyState(
            "embeddings",
            "No matrix yet",
            "See what a model keeps about every token: its row in the embedding matrix, its nearest neighbors,"
            " how the values are spread. Open a model folder or a safetensors file, or drop one here.",
            actions,
        )
        self._start = QWidget()
        layout = QVBoxLayout(self._start)
        self._start_problem = Problem()
        layout.setContentsMargins(16, 12, 16, 12)
        layout.addWidget(self._start_problem)
        layout.addWidget(empty, 1)
        return self._start

    def _connect(self) -> None:
        self.header.tensor_chosen.connect(lambda tensor: self.open(self._path, tensor=tensor))
        self.neighbors.asked.connect(self._ask_neighbors)
        self.neighbors.list.activated.connect(lambda index: self.ask_row(index.data(Qt.UserRole).id))
        self.matrix.row_chosen.connect(self.ask_row)
        self.matrix.tiles_wanted.connect(self._ask_tiles)
        self.maths.failed.connect(self._failed)
        self.maths.progressed.connect(self._progressed)

    # ---------------------------------------------------------------- the window's side

    def subtitle(self) -> str:
        return self._shown_name if self._about else ""

    def actions(self) -> list[QWidget]:
        opener = button("Open matrix…", "folder")
        menu = QMenu(opener)
        menu.addAction("Open a folder…", self._choose)
        menu.addAction("Open a file…", self._choose_file)
        menu.addSeparator()
        for known in known_matrices():
            menu.addAction(known.name, lambda name=known.name: self.open_known(name))
        opener.clicked.connect(lambda: menu.exec(opener.mapToGlobal(opener.rect().bottomLeft())))
        return [opener]

    def opened(self) -> None:
        """Shown: the matrix of last time comes back, once, if it is still there."""
        if self._opened_once:
            return
        self._opened_once = True
        path = self._context.settings.get("embeddings.path", "")
        if path and not self._path and Path(path).exists():
            self.open(path, tensor=self._context.settings.get("embeddings.tensor"))

    def receive(self, path: str = "", tensor: str | None = None, token: str = "", **_other) -> None:
        """`token`: text or "#id" to ask for; with `path` in that matrix, else in the open one."""
        self._opened_once = True
        if path:
            self.open(path, tensor=tensor, token=token)
        elif token and self._about:
            self.neighbors.set_token(token)
            self._ask_neighbors(token, self.neighbors.chosen_metric())

    def close_down(self) -> None:
        self.maths.close()

    # ---------------------------------------------------------------- opening

    def _choose(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Open the folder of a model"):
            self.open(path)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a matrix", "", "safetensors (*.safetensors *.index.json)"
        )
        if path:
            self.open(path)

    def open_known(self, name: str) -> None:
        known = next(known for known in known_matrices() if known.name == name)
        self.open(str(known.path), token=known.token)

    def open(self, path: str, *, tensor: str | None = None, token: str = "") -> None:
        """What is shown stays until the new matrix has been read."""
        self._wanted_token = token or (self.neighbors.token() if path == self._path else "")
        arguments = {"path": str(path), "tensor": tensor}
        self.maths.ask(
            "open", "open", lambda reply: self._show(str(path), reply), title="Opening", **arguments
        )

    def _show(self, path: str, reply: Reply) -> None:
        about = self._about = reply.values
        self._path, self._tensor = path, about["tensor"]
        names = {str(known.path): known.name for known in known_matrices()}
        self._shown_name = names.get(path, about["name"])
        for problem in (self.problem, self._start_problem):
            problem.clear()
        self.header.show_matrix(about, self._shown_name)
        self.matrix.show_matrix(tuple(about["shape"]))
        self._neighbors, self._names = None, None
        self.neighbors.clear()
        self.projection.clear()
        self._name_rows()
        for chart in (self.values, self.norms, self.singular):
            chart.clear()
        self._stack.setCurrentIndex(1)
        self._context.settings.set("embeddings.path", path)
        self._context.settings.set("embeddings.tensor", about["tensor"])
        self._ask_all(about)
        self._context.refresh_header()

    def _ask_all(self, about: dict) -> None:
        where = {"path": self._path, "tensor": self._tensor}
        self.maths.cancel("tiles")
        if about["tokenizer"]:
            self.maths.ask("vocabulary", "vocabulary", self._show_vocabulary, reference=about["tokenizer"])
        else:
            self.maths.cancel("vocabulary")
            self._first_neighbors()
        self.maths.ask("summary", "summary", self._show_summary, title="Reading the matrix", **where)
        self.maths.ask("pyramid", "pyramid", self._show_pyramid, title="Building the picture", **where)
        self.maths.ask("project", "project", self._show_spectrum, title="Projecting the rows", **where)

    # ---------------------------------------------------------------- answers

    def _name_rows(self) -> None:
        self.matrix.set_names(self._name)

    def _name(self, row: int) -> str:
        return self._names.text(row) if self._names is not None else f"#{row}"

    def _show_vocabulary(self, reply: Reply) -> None:
        about = {key: reply.values[key] for key in ("reference", "name", "algorithm")}
        self._names = Vocabulary(**about, **reply.arrays)
        self._name_rows()
        self._first_neighbors()

    def _first_neighbors(self) -> None:
        token = self._wanted_token
        if (
            self._names is not None
            and (not token or self._names.look_up(token) is None)
            and not token.startswith("#")
        ):
            token = next((t for t in TRIES if self._names.look_up(t) is not None), "")
            starts = np.flatnonzero((self._names.kinds == START) & (self._names.lengths > 4))
            token = token or (f"#{starts[0]}" if len(starts) else "#0")
        elif self._names is None and not token.startswith("#"):
            token = "#0"
        self.neighbors.set_token(token)
        self._ask_neighbors(token, self.neighbors.chosen_metric())

    def ask_row(self, row: int) -> None:
        """The neighbors of row `row`; its number is asked for, so that equal texts cannot be mixed up."""
        self.neighbors.set_token(f"#{row}")
        self._ask_neighbors(f"#{row}", self.neighbors.chosen_metric())

    def _ask_neighbors(self, token: str, metric: str) -> None:
        if self._about is None:
            return
        where = {"path": self._path, "tensor": self._tensor}
        tokenizer = self._names.reference if self._names is not None else ""
        asked = {"token": token, "k": NEIGHBORS, "metric": metric, "tokenizer": tokenizer}
        self.maths.ask(
            "neighbors", "neighbors", self._show_neighbors, title="Comparing rows", **where, **asked
        )

    def _show_neighbors(self, reply: Reply) -> None:
        ids, row = reply.arrays["ids"], reply.values["row"]
        found = list_rows(ids, reply.arrays["scores"], reply.values["metric"], self._name)
        self.neighbors.show_neighbors(row, found, reply.values["seconds"])
        self._neighbors = np.concatenate([[row], ids]), reply.arrays["rows"]
        self.matrix.show_nearest(reply.arrays["rows"], self._neighbors[0], self._name(row))
        self._mark(self._neighbors[0], reply.arrays["rows"])

    def _mark(self, ids: np.ndarray, rows: np.ndarray) -> None:
        self.projection.picture.set_chosen([(int(i), self._name(int(i))) for i in ids[:13]])
        norm = float(np.linalg.norm(rows[0].astype(np.float64)))
        self.norms.call(lambda chart: chart.set_token(norm))

    def _show_summary(self, reply: Reply) -> None:
        found = reply.arrays
        self.header.show_summary(reply)
        level, spread = reply.values["level"], reply.values["spread"]
        self.matrix.show_summary(found["norms"], found["mean"], found["std"], level, spread)
        self.values.call(lambda chart: chart.set_counts(found["counts"], found["edges"]))
        self.norms.call(lambda chart: chart.set_norms(found["norms"]))

    def _show_pyramid(self, reply: Reply) -> None:
        self.matrix.tiles_ready(reply.values["cells"])

    def _show_spectrum(self, reply: Reply) -> None:
        rows, columns = self._about["shape"]
        used = reply.values["rows_used"]
        self.header.show_rank(reply.values["effective_rank"], columns)
        self.singular.call(lambda chart: chart.set_values(reply.arrays["singular_values"]))
        self._chart_cards[2].subtitle.setText("" if used == rows else f"from {used:,} rows")
        self.projection.show_points(reply.arrays["points"], reply.values["explained"])

    def _ask_tiles(self, pooling: str, tiles: list[list[int]]) -> None:
        asked = {"path": self._path, "tensor": self._tensor, "pooling": pooling, "wanted": tiles}
        self.maths.ask("tiles", "tiles", lambda _: None, part=self._show_tile, **asked)

    def _show_tile(self, reply: Reply) -> None:
        self.matrix.put_tile(reply.values["pooling"], reply.values["tile"], reply.arrays["values"])

    # ---------------------------------------------------------------- trouble and progress

    def _failed(self, slot: str, error: TokstudioError) -> None:
        if slot == "neighbors":
            self.neighbors.show_error(error)
            return
        if slot == "vocabulary":  # the rows go by their numbers then; why, is said
            self._first_neighbors()
            self._context.fail(error)
            return
        shown = self.problem if self._about else self._start_problem
        actions = [("Open another…", self._choose)]
        if slot == "process" and self._path:
            actions.insert(0, ("Open again", lambda: self.open(self._path, tensor=self._tensor)))
        shown.show_error(error, actions)

    def _progressed(self, slot: str, title: str, share: float) -> None:
        key = f"embeddings.{slot}"
        if share < 0:
            self._context.job_done(key)
        else:
            self._context.job(key, title, share, lambda: self.maths.cancel(slot))

    # ---------------------------------------------------------------- drops and sizes

    def dragEnterEvent(self, event) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.open(paths[0])

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        self._sides.setDirection(QBoxLayout.TopToBottom if narrow else QBoxLayout.LeftToRight)
        self._side.setDirection(QBoxLayout.LeftToRight if narrow else QBoxLayout.TopToBottom)
        for made in (self.neighbors, self.projection):
            made.setMinimumWidth(0 if narrow else SIDE)
            made.setMaximumWidth(16777215 if narrow else SIDE)
            made.setMinimumHeight(300 if narrow else 0)
        self.matrix.setMinimumHeight(NARROW_MATRIX if narrow else 0)  # room for 30 names; the page scrolls


def _values() -> QWidget:  # pyqtgraph costs 0.2 s to import: not before there is something to draw
    from tokstudio.ui.embeddings_charts import ValuesChart

    return ValuesChart()


def _norms() -> QWidget:
    from tokstudio.ui.embeddings_charts import NormsChart

    return NormsChart()


def _singular() -> QWidget:
    from tokstudio.ui.embeddings_charts import SingularChart

    return SingularChart()


def _chart_card(title: str, subtitle: str, chart: QWidget) -> QWidget:
    made = card(title, subtitle)
    made.layout().setContentsMargins(12, 10, 8, 6)
    made.layout().setSpacing(4)
    made.setFixedHeight(165)
    made.body.addWidget(chart, 1)
    return made
