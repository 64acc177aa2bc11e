"""How the parts of the Embeddings page lie: bar, the card in the middle, charts below, neighbors and projection."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from tokstudio.embed.known import known_matrices
from tokstudio.ui.embeddings_engine import Engine
from tokstudio.ui.embeddings_header import HeaderBar
from tokstudio.ui.embeddings_health import HealthCard
from tokstudio.ui.embeddings_matrix import MatrixCard
from tokstudio.ui.embeddings_pair import PairCard
from tokstudio.ui.embeddings_points import ProjectionCard
from tokstudio.ui.embeddings_side import NeighborCard
from tokstudio.ui.embeddings_slots import Slots
from tokstudio.ui.embeddings_transfer import TransferView
from tokstudio.ui.embeddings_vector import VectorCard
from tokstudio.ui.widgets.basic import row
from tokstudio.ui.widgets.empty import EmptyState
from tokstudio.ui.widgets.problem import Problem

SIDE = 432
MIDDLE = 480  # height of the card in the middle where the page scrolls: room for 30 names
MATRIX, VECTOR, PAIR, HEALTH, TRANSFER = range(5)  # as the names in the header

APART: dict[str, Callable[[], Any]] = {  # what may be made before the page, each in a turn of its own
    "header": HeaderBar,
    "first": partial(MatrixCard, 0),
    "second": partial(MatrixCard, 1),
    "difference": partial(MatrixCard, 2),
    "vector": VectorCard,
    "pair": PairCard,
    "health": HealthCard,
    "transfer": TransferView,
    "neighbors": NeighborCard,
    "projection": ProjectionCard,
}


class Body(QScrollArea):
    def __init__(
        self, engine: Engine, charts: list[str], parts: dict[str, Any], parent: QWidget | None = None
    ):
        """`parts`: what APART makes."""
        super().__init__(parent)
        self.problem, self.header = Problem(), parts["header"]
        self.matrices: list[MatrixCard] = [parts["first"], parts["second"], parts["difference"]]
        self.vector, self.pair, self.health = parts["vector"], parts["pair"], parts["health"]
        self.transfer, self.neighbors = parts["transfer"], parts["neighbors"]
        self.projection = parts["projection"]
        self.slots = Slots(engine, charts)
        self.matrix_stack, self.middle = QStackedWidget(), QStackedWidget()
        self._sides = QBoxLayout(QBoxLayout.LeftToRight)
        self._side = QBoxLayout(QBoxLayout.TopToBottom)
        self._build()

    def _build(self) -> None:
        """From the outside in: each step that puts a card of many widgets into another widget takes some 20 ms."""
        body, left = QWidget(), QVBoxLayout()
        self.setWidget(body)
        self.setWidgetResizable(True)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.problem)
        layout.addWidget(self.header)
        layout.addLayout(self._sides, 1)
        self._sides.addLayout(left, 1)
        self._sides.addLayout(self._side)
        for each in (left, self._side, self._sides):
            each.setSpacing(8)
        left.addWidget(row(self.header.views, None))
        left.addWidget(self.middle, 1)
        left.addWidget(row(*((slot, 1) for slot in self.slots.slots)))
        self._side.addWidget(self.neighbors, 3)
        self._side.addWidget(self.projection, 2)
        for made in (self.matrix_stack, self.vector, self.pair, self.health, self.transfer):
            self.middle.addWidget(made)
        for made in self.matrices:
            self.matrix_stack.addWidget(made)
        self.setAccessibleName("Matrices and their neighbors")
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)

    def arrange(self, narrow: bool) -> None:
        """Narrow: neighbors and projection below the rest, and the page scrolls."""
        self.header.arrange(narrow)
        self._sides.setDirection(QBoxLayout.TopToBottom if narrow else QBoxLayout.LeftToRight)
        self._side.setDirection(QBoxLayout.LeftToRight if narrow else QBoxLayout.TopToBottom)
        for made in (self.neighbors, self.projection):
            made.setMinimumWidth(0 if narrow else SIDE)
            made.setMaximumWidth(16777215 if narrow else SIDE)
            made.setMinimumHeight(340 if narrow else 0)
        self.middle.setMinimumHeight(MIDDLE if narrow else 0)


def empty_page(
    problem: Problem,
    choose: Callable[[], object],
    choose_file: Callable[[], object],
    demo: Callable[[str], object],
) -> QWidget:
    """What stands there before a matrix is open."""
    known = known_matrices()
    actions: list[tuple[str, Callable[[], object], str]] = [("Open a folder…", choose, "primary")]
    actions.append(("Open a file…", choose_file, "plain"))
    if known:
        actions.append(("Try the demo", lambda: demo(known[0].name), "plain"))
    empty = EmptyState(
        "embeddings",
        "No matrix yet",
        "See what a model keeps about every token: its row in the embedding matrix, its nearest neighbors,"
        " how the values are spread. Open a model folder, or a safetensors, GGUF or .npy file, or drop one here.",
        actions,
    )
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(16, 12, 16, 12)
    layout.addWidget(problem)
    layout.addWidget(empty, 1)
    return made
