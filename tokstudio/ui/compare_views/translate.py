"""The view "Translate": what the ids of one model are to another, and what a text loses on the way."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QSplitter, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.tokens.base import utf8
from tokstudio.tokens.translate_service import SHORT, Shown, Translator, short
from tokstudio.ui.background import Worker
from tokstudio.ui.compare_parts.pair import PairTools
from tokstudio.ui.compare_parts.source_card import SourceCard
from tokstudio.ui.compare_parts.translation import TranslationBoard
from tokstudio.ui.context import Context
from tokstudio.ui.drop import read_text
from tokstudio.ui.panes.line_ends import remark
from tokstudio.ui.panes.state_file import sample_text
from tokstudio.ui.reveal import Thing
from tokstudio.ui.widgets.basic import button
from tokstudio.ui.widgets.choice_list import Choice
from tokstudio.ui.widgets.problem import Problem

SAMPLE = "Hello, my name is Mike and I like purple."
PAUSE = 150  # milliseconds after the last key before a long text is translated
COPIES: tuple[tuple[str, Callable[[Shown], str]], ...] = (
    ("Direct text", lambda shown: shown.facts["direct"]),
    ("Text through text", lambda shown: shown.facts["through_text"]),
    ("Target ids", lambda shown: str(shown.encoding.ids.tolist())),
    ("Losses", lambda shown: "\n".join(map(_line, shown.facts["losses"]))),
)


class TranslateView(QWidget):
    name, title, order = "translate", "Translate", 2

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        self.generation = 0
        self._long = False  # does the process have a text?
        self._given: tuple[str, list[str]] | None = None  # what `take` last brought
        self._worker, self._translator = Worker(self), Translator()
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._build()
        self._connect()
        self.editor.set_text(SAMPLE)

    # ---- parts

    def _build(self) -> None:
        self.tools = self.pair = PairTools(self.context)
        self.copy = button("Copy", "copy")
        menu = QMenu(self)
        for text, what in COPIES:
            menu.addAction(text).triggered.connect(lambda _=False, what=what: self._copy(what))
        self.copy.setMenu(menu)
        self.editor, self.problem, self.board = SourceCard(), Problem(), TranslationBoard()
        self.editor.setMinimumSize(200, 96)
        self.body = QSplitter(Qt.Horizontal)
        self.body.setHandleWidth(8)
        self.body.setChildrenCollapsible(False)
        for part in (self.editor, self.board):
            self.body.addWidget(part)
        self.body.setStretchFactor(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.problem)
        layout.addWidget(self.body, 1)
        self._arrange(self.context.size_class)

    def _copy(self, what: Callable[[Shown], str]) -> None:
        if self.board.shown is not None:
            QGuiApplication.clipboard().setText(what(self.board.shown))

    def _connect(self) -> None:
        self._worker.done.connect(self._arrived)
        self._pause.timeout.connect(lambda: self._submit(self.editor.text()))
        self.pair.changed.connect(self.translate)
        self.editor.changed.connect(self.translate)
        self.editor.hovered.connect(lambda start, _: self.board.light_at(start))
        self.editor.open_asked.connect(self._open)
        self.editor.file_dropped.connect(lambda path: self.open_text(Path(path)))
        self.board.lit.connect(self.editor.highlight)
        self.board.placed.connect(self._place)
        self.context.size_class_changed.connect(self._arrange)

    def _place(self, start: int, stop: int) -> None:
        self.editor.mark(start, stop)
        self.editor.reveal(start)

    def _arrange(self, size_class: str) -> None:
        wide = size_class == "wide"
        self.editor.set_compact(not wide)
        self.body.setOrientation(Qt.Horizontal if wide else Qt.Vertical)
        self.body.setSizes([312, 10_000] if wide else [112, 10_000])

    # ---- for the page

    def take(self, text: str, references: list[str]) -> None:
        """The panes' text and first two tokenizers, where they are others than the last time; at the first time a
        text that a person wrote, else the example stays."""
        before, self._given = self._given, (text, references[:2])
        fresh = before is None and not self.pair.remembered
        if len(references) > 1 and (fresh or (before is not None and before[1] != references[:2])):
            self.pair.set(references[:2])
        if (before is None and text not in ("", sample_text())) or (before is not None and before[0] != text):
            self.editor.set_text(text)

    def opened(self) -> None:
        self.editor.focus()

    def subtitle(self) -> str:
        return "between models"

    def actions(self) -> list[QWidget]:
        return [self.copy]

    def commands(self) -> list[Choice]:
        return [
            Choice("Exchange the two tokenizers", "Translate", "swap", self.pair.exchange),
            Choice("Translate the text of the panes", "Translate", "refresh", self._take_text),
            Choice("Open a text to translate…", "Translate", "file", self._open),
            *(
                Choice(f"Copy: {text.lower()}", "Translate", "copy", lambda what=what: self._copy(what))
                for text, what in COPIES
            ),
        ]

    def _take_text(self) -> None:
        if self._given is not None:
            self.editor.set_text(self._given[0])

    def things(self) -> list[Thing]:
        return [Thing(reference) for reference in self.pair.pair]

    def regions(self) -> list[QWidget]:
        board = self.board
        return [self.pair.source, self.editor.edit, board.direct, board.through, board.losses]

    def receive(self, text: str = "", source: str = "", target: str = "") -> None:
        if source or target:
            self.pair.set([source or self.pair.pair[0], target or self.pair.pair[1]])
        if text:
            self.editor.set_text(text)

    def close_down(self) -> None:
        self._pause.stop()
        self._translator.close()
        self._worker.close()
        self._translator.release()

    # ---- text

    def _open(self) -> None:
        kinds = "Text (*.txt *.md *.py *.json);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Open a text", "", kinds)
        if path:
            self.open_text(Path(path))

    def open_text(self, path: Path) -> None:
        """Replaces the text; undo in the editor brings the old one back."""
        try:
            text = read_text(path)
        except TokstudioError as error:
            self.context.fail(error)
        else:
            self.editor.set_text(text)
            self.context.say(f"{path.name} opened{remark(text)}")

    # ---- translation

    def translate(self) -> None:
        """Short texts at once, long ones in their own process after a pause in typing."""
        self.generation += 1
        text = self.editor.text()
        self.board.old.setVisible(self.board.shown is not None)
        if len(text) > SHORT:
            if self._long:
                self._translator.interrupt()
            self._pause.start()
        else:
            self._pause.stop()
            self._submit(text)

    def _submit(self, text: str) -> None:
        generation, (source, target), kind = self.generation, self.pair.pair, self.editor.reads
        try:
            size = len(utf8(text))
        except TokstudioError as error:
            self._fail(error)
            return
        work = short if size <= SHORT else self._translator.ask
        self._long = size > SHORT

        def translated() -> Shown | None:  # in the worker's thread; None: something newer waits
            return work(source, target, text, kind) if generation == self.generation else None

        self._worker.submit(generation, translated)

    def _arrived(self, generation: int, result: Shown | TokstudioError | None) -> None:
        if generation != self.generation or result is None:
            return
        self._long = False
        if isinstance(result, TokstudioError):
            self._fail(result)
            return
        self.problem.clear()
        self.pair.show_facts(result.facts)
        self.board.fill(result)

    def _fail(self, error: TokstudioError) -> None:
        actions = [
            ("Choose another source…", lambda: self.pair.ask(0)),
            ("Choose another target…", lambda: self.pair.ask(1)),
        ]
        self.problem.show_error(error, actions)


def _line(loss: dict) -> str:
    return f"{loss['start']}-{loss['stop']}\t{loss['kind']}\t{loss['before']!r}\t{loss['after']!r}"
