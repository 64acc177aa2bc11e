"""Undo and redo of what people change on the pages: Ctrl+Z and Ctrl+Shift+Z, one stack for each page.

A page calls `Changes.record` when something was changed. Text fields keep the undo of their own: Qt gives them the keys
first, and `TextFirst` lets the keys go on to the page where a field has nothing to take back.
"""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QObject, Signal, Slot
from PySide6.QtGui import QKeySequence, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget
from shiboken6 import isValid

from tokstudio.errors import TokstudioError

MOST = 200  # steps kept for each page
TYPED = (QLineEdit, QPlainTextEdit, QTextEdit)


class Change(QUndoCommand):
    """From one value to another; `apply` brings either about."""

    def __init__(
        self, words: str, before: Any, after: Any, apply: Callable[[Any], object], merges: tuple | None
    ):
        super().__init__(words)
        self.before, self.after, self.apply, self.merges = before, after, apply, merges
        self.failed: TokstudioError | None = None
        self._done = True  # the first redo comes with the push, when it is done already

    def redo(self) -> None:
        if not self._done:
            self._bring(self.after)

    def undo(self) -> None:
        self._done = False
        self._bring(self.before)

    def _bring(self, value: Any) -> None:
        try:
            self.apply(value)
        except TokstudioError as error:  # what cannot be brought back is not offered again
            self.failed = error
            self.setObsolete(True)

    def id(self) -> int:
        return -1 if self.merges is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Letters typed one after the other into one field are one step."""
        if not isinstance(other, Change) or self.merges is None or other.merges != self.merges:
            return False
        self.after = other.after
        self.setText(other.text())
        self.setObsolete(self.after == self.before)
        return True


class Changes(QObject):
    said = Signal(str, object)  # in words, None
    failed = Signal(object)  # TokstudioError
    # How often the focus has moved: letters of one visit to a field belong together. Of the class, as the application
    # still tells of the focus while the garbage collector has emptied this object and Qt has not deleted it yet.
    _visit = 0

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._stacks: dict[str, QUndoStack] = {}
        self._front = ""
        self._busy = False
        if (app := QApplication.instance()) is not None:
            app.focusChanged.connect(self._moved)

    # a slot by its declaration: Qt may still call when the Python half is being taken apart
    @Slot(QWidget, QWidget)
    def _moved(self, _before: QWidget | None, _now: QWidget | None) -> None:
        self._visit += 1

    def stack(self, page: str) -> QUndoStack:
        if page not in self._stacks:
            made = self._stacks[page] = QUndoStack(self)
            made.setUndoLimit(MOST)
        return self._stacks[page]

    def record(
        self,
        page: str,
        words: str,
        before: Any,
        after: Any,
        apply: Callable[[Any], object],
        *,
        key: str = "",
        alone: Callable[[], object] | None = None,
    ) -> Callable[[], object]:
        """Something was changed; what undoing itself changes is not recorded. `key`: what is changed; what is
        typed there in one visit to a field is one step. Returns what takes just this back, for the
        Undo button of a message: `alone` where other steps have followed."""
        if self._busy or before == after:
            return lambda: None
        stack, focus = self.stack(page), QApplication.focusWidget()
        merges = (key, self._visit) if key and isinstance(focus, TYPED) else None
        made = Change(words, before, after, apply, merges)
        stack.push(made)
        at = stack.index()

        def take_back() -> None:
            if stack.index() == at and stack.count() == at and stack.command(at - 1) is made:
                self._step(stack, -1)
            else:
                (alone or (lambda: apply(before)))()

        return take_back

    def show_page(self, page: str) -> None:
        """The page whose steps the keys take back."""
        self._front = page

    def words(self, way: int) -> str:
        """What undo (-1) or redo (1) would do on the page in front; "" where there is nothing."""
        stack = self._stacks.get(self._front)
        if stack is None:
            return ""
        return stack.undoText() if way < 0 else stack.redoText()

    def undo(self) -> None:
        self._go(-1)

    def redo(self) -> None:
        self._go(1)

    def _go(self, way: int) -> None:
        if (words := self.words(way)) and self._step(self.stack(self._front), way):
            self.said.emit(f"{'Undone' if way < 0 else 'Done again'}: {words}", None)

    def _step(self, stack: QUndoStack, way: int) -> bool:
        at = stack.index() - (1 if way < 0 else 0)
        command = stack.command(at)
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit):
            focus.clearFocus()  # a field that is typed into is not written over
        self._busy = True
        try:
            stack.undo() if way < 0 else stack.redo()
        finally:
            self._busy = False
        if isinstance(focus, QLineEdit) and focus.isVisible():
            focus.setFocus()
        error = getattr(command, "failed", None)
        if error is not None:
            self.failed.emit(error)
        return error is None


class TextFirst(QObject):
    """Lets Ctrl+Z and Ctrl+Shift+Z through where the field with the focus has nothing to undo or redo."""

    _field: QWidget | None = None  # of the class, for the reason above

    def __init__(self, parent: QObject):
        super().__init__(parent)
        QApplication.instance().focusChanged.connect(self._moved)

    @Slot(QWidget, QWidget)
    def _moved(self, _before: QWidget | None, now: QWidget | None) -> None:
        if self._field is not None and isValid(self._field):
            self._field.removeEventFilter(self)
        self._field = now if isinstance(now, TYPED) else None
        if self._field is not None:
            self._field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.ShortcutOverride or watched is not self._field:
            return False
        for keys, way in ((QKeySequence.Undo, -1), (QKeySequence.Redo, 1)):
            if event.matches(keys) and not _has(watched, way):
                event.ignore()
                return True
        return False


def _has(field: QWidget, way: int) -> bool:
    """Can this text field undo (-1) or redo (1) something of its own?"""
    if isinstance(field, QLineEdit):
        return field.isUndoAvailable() if way < 0 else field.isRedoAvailable()
    document = field.document()
    return document.isUndoAvailable() if way < 0 else document.isRedoAvailable()
