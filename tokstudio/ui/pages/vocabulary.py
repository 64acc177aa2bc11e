"""All tokens of one tokenizer: search, sort, look at one."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tokstudio.embed.known import matrix_folder
from tokstudio.embed.service import Reply
from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.errors import TokenizerError, TokstudioError
from tokstudio.tokens.catalog import catalog
from tokstudio.ui import icons, theme
from tokstudio.ui.embeddings_maths import Maths
from tokstudio.ui.late import Late
from tokstudio.ui.models.vocabulary import BYTES, HEADINGS, TOKEN, VocabularyModel
from tokstudio.ui.vocabulary_detail import TokenDetail
from tokstudio.ui.vocabulary_facets import Facets
from tokstudio.ui.vocabulary_table import VocabularyTable
from tokstudio.ui.widgets.basic import button, card, eliding, frame, hline, label, row
from tokstudio.ui.widgets.legend import Legend
from tokstudio.ui.widgets.problem import Problem

CHARTS = 332
NO_CHARTS, NO_FACETS = 1208, 900  # pixels of the page below which they go
PATIENCE = 4_000  # milliseconds for a regular expression
FIRST = ("tiktoken:o200k_base", "tiktoken:cl100k_base")
QUERY_TIP = (
    "Letters find tokens that hold them. len:>8  len:2-4  id:<256  type:word-start,digits  re:^\\s+$"
    "  A minus before a term turns it round."
)


class VocabularyPage(QWidget):
    name, title, icon, order = "vocabulary", "Vocabulary", "vocabulary", 2

    def __init__(self, context):
        super().__init__()
        self._context = context
        self._reference, self._token = "", None
        self._vocabulary: Vocabulary | None = None
        self.maths = Maths(self)
        self.model = VocabularyModel()
        self._typed = QTimer(self, singleShot=True, interval=40)
        self._overdue = QTimer(self, singleShot=True, interval=PATIENCE)
        self._build()
        self._connect()

    # ---------------------------------------------------------------- parts

    def _build(self) -> None:
        self.query = QLineEdit()
        theme.set_font(self.query, "mono")
        self.query.addAction(icons.icon("filter", "accent"), QLineEdit.LeadingPosition)
        self.query.findChild(QToolButton).setAccessibleName("Filter")
        self.query.setAccessibleName("Vocabulary query")
        self.query.setPlaceholderText("letters, len:>8, type:word-start, re:^\\s+$")
        self.query.setToolTip(QUERY_TIP)
        self.query.setMinimumHeight(32)
        self.hits = label("", "small", "text2")
        self._wrong = label("", "small", "danger", wrap=True)
        self._wrong.hide()
        self.problem = Problem()
        self.facets, self.table = Facets(), VocabularyTable(self.model)
        self.detail = TokenDetail()
        for part in (self.facets, self.detail):
            part.setEnabled(False)  # until a vocabulary has been read
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 10, 16, 12)
        layout.setSpacing(10)
        for part in (self.problem, row((self.query, 1), self.hits, spacing=12), self._wrong):
            layout.addWidget(part)
        layout.addLayout(self._columns(), 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(body)

    def _columns(self) -> QHBoxLayout:
        self._sorted, self._shown = eliding("", "caption", "muted"), label("", "caption", "muted")
        foot = row((self._sorted, 1), self._shown, margins=(12, 0, 12, 0))
        foot.setFixedHeight(26)
        table = frame("card", (self.table, 1), hline(), foot, margins=(1, 4, 1, 1))
        self.lengths, self.by_id = Late(_lengths, "Token length"), Late(_by_id, "Mean length by id")
        legend = Legend([("matches", "series0"), ("all", "border_strong")])
        self._charts = QWidget()
        self._charts.setFixedWidth(CHARTS)
        right = QVBoxLayout(self._charts)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(8)
        for title, chart, actions in (
            ("Token length in bytes", self.lengths, (legend,)),
            ("Mean length by id", self.by_id, ()),
        ):
            made = card(title, "", actions)
            made.layout().setContentsMargins(12, 10, 8, 6)
            made.body.addWidget(chart, 1)
            made.setMaximumHeight(280)
            right.addWidget(made, 1)
        right.addStretch(1)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(table, 1)
        middle.addWidget(self.detail)
        columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addWidget(self.facets)
        columns.addLayout(middle, 1)
        columns.addWidget(self._charts)
        return columns

    def _connect(self) -> None:
        self.query.textChanged.connect(lambda _: self._typed.start())
        self.query.returnPressed.connect(self._search)
        self._typed.timeout.connect(self._search)
        self._overdue.timeout.connect(self._give_up)
        self.facets.changed.connect(self._tick)
        self.table.token_chosen.connect(self._choose)
        self.model.modelReset.connect(self._describe)
        self.detail.neighbors_wanted.connect(self._go_to_neighbors)
        self.maths.failed.connect(self._failed)
        self.maths.progressed.connect(self._progressed)

    # ---------------------------------------------------------------- the window's side

    def subtitle(self) -> str:
        return f"{self._vocabulary.name}, {len(self._vocabulary):,} tokens" if self._vocabulary else ""

    def actions(self) -> list[QWidget]:
        chooser = button("Choose tokenizer…", "vocabulary")
        menu = QMenu(chooser)
        group = ""
        for entry in catalog():
            if entry.group != group:
                menu.addSection(entry.group)
                group = entry.group
            menu.addAction(entry.name, lambda reference=entry.reference: self.open(reference))
        menu.addSeparator()
        menu.addAction("Open a file…", self._choose_file)
        menu.addAction("Open a folder…", self._choose_folder)
        chooser.clicked.connect(lambda: menu.exec(chooser.mapToGlobal(chooser.rect().bottomLeft())))
        return [chooser]

    def opened(self) -> None:
        """Shown: the tokenizer of last time, else GPT-4o's."""
        if self._reference:
            return
        known = {entry.reference for entry in catalog()}
        last = self._context.settings.get("vocabulary.reference", "")
        if last and (last in known or Path(last).exists()):
            self.open(last)
        else:
            self.open(next((reference for reference in FIRST if reference in known), "bytes"))

    def receive(self, tokenizer: str = "", token: int | None = None, query: str = "", **_other) -> None:
        """`tokenizer`: a reference; `token`: the id to choose; `query`: what to search for."""
        self._token = token if token is not None else self._token
        if query:
            self.query.setText(query)
        if tokenizer and tokenizer != self._reference:
            self.open(tokenizer)
        elif token is not None:
            self.table.choose(token)

    def close_down(self) -> None:
        self._typed.stop()
        self._overdue.stop()
        self.maths.close()

    # ---------------------------------------------------------------- opening

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a tokenizer")
        if path:
            self.open(path)

    def _choose_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Open the folder of a tokenizer"):
            self.open(path)

    def open(self, reference: str) -> None:
        """What is shown stays until the new vocabulary has been read."""
        self._reference = self._reference or reference
        self.maths.ask(
            "vocabulary", "vocabulary", self._show, title="Reading the vocabulary", reference=reference
        )

    def _show(self, reply: Reply) -> None:
        about = {key: reply.values[key] for key in ("reference", "name", "algorithm")}
        self._vocabulary = Vocabulary(**about, **reply.arrays)
        self._reference = reply.values["reference"]
        self.problem.clear()
        self._context.settings.set("vocabulary.reference", self._reference)
        self.model.set_vocabulary(self._vocabulary)
        for part in (self.facets, self.detail):
            part.setEnabled(True)
        self.facets.show_counts(self._vocabulary.kinds)
        lengths = self._vocabulary.lengths
        self.by_id.call(lambda chart: chart.set_lengths(lengths))
        self.detail.neighbors.setVisible(matrix_folder(self._reference) is not None)
        self.table.choose(self._token)
        self.maths.ask(
            "ranks", "ranks", lambda r: self.model.set_ranks(r.arrays["ranks"]), reference=self._reference
        )
        self._search()
        self._context.refresh_header()

    # ---------------------------------------------------------------- searching

    def _search(self) -> None:
        self._typed.stop()
        if self._vocabulary is None:
            return
        query = self.query.text()
        self.facets.set_ticked(ticked(query))
        self._overdue.start()
        self.maths.ask("search", "search", self._show_hits, reference=self._vocabulary.reference, query=query)

    def _show_hits(self, reply: Reply) -> None:
        self._overdue.stop()
        self._wrong.hide()
        theme.set_role(self.query, "", "problem")
        count = len(self._vocabulary)
        mask = np.unpackbits(reply.arrays["mask"], count=count).astype(bool)
        token = self.table.token()
        self.model.set_mask(mask)
        self.table.choose(token)
        found, lengths = int(mask.sum()), self._vocabulary.lengths
        self.hits.setText(f"{found:,} of {count:,}")
        searched = bool(self.query.text().strip())
        self.lengths.call(
            lambda chart: chart.set_lengths(lengths, lengths[mask] if searched else lengths[:0])
        )

    def _tick(self, keys: list[str]) -> None:
        self.query.setText(with_types(self.query.text(), keys))

    def _give_up(self) -> None:
        """A regular expression can take longer than anybody lives; only ending the process stops it."""
        self.maths.close()
        self._wrong_query(
            "The search takes too long.", "Mend its regular expression: nested repeats such as (a+)+ do it."
        )

    def _wrong_query(self, message: str, hint: str) -> None:
        self._wrong.setText(f"{message} {hint}")
        self._wrong.show()
        theme.set_role(self.query, "true", "problem")

    # ---------------------------------------------------------------- one token

    def _choose(self, token: int) -> None:
        self._token = token
        self.detail.show_token(self._vocabulary, token)
        self.maths.ask(
            "inspect", "inspect", lambda reply: self.detail.show_inspection(reply.values),
            reference=self._vocabulary.reference, token=token,
        )  # fmt: skip

    def _go_to_neighbors(self, token: int) -> None:
        self._context.go("embeddings", path=str(matrix_folder(self._reference)), token=f"#{token}")

    def _describe(self) -> None:
        column, order = self.model.sorted_by
        way = "" if order == Qt.AscendingOrder else ", largest first"
        name = "bytes" if column in (TOKEN, BYTES) else HEADINGS[column].lower()
        self._sorted.setText(f"Sorted by {name}{way}")
        self._shown.setText(f"{self.model.rowCount():,} shown")

    # ---------------------------------------------------------------- trouble and progress

    def _failed(self, slot: str, error: TokstudioError) -> None:
        self._overdue.stop()
        if slot == "search":
            self._wrong_query(str(error), error.hint)
        elif slot == "process":
            words = TokenizerError(
                "The process that reads vocabularies has ended.", hint="Open the tokenizer again."
            )
            self.problem.show_error(words, [("Open again", lambda: self.open(self._reference))])
        elif slot == "vocabulary":
            self.problem.show_error(error, [("Open another…", self._choose_file)])
        else:
            self._context.fail(error)

    def _progressed(self, slot: str, title: str, share: float) -> None:
        key = f"vocabulary.{slot}"
        if share < 0:
            self._context.job_done(key)
        else:
            self._context.job(key, title, share, lambda: self.maths.cancel(slot))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._charts.setVisible(self.width() >= NO_CHARTS)
        self.facets.setVisible(self.width() >= NO_FACETS)


def _lengths() -> QWidget:  # pyqtgraph costs 0.2 s to import: not before there is something to draw
    from tokstudio.ui.vocabulary_charts import LengthChart

    return LengthChart()


def _by_id() -> QWidget:
    from tokstudio.ui.vocabulary_charts import LengthByIdChart

    return LengthByIdChart()


def ticked(query: str) -> list[str]:
    """Keys of the kinds that the `type:` term of a query names."""
    terms = [term for term in query.split() if term.startswith("type:")]
    return terms[0][len("type:") :].lower().split(",") if terms else []


def with_types(query: str, keys: list[str]) -> str:
    """`query` with its `type:` term replaced, or without one."""
    kept = [term for term in query.split(" ") if not term.startswith("type:")]
    return " ".join([*kept, f"type:{','.join(keys)}"] if keys else kept).strip()
