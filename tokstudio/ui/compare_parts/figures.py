"""The figures of a corpus comparison: a table beside a reference, and bars by group. Each can be clicked."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from tokstudio.tokens.corpus.report import shown
from tokstudio.tokens.corpus.tally import METRICS
from tokstudio.ui import theme
from tokstudio.ui.compare_parts.bars import BarsView
from tokstudio.ui.compare_parts.grid import Cell, Column, Grid
from tokstudio.ui.panes.pane import relative
from tokstudio.ui.widgets.basic import card, combo, label
from tokstudio.ui.words import counted, size

BARS = [key for key in METRICS if key != "gini"]  # what groups have


class FiguresBoard(QWidget):
    """`waiting` stands where the table will be, until there are figures."""

    asked = Signal(int, str, object)  # tokenizer, metric, group or None: what causes this figure?

    def __init__(self, *waiting: QWidget):
        super().__init__()
        self.result: dict | None = None
        self._keys: list[str] = []
        self.grid, self.bars = Grid("Figures", by_cell=True), BarsView()
        self.chosen = combo([METRICS[key].title for key in BARS], "Metric of the bars")
        self.chosen.setMinimumWidth(168)
        self.chosen.setCurrentIndex(BARS.index("bytes_per_token"))
        self.old = label("old", "caption", "muted")
        self.old.setProperty("frame", "tag")
        self.old.setToolTip("Of the data or the comparison before")
        self.old.hide()
        self.table_card, self.bars_card = card("Figures", "", [self.old]), card("By group", "", [self.chosen])
        for made, top, parts in (
            (self.table_card, 10, (*waiting, self.grid)),
            (self.bars_card, 6, (self.bars,)),
        ):
            made.layout().setContentsMargins(1, top, 1, 4)
            made.header_layout.setContentsMargins(11, 0, 6, 0)
            for part in parts:
                made.body.addWidget(part, 1)
        self._parts = parts = QSplitter(Qt.Vertical)
        parts.setHandleWidth(8)
        parts.setChildrenCollapsible(False)
        for part in (self.table_card, self.bars_card):
            parts.addWidget(part)
        parts.setSizes([340, 400])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(parts)
        self.grid.hide()
        self.bars_card.hide()
        self.chosen.currentIndexChanged.connect(lambda _: self._fill_bars())
        self.grid.chosen.connect(self._cell)
        self.bars.chosen.connect(lambda k, group: self.asked.emit(k, self.metric_of_bars(), group))

    def metric_of_bars(self) -> str:
        return BARS[self.chosen.currentIndex()]

    def fill(self, result: dict) -> None:
        """`result`: of `Tally.result`; the first tokenizer is the reference."""
        self.result, tokenizers = result, result["tokenizers"]
        self._keys = [key for key in METRICS if any(row.get(key) is not None for row in tokenizers)]
        columns = [Column("Figure", width=132)]
        columns += [
            Column(row["name"], True, width=max(120, 24 + 7 * len(row["name"]))) for row in tokenizers
        ]
        rows = [[_title(key), *(_cell(key, row, tokenizers[0]) for row in tokenizers)] for key in self._keys]
        self.grid.set(columns, rows)
        self.table_card.subtitle.setText(_about(result))
        first = self.bars_card.isHidden()
        self.grid.show()
        self.bars_card.show()
        if first:  # no more than the rows need: the bars take the rest
            need = theme.px(28) * (len(rows) + 1) + 64
            self._parts.setSizes([need, max(160, self.height() - need)])
        self._fill_bars()

    def _fill_bars(self) -> None:
        if self.result is None:
            return
        key, groups = self.metric_of_bars(), groups_of(self.result)
        if key == "tokens" and len(groups) > 1:
            groups = groups[1:]  # beside the sum nothing else would be seen
        rows = [
            (group, [(figures.get(key), unknown_note(figures)) for figures in each]) for group, each in groups
        ]
        self.bars.set(key, [row["name"] for row in self.result["tokenizers"]], rows)
        self.bars_card.subtitle.setText(METRICS[key].help)

    def _cell(self, at: int, column: int) -> None:
        if column:
            self.asked.emit(column - 1, self._keys[at], None)


def groups_of(result: dict) -> list[tuple[str | None, list[dict]]]:
    """All texts (None), then each group, with the figures of every tokenizer."""
    rows = result["tokenizers"]
    return [(None, rows), *((group, [row["groups"][group] for row in rows]) for group in result["groups"])]


def unknown_note(figures: dict) -> str:
    """Said beside a figure that flatters a tokenizer: unknown tokens are few, and carry nothing."""
    share = figures["unknown"] / figures["tokens"] if figures["tokens"] else 0
    return f"{100 * share:.0f} % unknown" if share >= 0.01 else ""


def _about(result: dict) -> str:
    count = len(result["groups"])
    words = f"{size(result['bytes'])} in {counted(result['texts'], 'text')}" + (
        f", {count} groups" if count else ""
    )
    part = result["words_from_bytes"] / max(1, result["bytes"])
    return words if part > 0.999 else f"{words}; words from {100 * part:.0f} % of it"


def _title(key: str) -> Cell:
    return Cell(METRICS[key].title, role="text", told=METRICS[key].help)


def _cell(key: str, row: dict, reference: dict) -> Cell:
    value, base = row.get(key), reference.get(key)
    note = relative(value, base) if row is not reference and value is not None and base else ""
    text, strange = shown(key, value), unknown_note(row) if key != "unknown" else ""
    about = (
        f"{METRICS[key].title} of {row['name']}: {text} {note}. {METRICS[key].help} Click for what causes it."
    )
    if strange:
        about += f" {strange}: what these tokens stood for cannot be got back."
    role = "warning" if strange and key == "bytes_per_token" else "text" if row is reference else "text2"
    return Cell(text, note, role, about)
