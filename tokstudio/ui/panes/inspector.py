"""The selected span: how each tokenizer cuts it, with ids; or its bytes."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from tokstudio.tokens.base import Encoding
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.widgets.basic import eliding, label, row, segmented
from tokstudio.ui.widgets.token_text import glyphs
from tokstudio.ui.widgets.token_view import TokenChips

MOST = 200  # tokens per row
TABS = ("Span", "Bytes")


def excerpt(encoding: Encoding, start: int, stop: int) -> tuple[Encoding, int]:
    """The tokens that share bytes with `start:stop`, at most `MOST`, and how many there are.

    The text of the excerpt is cut at whole characters.
    """
    starts, stops = encoding.spans[:, 0], encoding.spans[:, 1]
    touched = ((starts < stop) & (stops > start)).nonzero()[0]
    kept = touched[:MOST]
    if not len(kept):
        return Encoding(b"", encoding.ids[:0], encoding.spans[:0]), 0
    low, high = int(starts[kept].min()), int(stops[kept].max())
    while encoding.text[low] & 0xC0 == 0x80:
        low -= 1
    while high < len(encoding.text) and encoding.text[high] & 0xC0 == 0x80:
        high += 1
    return Encoding(encoding.text[low:high], encoding.ids[kept], encoding.spans[kept] - low), len(touched)


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

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self.title = label("Selected", "h2")
        self.word = eliding("", "mono", "accent", mono=True)
        self.note = eliding("", "small", "muted")
        self.tabs = segmented((*TABS, "Agreement"), 0, "What the inspector shows")
        self.tabs.button(2).hide()
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
        layout.addWidget(row(self.title, self.word, (self.note, 1), self.tabs))
        layout.addWidget(self.hint)
        layout.addWidget(self.stack, 1)
        self.tabs.changed.connect(self._turn)
        self._what: tuple[Sequence[PaneState], int, int] | None = None
        self.show_nothing()

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
        self.tabs.button(2).setVisible(matrix is not None)
        if matrix is not None:
            self.stack.addWidget(matrix)
        elif self._agreement is not None:
            self.stack.removeWidget(self._agreement)
            if self.tabs.index() == 2:
                self.tabs.set_index(0)
        self._agreement = matrix

    def show_nothing(self) -> None:
        self._what = None
        self.word.setText("")
        self.note.setText("nothing")
        self._arrange()

    def show_span(self, panes: Sequence[PaneState], start: int, stop: int, note: str) -> None:
        """Bytes `start:stop` as each of `panes` cuts them."""
        self._what = (panes, start, stop)
        text = panes[0].encoding.text[start:stop].decode(errors="replace")
        shown = text if len(text) <= 60 else text[:59] + "…"
        self.word.setText(glyphs(shown, True))
        self.note.setText(note)
        self._arrange()

    def _turn(self, _tab: int) -> None:
        self._arrange()
        self.tab_changed.emit(self.tabs.index())

    def _arrange(self) -> None:
        tab = self.tabs.index()
        in_agreement = tab == 2 and self._agreement is not None
        self.hint.setVisible(self._what is None and not in_agreement)
        self.stack.setVisible(self._what is not None or in_agreement)
        if in_agreement:
            self.stack.setCurrentWidget(self._agreement)
            return
        self.stack.setCurrentWidget(self._lists[min(tab, 1)])
        if self._what is not None:
            self._fill("bytes" if tab == 1 else "text", *self._what)

    def _fill(self, show: str, panes: Sequence[PaneState], start: int, stop: int) -> None:
        rows, layout = self._rows[show], self._lists[0 if show == "text" else 1].widget().layout()
        while len(rows) < len(panes):
            rows.append(SpanRow("ids" if show == "text" else "bytes"))
            layout.insertWidget(len(rows) - 1, rows[-1])
        for made, pane in zip(rows, panes, strict=False):
            made.show_pane(pane, start, stop)
        for at, made in enumerate(rows):
            made.setVisible(at < len(panes))
