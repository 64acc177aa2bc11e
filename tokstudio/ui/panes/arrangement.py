"""How the Compare page is laid out: beside each other where there is room, else stacked and scrolling."""

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QFrame, QScrollArea, QSplitter, QVBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.context import Settings
from tokstudio.ui.panes.agreement import F1Matrix
from tokstudio.ui.panes.editor import TextCard
from tokstudio.ui.panes.inspector import Inspector
from tokstudio.ui.panes.pane_row import PaneRow
from tokstudio.ui.panes.strip import StripCard
from tokstudio.ui.panes.toolbar import Toolbar
from tokstudio.ui.widgets.basic import Card

SIDE = 312  # width of the text and of the matrix
LOWER, LOWER_LOW = 180, 140  # height of matrix and inspector, and of the inspector alone in narrow windows
TEXT_LOW, PANES_LOW = 112, 220
TALL = 380  # height of the inspector for long steps and pipelines
REST = 10_000  # all the room that is left


class Arrangement(QWidget):
    """The parts of the page and their splitters, whose places are remembered per size class."""

    def __init__(self, settings: Settings):
        super().__init__()
        self._settings, self._size_class = settings, "wide"
        self.toolbar, self.strip_card, self.editor = Toolbar(), StripCard(), TextCard()
        self.row, self.inspector, self.matrix = PaneRow(), Inspector(), F1Matrix()
        self.matrix_card = Card("Shared boundaries", "F1 \\ Jaccard")
        self.matrix_card.layout().setContentsMargins(12, 12, 12, 8)
        self.matrix_card.layout().setSpacing(12)
        self.matrix_card.body.addWidget(self.matrix)
        self.editor.setMinimumSize(200, TEXT_LOW)
        self.row.setMinimumHeight(PANES_LOW)
        self.inspector.setMinimumHeight(LOWER_LOW)
        self.upper = self._splitter(Qt.Horizontal, self.editor, self.row)
        self.lower = self._splitter(Qt.Horizontal, self.matrix_card, self.inspector)
        self.stack = self._splitter(Qt.Vertical, self.upper, self.lower)
        self.inspector.tall_asked.connect(lambda: self.set_tall(not self.tall))
        self._build()
        theme.changed.connect(self._again)

    def _again(self) -> None:
        """Larger text needs more room."""
        self._place(*(self._settings.get(f"compare/places/{self._size_class}") or self._usual()))

    def _splitter(self, orientation: Qt.Orientation, first: QWidget, second: QWidget) -> QSplitter:
        made = QSplitter(orientation)
        made.setHandleWidth(8)
        made.setChildrenCollapsible(False)
        for part in (first, second):
            made.addWidget(part)
        flexible = 0 if orientation == Qt.Vertical else 1
        made.setStretchFactor(flexible, 1)
        made.setStretchFactor(1 - flexible, 0)
        made.splitterMoved.connect(self._moved)
        made.handle(1).installEventFilter(self)
        return made

    def _build(self) -> None:
        self._area = area = QScrollArea()
        body = QWidget()  # scrolls where the window is lower than what must be seen
        area.setProperty("bare", "1")
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.NoFocus)
        area.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 8, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.strip_card)
        layout.addWidget(self.stack, 1)

    def arrange(self, size_class: str) -> None:
        """Narrower than "wide", the text goes above the panes and the matrix becomes a tab of the inspector."""
        self._size_class, wide = size_class, size_class == "wide"
        self.upper.setOrientation(Qt.Horizontal if wide else Qt.Vertical)
        self.matrix_card.setVisible(wide)
        if wide:
            self.inspector.take_agreement(None)
            self.matrix_card.body.addWidget(self.matrix)
            self.matrix.show()
        else:
            self.inspector.take_agreement(self.matrix)
        self.editor.set_compact(not wide)
        side, lower = self._settings.get(f"compare/places/{size_class}") or self._usual()
        self._place(side, lower)
        self._show_tall()

    @property
    def tall(self) -> bool:
        _, lower = self._settings.get(f"compare/places/{self._size_class}") or self._usual()
        return lower >= TALL - 40

    def set_tall(self, tall: bool) -> None:
        """Much of the height for the inspector, or the usual; the page scrolls where there is not as much."""
        side = self.upper.sizes()[0]
        lower = TALL if tall else self._usual()[1]
        self._settings.set(f"compare/places/{self._size_class}", [side, lower])
        self._show_tall()
        self._place(side, lower)
        QTimer.singleShot(60, self, lambda: self._area.ensureWidgetVisible(self.inspector, 0, 8))

    def _show_tall(self) -> None:
        self.inspector.setMinimumHeight(TALL if self.tall else LOWER_LOW)
        self.inspector.show_tall(self.tall)

    def _usual(self) -> tuple[int, int]:
        return (SIDE, LOWER) if self._size_class == "wide" else (TEXT_LOW, LOWER_LOW)

    def _place(self, side: int, lower: int) -> None:
        wide = self._size_class == "wide"
        self.editor.setMinimumWidth(max(200, self.editor.least_width()) if wide else 200)
        side = max(side, self.editor.minimumWidth()) if wide else side
        self.upper.setSizes([side, REST])
        self.lower.setSizes([side, REST])
        self.stack.setSizes([REST, lower])

    def _moved(self, *_args) -> None:
        """The matrix keeps the width of the text above it, and all places are kept for the next start."""
        if self.upper.orientation() == Qt.Horizontal:
            moved = self.lower if self.sender() is self.lower else self.upper
            for splitter in {self.upper, self.lower} - {moved}:
                splitter.setSizes([moved.sizes()[0], REST])
        places = [self.upper.sizes()[0], self.stack.sizes()[1]]
        self._settings.set(f"compare/places/{self._size_class}", places)
        self.inspector.setMinimumHeight(LOWER_LOW)
        self.inspector.show_tall(self.tall)

    def eventFilter(self, watched, event) -> bool:
        """A double click on a handle puts the usual places back; above the usual inspector it makes that tall."""
        if event.type() == QEvent.MouseButtonDblClick:
            if watched is self.stack.handle(1):
                self.set_tall(not self.tall)
                return True
            self._settings.set(f"compare/places/{self._size_class}", None)
            self._place(*self._usual())
            return True
        if event.type() == QEvent.MouseButtonPress and watched is self.stack.handle(1):
            self.inspector.setMinimumHeight(LOWER_LOW)  # a tall one can be dragged lower
        return False
