"""Types, scripts and findings with their counts, to tick."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tokstudio.embed.vocabulary import KINDS
from tokstudio.tokens.vocab_query import key_of
from tokstudio.tokens.vocab_scripts import CODES, NAMES
from tokstudio.ui import theme
from tokstudio.ui.widgets.bar import StackedBar
from tokstudio.ui.widgets.basic import Card, button, check, label, row

BAR, MOST_SCRIPTS = 32, 9  # pixels; scripts that are listed before one asks for more
FINDINGS = {
    "unreachable": "Unreachable",
    "duplicate": "Duplicate",
    "alike": "Look-alike",
    "not-utf-8": "Not UTF-8",
    "under-trained": "Under-trained",
}


@dataclass(frozen=True)
class _Facet:
    field: str
    key: str
    tick: QWidget
    number: QWidget
    bar: StackedBar
    made: QWidget


class Facets(Card):
    """Ticks are terms of the query, and the other way round."""

    changed = Signal(dict)  # field -> keys of the ticked ones

    def __init__(self):
        self._clear = button("Clear", kind="link")
        super().__init__("Filters", actions=(self._clear,))
        self.setFixedWidth(224)
        self.layout().setContentsMargins(12, 10, 6, 8)
        self.layout().setSpacing(4)
        self._list = QWidget()
        self._rows = QVBoxLayout(self._list)
        self._rows.setContentsMargins(0, 0, 6, 0)
        self._rows.setSpacing(1)
        area = QScrollArea()
        area.setWidget(self._list)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setAccessibleName("Filters")
        area.setFocusPolicy(Qt.NoFocus)
        area.viewport().setAutoFillBackground(False)
        self._list.setAutoFillBackground(False)
        self.body.addWidget(area, 1)
        self._facets: list[_Facet] = []
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}
        self._ticked: dict[str, list[str]] = {}
        self._few: set[str] = set()  # scripts that are listed
        self._all = False  # are the others, too?
        self._more = button("More…", kind="link")
        self._more.clicked.connect(self._switch)
        self._more_line = row(self._more, None)
        self._more_line.hide()
        self._heads = {}
        self._group("Type", "type", [(key_of(name), name) for name in KINDS])
        self._group("Script", "script", [(code, name) for code, name in zip(CODES, NAMES, strict=True)])
        self._group("Health", "type", list(FINDINGS.items()))
        self._rows.addStretch(1)
        self._clear.clicked.connect(lambda: self.changed.emit({"type": [], "script": []}))
        self._clear.setEnabled(False)

    def _group(self, title: str, field: str, entries: list[tuple[str, str]]) -> None:
        self._heads[title] = head = label(title, "caption", "muted")
        head.setContentsMargins(0, 6, 0, 2)
        self._rows.addWidget(head)
        for key, name in entries:
            tick, number = check(name), label("", "small", "muted")
            bar = StackedBar(height=4, name=f"{name}: share")
            bar.setFixedWidth(BAR)
            number.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
            made = row((tick, 1), number, bar, spacing=6)
            made.setFixedHeight(26)
            made.hide()
            tick.toggled.connect(lambda _on: self._emit())
            self._facets.append(_Facet(field, key, tick, number, bar, made))
            self._rows.addWidget(made)
        if field == "script":
            self._rows.addWidget(self._more_line)

    def facet(self, field: str, key: str) -> _Facet:
        return next(f for f in self._facets if (f.field, f.key) == (field, key))

    def show_counts(
        self, kinds: np.ndarray, scripts: np.ndarray | None = None, flags: dict[str, np.ndarray] | None = None
    ) -> None:
        self._counts = {}
        self._note("type", [key_of(name) for name in KINDS], np.bincount(kinds, minlength=len(KINDS)))
        if scripts is not None:
            counts = np.bincount(scripts, minlength=len(CODES))
            kept = np.sort(counts)[-MOST_SCRIPTS]
            self._note("script", list(CODES), counts)
            self._few = {code for code, on in zip(CODES, counts >= kept, strict=True) if on}
        found = {key: int(flag.sum()) for key, flag in (flags or {}).items() if key in FINDINGS}
        self._note("type", list(found), np.array(list(found.values()), np.int64), empty=True)
        self._heads["Script"].setVisible(scripts is not None)
        self._heads["Health"].setVisible(bool(found))
        self._show_rows()
        self._paint()

    def _show_rows(self) -> None:
        left = 0
        for facet in self._facets:
            known = (facet.field, facet.key) in self._counts
            listed = facet.field != "script" or facet.key in self._few or facet.tick.isChecked()
            rare = known and not listed
            left += rare
            facet.made.setVisible(known and (self._all or not rare))
        self._more.setText("Fewer" if self._all else f"{left} more…")
        self._more.setAccessibleName("Fewer scripts" if self._all else f"{left} more scripts")
        self._more_line.setVisible(left > 0)

    def _switch(self) -> None:
        self._all = not self._all
        self._show_rows()

    def _note(self, field: str, keys: list[str], counts: np.ndarray, *, empty: bool = False) -> None:
        top = max(1, int(counts.max())) if len(counts) else 1
        for key, count in zip(keys, counts.tolist(), strict=True):
            if count or empty:
                self._counts[field, key] = count, count / top

    def set_ticked(self, ticked: dict[str, list[str]]) -> None:
        self._ticked = ticked
        for facet in self._facets:
            with QSignalBlocker(facet.tick):
                facet.tick.setChecked(facet.key.lower() in [k.lower() for k in ticked.get(facet.field, ())])
        self._clear.setEnabled(any(ticked.values()))
        self._show_rows()
        self._paint()

    def _paint(self) -> None:
        for facet in self._facets:
            count, share = self._counts.get((facet.field, facet.key), (0, 0.0))
            on = facet.tick.isChecked()
            facet.number.setText(f"{count:,}")
            facet.tick.setAccessibleDescription(f"{count:,} tokens")
            facet.bar.set_parts([(share, "accent_fill" if on else "border_strong")])
            theme.set_role(facet.number, "text2" if on else "muted")

    def _emit(self) -> None:
        found: dict[str, list[str]] = {"type": [], "script": []}
        for facet in self._facets:
            if facet.tick.isChecked():
                found[facet.field].append(facet.key)
        self.changed.emit(found)
