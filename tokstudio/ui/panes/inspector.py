"""The selected span: how each tokenizer cuts it, with ids; or its bytes."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from tokstudio.tokens.base import Encoding
from tokstudio.tokens.measure import part
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.widgets.basic import eliding, label, row, segmented, tool
from tokstudio.ui.widgets.token_text import glyphs, hex_bytes
from tokstudio.ui.widgets.token_view import TokenChips

if TYPE_CHECKING:
    from tokstudio.tokens.trace.around import Trace
    from tokstudio.ui.panes.figures import Figures
    from tokstudio.ui.panes.token_tab import TokenTab
    from tokstudio.ui.panes.trace_tabs import Pipeline, Steps

TALLER, LOWER = "Make the inspector tall (double click)", "Make the inspector low again (double click)"
MOST = 200  # tokens per row
TABS = ("Span", "Bytes", "Steps", "Pipeline", "Figures", "Token")
SPAN, BYTES, STEPS, PIPELINE, FIGURES, TOKEN, AGREEMENT = range(7)


def excerpt(encoding: Encoding, start: int, stop: int) -> tuple[Encoding, int]:
    """The tokens that share bytes with `start:stop`, at most `MOST`, and how many there are.

    The text of the excerpt is cut at whole characters.
    """
    found = part(encoding, start, stop)
    if len(found) <= MOST:
        return found, len(found)
    kept = part(Encoding(found.text, found.ids[:MOST], found.spans[:MOST]), 0, len(found.text))
    return kept, len(found)


def _shown(piece: bytes) -> str:
    """At most 60 characters; parts of characters as hex."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return hex_bytes(piece[:20]) + ("…" if len(piece) > 20 else "")
    return glyphs(text if len(text) <= 60 else text[:59] + "…", True)


class SpanRow(QWidget):
    def __init__(self, show: str):
        super().__init__()
        self.name = eliding("", "small", "text2")
        self.name.setFixedWidth(132)
        self.count = label("", "title")
        self.count.setMinimumWidth(28)
        self.chips = TokenChips(show=show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(self.name, self.count, (self.chips, 1), spacing=4))

    def show_pane(self, pane: PaneState, start: int, stop: int) -> None:
        found, total = excerpt(pane.encoding, start, stop)
        self.name.setText(pane.name)
        self.count.setText(f"{total:,}")
        self.chips.set_encoding(found, pane.tokenizer)
        self.chips.setAccessibleName(f"{pane.name}, {total} tokens: {self.chips.spoken()}")


class Inspector(QFrame):
    tab_changed = Signal(int)
    trace_asked = Signal(int, int)  # bytes
    token_asked = Signal(int, int, int)  # bytes, place of the token among those of the selection
    vocabulary_asked = Signal(str, int)  # reference, id
    change_asked = Signal(int, int)  # pane, id
    models_asked = Signal()
    tall_asked = Signal()  # more height, or the usual one again

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self.title = label("Selected", "h2")
        self.word = eliding("", "mono", "accent", mono=True)
        self.note = eliding("", "small", "muted")
        self.tabs = segmented((*TABS, "Agreement"), 0, "What the inspector shows")
        self.tabs.button(AGREEMENT).hide()
        self.hint = label(
            "Click a token, or select text, to see how each tokenizer cuts it.", "small", "muted"
        )
        self.stack = QStackedWidget()
        self._rows: dict[str, list[SpanRow]] = {"text": [], "bytes": []}
        self._lists = [self._list(), self._list()]
        for made in self._lists:
            self.stack.addWidget(made)
        self._agreement: QWidget | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(6)
        self.taller = tool("chevron-up", TALLER, 24)
        self.taller.clicked.connect(self.tall_asked)
        self._head = row(self.title, self.word, (self.note, 1), self.tabs, self.taller)
        self._head.installEventFilter(self)
        layout.addWidget(self._head)
        layout.addWidget(self.hint, 1, Qt.AlignTop)
        layout.addWidget(self.stack, 1)
        self.tabs.changed.connect(self._turn)
        self._what: tuple[Sequence[PaneState], int, int] | None = None
        self._panes: Sequence[PaneState] = ()
        self._first: int | None = None
        self.show_nothing()

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QEvent.MouseButtonDblClick:
            self.tall_asked.emit()
            return True
        return False

    def show_tall(self, tall: bool) -> None:
        self.taller.set_icon("chevron-down" if tall else "chevron-up", LOWER if tall else TALLER)

    @staticmethod
    def _list() -> QScrollArea:
        area, inner = QScrollArea(), QWidget()
        area.setProperty("bare", "1")
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.NoFocus)
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addStretch(1)
        area.setWidget(inner)
        return area

    def take_agreement(self, matrix: QWidget | None) -> None:
        """In narrow windows the matrix is a tab here; None gives it back."""
        self.tabs.button(AGREEMENT).setVisible(matrix is not None)
        if matrix is not None:
            self.stack.addWidget(matrix)
        elif self._agreement is not None:
            self.stack.removeWidget(self._agreement)
            if self.tabs.index() == AGREEMENT:
                self.tabs.set_index(0)
        self._agreement = matrix

    def show_nothing(self, panes: Sequence[PaneState] = ()) -> None:
        """`panes`: their figures for the document still show."""
        self._what, self._panes = None, panes
        self.word.setText("")
        self.note.setText("nothing")
        self._arrange()

    def show_span(
        self, panes: Sequence[PaneState], start: int, stop: int, note: str, first: int | None = None
    ) -> None:
        """Bytes `start:stop` as each of `panes` cuts them; `first`: the pane to begin with."""
        self._first = first
        self._what, self._panes = (panes, start, stop), panes
        self.word.setText(_shown(panes[0].encoding.text[start:stop]))
        self.note.setText(note)
        self._arrange()

    # these are made when they are first looked at: they would cost the start

    @cached_property
    def steps(self) -> "Steps":
        from tokstudio.ui.panes.trace_tabs import Steps

        return self._added(Steps())

    @cached_property
    def pipeline(self) -> "Pipeline":
        from tokstudio.ui.panes.trace_tabs import Pipeline

        return self._added(Pipeline())

    @cached_property
    def figures(self) -> "Figures":
        from tokstudio.ui.panes.figures import Figures

        made = self._added(Figures())
        made.edit_asked.connect(self.models_asked)
        return made

    @cached_property
    def token(self) -> "TokenTab":
        from tokstudio.ui.panes.token_tab import TokenTab

        made = self._added(TokenTab())
        made.stepped.connect(lambda place: self.token_asked.emit(*self._what[1:], place))
        made.vocabulary_asked.connect(self.vocabulary_asked)
        made.change_asked.connect(self.change_asked)
        return made

    def _added(self, made: QWidget) -> QWidget:
        self.stack.addWidget(made)
        return made

    def _widget(self, tab: int) -> QWidget:
        names = {STEPS: "steps", PIPELINE: "pipeline", FIGURES: "figures", TOKEN: "token"}
        return getattr(self, names[tab]) if tab in names else self._lists[min(tab, BYTES)]

    def show_traces(self, traces: "Sequence[tuple[str, Trace]]") -> None:
        self.steps.show_traces(traces)
        self.pipeline.show_traces(traces)

    def _turn(self, _tab: int) -> None:
        self._arrange()
        self.tab_changed.emit(self.tabs.index())

    def _arrange(self) -> None:
        tab = self.tabs.index()
        free = (tab == AGREEMENT and self._agreement is not None) or (tab == FIGURES and len(self._panes) > 0)
        self.hint.setVisible(self._what is None and not free)
        self.stack.setVisible(self._what is not None or free)
        if tab == AGREEMENT and self._agreement is not None:
            self.stack.setCurrentWidget(self._agreement)
            return
        self.stack.setCurrentWidget(self._widget(tab))
        if tab == FIGURES:
            self.figures.show_panes(self._panes, self._what[1:] if self._what is not None else None)
        elif self._what is not None and tab in (STEPS, PIPELINE):
            self.trace_asked.emit(*self._what[1:])
        elif self._what is not None and tab == TOKEN:
            self.token_asked.emit(*self._what[1:], 0)
        elif self._what is not None:
            self._fill("bytes" if tab == BYTES else "text", *self._what)

    def _fill(self, show: str, panes: Sequence[PaneState], start: int, stop: int) -> None:
        rows, area = self._rows[show], self._lists[0 if show == "text" else 1]
        layout = area.widget().layout()
        while len(rows) < len(panes):
            rows.append(SpanRow("ids" if show == "text" else "bytes"))
            layout.insertWidget(len(rows) - 1, rows[-1])
        for made, pane in zip(rows, panes, strict=False):
            made.show_pane(pane, start, stop)
        for at, made in enumerate(rows):
            made.setVisible(at < len(panes))
        at = next((at for at, pane in enumerate(panes) if pane.number == self._first), None)
        if at is not None:
            QTimer.singleShot(0, rows[at], lambda: area.ensureWidgetVisible(rows[at], 0, 0))
