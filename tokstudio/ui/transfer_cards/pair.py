"""Card 2: which model, which tokenizer, and how far apart their vocabularies are."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.catalog import catalog
from tokstudio.train.config import TransferConfig
from tokstudio.train.kinds import purpose_of
from tokstudio.ui import theme
from tokstudio.ui.charts import Legend
from tokstudio.ui.transfer_cards.facts import ModelFacts, PairFacts
from tokstudio.ui.transfer_cards.parts import Numbered, fill
from tokstudio.ui.transfer_cards.picker import Picker
from tokstudio.ui.widgets.bar import StackedBar
from tokstudio.ui.widgets.basic import col, hline, label, row, stat
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.widgets.token_view import TokenChips

WAITING = "\N{EN DASH}"


class _Example(QWidget):
    """One line of text in the tokens of one tokenizer, and how many there are."""

    def __init__(self, title: str):
        super().__init__()
        name = label(title, "small", "muted")
        name.setMinimumWidth(28)  # more where the text is larger
        self.chips = TokenChips(name=f"Example in {title.lower()} tokens")
        self._one_row()
        theme.changed.connect(self._one_row)
        self.count = label("", "strong")
        self.count.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
        fill(self, row(name, (self.chips, 1), self.count))

    def _one_row(self) -> None:
        """A pixel less than a row: the next one would begin there."""
        self.chips.setFixedHeight(self.chips.minimumSizeHint().height() - 1)

    def show_encoding(self, encoding: Encoding, tokenizer: Tokenizer) -> None:
        self.chips.set_encoding(encoding, tokenizer)
        self.count.setText(f"{len(encoding):,}")


class PairCard(Numbered):
    edited = Signal(dict)

    def __init__(self) -> None:
        super().__init__(2, "Pair")
        self.model = Picker("Source model", [("demo:english", "Demo english")])
        self.tokenizer = Picker("Target tokenizer", [(entry.reference, entry.name) for entry in catalog()])
        self.model.picked.connect(lambda reference: self.edited.emit({"model": reference}))
        self.tokenizer.picked.connect(lambda reference: self.edited.emit({"tokenizer": reference}))
        self.teacher = Picker("Teacher", [("", "None yet")])
        self.teacher.picked.connect(lambda reference: self.edited.emit({"teacher": reference}))
        self.problem = Problem()
        self._size = label("", "caption", "muted")
        self.bar = StackedBar((), 10, "Target vocabulary")
        self._legend = Legend()
        self.counts = stat("Tokens per 1,000 bytes", WAITING)
        self.length = stat("Sequences", WAITING)
        self.rows_ = stat("Rows", WAITING)
        self.old, self.new = _Example("Old"), _Example("New")
        vocabulary = col(
            row(label("Target vocabulary", "caption", "muted"), None, self._size),
            self.bar,
            row(self._legend, None),
            spacing=10,
        )
        line = hline()
        self._moved = (
            self.tokenizer,
            vocabulary,
            line,
            self.length,
            self.old,
        )  # only where the tokenizer changes
        for part in (
            self.model,
            self.tokenizer,
            self.teacher,
            vocabulary,
            self.problem,
            hline(),
            row(self.counts, None, self.length, None, self.rows_),
        ):
            self.body.addWidget(part)
        self.body.addStretch(1)
        for part in (line, self.old, self.new):
            self.body.addWidget(part)

    def show_config(self, config: TransferConfig) -> None:
        self.model.set_reference(config.model)
        self.tokenizer.set_reference(config.tokenizer)
        self.teacher.set_reference(config.teacher)
        purpose = purpose_of(config)
        for part in self._moved:
            part.setVisible(purpose == "transfer")
        self.teacher.setVisible(purpose == "distil")

    def show_model(self, facts: ModelFacts) -> None:
        self.model.set_note(f"{facts.parameters / 1e6:.1f} M parameters")

    def show_pair(self, facts: PairFacts) -> None:
        total = max(1, len(facts.target))
        self.problem.clear()
        self.tokenizer.set_note(f"{total:,} tokens")
        self._size.setText(f"{total:,} tokens")
        self.bar.set_parts(
            [
                (facts.exact / total, "series0"),
                (facts.pieces / total, "series2", True),
                (facts.bytes_only / total, "border_strong"),
            ]
        )
        words = (
            ("exact match", facts.exact),
            ("made of pieces", facts.pieces),
            ("byte only", facts.bytes_only),
        )
        shades = ((0, "box"), (2, "hatch"), ("border_strong", "box"))
        self._legend.set_entries([(f"{w} {n:,}", *s) for (w, n), s in zip(words, shades, strict=True)])
        self.bar.setAccessibleDescription(", ".join(f"{word} {number:,}" for word, number in words))
        self._show_numbers(facts)

    def _show_numbers(self, facts: PairFacts) -> None:
        self.counts.set(f"{facts.per_thousand(1):.0f}", f"was {facts.per_thousand(0):.0f}")
        change = f"{100 * facts.longer:+.0f} %".replace("-", "\N{MINUS SIGN}")
        self.length.set(change, "longer" if facts.longer > 0 else "shorter")
        self.rows_.set(f"{len(facts.target):,}", f"was {len(facts.source):,}")
        self.old.show_encoding(facts.example[0], facts.source)
        self.new.show_encoding(facts.example[1], facts.target)
