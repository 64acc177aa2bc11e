"""The panes side by side: equal widths of 260 and more; what does not fit scrolls, the reference stays."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from tokstudio.ui.panes.pane import MIME, NARROWEST

GAP = 8
SETTLED = 200  # milliseconds after which a new row of panes has its widths


class PaneRow(QWidget):
    """Panes can be dragged by their heads to another place."""

    dropped = Signal(int, int)  # number of the pane, its new place

    def __init__(self):
        super().__init__()
        self.setAcceptDrops(True)
        self._panes: list[QWidget] = []
        self._wanted: QWidget | None = None  # to be scrolled to
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GAP)
        self._rest = QWidget()
        self._rest_row = QHBoxLayout(self._rest)
        self._rest_row.setContentsMargins(0, 0, 0, 0)
        self._rest_row.setSpacing(GAP)
        self._scroll = QScrollArea()
        self._scroll.setProperty("bare", "1")
        self._scroll.setFrameShape(QFrame.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.NoFocus)
        self._scroll.setWidget(self._rest)
        self._row.addWidget(self._scroll, 1)
        self._scroll.horizontalScrollBar().rangeChanged.connect(lambda *_: self._bring())

    def set_panes(self, panes: Sequence[QWidget]) -> None:
        """In order; the first is the reference. Panes that left are taken out, not deleted."""
        for old in self._panes:
            if old not in panes:
                old.setParent(None)
        self._panes = list(panes)
        if panes:
            self._row.insertWidget(0, panes[0])
        for at, pane in enumerate(panes[1:]):
            self._rest_row.insertWidget(at, pane)
        self._scroll.setVisible(len(panes) > 1)
        self._share()

    def reveal(self, pane: QWidget) -> None:
        """Scrolls to a pane, once the row has its place for it."""
        self._wanted = pane
        QTimer.singleShot(0, self, self._bring)
        QTimer.singleShot(SETTLED, self, self._settle)

    def _bring(self) -> None:
        if self._wanted in self._panes[1:]:
            left = self._wanted.x()
            self._scroll.ensureVisible(left + self._wanted.width(), 0, 0, 0)
            self._scroll.ensureVisible(left, 0, 0, 0)

    def _settle(self) -> None:
        self._bring()
        self._wanted = None

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROWEST, 160)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        count = len(self._panes)
        if not count:
            return
        wide = max(NARROWEST, (self.width() - GAP * (count - 1)) // count)
        spare = max(0, self.width() - GAP * (count - 1) - wide * count)
        for at, pane in enumerate(self._panes):
            pane.setFixedWidth(wide + (1 if at >= count - spare else 0))

    # ---- drag and drop

    def dragEnterEvent(self, event) -> None:
        if event.mimeData().hasFormat(MIME):
            event.acceptProposedAction()

    def dragMoveEvent(self, event) -> None:
        event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        number = int(bytes(event.mimeData().data(MIME)).decode())
        event.acceptProposedAction()
        self.dropped.emit(number, self.place_at(event.position().toPoint()))

    def place_at(self, point: QPoint) -> int:
        """The place in the row of the pane under `point`, else of the nearest."""
        centers = [pane.mapTo(self, pane.rect().center()).x() for pane in self._panes]
        return min(range(len(centers)), key=lambda at: abs(centers[at] - point.x())) if centers else 0
