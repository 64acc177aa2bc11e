"""A long text put into the editor piece by piece, so that the window stays awake; one step of undo takes it
back. Qt needs half a second for 300,000 lines, and holds the window meanwhile."""

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QTextCursor

from tokstudio.ui.panes.line_ends import LineEnds, insert

LONG = 150_000  # characters, from which on a text goes in by pieces
PIECE = 24_000  # characters, and the rest of their last line


def pieces(text: str) -> Iterator[str]:
    """Whole lines: a line put together from pieces would be laid out anew with each of them."""
    at = 0
    while at < len(text):
        stop = text.find("\n", min(len(text), at + PIECE - 1)) + 1 or len(text)
        yield text[at:stop]
        at = stop


class LongText(QObject):
    """Replaces the selection of a cursor by a text. `done` comes when all of it is there."""

    done = Signal()

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self._steps: Iterator[None] | None = None
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._step)

    @property
    def busy(self) -> bool:
        return self._steps is not None

    def start(self, cursor: QTextCursor, text: str, kinds: np.ndarray | None, ends: LineEnds | None) -> None:
        """`text` with LF, and the kinds of its line ends; `ends`: of the document where the text replaces all."""
        self.finish()
        self._steps = _put(cursor, text, kinds, ends)
        self._timer.start()

    def finish(self) -> None:
        """All that is left, at once."""
        while self.busy:
            self._step()

    def _step(self) -> None:
        if self._steps is not None and next(self._steps, self) is self:
            self._steps = None
            self._timer.stop()
            self.done.emit()


def _put(cursor: QTextCursor, text: str, kinds: np.ndarray | None, ends: LineEnds | None) -> Iterator[None]:
    first = True
    while cursor.hasSelection():
        start, stop = cursor.selectionStart(), cursor.selectionEnd()
        part = QTextCursor(cursor.document())
        part.setPosition(stop)
        part.setPosition(max(start, stop - PIECE), QTextCursor.KeepAnchor)
        part.beginEditBlock() if first else part.joinPreviousEditBlock()
        part.removeSelectedText()
        part.endEditBlock()
        first = False
        yield
    done = 0
    for piece in pieces(text):
        cursor.beginEditBlock() if first else cursor.joinPreviousEditBlock()
        if ends is not None and not done:
            ends.begin(cursor, kinds)
        count = piece.count("\n") if kinds is not None else 0
        insert(cursor, piece, kinds[done : done + count] if kinds is not None else None)
        cursor.endEditBlock()
        first, done = False, done + count
        yield
