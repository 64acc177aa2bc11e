"""The view "Text": one text, several tokenizers side by side; agreement is quiet, difference is loud."""

import time
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.context import Context
from tokstudio.ui.drop import read_text
from tokstudio.ui.panes import state_file
from tokstudio.ui.panes.arrangement import Arrangement
from tokstudio.ui.panes.export_button import ExportButton
from tokstudio.ui.panes.pane import ComparePane
from tokstudio.ui.panes.picker import TokenizerPicker
from tokstudio.ui.panes.session import MOST, START, CompareSession
from tokstudio.ui.widgets.basic import button
from tokstudio.ui.widgets.choice_list import Choice

# selected at the first start, so that the inspector shows something
FIRST_WORD = "Donaudampfschifffahrtsgesellschaft"


class TextView(QWidget):
    name, title, order = "text", "Text", 1

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        self.session = CompareSession(self)
        self.panes: dict[int, ComparePane] = {}
        self.selection: tuple[int, int] | None = None
        self._file, self._saved = "", ""
        self._restoring = True
        state = state_file.load()
        for reference in references(state):  # read in the background while the widgets are made
            self.session.add(reference)
        self._build()
        self._connect()
        self._save_later = QTimer(self, interval=800, singleShot=True)
        self._save_later.timeout.connect(self.save)
        self._restore(state)
        self._arrange(context.size_class)
        self._restoring = False

    # ---- parts

    def _build(self) -> None:
        self.parts = parts = Arrangement(self.context.settings)
        self.tools = self.toolbar = parts.toolbar
        self.strip_card, self.editor = parts.strip_card, parts.editor
        self.row, self.inspector, self.matrix = parts.row, parts.inspector, parts.matrix
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(parts)
        self._export = ExportButton(self.session, self, self.context)
        self._add = button("Add tokenizer", "plus", "primary")
        self._add.setToolTip("Add a pane (Ctrl+T)")

    def _connect(self) -> None:
        session, tools = self.session, self.toolbar
        session.panes_changed.connect(self._panes_changed)
        session.pane_changed.connect(self._pane_changed)
        session.agreed.connect(self._agreed)
        session.text_refused.connect(self.editor.show_problem)
        self.editor.changed.connect(self._text_changed)
        self.editor.hovered.connect(self._editor_hovered)
        self.editor.selected.connect(lambda start, stop: self.select(start, stop, reveal=False))
        self.editor.open_asked.connect(self._open_text)
        self.editor.file_dropped.connect(self.context.open_path)
        self.strip_card.strip.jumped.connect(self.jump)
        tools.changed.connect(self._toggled)
        tools.previous.connect(lambda: self.step(-1))
        tools.next.connect(lambda: self.step(1))
        self._add.clicked.connect(self.add_pane)
        self.context.size_class_changed.connect(self._arrange)
        for keys, slot in (
            ("F8", lambda: self.step(1)),
            ("Shift+F8", lambda: self.step(-1)),
            ("Ctrl+T", self.add_pane),
            ("Ctrl+W", self.remove_front),
        ):
            QShortcut(QKeySequence(keys), self, context=Qt.WidgetWithChildrenShortcut).activated.connect(slot)

    # ---- for the window

    def subtitle(self) -> str:
        name = self._file or ("Sample text" if self.session.text == state_file.sample_text() else "Untitled")
        return f"{name}, saved {self._saved}" if self._saved else name

    def actions(self) -> list[QWidget]:
        return [self._export, self._add]

    def remark(self) -> str:
        return "UTF-8"

    def regions(self) -> list[QWidget]:
        """What F6 walks through."""
        views = [self.panes[p.number].view for p in self.session.panes if p.number in self.panes]
        return [
            self.toolbar.mode.button(self.toolbar.mode.index()),
            self.strip_card.strip,
            self.editor.edit,
            *views,
        ]

    def commands(self) -> list[Choice]:
        return [
            Choice("Add tokenizer…", "Compare, Ctrl+T", "plus", self.add_pane),
            Choice("Next disagreement", "Compare, F8", "chevron-down", lambda: self.step(1)),
            Choice("Previous disagreement", "Compare, Shift+F8", "chevron-up", lambda: self.step(-1)),
            Choice("Open a text…", "Compare", "file", self._open_text),
            Choice("Show the sample text", "Compare", "refresh", self.show_sample),
            Choice("Export tokens as CSV…", "Compare", "export", lambda: self._export.ask("csv")),
            Choice("Export comparison as JSON…", "Compare", "export", lambda: self._export.ask("json")),
        ]

    def opened(self) -> None:
        self.editor.focus()

    def receive(self, tokenizer: str = "", text: str = "", text_file: str = "") -> None:
        if tokenizer:
            self._add_reference(tokenizer)
        if text_file:
            self.open_text(Path(text_file))
        if text:
            self.editor.set_text(text)

    def close_down(self) -> None:
        self._save_later.stop()
        self.save()
        self.session.close()

    # ---- text

    def _text_changed(self, text: str) -> None:
        self.selection = None
        self._show_selection()
        self.session.set_text(text)
        self._touch()

    def show_sample(self) -> None:
        self._file = ""
        self.editor.set_text(state_file.sample_text())

    def _open_text(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a text", "", "Text (*.txt *.md *.py *.json);;All files (*)"
        )
        if path:
            self.open_text(Path(path))

    def open_text(self, path: Path) -> None:
        """Replaces the text; undo in the editor brings the old one back."""
        try:
            text = read_text(path)
        except TokstudioError as error:
            self.context.fail(error)
            return
        self._file = path.name
        self.editor.set_text(text)
        self.context.say(f"{path.name} opened", undo=self.editor.edit.undo)

    # ---- panes

    def add_pane(self) -> None:
        if len(self.session.panes) >= MOST:
            self.context.say(f"{MOST} panes are the most that can stand side by side.")
            return
        self._picker().ask(self._add if self._add.isVisible() else self.toolbar, self._add_reference)

    def _add_reference(self, reference: str) -> None:
        if self.session.add(reference) is None:
            self.context.say(f"{MOST} panes are the most that can stand side by side.")
        self._touch()

    def change_pane(self, number: int) -> None:
        self._picker().ask(self.panes[number].name, lambda reference: self.session.change(number, reference))

    def remove_pane(self, number: int) -> None:
        pane = self.session.pane(number)
        at = self.session.panes.index(pane)
        self.session.remove(number)
        self.context.say(f"{pane.name} removed", undo=lambda: self.session.add(pane.reference, at))

    def remove_front(self) -> None:
        """Ctrl+W: the pane with the focus, else the last."""
        if not self.session.panes:
            return
        focused = [
            n for n, pane in self.panes.items() if pane.isAncestorOf(self.window().focusWidget() or self)
        ]
        self.remove_pane(focused[0] if focused else self.session.panes[-1].number)

    def _move(self, number: int, direction: int) -> None:
        at = self.session.panes.index(self.session.pane(number))
        self.session.move(number, 0 if direction == 0 else at + direction)

    def _picker(self) -> TokenizerPicker:
        found = self.window().findChild(TokenizerPicker)
        return found or TokenizerPicker(self.window())

    def _panes_changed(self) -> None:
        wanted = [pane.number for pane in self.session.panes]
        for number in [n for n in self.panes if n not in wanted]:
            self.panes.pop(number).deleteLater()
        for number in wanted:
            if number not in self.panes:
                self.panes[number] = self._make_pane(number)
        self.row.set_panes([self.panes[number] for number in wanted])
        for number in wanted:
            self._pane_changed(number)
        self._touch()

    def _make_pane(self, number: int) -> ComparePane:
        made = ComparePane(number)
        made.view.set_worker(self.session.layouts)
        made.hovered.connect(self.hover)
        made.clicked.connect(lambda start, stop: self.select(start, stop))
        made.scrolled.connect(lambda offset: self._scrolled(number, offset))
        made.change_asked.connect(lambda: self.change_pane(number))
        made.remove_asked.connect(lambda: self.remove_pane(number))
        made.settle_asked.connect(lambda: self.session.settle(self.session.pane(number)))
        made.move_asked.connect(lambda direction: self._move(number, direction))
        self._dress(made)
        return made

    def _pane_changed(self, number: int) -> None:
        state = self.session.pane(number)
        if state is None or number not in self.panes:
            return
        first = self.session.panes[0]
        reference = None if state is first else (first.measures.tokens if first.measures else 0)
        self.panes[number].show_state(state, reference, self.context.size_class == "wide")

    # ---- switches

    def _toggled(self) -> None:
        for pane in self.panes.values():
            self._dress(pane)
        self.session.set_special(self.toolbar.special.isChecked())
        self._touch()

    def _dress(self, pane: ComparePane) -> None:
        view, tools = pane.view, self.toolbar
        view.set_mode(tools.MODES[tools.mode.index()])
        view.set_show(tools.SHOWS[tools.show_as.index()])
        view.set_whitespace(tools.marks.isChecked())

    # ---- links between text and panes

    def hover(self, start: int, stop: int) -> None:
        """The same bytes in every pane and in the text; below 0: none."""
        for pane in self.panes.values():
            pane.view.highlight(start, stop)
        self.editor.highlight(start, stop)

    def _editor_hovered(self, start: int, _stop: int) -> None:
        """The token of the reference pane that holds the character under the pointer."""
        panes = self.session.fresh()
        tokens = self.panes[panes[0].number].view.tokens if panes and start >= 0 else None
        found = tokens.overlapping(start, start + 1) if tokens is not None else (0, 0)
        self.hover(*(tokens.trimmed(found[0]) if found[0] < found[1] else (-1, -1)))

    def select(self, start: int, stop: int, reveal: bool = True) -> None:
        """Selects bytes in every pane; below 0: nothing."""
        self.selection = (start, stop) if start >= 0 else None
        self._show_selection()
        if reveal and self.selection is not None:
            self._reveal()

    def _reveal(self) -> None:
        self.editor.reveal(self.selection[0])
        for pane in self.panes.values():
            pane.view.reveal(*self.selection)

    def _show_selection(self) -> None:
        start, stop = self.selection or (-1, -1)
        for pane in self.panes.values():
            pane.view.select(start, stop)
        self.editor.mark(start, stop)
        self.strip_card.strip.select(start, stop)
        panes = self.session.fresh()
        if self.selection is None or not panes:
            self.inspector.show_nothing()
            return
        words = len(self.session.data[start:stop].decode(errors="replace").split())
        count = f"{words} words" if words != 1 else "one word"
        note = f"{stop - start:,} byte{'s' if stop - start != 1 else ''} at {start:,}, {count}"
        self.inspector.show_span(panes, start, stop, note)

    def _scrolled(self, number: int, offset: int) -> None:
        for other, pane in self.panes.items():
            if other != number:
                pane.view.scroll_to(offset)

    def step(self, direction: int) -> None:
        """To the next (1) or previous (-1) disagreement, seen from the selection."""
        found = self.session.agreement
        if found is None:
            return
        start, stop = self.selection or ((0, 0) if direction > 0 else (len(self.session.data) + 1, 0))
        here = stop - 1 if direction > 0 else start
        to = found.next_disagreement(here) if direction > 0 else found.previous_disagreement(here)
        if to is None:
            self.context.say("No disagreement " + ("after" if direction > 0 else "before") + " this place.")
        else:
            self.jump(to)

    def jump(self, offset: int) -> None:
        """Selects the longest token that holds this byte in any pane."""
        spans = []
        for pane in self.session.fresh():
            tokens = self.panes[pane.number].view.tokens
            first, stop = tokens.overlapping(offset, offset + 1) if tokens is not None else (0, 0)
            spans += [tokens.trimmed(first)] if first < stop else []
        if spans:
            self.select(*max(spans, key=lambda span: span[1] - span[0]))

    def _agreed(self) -> None:
        found, panes = self.session.agreement, self.session.fresh()
        self.strip_card.show_agreement(found, len(self.session.text))
        self.matrix.set([pane.name for pane in panes], found.f1 if found is not None else None)
        self.toolbar.show_count(len(found.disagreements) if found is not None and len(panes) > 1 else None)
        if self.selection is None and self._first_word is not None:
            self._select_first_word()
        self._show_selection()

    def _select_first_word(self) -> None:
        if len(self.session.fresh()) == len(self.session.panes) and self._first_word in self.session.text:
            at = self.session.data.index(self._first_word.encode())
            self.selection = (at, at + len(self._first_word))
            self._first_word = None

    # ---- arrangement

    def _arrange(self, size_class: str) -> None:
        self.parts.arrange(size_class)
        for number in list(self.panes):
            self._pane_changed(number)

    # ---- memory

    def _touch(self) -> None:
        if not self._restoring:
            self._save_later.start()

    def save(self) -> None:
        state = {
            "text": self.editor.text(),
            "file": self._file,
            "panes": [pane.reference for pane in self.session.panes],
            **self.toolbar.state(),
        }
        try:
            state_file.save(state)
        except TokstudioError as error:
            self.context.fail(error)
            return
        self._saved = time.strftime("%H:%M")
        self.context.refresh_header()

    def _restore(self, state: dict) -> None:
        text = state.get("text")
        self._first_word = FIRST_WORD if not isinstance(text, str) else None
        self._file = str(state.get("file", ""))
        self.toolbar.restore(state)
        self._panes_changed()
        self.editor.set_text(text if isinstance(text, str) else state_file.sample_text())
        self.editor.edit.document().clearUndoRedoStacks()


def references(state: dict) -> list[str]:
    """The tokenizers of the last session, else those of the first start."""
    return [r for r in state.get("panes", ()) if isinstance(r, str)][:MOST] or list(START)
