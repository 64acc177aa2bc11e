"""Source and target of a translation: choose, exchange, and how many tokens become how many."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tokstudio.ui.compare_parts.tokenizers import short_name
from tokstudio.ui.context import Context
from tokstudio.ui.panes.pane import NameButton, relative
from tokstudio.ui.panes.picker import TokenizerPicker
from tokstudio.ui.widgets.basic import eliding, label, row, tool

FIRST = ("tiktoken:cl100k_base", "bert-base-uncased")
SETTING = "translate/pair"


class PairTools(QWidget):
    changed = Signal()

    def __init__(self, context: Context):
        super().__init__()
        self._context = context
        saved = context.settings.get(SETTING)
        usable = isinstance(saved, list) and len(saved) == 2 and all(isinstance(r, str) for r in saved)
        self.remembered = usable  # was a pair chosen in an earlier session?
        self.pair: list[str] = saved if usable else list(FIRST)
        self.source, self.target = NameButton(), NameButton()
        self.swap = tool("swap", "Exchange the two tokenizers")
        self.length = eliding("", "small", "text2")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(
            row(
                label("Ids of", "small", "muted"),
                self.source,
                self.swap,
                label("read by", "small", "muted"),
                self.target,
                8,
                (self.length, 1),
                spacing=6,
            )
        )
        self.source.clicked.connect(lambda: self.ask(0))
        self.target.clicked.connect(lambda: self.ask(1))
        self.swap.clicked.connect(self.exchange)
        self._names([short_name(reference) for reference in self.pair])

    def ask(self, at: int) -> None:
        """The picker, for the source (0) or the target (1)."""
        TokenizerPicker.of(self).ask(
            (self.source, self.target)[at], lambda reference: self._change(at, reference)
        )

    def _change(self, at: int, reference: str) -> None:
        before = self.pair
        self.set([reference if place == at else self.pair[place] for place in (0, 1)])
        words = f"{('ids of', 'read by')[at]} {short_name(reference)}"
        self._context.changes.record("compare/translate", words, before, self.pair, self.set)

    def exchange(self) -> None:
        before = self.pair
        self.set(before[::-1])
        self._context.changes.record("compare/translate", "exchange", before, self.pair, self.set)

    def set(self, pair: list[str]) -> None:
        self.pair = list(pair)
        self._context.settings.set(SETTING, self.pair)
        self._names([short_name(reference) for reference in self.pair])
        self.changed.emit()

    def _names(self, names: list[str]) -> None:
        what = ("Source", "Target")
        for made, name, reference, part in zip(
            (self.source, self.target), names, self.pair, what, strict=True
        ):
            made.show_name(name)
            made.setAccessibleName(f"{part} tokenizer {name}, change")
            made.setToolTip(f"{reference}: choose another tokenizer")

    def show_facts(self, facts: dict) -> None:
        """Of `tokens.translate_service.Shown`."""
        self._names([facts["source"], facts["target"]])
        before, after = facts["source_tokens"], facts["target_tokens"]
        framed = f", {facts['framed']} of them special" if facts["framed"] else ""
        change = relative(after, before)
        self.length.setText(
            f"{before:,} {'token becomes' if before == 1 else 'tokens become'} {after:,} ({change}{framed})"
            if before
            else ""
        )
