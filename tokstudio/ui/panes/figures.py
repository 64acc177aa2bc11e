"""The inspector's tab Figures: what each tokenizer needs for the document and for the selection."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tokstudio.tokens.measure import Measures, measure, part
from tokstudio.ui import theme
from tokstudio.ui.panes import models_file
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.words import cuts_word
from tokstudio.ui.widgets.basic import button, label, row

COLUMNS = (
    "Tokenizer", "Tokens", "Special", "Bytes / token", "Tokens / word", "Words whole", "Unknown", "Window", "Cost",
)  # fmt: skip
HELP = (
    "",
    "that stand for text",
    "that a model puts around the text, and those in the text that are read as special",
    "",
    "a word is a run of letters, marks and digits",
    "words that no token edge cuts",
    "tokens that stand for what the vocabulary cannot spell",
    "share of the model's context window",
    "of input tokens, by the table of models",
)
LONGEST = 200_000  # bytes of a selection that are measured


class Figures(QWidget):
    edit_asked = Signal()

    def __init__(self):
        super().__init__()
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        for column, words in enumerate(HELP):
            if words:
                self.table.horizontalHeaderItem(column).setToolTip(words)
        self.table.setAccessibleName("Figures of each tokenizer")
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignRight | Qt.AlignVCenter)
        self.table.horizontalHeaderItem(0).setTextAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.NoSelection)
        self.table.setFrameShape(QFrame.NoFrame)
        self.table.setShowGrid(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.Stretch)
        self.what = label("", "small", "muted")
        edit = button("Models and prices…", None, "link")
        edit.clicked.connect(self.edit_asked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(row(self.what, None, edit))
        layout.addWidget(self.table, 1)

    def show_panes(self, panes: Sequence[PaneState], selection: tuple[int, int] | None) -> None:
        """Document, and behind a slash the selection."""
        models = models_file.load()
        short = selection is not None and selection[1] - selection[0] <= LONGEST
        self.what.setText("Document / selection" if short else "Document")
        self.table.setRowCount(len(panes))
        for at, pane in enumerate(panes):
            inner = measure(part(pane.encoding, *selection), pane.tokenizer) if short else None
            cut = short and cuts_word(pane.encoding.text, *selection)
            values = _row(pane, pane.measures, inner, cut, models_file.model_of(models, pane.reference))
            for column, value in enumerate(values):
                item = QTableWidgetItem(value)
                item.setTextAlignment((Qt.AlignLeft if column == 0 else Qt.AlignRight) | Qt.AlignVCenter)
                item.setToolTip(value)
                self.table.setItem(at, column, item)
            self.table.setRowHeight(at, theme.px(26))


def _row(
    pane: PaneState, whole: Measures | None, inner: Measures | None, cut: bool, model
) -> tuple[str, ...]:
    """`cut`: the selection ends inside a word, so that it has no figures by word."""
    if whole is None:
        return (pane.name, *[""] * (len(COLUMNS) - 1))

    def both(show, by_word: bool = False) -> str:
        of_part = (
            "\u2013" if inner is not None and by_word and (cut or not inner.words) else inner and show(inner)
        )
        return show(whole) + (f" / {of_part}" if inner is not None and show(whole) else "")

    return (
        pane.name,
        both(lambda m: f"{m.tokens:,}"),
        both(lambda m: f"{m.special + m.written:,}"),
        both(lambda m: f"{m.bytes_per_token:.2f}"),
        both(lambda m: f"{m.tokens_per_word:.2f}", by_word=True),
        both(lambda m: f"{100 * m.words_whole:.0f} %", by_word=True),
        both(lambda m: f"{m.unknown:,}"),
        models_file.share(model, whole.tokens + whole.special) if model is not None else "",
        both(lambda m: models_file.cost(model, m.tokens + m.special)) if model is not None else "",
    )
