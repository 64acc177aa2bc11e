"""The view "Corpus": many texts through any number of tokenizers, figures, bars, and what is behind them."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QSplitter, QVBoxLayout, QWidget

from tokstudio.errors import InputError, TokstudioError
from tokstudio.tokens.corpus.report import shown
from tokstudio.tokens.corpus.run import Request
from tokstudio.tokens.corpus.tally import METRICS
from tokstudio.ui.compare_parts.bars import BarsView
from tokstudio.ui.compare_parts.causes import CausesCard
from tokstudio.ui.compare_parts.follow import CorpusFollower
from tokstudio.ui.compare_parts.grid import Cell, Column, Grid
from tokstudio.ui.compare_parts.tokenizers import TokenizerList
from tokstudio.ui.context import Context
from tokstudio.ui.panes.pane import relative
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import button, card, combo, eliding, row
from tokstudio.ui.widgets.choice_list import Choice
from tokstudio.ui.widgets.empty import EmptyState
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.words import duration, size

FIRST = ("tiktoken:cl100k_base", "bert-base-uncased", "demo:english")
BY = (("auto", "Groups: as found"), ("none", "No groups"), ("file", "One group a file"),
      ("folder", "One group a folder"), ("language", "By language"))  # fmt: skip
KINDS = (
    "Texts (*.txt *.md *.py *.jsonl *.ndjson *.gz *.parquet *.arrow *.feather *.csv *.json);;All files (*)"
)
JOB = "corpus"


class CorpusView(QWidget):
    name, title, order = "corpus", "Corpus", 3

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        self.path = str(context.settings.get("corpus/path", "") or "")
        self.result: dict | None = None
        self.follower = CorpusFollower(self)
        self._wanted: tuple[int, str, str | None] | None = None  # the figure whose causes are shown
        self._build()
        self._connect()
        saved = context.settings.get("corpus/tokenizers")
        self.tokenizers.set(saved if isinstance(saved, list) and saved else list(FIRST))
        self._show_path()
        self._show_state()

    # ---- parts

    def _build(self) -> None:
        self.choose = button("Choose data", "folder")
        menu = QMenu(self)
        for text, slot in (("File…", self._ask_file), ("Folder…", self._ask_folder)):
            menu.addAction(text).triggered.connect(slot)
        self.choose.setMenu(menu)
        self.data = eliding("", "small", "text2", mode=Qt.ElideMiddle)
        self.by = combo([text for _, text in BY], "How texts are grouped")
        self.by.setFixedWidth(168)
        self.start, self.cancel = button("Start", "play", "primary"), button("Cancel", "stop")
        self.tools = row(self.choose, (self.data, 1), self.by, self.cancel, self.start)
        self.export = button("Export", "export")
        self.export.setMenu(self._export_menu())
        self.tokenizers, self.problem = TokenizerList(self.context), Problem()
        self.progress, self.speed = ProgressBar(name="Corpus comparison"), eliding("", "small", "text2")
        self.grid = Grid("Figures", by_cell=True)
        self.bar_metric = combo([METRICS[key].title for key in METRICS if key != "gini"], "Metric of the bars")
        self.bar_metric.setFixedWidth(168)
        self.bar_metric.setCurrentIndex(1)
        self.bars, self.causes = BarsView(), CausesCard()
        self.empty = EmptyState(
            "layers",
            "No corpus yet",
            "A text, JSON-lines, Parquet or Arrow file, or a folder of them. Nothing leaves this machine.",
            [
                ("Choose a file…", self._ask_file, "plain"),
                ("Choose a folder…", self._ask_folder, "plain"),
            ],
        )
        self.ready = EmptyState(
            "layers",
            "Ready to count",
            "Every core encodes; figures, bars and the words behind them appear while it goes on.",
            [("Start", self.run, "plain")],
        )
        self._lay_out()

    def _lay_out(self) -> None:
        self._figures = card("Figures", "")
        self._figures.layout().setContentsMargins(1, 10, 1, 4)
        self._figures.header_layout.setContentsMargins(11, 0, 11, 0)
        self._figures.body.addWidget(self.empty, 1)
        self._figures.body.addWidget(self.ready, 1)
        self._figures.body.addWidget(self.grid, 1)
        self._bars_card = card("By group", "", [self.bar_metric])
        self._bars_card.layout().setContentsMargins(1, 6, 1, 4)
        self._bars_card.header_layout.setContentsMargins(11, 0, 6, 0)
        self._bars_card.body.addWidget(self.bars, 1)
        self._status = row((self.speed, 1), spacing=8)
        middle = self._splitter(Qt.Vertical, self._figures, self._bars_card)
        middle.setSizes([340, 400])
        self.body = self._splitter(Qt.Horizontal, self.tokenizers, middle, self.causes)
        for at, stretch in enumerate((0, 1, 0)):
            self.body.setStretchFactor(at, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 12)
        layout.setSpacing(8)
        for part in (self._status, self.progress, self.problem):
            layout.addWidget(part)
        layout.addWidget(self.body, 1)
        self._arrange(self.context.size_class)

    @staticmethod
    def _splitter(orientation: Qt.Orientation, *parts: QWidget) -> QSplitter:
        made = QSplitter(orientation)
        made.setHandleWidth(8)
        made.setChildrenCollapsible(False)
        for part in parts:
            made.addWidget(part)
        return made

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        for ending, text in ((".csv", "CSV"), (".md", "Markdown"), (".tex", "LaTeX"), (".json", "JSON")):
            action = QAction(f"Figures as {text}…", menu)
            action.triggered.connect(lambda _=False, ending=ending: self._ask_export(ending))
            menu.addAction(action)
        return menu

    def _connect(self) -> None:
        self.start.clicked.connect(self.run)
        self.cancel.clicked.connect(self.stop)
        self.follower.arrived.connect(self._arrived)
        self.tokenizers.changed.connect(self._remember)
        self.bar_metric.currentIndexChanged.connect(lambda _: self._show_bars())
        self.grid.chosen.connect(self._cell)
        self.bars.chosen.connect(lambda k, group: self.explain(k, self._metric_key(), group))
        self.context.size_class_changed.connect(self._arrange)

    def _arrange(self, size_class: str) -> None:
        wide = size_class == "wide"
        self.body.setSizes([232, 700, 372] if wide else [180, 560, 260])

    # ---- for the page

    def take(self, _text: str, references: list[str]) -> None:
        """The tokenizers of the panes, where none were chosen here."""
        if (
            self.result is None
            and not self.follower.running
            and not self.context.settings.get("corpus/chosen")
        ):
            self.tokenizers.set(references or list(FIRST))

    def subtitle(self) -> str:
        return Path(self.path).name or "Corpus"

    def actions(self) -> list[QWidget]:
        return [self.export]

    def commands(self) -> list[Choice]:
        return [
            Choice("Start the corpus comparison", "Corpus", "play", self.run),
            Choice("Choose a corpus file…", "Corpus", "file", self._ask_file),
            Choice("Choose a corpus folder…", "Corpus", "folder", self._ask_folder),
            Choice("Add a tokenizer to the comparison…", "Corpus", "plus", self.tokenizers.ask),
        ]

    def regions(self) -> list[QWidget]:
        return [self.choose, self.tokenizers.add, self.grid, self.bars, self.causes.grid]

    def receive(self, path: str = "") -> None:
        if path:
            self.set_path(path)

    def close_down(self) -> None:
        self.follower.close()

    # ---- data

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a corpus", self.path, KINDS)
        if path:
            self.set_path(path)

    def _ask_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Choose a folder of texts", self.path):
            self.set_path(path)

    def set_path(self, path: str) -> None:
        self.path = str(path)
        self.context.settings.set("corpus/path", self.path)
        self._show_path()
        self._show_state()
        self.context.refresh_header()

    def _show_path(self) -> None:
        self.data.setText(self.path or "No data chosen")

    def _remember(self) -> None:
        self.context.settings.set("corpus/tokenizers", self.tokenizers.references)
        if self.sender() is self.tokenizers and self.isVisible():
            self.context.settings.set("corpus/chosen", True)
        self._show_state()

    def _show_state(self) -> None:
        going = self.follower.running
        self.start.setVisible(not going)
        self.cancel.setVisible(going)
        ready = bool(self.path and self.tokenizers.references)
        self.start.setEnabled(ready)
        self.start.setToolTip("" if ready else "Choose data and at least one tokenizer first.")
        self.progress.setVisible(going)
        self._status.setVisible(bool(self.speed.text()))
        self.export.setEnabled(self.result is not None and not going)
        self.grid.setVisible(self.result is not None)
        self.empty.setVisible(self.result is None and not ready)
        self.ready.setVisible(self.result is None and ready)
        self.ready.buttons[0].setEnabled(not going)
        self._bars_card.setVisible(self.result is not None)

    # ---- running

    def run(self) -> None:
        """What was known before stays in sight until the first figures arrive."""
        if not self.path or not self.tokenizers.references:
            return
        self.problem.clear()
        self.causes.clear()
        self._wanted = None
        self.progress.set(0)
        self.speed.setText("Starting…")
        by = BY[self.by.currentIndex()][0]
        self.follower.start(Request(tuple(self.tokenizers.references), self.path, by))
        self.cancel.set_busy(None)
        self.context.job(JOB, "Comparing on a corpus", 0, self.stop)
        self._show_state()

    def stop(self) -> None:
        self.cancel.set_busy("Stopping…")
        self.follower.cancel()

    def _arrived(self, event: dict) -> None:
        {"progress": self._progressed, "finished": self._finished, "causes": self._explained,
         "exported": lambda e: self.context.say(f"Written to {e['path']}"),
         "refused": lambda e: self.context.fail(InputError(e["error"], hint=e["hint"])),
         "error": self._failed}[event["event"]](event)  # fmt: skip

    def _progressed(self, event: dict) -> None:
        share = event["done"] / max(1, event["size"])
        self.progress.set(share)
        self.speed.setText(told(event))
        self.context.job(JOB, "Comparing on a corpus", share, self.stop)
        if event["result"]["bytes"]:
            self._show_result(event["result"])

    def _finished(self, event: dict) -> None:
        self.context.job_done(JOB)
        if event["result"] is not None and event["result"]["bytes"]:
            self._show_result(event["result"])
            words = "Stopped" if event["cancelled"] else "Finished"
            self.speed.setText(f"{words}: {told(event)}")
            if event["repaired"]:
                self.problem.show_error(f"{event['repaired']:,} pieces of text were no UTF-8.", warning=True)
                self.problem.hint.setText("What could not be read was replaced by U+FFFD.")
                self.problem.hint.show()
        else:
            self.speed.setText("Stopped before the first text was counted" if event["cancelled"] else "")
        self._show_state()

    def _failed(self, event: dict) -> None:
        self.context.job_done(JOB)
        self.speed.setText("")
        error: TokstudioError = InputError(event["error"], hint=event["hint"])
        self.problem.show_error(error, [("Choose other data…", self._ask_file)])
        self._show_state()

    # ---- figures

    def _show_result(self, result: dict) -> None:
        first = self.result is None
        self.result = result
        keys = [key for key in METRICS if key in result["tokenizers"][0] and self._has(key)]
        self._keys = keys
        tokenizers = result["tokenizers"]
        reference, names = tokenizers[0], [row["name"] for row in tokenizers]
        columns = [Column("Figure", width=132)]
        columns += [Column(name, True, width=max(120, 24 + 7 * len(name)), tip=name) for name in names]
        rows = [
            [
                Cell(METRICS[key].title, role="text", told=METRICS[key].help),
                *(_cell(key, each, reference) for each in tokenizers),
            ]
            for key in keys
        ]
        self.grid.set(columns, rows)
        count = len(result["groups"])
        about = f"{size(result['bytes'])} in {result['texts']:,} texts"
        about += f", {count} groups" if count else ""
        part = result["words_from_bytes"] / max(1, result["bytes"])
        self._figures.subtitle.setText(
            about if part > 0.999 else f"{about}; words from {100 * part:.0f} % of it"
        )
        self._show_bars()
        if first:
            self._show_state()

    def _has(self, key: str) -> bool:
        return any(row.get(key) is not None for row in self.result["tokenizers"])

    def _metric_key(self) -> str:
        return [key for key in METRICS if key != "gini"][self.bar_metric.currentIndex()]

    def _show_bars(self) -> None:
        if self.result is None:
            return
        key, tokenizers = self._metric_key(), self.result["tokenizers"]
        groups = result_groups(self.result)
        if key == "tokens" and len(groups) > 1:
            groups = groups[1:]  # beside the sum nothing else would be seen
        rows = [
            (group, [(figures.get(key), unknown_note(figures)) for figures in each]) for group, each in groups
        ]
        self.bars.set(key, [row["name"] for row in tokenizers], rows)
        self._bars_card.subtitle.setText(METRICS[key].help)

    def _cell(self, at: int, column: int) -> None:
        if column:
            self.explain(column - 1, self._keys[at], None)

    def explain(self, k: int, metric: str, group: str | None) -> None:
        """Lists what is behind a figure."""
        self._wanted = k, metric, group
        self.follower.causes(k, metric, group)

    def _explained(self, event: dict) -> None:
        if (event["k"], event["metric"], event["group"]) == self._wanted:
            self.causes.show_causes(event)

    # ---- export

    def _ask_export(self, ending: str) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Export the figures", f"corpus{ending}", f"*{ending}")
        if path:
            self.follower.export(Path(path).with_suffix(ending))


def told(event: dict) -> str:
    """How far, how fast, how long."""
    left = event["seconds"] * (event["size"] / event["done"] - 1) if event["done"] else 0
    words = (
        f"{size(event['done'])} of {size(event['size'])}, {size(event['rate'])}/s, {event['seconds']:.0f} s"
    )
    return f"{words}, about {duration(left)} to go" if left >= 1 else words


def result_groups(result: dict) -> list[tuple[str | None, list[dict]]]:
    """All texts (None), then each group, with the figures of every tokenizer."""
    rows = result["tokenizers"]
    return [(None, rows), *((group, [row["groups"][group] for row in rows]) for group in result["groups"])]


def unknown_note(figures: dict) -> str:
    """Said beside a figure that flatters a tokenizer: unknown tokens are few, and carry nothing."""
    share = figures["unknown"] / figures["tokens"] if figures["tokens"] else 0
    return f"{100 * share:.0f} % unknown" if share >= 0.01 else ""


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
