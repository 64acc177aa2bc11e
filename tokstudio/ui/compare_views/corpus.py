"""The view "Corpus": many texts through any number of tokenizers, figures, bars, and what is behind them."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QSplitter, QVBoxLayout, QWidget

from tokstudio.errors import InputError, TokstudioError
from tokstudio.tokens.corpus.run import Request
from tokstudio.ui.compare_parts.causes import CausesCard
from tokstudio.ui.compare_parts.figures import FiguresBoard
from tokstudio.ui.compare_parts.follow import CorpusFollower
from tokstudio.ui.compare_parts.tokenizers import TokenizerList
from tokstudio.ui.context import Context
from tokstudio.ui.reveal import Thing, offer
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import button, combo, eliding, row
from tokstudio.ui.widgets.choice_list import Choice
from tokstudio.ui.widgets.empty import EmptyState
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.words import duration, size

FIRST = ("tiktoken:cl100k_base", "bert-base-uncased", "demo:english")
BY = (("auto", "Groups: as found"), ("none", "No groups"), ("file", "One group a file"),
      ("folder", "One group a folder"), ("language", "By language"), ("", "By a field"))  # fmt: skip
KINDS = (
    "Texts (*.txt *.md *.py *.jsonl *.ndjson *.gz *.parquet *.arrow *.feather *.csv *.json);;All files (*)"
)
JOB = "corpus"
NOTHING = "Stopped before the first text was counted"


class CorpusView(QWidget):
    name, title, order = "corpus", "Corpus", 3

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        self.path = str(context.settings.get("corpus/path", "") or "")
        self.follower = CorpusFollower(self)
        self._wanted: tuple[int, str, str | None] | None = None  # the figure whose causes are shown
        self._started = self._counted = ""  # data of the running job, and of the figures that it told
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
        offer(self.data, self.context, lambda: Thing(self.path))
        self.by = combo([text for _, text in BY], "How texts are grouped")
        self.by.setMinimumWidth(168)
        self.field = QLineEdit()
        self.field.setPlaceholderText("name of the field")
        self.field.setAccessibleName("Field to group by")
        self.field.setFixedWidth(140)
        self.field.hide()
        self.by.currentIndexChanged.connect(lambda at: self.field.setVisible(not BY[at][0]))
        self.start, self.cancel = button("Start", "play", "primary"), button("Cancel", "stop")
        self.tools = row(self.choose, (self.data, 1), self.by, self.field, self.cancel, self.start)
        self.export = button("Export", "export")
        self.export.setMenu(self._export_menu())
        self.tokenizers, self.problem = TokenizerList(self.context), Problem()
        self.progress, self.speed = ProgressBar(name="Corpus comparison"), eliding("", "small", "text2")
        self.causes = CausesCard()
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
        self.figures = FiguresBoard(self.empty, self.ready)
        self._lay_out()

    def _lay_out(self) -> None:
        self._status = row((self.speed, 1), spacing=8)
        self.body = QSplitter(Qt.Horizontal)
        self.body.setHandleWidth(8)
        self.body.setChildrenCollapsible(False)
        for at, part in enumerate((self.tokenizers, self.figures, self.causes)):
            self.body.addWidget(part)
            self.body.setStretchFactor(at, int(part is self.figures))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 12)
        layout.setSpacing(8)
        for part in (self._status, self.progress, self.problem):
            layout.addWidget(part)
        layout.addWidget(self.body, 1)
        self._arrange(self.context.size_class)

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
        self.figures.asked.connect(self.explain)
        self.context.size_class_changed.connect(self._arrange)

    def _arrange(self, size_class: str) -> None:
        wide = size_class == "wide"
        self.body.setSizes([232, 700, 372] if wide else [216, 500, 292])

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
        return [self.choose, self.tokenizers.add, self.figures.grid, self.figures.bars, self.causes.grid]

    def things(self) -> list[Thing]:
        data = [Thing(self.path)] if self.path else []
        return data + [Thing(reference) for reference in self.tokenizers.references]

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
        self.export.setEnabled(bool(self._counted) and not going)
        self.figures.old.setVisible(self.result is not None and self._counted != self.path)
        self.empty.setVisible(self.result is None and not ready)
        self.ready.setVisible(self.result is None and ready)
        self.ready.buttons[0].setEnabled(not going)

    # ---- running

    def run(self) -> None:
        """What was known before stays in sight until the first figures arrive."""
        if not self.path or not self.tokenizers.references:
            return
        self.problem.clear()
        self.causes.clear()
        self._wanted, self._started, self._counted = None, self.path, ""
        self.progress.set(0)
        self.speed.setText("Starting…")
        by = BY[self.by.currentIndex()][0] or self.field.text().strip() or "auto"
        self.follower.start(Request(tuple(self.tokenizers.references), self.path, by))
        self.cancel.set_busy(None)
        self.context.job(JOB, "Comparing on a corpus", 0, self.stop)
        self._show_state()

    def stop(self) -> None:
        """Keeps what was counted. Where nothing was, the process may be loading tokenizers and ends at once."""
        self.cancel.set_busy("Stopping…")
        if self._counted or not self.follower.running:
            self.follower.cancel()
            return
        self.follower.drop()
        self.context.job_done(JOB)
        self.speed.setText(NOTHING)
        self._show_state()

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
            self.speed.setText(NOTHING if event["cancelled"] else "")
        self._show_state()

    def _failed(self, event: dict) -> None:
        self.context.job_done(JOB)
        self.speed.setText("")
        error: TokstudioError = InputError(event["error"], hint=event["hint"])
        self.problem.show_error(error, [("Choose other data…", self._ask_file)])
        self._show_state()

    # ---- figures

    @property
    def result(self) -> dict | None:
        return self.figures.result

    def _show_result(self, result: dict) -> None:
        first = self.result is None or not self._counted
        self._counted = self._started
        self.figures.fill(result)
        if first:
            self._show_state()

    def explain(self, k: int, metric: str, group: str | None) -> None:
        """Lists what is behind a figure."""
        if not self._counted:
            self.context.say("These figures are of the comparison before. Start it again to see their words.")
            return
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
    digits = 1 if event["seconds"] < 10 else 0
    left = event["seconds"] * (event["size"] / event["done"] - 1) if event["done"] else 0
    words = f"{size(event['done'])} of {size(event['size'])}, {size(event['rate'])}/s"
    words += f", {event['seconds']:.{digits}f} s"
    return f"{words}, about {duration(left)} to go" if left >= 1 else words
