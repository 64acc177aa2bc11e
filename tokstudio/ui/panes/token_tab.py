"""The inspector's tab Token: one token of the selection, as its vocabulary knows it."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.tokens.about import TokenFacts, facts, name_of
from tokstudio.tokens.base import Tokenizer
from tokstudio.ui.background import Worker
from tokstudio.ui.panes.copying import chosen
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.trace_tabs import ColumnList
from tokstudio.ui.widgets.basic import button, col, eliding, label, row, tool
from tokstudio.ui.widgets.token_text import glyphs, hex_bytes

NAME = 108  # pixels
SHOWN = 28  # code points
PAUSE = 60  # milliseconds


class Asker(QObject):
    """Looks a token up in a thread: its merges or scores may have to be read first."""

    done = Signal(object, object)  # (pane, ids, place), TokenFacts or TokstudioError

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._worker = Worker(self)
        self._worker.done.connect(self._arrived)
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._start)
        self._what: tuple[PaneState, np.ndarray, int] | None = None

    def ask(self, pane: PaneState, start: int, stop: int, place: int = 0) -> None:
        """The token number `place` of those that share bytes with `start:stop`."""
        found = chosen(pane.encoding, (start, stop))
        if len(found):
            self._what = pane, pane.encoding.ids[found], min(place, len(found) - 1)
            self._pause.start()

    def _start(self) -> None:
        pane, ids, place = what = self._what
        tokenizer, token = pane.tokenizer, int(ids[place])
        self._worker.submit(what, lambda: facts(tokenizer, token))

    def _arrived(self, what: tuple, result: TokenFacts | TokstudioError) -> None:
        if what is self._what:
            self.done.emit(what, result)

    def close(self) -> None:
        self._pause.stop()
        self._worker.close()


class TokenTab(ColumnList):
    stepped = Signal(int)  # place of the token in the selection
    vocabulary_asked = Signal(str, int)  # reference, id
    change_asked = Signal(int, int)  # pane, id: try the tokenizer without it

    def __init__(self):
        super().__init__("Token")

    def show_facts(self, what: tuple[PaneState, np.ndarray, int], found: TokenFacts | TokstudioError) -> None:
        pane, ids, place = what
        if isinstance(found, TokstudioError):
            self.show_parts([label(str(found), "small", "muted", wrap=True)])
            return
        head = self._head(pane, found, len(ids), place)
        self.show_parts([head, _columns(_facts(pane.tokenizer, found), _points(found))])

    def _head(self, pane: PaneState, found: TokenFacts, count: int, place: int) -> QWidget:
        back, on = tool("chevron-left", "Previous token", 24), tool("chevron-right", "Next token", 24)
        back.setEnabled(place > 0)
        on.setEnabled(place + 1 < count)
        back.clicked.connect(lambda: self.stepped.emit(place - 1))
        on.clicked.connect(lambda: self.stepped.emit(place + 1))
        show = button("Show in Vocabulary", None, "link")
        show.clicked.connect(lambda: self.vocabulary_asked.emit(pane.reference, found.token))
        without = button("Change the tokenizer…", None, "link")
        without.setToolTip("Try it without this token, or with others: the saved tokenizer stays as it is")
        without.clicked.connect(lambda: self.change_asked.emit(pane.number, found.token))
        which = label(f"token {place + 1:,} of {count:,}" if count > 1 else "", "small", "muted")
        steps = (back, on) if count > 1 else ()
        return row(label(pane.name, "strong"), which, *steps, None, without, show, spacing=6)


def _columns(left: QWidget, right: QWidget) -> QWidget:
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(24)
    layout.addWidget(left, 3, Qt.AlignTop)
    layout.addWidget(right, 2, Qt.AlignTop)
    return made


def _line(name: str, value: str, mono: bool = False) -> QWidget:
    caption = label(name, "small", "muted")
    caption.setFixedWidth(NAME)
    shown = eliding(value, "mono" if mono else "small", "text", mono=mono)
    shown.setAccessibleName(f"{name}: {value}")
    return row(caption, (shown, 1), spacing=8)


def _facts(tokenizer: Tokenizer, found: TokenFacts) -> QWidget:
    lines = [
        _line("Id", f"{found.token:,}, {found.kind}"),
        _line("Written as", glyphs(found.written, True), True),
    ]
    if found.data:
        size = f"{len(found.data)} byte{'s' if len(found.data) != 1 else ''}"
        lines.append(_line("Bytes", f"{hex_bytes(found.data)}  ({size})", True))
    if found.script:
        lines.append(_line("Script", found.script))
    if found.rank is not None:
        lines.append(_line("Merge rank", f"{found.rank:,}"))
    if found.parts:
        lines.append(
            _line("Merged from", _named([(i, name_of(tokenizer, i)) for i in found.parts], " + "), True)
        )
    if found.score is not None:
        lines.append(_line("Score", f"{found.score:.4g}"))
    if found.relatives:
        lines.append(_line("Same word", _named(found.relatives), True))
    if found.longer:
        more = found.longer_count - len(found.longer)
        lines.append(
            _line("Begins", _named(found.longer) + (f"  and {more:,} more" if more > 0 else ""), True)
        )
    lines.append(_line("Ids beside", _named(found.beside), True))
    return col(*lines, spacing=2)


def _named(tokens: Sequence[tuple[int, str]], joint: str = "   ") -> str:
    return joint.join(f"{glyphs(name, True)} {token}" for token, name in tokens)


def _points(found: TokenFacts) -> QWidget:
    lines = []
    for point in found.points[:SHOWN]:
        code = label(point.code, "mono", "text2", mono=True)
        code.setFixedWidth(76)
        sign = label(glyphs(point.char, True), "mono", "text", mono=True)
        sign.setFixedWidth(36)
        data = label(hex_bytes(point.data), "mono", "muted", mono=True)
        lines.append(
            row(code, sign, (eliding(point.name.capitalize(), "small", "text2"), 1), data, spacing=6)
        )
    if not found.points and found.data:
        lines.append(
            label("Part of a character: these bytes alone are no text.", "small", "muted", wrap=True)
        )
    if len(found.points) > SHOWN:
        lines.append(label(f"and {len(found.points) - SHOWN} more", "small", "muted"))
    return col(*lines, spacing=2) if lines else QWidget()
