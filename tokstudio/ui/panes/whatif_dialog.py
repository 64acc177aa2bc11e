"""What if this tokenizer had a token or a merge more, or less: try it in a pane beside it, undo, save it."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QListWidget, QVBoxLayout

from tokstudio.errors import TokstudioError
from tokstudio.tokens.save import save_tokenizer
from tokstudio.tokens.whatif import KINDS, Changed, Edit, change, may_change, state_of
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.session import MOST
from tokstudio.ui.widgets.basic import button, combo, label, row
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.widgets.token_text import glyphs

if TYPE_CHECKING:
    from tokstudio.ui.compare_views.text import TextView

HELP = (
    "Changes are tried on a copy, in a pane of its own; the tokenizer itself is not touched. "
    "Write a token as in the text, with the space in front of it, or as #id."
)
MERGES = ("remove merge", "add merge")


class WhatIfDialog(QDialog):
    def __init__(self, view: "TextView", pane: PaneState, token: str = ""):
        super().__init__(view.window())
        self._view, self._session = view, view.session
        self._pane = pane.number
        self._state = state_of(pane.reference) or Changed(pane.reference, pane.reference, (), ())
        self.setWindowTitle(f"Change {pane.name}")
        self.resize(620, 460)
        self._worker = Worker(self)
        self._worker.done.connect(self._arrived)
        self._wanted: Changed | None = None
        self.kind = combo([kind.capitalize() for kind in KINDS], "What to change")
        self.left, self.right = self._field("Token"), self._field("Right side of the merge")
        self.left.setText(token)
        self.go = button("Try it", None, "primary")
        self.edits = QListWidget()
        self.edits.setAccessibleName("Changes")
        theme.set_font(self.edits, "mono")
        self.effect = label("", "small", "text2", wrap=True)
        self.problem = Problem()
        self.back = button("Undo last change", "undo")
        self.save_as = button("Save as a new tokenizer…", "export")
        self._build()
        self._show_state()
        self._session.agreed.connect(self._show_effect)
        self._session.pane_changed.connect(self._pane_changed)
        if reason := may_change(pane.tokenizer):
            self.problem.show_error(reason, warning=True)
            self.go.setEnabled(False)

    @staticmethod
    def _field(name: str) -> QLineEdit:
        made = QLineEdit()
        made.setAccessibleName(name)
        made.setPlaceholderText(name)
        theme.set_font(made, "mono")
        made.setFixedHeight(30)
        return made

    def _build(self) -> None:
        shut = button("Close")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(label(HELP, "small", "muted", wrap=True))
        layout.addWidget(row(self.kind, (self.left, 1), (self.right, 1), self.go))
        layout.addWidget(self.problem)
        layout.addWidget(self.edits, 1)
        layout.addWidget(self.effect)
        layout.addWidget(row(shut, None, self.back, self.save_as))
        self.kind.currentIndexChanged.connect(self._kind_changed)
        self.left.returnPressed.connect(self.try_it)
        self.right.returnPressed.connect(self.try_it)
        self.go.clicked.connect(self.try_it)
        self.go.setDefault(True)
        self.back.clicked.connect(self.undo)
        self.back.setToolTip("Undo last change (Ctrl+Z)")
        QShortcut(QKeySequence(QKeySequence.Undo), self, self.undo)  # a field has its own first
        self.save_as.clicked.connect(self._ask_folder)
        shut.clicked.connect(self.close)
        self._kind_changed()

    def _kind_changed(self, *_args) -> None:
        merge = KINDS[self.kind.currentIndex()] in MERGES
        self.right.setVisible(merge)
        self.left.setPlaceholderText("Left side of the merge" if merge else "Token")

    # ---- changes

    def try_it(self) -> None:
        kind = KINDS[self.kind.currentIndex()]
        text, right = self.left.text(), self.right.text() if kind in MERGES else ""
        if text and not self._wanted:
            self._apply((*self._state.edits, Edit(kind, text, right)))

    def undo(self) -> None:
        if self._state.edits and not self._wanted:
            self._apply(self._state.edits[:-1])

    def _apply(self, edits: tuple[Edit, ...]) -> None:
        base = self._state.base
        self._wanted = Changed("", base, edits, ())
        self.go.setEnabled(False)
        self.effect.setText("Working…")
        self._worker.submit("change", lambda: change(base, edits))

    def _arrived(self, _key: str, result: Changed | TokstudioError) -> None:
        self._wanted = None
        self.go.setEnabled(True)
        if isinstance(result, TokstudioError):
            self.problem.show_error(result)
            self._show_effect()
            return
        self.problem.clear()
        self._state = result
        for field in (self.left, self.right):
            field.clear()
        self._put(result)
        self._show_state()

    def _put(self, result: Changed) -> None:
        """Into the pane of the copy; the first change makes one, beside the original where there is room."""
        panes, pane = self._view.pane_set, self._session.pane(self._pane)
        beside = pane is None or pane.reference == result.base
        if beside and result.edits and len(self._session.panes) < MOST:
            made = panes.add(result.reference, result.base)
            self._pane = made.number if made is not None else self._pane
        elif pane is not None:
            panes.change(self._pane, result.reference)

    def _pane_changed(self, number: int) -> None:
        """Undo of panes, or another tokenizer chosen there, changes what is shown here, too."""
        pane = self._session.pane(number)
        same = pane is None or bool(pane.wanted) or pane.reference == self._state.reference
        if number != self._pane or self._wanted or same:
            return
        if pane.reference == self._state.base or (found := state_of(pane.reference)) is None:
            found = Changed(pane.reference, pane.reference, (), ())
        self._state = found
        self._show_state()

    # ---- what is shown

    def _show_state(self) -> None:
        self.edits.clear()
        for edit in self._state.edits:
            self.edits.addItem(said(edit))
        self.back.setEnabled(bool(self._state.edits))
        self.save_as.setEnabled(bool(self._state.edits))
        self._show_effect()

    def _show_effect(self) -> None:
        if self._wanted:
            return
        counts = [self._count(reference) for reference in (self._state.base, self._state.reference)]
        words = "Nothing is changed yet."
        if self._state.edits:
            words = (
                ""
                if None in counts
                else f"The text takes {counts[1]:,} tokens; without the changes {counts[0]:,}."
            )
        self.effect.setText(" ".join([words, *self._state.notes]).strip())

    def _count(self, reference: str) -> int | None:
        found = (p.measures.tokens for p in self._session.fresh() if p.reference == reference and p.measures)
        return next(found, None)

    # ---- file

    def _ask_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "An empty folder for the new tokenizer"):
            self.save(Path(path))

    def save(self, folder: Path) -> None:
        try:
            save_tokenizer(self._state.reference, folder)
        except TokstudioError as error:
            self.problem.show_error(error)
            return
        self._view.pane_set.change(self._pane, str(folder))
        self._view.context.say(f"Saved in {folder}")
        self.close()

    def done(self, result: int) -> None:
        self._session.agreed.disconnect(self._show_effect)
        self._session.pane_changed.disconnect(self._pane_changed)
        self._worker.close()
        super().done(result)


def said(edit: Edit) -> str:
    left, right = glyphs(edit.text, True), glyphs(edit.right, True)
    done = {"remove": "removed", "add": "added"}
    verb, _, what = edit.kind.partition(" ")
    return f"{what} {done[verb]}: {left}" + (f" + {right}" if right else "")
