"""Where the parts of the Vocabulary page stand, wide and narrow."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tokstudio.ui import icons, theme
from tokstudio.ui.models.vocabulary import VocabularyModel
from tokstudio.ui.vocabulary_cards.chart_column import WIDTH, ChartColumn
from tokstudio.ui.vocabulary_cards.differences import DifferencesCard
from tokstudio.ui.vocabulary_cards.health import HealthCard
from tokstudio.ui.vocabulary_cards.player import MergePlayer
from tokstudio.ui.vocabulary_detail import TokenDetail
from tokstudio.ui.vocabulary_facets import Facets
from tokstudio.ui.vocabulary_table import VocabularyTable
from tokstudio.ui.widgets.basic import Segmented, eliding, frame, hline, label, row
from tokstudio.ui.widgets.problem import Problem

WIDE = 1190  # pixels of the page from which on charts and facets stand beside the table
HIGH = 680  # pixels of the page from which on the token's card stays under a card above the table
ALL, DIFFERENCES, HEALTH, MERGES, CHARTS = range(5)
MODES = ("All", "Differences", "Health", "Merges", "Charts")
QUERY_TIP = (
    "Letters find tokens that hold them.  len:>8  chars:2  id:<256  type:word-start,digits  script:Cyrl\n"
    "has:space  count:0  norm:<0.5  in:only  cut:>3  type:unreachable  re:^\\s+$\n"
    "A minus before a term turns it round."
)


APART = {  # what takes longest to make
    "facets": Facets,
    "detail": TokenDetail,
    "charts": ChartColumn,
    "player": MergePlayer,
    "differences": DifferencesCard,
    "health": HealthCard,
}


class VocabularyLayout(QWidget):
    """Parts only; the page connects them."""

    def __init__(self, model: VocabularyModel, **made: QWidget):
        """`made`: parts of `APART` that are there already."""
        super().__init__()
        made = {name: made.get(name) or make() for name, make in APART.items()}
        self.query = QLineEdit()
        theme.set_font(self.query, "mono")
        self.filter = self.query.addAction(icons.icon("filter", "accent"), QLineEdit.LeadingPosition)
        self.filter.setToolTip("Filters")
        self.query.findChild(QToolButton).setAccessibleName("Filters")
        self.query.setAccessibleName("Vocabulary query")
        self.query.setPlaceholderText("letters, len:>8, script:Cyrl, type:word-start, re:^\\s+$")
        self.query.setToolTip(QUERY_TIP)
        self.query.setMinimumHeight(32)
        self.hits = eliding("", "small", "text2")
        self.old = label("old", "caption", "muted")
        self.old.setProperty("frame", "tag")
        self.old.setToolTip("Count and rows are those of the query before: this one cannot be answered.")
        self.old.hide()
        self.wrong = label("", "small", "danger", wrap=True)
        self.wrong.hide()
        self.problem = Problem()
        self.modes = Segmented(MODES, 0, "What is shown")
        self.table = VocabularyTable(model)
        self.facets, self.detail = made["facets"], made["detail"]
        self.charts, self.player = made["charts"], made["player"]
        self.differences, self.health = made["differences"], made["health"]
        self.wide = self._high = True
        self._popup = QFrame(self, Qt.Popup)
        self._popup.setProperty("frame", "float")
        QVBoxLayout(self._popup).setContentsMargins(4, 4, 4, 4)
        for part in (self.facets, self.detail):
            part.setEnabled(False)  # until a vocabulary has been read
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 10, 16, 12)
        outer.setSpacing(10)
        for part in (
            self.problem,
            row((self.query, 1), self.old, self.hits, self.modes, spacing=12),
            self.wrong,
        ):
            outer.addWidget(part)
        outer.addLayout(self._columns(), 1)
        self.filter.triggered.connect(self.open_filters)
        self.modes.changed.connect(self._show_mode)
        self._show_mode(ALL)

    def _columns(self) -> QHBoxLayout:
        self.sorted, self.shown = eliding("", "caption", "muted"), label("", "caption", "muted")
        foot = row((self.sorted, 1), self.shown, margins=(12, 0, 12, 0))
        foot.setFixedHeight(26)
        table = frame("card", (self.table, 1), hline(), foot, margins=(1, 4, 1, 1))
        self._table = table
        middle = QVBoxLayout()
        middle.setSpacing(8)
        for part in (self.differences, self.health):
            middle.addWidget(part)
        middle.addWidget(self.player, 2)
        self._instead = QStackedWidget()  # the charts, where they are a tab
        self._instead.addWidget(table)
        self._tab = QScrollArea()  # in it they may be higher than the window
        self._tab.setWidgetResizable(True)
        self._tab.setFrameShape(QFrame.NoFrame)
        self._tab.setFocusPolicy(Qt.NoFocus)
        self._tab.setAccessibleName("Charts")
        self._tab.viewport().setAutoFillBackground(False)
        self._instead.addWidget(self._tab)
        middle.addWidget(self._instead, 3)
        middle.addWidget(self.detail)
        self._side = QStackedWidget()
        self._side.addWidget(self.charts)
        self._widen()
        theme.changed.connect(self._widen)
        self._row = columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addWidget(self.facets)
        columns.addLayout(middle, 1)
        columns.addWidget(self._side)
        return columns

    # ---------------------------------------------------------------- modes and widths

    def _chart_width(self) -> int:
        """Larger text gets a wider column: else the heads of its cards are cut."""
        return round(WIDTH * max(1.0, 0.4 + 0.6 * theme.scale()))

    def _widen(self) -> None:
        if self._side.currentWidget() is self.charts:
            self._side.setFixedWidth(self._chart_width())

    def _show_mode(self, mode: int) -> None:
        self.differences.setVisible(mode == DIFFERENCES)
        self.health.setVisible(mode == HEALTH)
        self.player.setVisible(mode == MERGES)
        self.charts.show_flow(mode in (DIFFERENCES, CHARTS), mode != DIFFERENCES)
        if mode != MERGES:
            self.player.playing.stop()
        self._place_charts()

    def arrange(self, width: int, height: int) -> None:
        """Below `WIDE` the charts become a tab and the facets a menu of the query field."""
        self.wide, self._high = width >= WIDE + self._chart_width() - WIDTH, height >= HIGH
        self.modes.button(CHARTS).setVisible(not self.wide)
        if self.wide and self.modes.index() == CHARTS:
            self.modes.set_index(ALL)
        if self.wide and self.facets.parent() is not self:
            self._popup.hide()
            self._row.insertWidget(0, self.facets)
            self.facets.show()
        elif not self.wide and self.facets.parent() is not self._popup:
            self._popup.layout().addWidget(self.facets)
            self.facets.show()
        self.query.setMinimumWidth(260 if self.wide else 180)
        self._place_charts()

    def _place_charts(self) -> None:
        tab = not self.wide and self.modes.index() == CHARTS
        self.charts.set_tab(not self.wide)
        if self.wide and self._side.indexOf(self.charts) < 0:
            self._tab.takeWidget()
            self._side.insertWidget(0, self.charts)
            self._side.setCurrentIndex(self._side.count() - 1)
        elif not self.wide and self._tab.widget() is None:
            self._side.removeWidget(self.charts)
            self._tab.setWidget(self.charts)
            self.charts.setAutoFillBackground(False)
            self.charts.show()
        self._side.setVisible(self.wide or self._side.count() > 0)
        self._instead.setCurrentWidget(self._tab if tab else self._table)
        self.detail.setVisible(not tab and (self._high or self.modes.index() == ALL))

    def open_filters(self) -> None:
        """The facets: as a menu where they have no column; else the keyboard goes to them."""
        if self.wide:
            self.facets.setFocus()
            return
        self._popup.setFixedHeight(min(560, max(240, self.height() - 80)))
        self._popup.setFixedWidth(self.facets.width() + 10)
        self._popup.move(self.query.mapToGlobal(QPoint(0, self.query.height() + 2)))
        self._popup.show()

    def show_side(self, panel: QWidget, width: int) -> None:
        """`panel` in the place of the charts, until `hide_side`."""
        if self._side.indexOf(panel) < 0:
            self._side.addWidget(panel)
        self._side.setFixedWidth(width)
        self._side.setCurrentWidget(panel)
        self._side.show()

    def hide_side(self, panel: QWidget) -> None:
        self._side.removeWidget(panel)
        panel.hide()
        self._side.setFixedWidth(self._chart_width())
        self._place_charts()
