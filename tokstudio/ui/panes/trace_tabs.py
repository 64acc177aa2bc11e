"""The inspector's tabs Steps and Pipeline: how each tokenizer came to the tokens of the selection."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tokstudio.tokens.show import readable
from tokstudio.tokens.trace.around import Trace, trace
from tokstudio.tokens.trace.pipeline import Piece, Stage
from tokstudio.ui.background import Worker
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.picture_view import PictureView
from tokstudio.ui.widgets.basic import col, eliding, label, row
from tokstudio.ui.widgets.token_text import glyphs

NAMES = {"BPE": "merges", "Unigram": "lattice", "WordPiece": "longest match"}
MOST_PIECES = 60
LONGEST = 2_000  # bytes of a selection that are traced
PAUSE = 60  # milliseconds: walking with F8 asks for many places


class Tracer(QObject):
    """Traces in a thread: a vocabulary's merges may have to be read first."""

    done = Signal(object)  # [(name, Trace)]

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._worker = Worker(self)
        self._worker.done.connect(self._arrived)
        self._number = 0
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._start)
        self._what: tuple | None = None
        self._traces: list[tuple[str, Trace]] = []

    def ask(self, panes: Sequence[PaneState], start: int, stop: int, special: bool, written: str) -> None:
        self._what = (
            [(pane.name, pane.tokenizer, pane.encoding.text) for pane in panes],
            start,
            min(stop, start + LONGEST),
            special,
            written,
        )
        self._pause.start()

    def _start(self) -> None:
        """A job for each pane: what is done shows while the next vocabulary is read."""
        self._number += 1
        self._traces = []
        panes, start, stop, special, written = self._what
        for name, tokenizer, text in panes:
            work = partial(self._trace, self._number, tokenizer, text, start, stop, special, written)
            self._worker.submit((self._number, name), work)

    def _trace(self, number: int, *what) -> Trace | None:
        if number != self._number:
            return None
        tokenizer, text, start, stop, special, written = what
        return trace(tokenizer, text, start, stop, special=special, written=written)

    def _arrived(self, key: tuple[int, str], result: Trace | None) -> None:
        number, name = key
        if number == self._number and result is not None:
            self._traces.append((name, result))
            self.done.emit(list(self._traces))

    def close(self) -> None:
        self._pause.stop()
        self._worker.close()


class ColumnList(QScrollArea):
    """A scrolling column whose content is made anew."""

    def __init__(self, name: str):
        super().__init__()
        self.setProperty("bare", "1")
        self.setFrameShape(QFrame.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.TabFocus)
        self.setAccessibleName(name)
        self.show_parts([label("Working…", "small", "muted")])

    def show_parts(self, parts: Sequence[QWidget]) -> None:
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 0, 4, 0)
        layout.setSpacing(8)
        for part in parts:
            layout.addWidget(part)
        layout.addStretch(1)
        self.setWidget(inner)  # deletes the old content


class Steps(ColumnList):
    def __init__(self):
        super().__init__("Steps of the model")

    def show_traces(self, traces: Sequence[tuple[str, Trace]]) -> None:
        parts: list[QWidget] = []
        for name, found in traces:
            parts.append(_heading(name, NAMES.get(found.kind, "")))
            if found.problem or not found.kind:
                parts.append(
                    label(found.problem or "One token per byte: there are no steps.", "small", "muted")
                )
            if found.pictures:
                parts.append(label(found.pictures[0].how, "small", "muted"))
                parts.append(row(*(PictureView(picture) for picture in found.pictures), None, spacing=20))
                parts += [_paths(picture.paths) for picture in found.pictures if len(picture.paths) > 1]
            if found.more:
                parts.append(label(f"and {found.more} more words", "small", "muted"))
        self.show_parts(parts)


def _paths(paths) -> QWidget:
    """The n best ways, with what each loses against the best."""
    lines = []
    for number, path in enumerate(paths, 1):
        score = label(f"{path.score:.2f}", "mono", "text2" if number == 1 else "muted", mono=True)
        score.setMinimumWidth(56)
        pieces = eliding("  ".join(glyphs(piece, True) for piece in path.pieces), "mono", "text", mono=True)
        lines.append(row(label(f"{number}.", "small", "muted"), score, (pieces, 1), spacing=8))
    return col(*lines, spacing=2)


class Pipeline(ColumnList):
    def __init__(self):
        super().__init__("Pipeline")

    def show_traces(self, traces: Sequence[tuple[str, Trace]]) -> None:
        parts: list[QWidget] = []
        for name, found in traces:
            parts.append(_heading(name, ""))
            if found.problem:
                parts.append(label(found.problem, "small", "muted"))
            parts += [_stage(stage) for stage in found.stages]
        self.show_parts(parts)


def _stage(stage: Stage) -> QWidget:
    name = label(stage.name, "small", "text2" if stage.changed else "muted")
    name.setFixedWidth(96)
    about = eliding(stage.about, "small", "muted")
    shown = stage.pieces[:MOST_PIECES]
    pieces = eliding("  ".join(_piece(piece) for piece in shown), "mono", "text", mono=True)
    offsets = ", ".join(f"{piece.start}-{piece.stop}" for piece in shown)
    pieces.setAccessibleName(f"{stage.name}, {stage.about}: {len(stage.pieces)} pieces at bytes {offsets}")
    places = eliding(f"{len(stage.pieces)} at {offsets}", "caption", "muted")
    return row(
        name, (col(row((pieces, 1)), row((about, 1), (places, 1), spacing=12), spacing=0), 1), spacing=8
    )


def _piece(piece: Piece) -> str:
    text = glyphs(readable(piece.text.encode()), True)
    return f"{text}\u2009{piece.token}" if piece.token is not None else f"[{text}]"


def _heading(name: str, kind: str) -> QWidget:
    return row(label(name, "strong"), label(kind, "small", "muted"), None, spacing=6)
