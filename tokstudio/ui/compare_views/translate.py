"""The view "Translate": what the ids of one model are to another, and what a text loses on the way."""

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QSplitter, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.tokens.base import utf8
from tokstudio.tokens.translate_service import SHORT, Shown, Translator, short
from tokstudio.ui.background import Worker
from tokstudio.ui.compare_parts.direct import DirectView
from tokstudio.ui.compare_parts.grid import Cell, Column, Grid
from tokstudio.ui.compare_parts.source_card import SourceCard
from tokstudio.ui.context import Context
from tokstudio.ui.drop import read_text
from tokstudio.ui.panes.pane import NameButton, relative
from tokstudio.ui.panes.picker import TokenizerPicker
from tokstudio.ui.widgets.basic import Card, button, eliding, label, row, tool
from tokstudio.ui.widgets.choice_list import Choice
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.widgets.token_text import glyphs
from tokstudio.ui.widgets.token_view import TokenView

FIRST = ("tiktoken:cl100k_base", "bert-base-uncased")
SAMPLE = "Hello, my name is Mike and I like purple."
HINT = "Point at an id to see why it reads as it does."
COLUMNS = (
    Column("What changes", width=150),
    Column("Bytes", right=True, width=92),
    Column("Before", mono=True),
    Column("After", mono=True),
    Column("By", width=132),
)
PAUSE = 150  # milliseconds after the last key before a long text is translated


class TranslateView(QWidget):
    name, title, order = "translate", "Translate", 2

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        saved = context.settings.get("translate/pair", [])
        self.pair: list[str] = (
            [*saved, *FIRST[len(saved) :]] if isinstance(saved, list) and len(saved) <= 2 else [*FIRST]
        )
        self.shown: Shown | None = None
        self.generation = 0
        self._long = False  # does the process have a text?
        self._given: tuple[str, list[str]] | None = None  # what `take` last brought
        self._worker, self._translator = Worker(self), Translator()
        self._worker.done.connect(self._arrived)
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(lambda: self._submit(self.editor.text()))
        self._build()
        self._connect()
        self._names()
        self.editor.set_text(SAMPLE)

    # ---- parts

    def _build(self) -> None:
        self.source, self.target = NameButton(), NameButton()
        self.swap = tool("swap", "Exchange the two tokenizers")
        self.length = eliding("", "small", "text2")
        self.copy = button("Copy", "copy")
        self.copy.setMenu(self._copy_menu())
        self.tools = row(label("Ids of", "small", "muted"), self.source, self.swap, label("read by", "small", "muted"),
                         self.target, 8, (self.length, 1), spacing=6)  # fmt: skip
        self.editor, self.problem = SourceCard(), Problem()
        self.direct, self.through, self.losses = (
            DirectView(),
            TokenView("Tokens through text"),
            Grid("Losses"),
        )
        self.why = label(HINT, "small", "muted", wrap=True)
        self.old = label("old", "caption", "muted")
        self.old.setProperty("frame", "tag")
        self.old.hide()
        self.through.set_mode("every")
        self.through.set_show("ids")
        self._direct_card = Card("Direct", "the same ids, without a way through text")
        self._direct_card.body.addWidget(self.direct, 1)
        self._direct_card.body.addWidget(self.why)
        self._through_card = Card("Through text", "decoded, then encoded again", [self.old])
        self._through_card.body.addWidget(self.through, 1)
        self._loss_card = Card("Losses", "")
        self._loss_card.body.addWidget(self.losses, 1)
        for card in (self._direct_card, self._through_card, self._loss_card):
            card.body.setSpacing(4)
            card.layout().setContentsMargins(1, 10, 1, 8)
            card.header_layout.setContentsMargins(11, 0, 11, 0)
        self.why.setContentsMargins(11, 0, 11, 0)
        self.editor.setMinimumSize(200, 96)
        right = self._splitter(Qt.Vertical, self._direct_card, self._through_card, self._loss_card)
        right.setSizes([210, 190, 300])
        self._right = right
        self.body = self._splitter(Qt.Horizontal, self.editor, right)
        self.body.setStretchFactor(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.problem)
        layout.addWidget(self.body, 1)
        self._arrange(self.context.size_class)

    @staticmethod
    def _splitter(orientation: Qt.Orientation, *parts: QWidget) -> QSplitter:
        made = QSplitter(orientation)
        made.setHandleWidth(8)
        made.setChildrenCollapsible(False)
        made.setFrameShape(QFrame.NoFrame)
        for part in parts:
            made.addWidget(part)
        return made

    def _copy_menu(self) -> QMenu:
        menu = QMenu(self)
        for text, what in (
            ("Direct text", lambda s: s.facts["direct"]),
            ("Text through text", lambda s: s.facts["through_text"]),
            ("Target ids", lambda s: str(s.encoding.ids.tolist())),
            ("Losses", lambda s: "\n".join(map(_line, s.facts["losses"]))),
        ):
            menu.addAction(text).triggered.connect(lambda _=False, what=what: self._copy(what))
        return menu

    def _copy(self, what) -> None:
        if self.shown is not None:
            QGuiApplication.clipboard().setText(what(self.shown))

    def _connect(self) -> None:
        self.source.clicked.connect(lambda: self._ask(0, self.source))
        self.target.clicked.connect(lambda: self._ask(1, self.target))
        self.swap.clicked.connect(lambda: self.set_pair(self.pair[::-1]))
        self.editor.changed.connect(self.translate)
        self.editor.hovered.connect(self._from_text)
        self.editor.open_asked.connect(self._open)
        self.editor.file_dropped.connect(lambda path: self.open_text(Path(path)))
        self.direct.hovered.connect(lambda start, stop: self.light(start, stop, self.direct))
        self.direct.explained.connect(lambda why: self.why.setText(why or HINT))
        self.through.hovered.connect(self._from_through)
        self.losses.chosen.connect(lambda at, _: self.choose(at))
        self.context.size_class_changed.connect(self._arrange)

    def _arrange(self, size_class: str) -> None:
        wide = size_class == "wide"
        self.body.setOrientation(Qt.Horizontal if wide else Qt.Vertical)
        self.body.setSizes([312, 10_000] if wide else [112, 10_000])

    # ---- for the page

    def take(self, text: str, references: list[str]) -> None:
        """The panes' text and first two tokenizers, where they are others than the last time."""
        before, self._given = self._given, (text, references[:2])
        if before is None or before[1] != references[:2]:
            saved = self.context.settings.get("translate/pair")
            if len(references) > 1 and (before is not None or not saved):
                self.set_pair(references[:2])
        if before is not None and before[0] != text:
            self.editor.set_text(text)

    def opened(self) -> None:
        self.editor.focus()

    def subtitle(self) -> str:
        return "between models"

    def actions(self) -> list[QWidget]:
        return [self.copy]

    def commands(self) -> list[Choice]:
        return [
            Choice(
                "Exchange the two tokenizers", "Translate", "swap", lambda: self.set_pair(self.pair[::-1])
            ),
            Choice("Translate the text of the panes", "Translate", "refresh", self._take_text),
            Choice(
                "Copy the text through text",
                "Translate",
                "copy",
                lambda: self._copy(lambda s: s.facts["through_text"]),
            ),
        ]

    def _take_text(self) -> None:
        if self._given is not None:
            self.editor.set_text(self._given[0])

    def regions(self) -> list[QWidget]:
        return [self.source, self.editor.edit, self.direct, self.through, self.losses]

    def _open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a text", "", "Text (*.txt *.md *.py *.json);;All files (*)"
        )
        if path:
            self.open_text(Path(path))

    def open_text(self, path: Path) -> None:
        """Replaces the text; undo in the editor brings the old one back."""
        try:
            self.editor.set_text(read_text(path))
        except TokstudioError as error:
            self.context.fail(error)

    def receive(self, text: str = "", source: str = "", target: str = "") -> None:
        if source or target:
            self.set_pair([source or self.pair[0], target or self.pair[1]])
        if text:
            self.editor.set_text(text)

    def close_down(self) -> None:
        self._pause.stop()
        self._translator.close()
        self._worker.close()
        self._translator.release()

    # ---- the pair

    def _ask(self, at: int, near: QWidget) -> None:
        found = self.window().findChild(TokenizerPicker) or TokenizerPicker(self.window(), self.context)
        found.ask(
            near, lambda reference: self.set_pair([reference if i == at else self.pair[i] for i in (0, 1)])
        )

    def set_pair(self, pair: list[str]) -> None:
        self.pair = list(pair)
        self.context.settings.set("translate/pair", self.pair)
        self._names()
        self.translate()

    def _names(self) -> None:
        for made, reference, what in zip(
            (self.source, self.target), self.pair, ("Source", "Target"), strict=True
        ):
            name = (
                reference.rstrip("/").rpartition("/")[2]
                if "/" in reference
                else reference.removeprefix("tiktoken:")
            )
            made.show_name(name)
            made.setAccessibleName(f"{what} tokenizer {name}, change")
            made.setToolTip(f"{reference}: choose another tokenizer")

    # ---- translation

    def translate(self) -> None:
        """Short texts at once, long ones in their own process after a pause in typing."""
        self.generation += 1
        text = self.editor.text()
        self.old.setVisible(self.shown is not None)
        if len(text) > SHORT:
            if self._long:
                self._translator.interrupt()
            self._pause.start()
        else:
            self._pause.stop()
            self._submit(text)

    def _submit(self, text: str) -> None:
        generation, (source, target) = self.generation, self.pair
        try:
            size = len(utf8(text))
        except TokstudioError as error:
            self._fail(error)
            return
        work = short if size <= SHORT else self._translator.ask
        self._long = size > SHORT
        latest = lambda: generation == self.generation  # noqa: E731  read in the worker's thread
        kind = self.editor.kind
        self._worker.submit(generation, lambda: work(source, target, text, kind) if latest() else None)

    def _arrived(self, generation: int, result: Shown | TokstudioError | None) -> None:
        if generation != self.generation or result is None:
            return
        self._long = False
        if isinstance(result, TokstudioError):
            self._fail(result)
            return
        self.problem.clear()
        self.shown = result
        self.old.hide()
        self._fill(result)

    def _fail(self, error: TokstudioError) -> None:
        actions = [("Choose another source…", lambda: self._ask(0, self.source)),
                   ("Choose another target…", lambda: self._ask(1, self.target))]  # fmt: skip
        self.problem.show_error(error, actions)

    def _fill(self, shown: Shown) -> None:
        facts = shown.facts
        self.source.show_name(facts["source"])
        self.target.show_name(facts["target"])
        tokens, total = facts["direct_tokens"], facts["source_tokens"]
        self.direct.set_tokens(tokens)
        self.why.setText(HINT)
        right = sum(token["kind"] == "same" for token in tokens)
        note = f"{total:,} ids of {facts['source']} read by {facts['target']}: {right:,} of {len(tokens):,} are right"
        self._direct_card.subtitle.setText(
            note if total == len(tokens) else f"{note} (the first {len(tokens):,})"
        )
        self.through.set_encoding(shown.encoding, _Names(shown.specials))
        self._through_card.subtitle.setText(facts["returned"].replace("\n", "↵")[:400])
        self._show_length(facts)
        self._show_losses(facts)

    def _show_length(self, facts: dict) -> None:
        before, after = facts["source_tokens"], facts["target_tokens"]
        change = relative(after, before)
        framed = f", {facts['framed']} of them special" if facts["framed"] else ""
        self.length.setText(f"{before:,} tokens become {after:,} ({change}{framed})" if before else "")

    def _show_losses(self, facts: dict) -> None:
        names = {"source": facts["source"], "target": facts["target"]}
        rows = [
            [
                Cell(loss["kind"].capitalize(), role="muted" if loss["kind"] == "special added" else "text"),
                Cell(f"{loss['start']:,}\u2013{loss['stop']:,}", role="muted"),
                Cell(glyphs(loss["before"][:200], True), told=repr(loss["before"])),
                Cell(glyphs(loss["after"][:200], True), told=repr(loss["after"])),
                Cell(names[loss["side"]], role="muted"),
            ]
            for loss in facts["losses"]
        ]
        self.losses.set(COLUMNS, rows)
        self.losses.clearSelection()
        counts = ", ".join(
            f"{kind} {count:,}" for kind, count in facts["summary"].items() if kind != "special added"
        )
        words = "The text comes back unchanged" if facts["lossless"] else counts
        if facts["loss_count"] > len(facts["losses"]):
            words += f"; the first {len(facts['losses']):,} are listed"
        self._loss_card.subtitle.setText(words)

    # ---- links

    def light(self, start: int, stop: int, origin: QWidget | None = None) -> None:
        """The same bytes of the text in the editor, in the ids and in the tokens; below 0: none."""
        self.editor.highlight(start, stop)
        if origin is not self.direct:
            self.direct.highlight(start, stop)
        if origin is not self.through:
            self.through.highlight(*self._to_decoded(start, stop))

    def _from_text(self, start: int, _stop: int) -> None:
        if self.shown is None or start < 0:
            self.light(-1, -1)
            return
        found = ((self.shown.places[:, 0] <= start) & (self.shown.places[:, 1] > start)).nonzero()[0]
        self.light(*(self.shown.places[found[0]].tolist() if len(found) else (start, start + 1)))

    def _from_through(self, start: int, stop: int) -> None:
        if self.shown is None or start < 0:
            self.light(-1, -1, self.through)
            return
        spans = self.shown.encoding.spans
        found = ((spans[:, 0] < stop) & (spans[:, 1] > start)).nonzero()[0]
        places = self.shown.places[found]
        self.light(int(places[:, 0].min()), int(places[:, 1].max()), self.through) if len(found) else None

    def _to_decoded(self, start: int, stop: int) -> tuple[int, int]:
        """Bytes of the text as bytes of what the source decoded."""
        if self.shown is None or start < 0:
            return -1, -1
        places, spans = self.shown.places, self.shown.encoding.spans
        found = ((places[:, 0] < stop) & (places[:, 1] > start)).nonzero()[0]
        return (int(spans[found, 0].min()), int(spans[found, 1].max())) if len(found) else (-1, -1)

    def choose(self, at: int) -> None:
        """The place of a loss, in all three."""
        loss = self.shown.facts["losses"][at]
        start, stop = loss["start"], loss["stop"]
        wide = (start, stop) if stop > start else (max(0, start - 1), start) if start else (0, 1)
        self.editor.mark(start, stop)
        self.editor.reveal(start)
        self.light(*wide)
        decoded = self._to_decoded(*wide)
        self.through.select(*decoded)
        if decoded[0] >= 0:
            self.through.reveal(*decoded)


class _Names:
    """What a token view asks of a tokenizer."""

    def __init__(self, specials: dict[str, int]):
        self.special_tokens = specials


def _line(loss: dict) -> str:
    return f"{loss['start']}-{loss['stop']}\t{loss['kind']}\t{loss['before']!r}\t{loss['after']!r}"
