"""The view "Text": one text, several tokenizers side by side; agreement is quiet, difference is loud."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.background import Worker
from tokstudio.ui.context import Context
from tokstudio.ui.panes import state_file
from tokstudio.ui.panes.arrangement import Arrangement
from tokstudio.ui.panes.export_button import ExportButton
from tokstudio.ui.panes.keys import connect_keys
from tokstudio.ui.panes.line_ends import NAMES
from tokstudio.ui.panes.links import Links
from tokstudio.ui.panes.pane import ComparePane
from tokstudio.ui.panes.pane_set import PaneSet
from tokstudio.ui.panes.session import MOST, START, CompareSession
from tokstudio.ui.panes.text_files import TextFiles
from tokstudio.ui.panes.toolbar import Toolbar
from tokstudio.ui.reveal import Thing
from tokstudio.ui.widgets.basic import button
from tokstudio.ui.widgets.choice_list import Choice

if TYPE_CHECKING:
    from tokstudio.ui.panes.picture import Picture

# selected at the first start, so that the inspector shows something
FIRST_WORD = "Donaudampfschifffahrtsgesellschaft"


class TextView(QWidget):
    name, title, order = "text", "Text", 1

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        self.session = CompareSession(self)
        self._saved = ""
        self._written_before: int | None = None  # how special tokens were read before a chat came to front
        self._restoring = True
        self._beside: list[QDialog] = []
        state = state_file.load()
        for reference in references(state):  # read in the background while the widgets are made
            self.session.add(reference)
        self._build()
        self.links, self.pane_set, self.files = Links(self), PaneSet(self), TextFiles(self)
        self._disk = Worker(self)  # writes the state; 1 MB of text takes too long for the window
        self._disk.done.connect(self._written)
        self._connect()
        connect_keys(self)
        self._save_later = QTimer(self, interval=800, singleShot=True)
        self._save_later.timeout.connect(self._save_behind)
        self._restore(state)
        self._arrange(context.size_class)
        self._restoring = False

    @property
    def panes(self) -> dict[int, ComparePane]:
        return self.pane_set.widgets

    @property
    def selection(self) -> tuple[int, int] | None:
        return self.links.selection

    # ---- parts

    def _build(self) -> None:
        self.parts = parts = Arrangement(self.context.settings)
        self.tools = self.toolbar = parts.toolbar
        self.strip_card, self.editor = parts.strip_card, parts.editor
        self.row, self.inspector, self.matrix = parts.row, parts.inspector, parts.matrix
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(parts)
        self._export = ExportButton(self.session, self, self.picture, self.context)
        self._add = button("Add tokenizer", "plus", "primary")
        self._add.setToolTip("Add a pane (Ctrl+T)")

    def _connect(self) -> None:
        session, tools = self.session, self.toolbar
        session.panes_changed.connect(self._panes_changed)
        session.pane_changed.connect(self.pane_set.show)
        session.pane_changed.connect(self._mark_refused)
        session.checked.connect(self.pane_set.show)
        session.agreed.connect(self._agreed)
        session.text_refused.connect(self.editor.show_problem)
        self.editor.changed.connect(self._text_changed)
        self.editor.source_changed.connect(self._source_changed)
        self.editor.edited.connect(self._touch)
        self.editor.file_dropped.connect(self.context.open_path)
        self.inspector.models_asked.connect(self.edit_models)
        self.inspector.change_asked.connect(self.change_tokenizer)
        self.inspector.vocabulary_asked.connect(
            lambda reference, token: self.context.go("vocabulary", tokenizer=reference, token=token)
        )
        self.row.dropped.connect(self.pane_set.move_to)
        self.editor.chat.dropped.connect(self._message_dropped)
        self.editor.chat.shifted.connect(self._message_shifted)
        tools.changed.connect(self._toggled)
        tools.previous.connect(lambda: self.step(-1))
        tools.next.connect(lambda: self.step(1))
        self._add.clicked.connect(self.add_pane)
        self.context.size_class_changed.connect(self._arrange)

    # ---- for the page and the window

    def subtitle(self) -> str:
        plain = self.files.name or (
            "Sample text" if self.session.text == state_file.sample_text() else "Untitled"
        )
        name = {"chat": "Chat", "ids": "From ids"}.get(self.editor.source, plain)
        return f"{name}, saved {self._saved}" if self._saved else name

    def actions(self) -> list[QWidget]:
        return [self._export, self._add]

    def remark(self) -> str:
        return "UTF-8"

    def regions(self) -> list[QWidget]:
        """What F6 walks through."""
        views = [self.panes[p.number].view for p in self.session.panes if p.number in self.panes]
        mode = self.toolbar.mode
        return [mode.button(mode.index()), self.strip_card.strip, self.editor.edit, *views]

    def commands(self) -> list[Choice]:
        return [
            Choice("Add tokenizer…", "Compare, Ctrl+T", "plus", self.add_pane),
            Choice("Next disagreement", "Compare, F8", "chevron-down", lambda: self.step(1)),
            Choice("Previous disagreement", "Compare, Shift+F8", "chevron-up", lambda: self.step(-1)),
            Choice("Find in the text…", "Compare, Ctrl+F", "search", self.editor.find.start),
            Choice("Open a text…", "Compare", "file", self.files.choose),
            Choice("Show the sample text", "Compare", "refresh", self.files.show_sample),
            Choice("Write with escapes", "Compare", "file", lambda: self.editor.set_source("escapes")),
            *(
                Choice(f"Line ends: {name}", "Compare", "file", lambda at=at: self.editor.convert_ends(at))
                for at, name in enumerate(NAMES)
            ),
            Choice("Write a chat", "Compare", "file", lambda: self.editor.set_source("chat")),
            Choice("Ids to text", "Compare", "swap", lambda: self.editor.set_source("ids")),
            Choice("Go to a byte…", "Compare, Ctrl+G", "search", self.editor.find.start_at),
            Choice("Split the text by tokens…", "Compare", "layers", self.split_text),
            Choice("Change tokens and merges…", "Compare", "swap", self.change_tokenizer),
            Choice("Models and prices…", "Compare", "settings", self.edit_models),
            Choice("Export tokens as CSV…", "Compare", "export", lambda: self._export.ask("csv")),
            Choice("Export comparison as JSON…", "Compare", "export", lambda: self._export.ask("json")),
            Choice("Export panes as SVG…", "Compare", "export", lambda: self._export.ask("svg", True)),
            Choice("Export panes as PNG…", "Compare", "export", lambda: self._export.ask("png", True)),
        ]

    def things(self) -> list[Thing]:
        return [*self.files.things(), *(Thing(pane.reference, pane.name) for pane in self.session.panes)]

    def opened(self) -> None:
        self.editor.focus()

    def receive(self, tokenizer: str = "", text: str = "", text_file: str = "", beside: str = "") -> None:
        """`beside`: the tokenizer that `tokenizer` is to stand next to."""
        if tokenizer:
            self.pane_set.add(tokenizer, beside)
        if text_file:
            self.files.open(Path(text_file))
        if text:
            self.editor.set_text(text)

    def close_down(self) -> None:
        for dialog in list(self._beside):
            dialog.done(QDialog.Rejected)
        self._save_later.stop()
        self._disk.close()
        self.save()
        self.links.close()
        self.editor.close_down()
        self.session.close()
        if self.files.paged is not None:
            self.files.paged.close()

    # ---- actions

    def add_pane(self) -> None:
        self.pane_set.ask_to_add(self._add if self._add.isVisible() else self.toolbar)

    def select(self, start: int, stop: int, reveal: bool = True) -> None:
        self.links.select(start, stop, reveal)

    def step(self, direction: int) -> None:
        self.links.step(direction)

    def copy_ids(self) -> None:
        self.copy("json")

    def copy(self, kind: str) -> None:
        """Of the pane with the focus, else of the reference."""
        number = self.pane_set.front() or (self.session.panes[0].number if self.session.panes else None)
        if number is not None:
            self.panes[number].copy(kind)

    def picture(self) -> "Picture":
        """Of the panes that are up to date."""
        from tokstudio.ui.panes.picture import Picture

        panes = self.session.fresh()
        return Picture(panes, [self.panes[pane.number].view for pane in panes])

    def split_text(self, number: int | None = None) -> None:
        """By a token budget of this pane's tokenizer, else of the reference."""
        from tokstudio.ui.panes.split_dialog import SplitDialog

        panes = [pane for pane in self.session.panes if pane.tokenizer is not None]
        if panes:
            chosen = next((at for at, pane in enumerate(panes) if pane.number == number), 0)
            dialog = SplitDialog(self.window(), self.session.text, [pane.tokenizer for pane in panes], chosen)
            dialog.place_asked.connect(self.select)
            dialog.said.connect(self.context.say)
            self._show(dialog)

    def change_tokenizer(self, number: int | None = None, token: int | None = None) -> None:
        """Try changes of this pane's tokenizer, else of the reference; `token`: the id to begin with."""
        from tokstudio.ui.panes.whatif_dialog import WhatIfDialog

        panes = [pane for pane in self.session.panes if pane.tokenizer is not None]
        if panes:
            pane = next((pane for pane in panes if pane.number == number), panes[0])
            dialog = WhatIfDialog(self, pane, f"#{token}" if token is not None else "")
            self._show(dialog)

    def _show(self, dialog: QDialog) -> None:
        """Beside the page, which goes on working; it ends with the page."""
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        self._beside.append(dialog)
        dialog.finished.connect(lambda: self._beside.remove(dialog))
        dialog.show()

    def edit_models(self) -> None:
        from tokstudio.ui.panes.models_dialog import ModelsDialog

        dialog = ModelsDialog(self.window(), [pane.reference for pane in self.session.panes])
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.accepted.connect(self.links.show)
        dialog.open()

    # ---- text, panes, switches

    def _text_changed(self, text: str) -> None:
        self.links.text_changed()
        chat = self.editor.source == "chat"
        self.session.set_text(text, self.editor.chat.trained() if chat else None)
        self._touch()

    def _source_changed(self, source: str) -> None:
        """A chat's special tokens are meant; pasted or typed ones are text until somebody says otherwise."""
        if source == "chat":
            self._written_before = self.toolbar.written.currentIndex()
            self.toolbar.written.setCurrentIndex(Toolbar.WRITTEN.index("parse"))
        elif self._written_before is not None:
            self.toolbar.written.setCurrentIndex(self._written_before)
            self._written_before = None
        self._offer()
        self.context.refresh_header()

    def _message_dropped(self, at: int, message: dict[str, str]) -> None:
        chat = self.editor.chat
        undo = self.context.changes.record(
            "compare", "remove a message", True, False,
            lambda there: chat.put(at, message) if there else chat.take(at),
            alone=lambda: chat.put(at, message),
        )  # fmt: skip
        self.context.say("Message removed", undo=undo)

    def _message_shifted(self, at: int, to: int) -> None:
        chat = self.editor.chat
        self.context.changes.record(
            "compare", "move a message", at, to, lambda place: chat.shift(at + to - place, place)
        )

    def _offer(self) -> None:
        """What chat and ids may choose from."""
        ready = [pane for pane in self.session.panes if pane.tokenizer is not None]
        if self.editor.source == "chat":
            self.editor.chat.offer([(pane.name, pane.reference) for pane in ready])
        elif self.editor.source == "ids":
            self.editor.ids.offer([pane.tokenizer for pane in ready])

    def _panes_changed(self) -> None:
        self.pane_set.changed()
        self._offer()
        self._touch()

    def _toggled(self) -> None:
        for pane in self.panes.values():
            self.dress(pane)
        self.session.set_reading(self.toolbar.special.isChecked(), self.toolbar.how_written())
        self._touch()

    def dress(self, pane: ComparePane) -> None:
        """The toolbar's switches, for one pane."""
        view, tools = pane.view, self.toolbar
        view.set_mode(tools.MODES[tools.mode.index()])
        view.set_show(tools.SHOWS[tools.show_as.index()])
        view.set_whitespace(tools.marks.isChecked())

    def _agreed(self) -> None:
        found, panes = self.session.agreement, self.session.fresh()
        self.strip_card.show_agreement(found, len(self.session.text))
        self.matrix.set([pane.name for pane in panes], found)
        self.toolbar.show_count(len(found.disagreements) if found is not None and len(panes) > 1 else None)
        if self.selection is None and self._first_word is not None:
            self._select_first_word()
        self.links.show()
        self._offer()

    def _select_first_word(self) -> None:
        if len(self.session.fresh()) == len(self.session.panes) and self._first_word in self.session.text:
            at = self.session.data.index(self._first_word.encode())
            self.links.selection = (at, at + len(self._first_word))
            self._first_word = None

    def _mark_refused(self, _number: int) -> None:
        spans = {
            pane.refused for pane in self.session.panes if pane.refused is not None and pane.error is not None
        }
        self.editor.edit.mark_wrong(sorted(spans))

    def _arrange(self, size_class: str) -> None:
        self.parts.arrange(size_class)
        for number in list(self.panes):
            self.pane_set.show(number)

    # ---- memory

    def _touch(self) -> None:
        if not self._restoring:
            self._save_later.start()

    def _state(self) -> dict:
        return {
            "text": self.files.kept_text(),
            "file": self.files.name if self.files.paged is None else "",
            "panes": [pane.reference for pane in self.session.panes],
            "chat": self.editor.chat_state(),
            **self.toolbar.state(),
            **(
                {"written": Toolbar.WRITTEN[self._written_before]} if self._written_before is not None else {}
            ),
        }

    def keep(self) -> None:
        """Saves the session, on another thread; once a minute."""
        if self._save_later.isActive():
            self._save_later.stop()
            self._save_behind()

    def _save_behind(self) -> None:
        state = self._state()
        self._disk.submit("state", lambda: state_file.save(state))

    def _written(self, _key: object, result: object) -> None:
        if isinstance(result, TokstudioError):
            self.context.fail(result)
            return
        self._saved = time.strftime("%H:%M")
        self.context.refresh_header()

    def save(self) -> None:
        try:
            state_file.save(self._state())
        except TokstudioError as error:
            self.context.fail(error)

    def _restore(self, state: dict) -> None:
        text = state.get("text")
        self._first_word = FIRST_WORD if not isinstance(text, str) else None
        self.files.name = str(state.get("file", ""))
        self.toolbar.restore(state)
        if isinstance(state.get("chat"), dict):
            self.editor.restore_chat(state["chat"])
        self._panes_changed()
        self.editor.set_text(text if isinstance(text, str) else state_file.sample_text())
        self.editor.edit.document().clearUndoRedoStacks()


def references(state: dict) -> list[str]:
    """The tokenizers of the last session, else those of the first start."""
    return [r for r in state.get("panes", ()) if isinstance(r, str)][:MOST] or list(START)
