"""Types with their counts, to tick."""

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal

from tokstudio.embed.search import kind_key
from tokstudio.embed.vocabulary import KINDS
from tokstudio.ui import theme
from tokstudio.ui.widgets.bar import StackedBar
from tokstudio.ui.widgets.basic import Card, button, check, label, row

BAR = 36


class Facets(Card):
    """Ticks are a term of the query, and the other way round."""

    changed = Signal(list)  # keys of the ticked kinds

    def __init__(self):
        self._clear = button("Clear", kind="link")
        super().__init__("Filters", actions=(self._clear,))
        self.setFixedWidth(224)
        self.layout().setSpacing(4)
        self.body.setSpacing(1)
        self.body.addWidget(label("Type", "caption", "muted"))
        self._rows = []
        for kind, name in enumerate(KINDS):
            tick, count = check(name), label("", "small", "muted")
            bar = StackedBar(height=4, name=f"{name}: share")
            bar.setFixedWidth(BAR)
            count.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
            made = row((tick, 1), count, bar, spacing=6)
            made.setFixedHeight(26)
            tick.toggled.connect(lambda _on: self._emit())
            self._rows.append((kind, tick, count, bar, made))
            self.body.addWidget(made)
        self.body.addStretch(1)
        self._clear.clicked.connect(lambda: self.changed.emit([]))
        self._clear.setEnabled(False)

    def show_counts(self, kinds: np.ndarray) -> None:
        counts = np.bincount(kinds, minlength=len(KINDS))
        for kind, tick, count, bar, made in self._rows:
            made.setVisible(bool(counts[kind]))
            count.setText(f"{counts[kind]:,}")
            tick.setAccessibleDescription(f"{counts[kind]:,} tokens")
            bar.set_parts(
                [
                    (
                        counts[kind] / max(1, counts.max()),
                        "accent_fill" if tick.isChecked() else "border_strong",
                    )
                ]
            )
        self._counts = counts

    def set_ticked(self, keys: list[str]) -> None:
        for kind, tick, count, bar, _made in self._rows:
            on = kind_key(KINDS[kind]) in keys
            with QSignalBlocker(tick):
                tick.setChecked(on)
            theme.set_role(count, "text2" if on else "muted")
            if hasattr(self, "_counts"):
                share = self._counts[kind] / max(1, self._counts.max())
                bar.set_parts([(share, "accent_fill" if on else "border_strong")])
        self._clear.setEnabled(bool(keys))

    def _emit(self) -> None:
        self.changed.emit([kind_key(KINDS[kind]) for kind, tick, *_ in self._rows if tick.isChecked()])
