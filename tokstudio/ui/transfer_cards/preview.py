"""What the pair does to a person's own text, how the tokens line up, and what becomes of special tokens."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QGridLayout, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from tokstudio.align.spans import align
from tokstudio.align.special_map import GONE, KEPT, NEW, RENAMED, SpecialMap, SpecialPair
from tokstudio.errors import TokstudioError
from tokstudio.tokens.base import Encoding
from tokstudio.ui import theme
from tokstudio.ui.transfer_cards.blocks import BlocksView, shapes
from tokstudio.ui.transfer_cards.facts import EXAMPLE, PairFacts
from tokstudio.ui.widgets.basic import button, eliding, label, row
from tokstudio.ui.words import counted

PAUSE = 120  # milliseconds without a key before the text is tokenized again
MOST = 2000  # characters that are tokenized while somebody types
LINED_UP = 400  # bytes of them whose blocks are drawn
PAIRS = 12  # special tokens that are listed
FATES = {KEPT: "the same", RENAMED: "takes its row", NEW: "new row", GONE: "goes"}
ROLES = {"begin": "start of text", "end": "end of text", "unknown": "unknown", "padding": "padding", "": ""}


class PreviewCard(QFrame):
    """Folded until it is opened; its head says the most important of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Preview")
        self._facts: PairFacts | None = None
        self._specials: SpecialMap | None = None
        self.fold = button("Preview on your text", "chevron-right", "quiet")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._folded)
        self.sum = eliding("", "small", "muted")
        self.text = QPlainTextEdit(EXAMPLE)
        self.text.setAccessibleName("Text for the preview")
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText("Write or paste a text")
        self.text.setFixedHeight(92)
        theme.set_font(self.text, "mono")
        self._soon = QTimer(self, singleShot=True, interval=PAUSE)
        self._soon.timeout.connect(self._encode)
        self.text.textChanged.connect(lambda: self._soon.start())
        self.counts = label("", "strong")
        self.about = eliding("", "small", "muted")
        self.blocks = BlocksView()
        area = QScrollArea()
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setWidget(self.blocks)
        area.setFixedHeight(86)
        area.setAccessibleName("The text in tokens of the source and of the target")
        for part in (area.viewport(), self.blocks):
            part.setAutoFillBackground(False)
        self.warnings = label("", "small", "warning", wrap=True)
        self.more = label("", "small", "muted")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 16, 10)
        layout.setSpacing(8)
        layout.addWidget(row(self.fold, (self.sum, 1)))
        self._inside = QWidget()
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(8, 0, 0, 4)
        inside.setSpacing(8)
        inside.addWidget(self.text)
        inside.addWidget(row(self.counts, (self.about, 1), spacing=12))
        inside.addWidget(area)
        inside.addWidget(label("Special tokens", "h2"))
        inside.addWidget(self.warnings)
        inside.addLayout(self._grid)
        inside.addWidget(self.more)
        layout.addWidget(self._inside)
        self._inside.hide()

    def _folded(self, open_: bool) -> None:
        self.fold.set_icon("chevron-down" if open_ else "chevron-right")
        self._inside.setVisible(open_)

    def show_pair(self, facts: PairFacts, specials: SpecialMap) -> None:
        self._facts, self._specials = facts, specials
        self._encode()
        self._show_specials(specials)

    def _encode(self) -> None:
        facts = self._facts
        if facts is None:
            return
        text = self.text.toPlainText()[:MOST]
        try:
            sides = [(tokenizer.encode(text), tokenizer) for tokenizer in (facts.source, facts.target)]
        except TokstudioError as error:
            self._say_counts("", f"{error} {error.hint}".strip())
            self.blocks.set_blocks(None, ())
            return
        before, after = (len(encoding) for encoding, _ in sides)
        change = f"{100 * (after / before - 1):+.0f} %".replace("-", "\N{MINUS SIGN}") if before else ""
        self._say_counts(f"{before:,} to {counted(after, 'token')} {change}".strip(), "")
        few = text.encode(errors="ignore")[:LINED_UP].decode(errors="ignore")
        try:
            short = tuple((tokenizer.encode(few), tokenizer) for _, tokenizer in sides)
            self._show_blocks(short)
        except TokstudioError as error:
            self.blocks.set_blocks(None, ())
            self.about.setText(f"Not lined up. {error} {error.hint}".strip())

    def _show_blocks(self, sides: tuple[tuple[Encoding, object], ...]) -> None:
        found = align(sides[0][0], sides[1][0])
        self.blocks.set_blocks(found, sides)
        told = [f"{count:,} {name}" for name, count in shapes(found).items() if count]
        self.about.setText("blocks: " + ", ".join(told) if told else "")

    def _say_counts(self, counts: str, problem: str) -> None:
        self.counts.setText(counts)
        self.about.setText(problem)
        self._summarize()

    def _summarize(self) -> None:
        parts = [self.counts.text()]
        if self._specials is not None:
            kept = sum(pair.fate in (KEPT, RENAMED) for pair in self._specials.pairs)
            of = sum(pair.fate != GONE for pair in self._specials.pairs)
            parts.append(f"{kept} of {counted(of, 'special token')} with a counterpart")
            parts += [counted(len(self._specials.warnings), "warning")] if self._specials.warnings else []
        self.sum.setText(", ".join(filter(None, parts)))
        warned = self._specials is not None and self._specials.warnings
        theme.set_role(self.sum, "warning" if warned else "muted")

    def _show_specials(self, found: SpecialMap) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        self.warnings.setText("\n".join(found.warnings))
        self.warnings.setVisible(bool(found.warnings))
        for column, title in enumerate(("Source", "Target", "Part", "What becomes of it")):
            self._grid.addWidget(label(title, "caption", "muted"), 0, column)
        for place, pair in enumerate(found.pairs[:PAIRS], 1):
            for column, (words, mono) in enumerate(_cells(pair)):
                role = "warning" if pair.fate == GONE else "text2"
                self._grid.addWidget(label(words, "monos" if mono else "small", role), place, column)
        self._grid.setColumnStretch(3, 1)
        more = len(found.pairs) - PAIRS
        self.more.setText(
            f"and {more:,} more" if more > 0 else "" if found.pairs else "Neither side has any."
        )
        self.more.setVisible(bool(self.more.text()))
        self._summarize()


def _cells(pair: SpecialPair) -> list[tuple[str, bool]]:
    sides = [
        (f"{side[0]}  {side[1]:,}" if side else "\N{EN DASH}", True) for side in (pair.source, pair.target)
    ]
    return [*sides, (ROLES[pair.role], False), (FATES[pair.fate], False)]
