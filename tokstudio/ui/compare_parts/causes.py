"""What is behind a figure: words, texts or ids, the most expensive first."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.tokens.corpus.tally import METRICS
from tokstudio.ui.compare_parts.bars import label_of
from tokstudio.ui.compare_parts.grid import Cell, Column, Grid
from tokstudio.ui.widgets.basic import card, label, tool
from tokstudio.ui.widgets.token_text import glyphs
from tokstudio.ui.words import size

HINT = "Click a figure or a bar: the words, texts or ids that cause it are listed here."
WORDS = (Column("Word", mono=True), Column("Times", True, width=60), Column("Tokens", True, width=66),
         Column("Share", True, width=66))  # fmt: skip
IDS = (
    Column("Id", True, width=74),
    Column("Token", mono=True),
    Column("Times", True, width=66),
    Column("Share", True, width=66),
)
GROUPS = (
    Column("Group"),
    Column("Bytes", True, width=84),
    Column("Tokens", True, width=84),
    Column("Tokens / byte", True, width=92),
)


class CausesCard(QWidget):
    def __init__(self):
        super().__init__()
        self.copy = tool("copy", "Copy the list")
        self.copy.clicked.connect(self._copy)
        self.copy.setEnabled(False)
        self.grid = Grid("What is behind the figure")
        self.note = label(HINT, "small", "muted", wrap=True)
        self.note.setContentsMargins(11, 0, 11, 4)
        self._card = card("Behind the figure", "", [self.copy])
        self._card.layout().setContentsMargins(1, 6, 1, 4)
        self._card.header_layout.setContentsMargins(11, 0, 6, 0)
        self._card.body.setSpacing(4)
        self._card.body.addWidget(self.note)
        self._card.body.addWidget(self.grid, 1)
        self.example = label("", "small", "text2", wrap=True)
        self.example.setContentsMargins(11, 4, 11, 4)
        self.example.hide()
        self._card.body.addWidget(self.example)
        self.grid.chosen.connect(lambda at, _: self._show_example(at))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._card)
        self.grid.hide()
        self._card.body.addStretch(0)
        self.note.setAlignment(Qt.AlignTop)
        self.event: dict | None = None

    def clear(self) -> None:
        self.event = None
        self._card.subtitle.setText("")
        self.note.setText(HINT)
        self.grid.hide()
        self.example.hide()
        self.copy.setEnabled(False)

    def show_causes(self, event: dict) -> None:
        """An event "causes" of `tokens.corpus.job`."""
        self.event = event
        title = METRICS[event["metric"]].title
        where = "all texts" if event["group"] is None else label_of(event["group"])
        self._card.subtitle.setText(f"{title} of {event['tokenizer']}, {where}")
        rows, metric = event["rows"], event["metric"]
        about = (
            f"{event['note']}, from {size(event['looked_at'])} of text."
            if _from_words(metric)
            else f"{event['note']}."
        )
        self.note.setText(about if rows else f"{event['note']}: none in the texts looked at.")
        columns = GROUPS if metric == "gini" else IDS if rows and rows[0]["id"] is not None else WORDS
        self.grid.set(columns, [self._cells(row, columns) for row in rows])
        self.grid.setVisible(bool(rows))
        self.grid.scrollToTop()
        self.grid.clearSelection()
        self.example.hide()
        self.copy.setEnabled(bool(rows))

    def _show_example(self, at: int) -> None:
        """A line that the word was seen in."""
        line = self.event["rows"][at]["example"]
        self.example.setText(f"In: {glyphs(line, False)}")
        self.example.setVisible(bool(line))

    @staticmethod
    def _cells(row: dict, columns: tuple[Column, ...]) -> list[Cell]:
        told = repr(row["text"]) + (f" in: {row['example']}" if row["example"] else "")
        text = Cell(glyphs(row["text"], True), role="text", told=told)
        count, tokens = Cell(f"{row['count']:,}"), Cell(f"{row['tokens']:,}")
        share = row["share"] or 0
        if columns is GROUPS:
            return [Cell(row["text"], role="text"), count, tokens, Cell(f"{share:.3f}")]
        percent = Cell(f"{100 * share:.2f} %")
        if columns is IDS:
            return [Cell(f"{row['id']:,}", role="muted"), text, count, percent]
        return [text, count, tokens, percent]

    def _copy(self) -> None:
        rows = [
            f"{row['text']!r}\t{row['count']}\t{row['tokens']}\t{row['share']}" for row in self.event["rows"]
        ]
        QGuiApplication.clipboard().setText("\n".join(["text\tcount\ttokens\tshare", *rows]))


def _from_words(metric: str) -> bool:
    return metric not in ("renyi", "vocabulary_use", "gini")
