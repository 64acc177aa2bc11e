"""What the Compare page is about, without widgets: one text, up to eight tokenizers, their results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from tokstudio.align.edges import Agreement, agreement
from tokstudio.errors import TokstudioError
from tokstudio.tokens.base import Encoding, Tokenizer, utf8
from tokstudio.tokens.measure import Measures, measure
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.ui.background import LongEncoder, Worker

if TYPE_CHECKING:
    from tokstudio.tokens.service import Answer

MOST = 8
SHORT = 2048  # bytes; as in tokens.service, which is not imported before it is needed
COUNT_AFTER = 500  # milliseconds
PAUSE = 150  # milliseconds after the last key before a long text is encoded
START = ("tiktoken:cl100k_base", "bert-base-uncased", "demo:english")


@dataclass
class PaneState:
    """One tokenizer. `encoding` stays when something newer fails; `stale`: it is of an older text."""

    number: int
    reference: str
    tokenizer: Tokenizer | None = None
    encoding: Encoding | None = None
    measures: Measures | None = None
    shared: np.ndarray | None = None
    error: TokstudioError | None = None
    stale: bool = False
    size: int | None = (
        None  # ids of the vocabulary; counted after the first paint, as some must read all of it
    )
    wanted: str = field(default="")  # a reference that is being loaded

    @property
    def name(self) -> str:
        return self.tokenizer.name if self.tokenizer is not None else self.reference


class CompareSession(QObject):
    panes_changed = Signal()  # added, removed, moved
    pane_changed = Signal(int)  # number: tokenizer, encoding, error or staleness
    agreed = Signal()  # agreement, measures and shared tokens are new
    text_refused = Signal(
        object
    )  # TokstudioError for a text that nobody can encode, None when it is fine again

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.text, self.data, self.special = "", b"", False
        self.panes: list[PaneState] = []
        self.agreement: Agreement | None = None
        self.generation = 0
        self._numbers = 0
        self._loader, self._maths, self._sizes = Worker(self), Worker(self), Worker(self)
        self._long = LongEncoder(self)
        self._sizes.done.connect(self._counted)
        self._loader.done.connect(self._loaded)
        self._maths.done.connect(self._compared)
        self._long.arrived.connect(self._answered)
        self._long.refused.connect(self._long_refused)
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._encode_long)

    # ---- panes

    def pane(self, number: int) -> PaneState | None:
        return next((pane for pane in self.panes if pane.number == number), None)

    def add(self, reference: str, at: int | None = None) -> PaneState | None:
        """A new pane, loaded in the background; None where there are eight already."""
        if len(self.panes) >= MOST:
            return None
        self._numbers += 1
        made = PaneState(self._numbers, reference)
        self.panes.insert(len(self.panes) if at is None else at, made)
        self.panes_changed.emit()
        self._load(made, reference)
        return made

    def change(self, number: int, reference: str) -> None:
        """Another tokenizer for a pane. Until it is loaded, and if it cannot be, the old result stays."""
        if (pane := self.pane(number)) is not None:
            self._load(pane, reference)

    def remove(self, number: int) -> None:
        self.panes = [pane for pane in self.panes if pane.number != number]
        self.panes_changed.emit()
        self._compare()

    def move(self, number: int, to: int) -> None:
        """Position 0 is the reference."""
        pane = self.pane(number)
        if pane is None:
            return
        self.panes.remove(pane)
        self.panes.insert(max(0, to), pane)
        self.panes_changed.emit()
        self._compare()

    def _load(self, pane: PaneState, reference: str) -> None:
        pane.wanted = reference
        self._loader.submit((pane.number, reference), lambda: load_tokenizer(reference))
        self.pane_changed.emit(pane.number)

    def _loaded(self, key: tuple[int, str], result: Tokenizer | TokstudioError) -> None:
        number, reference = key
        pane = self.pane(number)
        if pane is None or pane.wanted != reference:
            return  # removed, or changed again
        pane.wanted = ""
        if isinstance(result, TokstudioError):
            pane.error = result
            self.pane_changed.emit(number)
            return
        pane.tokenizer, pane.reference, pane.error, pane.size = result, result.reference, None, None
        self._encode([pane])
        QTimer.singleShot(COUNT_AFTER, self, lambda: self._count(number, result))

    def _count(self, number: int, tokenizer: Tokenizer) -> None:
        self._sizes.submit((number, tokenizer), lambda: len(tokenizer))

    def _counted(self, key: tuple[int, Tokenizer], size: int) -> None:
        number, tokenizer = key
        pane = self.pane(number)
        if pane is not None and pane.tokenizer is tokenizer:
            pane.size = size
            self.pane_changed.emit(number)

    def settle(self, pane: PaneState) -> None:
        """Drops the error of a change that failed; the old tokenizer goes on."""
        pane.error = None
        self.pane_changed.emit(pane.number)

    # ---- text

    def set_text(self, text: str) -> None:
        """Encodes short texts at once, long ones in their own process after a pause in typing."""
        try:
            self.data = utf8(text)
        except TokstudioError as error:
            self._mark_stale(self.panes)
            self.text_refused.emit(error)
            return
        self.text = text
        self.generation += 1
        self.text_refused.emit(None)
        self._encode(self.panes)

    def set_special(self, special: bool) -> None:
        """With the tokens that a model expects around a text, or without."""
        if special != self.special:
            self.special = special
            self.generation += 1
            self._encode(self.panes)

    def _encode(self, panes: Sequence[PaneState]) -> None:
        ready = [pane for pane in panes if pane.tokenizer is not None]
        if len(self.data) > SHORT:
            self._mark_stale(ready)
            self._pause.start()
            return
        self._pause.stop()
        for pane in ready:
            self._take(pane, self._encoded(pane))
        self._compare()

    def _encoded(self, pane: PaneState) -> Encoding | TokstudioError:
        try:
            return pane.tokenizer.encode(self.text, special=self.special)
        except TokstudioError as error:
            return error

    def _mark_stale(self, panes: Sequence[PaneState]) -> None:
        for pane in panes:
            if not pane.stale:
                pane.stale = True
                self.pane_changed.emit(pane.number)

    def _encode_long(self) -> None:
        for reference in {pane.reference for pane in self.panes if pane.tokenizer is not None and pane.stale}:
            self._long.submit(reference, self.text, self.special, self.generation)

    def _answered(self, answer: "Answer") -> None:
        if answer.generation != self.generation:
            return
        for pane in self.panes:
            if pane.reference == answer.reference and pane.tokenizer is not None:
                self._take(pane, answer.encoding if answer.error is None else answer.error)
        if not any(pane.stale for pane in self.panes):
            self._compare()

    def _long_refused(self, generation: int, error: TokstudioError) -> None:
        if generation == self.generation:
            self.text_refused.emit(error)

    def _take(self, pane: PaneState, result: Encoding | TokstudioError) -> None:
        pane.stale = isinstance(result, TokstudioError)
        if isinstance(result, TokstudioError):
            pane.error = result
        else:
            pane.encoding, pane.error, pane.shared, pane.measures = result, None, None, None
        if isinstance(result, TokstudioError) or len(self.data) > SHORT:
            self.pane_changed.emit(pane.number)

    # ---- comparison

    def fresh(self) -> list[PaneState]:
        """The panes whose encoding is of the text as it is now."""
        return [pane for pane in self.panes if pane.encoding is not None and not pane.stale]

    def _compare(self) -> None:
        panes = self.fresh()
        key = (self.generation, tuple(pane.number for pane in panes))
        work = _comparison([(pane.encoding, pane.tokenizer) for pane in panes])
        if len(self.data) > SHORT:
            self._maths.submit(key, work)
        else:
            self._compared(key, work())

    def _compared(self, key: tuple[int, tuple[int, ...]], result) -> None:
        generation, numbers = key
        if generation != self.generation or isinstance(result, TokstudioError):
            return
        self.agreement, measures = result
        for at, number in enumerate(numbers):
            if (pane := self.pane(number)) is not None:
                pane.measures = measures[at]
                pane.shared = self.agreement.shared[at] if self.agreement is not None else None
                self.pane_changed.emit(number)
        self.agreed.emit()

    def close(self) -> None:
        self._pause.stop()
        for part in (self._loader, self._maths, self._sizes):
            part.close()
        self._long.close()


def _comparison(pairs: list[tuple[Encoding, Tokenizer]]):
    """The work that answers (Agreement or None, [Measures]); runs in any thread."""

    def work() -> tuple[Agreement | None, list[Measures]]:
        encodings = [encoding for encoding, _ in pairs]
        found = agreement(encodings) if encodings else None
        return found, [measure(encoding, tokenizer) for encoding, tokenizer in pairs]

    return work
