"""What the Compare page is about, without widgets: one text, up to eight tokenizers, their results."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from tokstudio.align.edges import Agreement
from tokstudio.errors import TokstudioError
from tokstudio.tokens.base import Encoding, Tokenizer, Written, utf8
from tokstudio.tokens.trace.roundtrip import RoundTrip, round_trip
from tokstudio.ui.background import LongEncoder, Worker
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.pane_work import comparison, inside, loaded, refused

if TYPE_CHECKING:
    from tokstudio.tokens.service import Answer

MOST = 8
SHORT = 2048  # bytes; as in tokens.service, which is not imported before it is needed
COUNT_AFTER = 500  # milliseconds
PAUSE = 150  # milliseconds after the last key before a long text is encoded
CHECK_AFTER = 300  # milliseconds
START = ("tiktoken:cl100k_base", "bert-base-uncased", "demo:english")


class CompareSession(QObject):
    panes_changed = Signal()  # added, removed, moved
    pane_changed = Signal(int)  # number: tokenizer, encoding, error or staleness
    checked = Signal(int)  # number: the round trip of a pane is known
    agreed = Signal()  # agreement, measures and shared tokens are new
    text_refused = Signal(
        object
    )  # TokstudioError for a text that nobody can encode, None when it is fine again

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.text, self.data, self.special = "", b"", False
        self.written: Written = "text"
        self.trained: tuple[tuple[int, int], ...] | None = None  # byte ranges of a chat; None: it is none
        self.panes: list[PaneState] = []
        self.agreement: Agreement | None = None
        self.generation = 0
        self._numbers = 0
        self._loader, self._maths, self._sizes = Worker(self), Worker(self), Worker(self)
        self.layouts = Worker(self)  # prepares long encodings for the panes' views
        self._long = LongEncoder(self)
        self._sizes.done.connect(self._counted)
        self._loader.done.connect(self._loaded)
        self._maths.done.connect(self._compared)
        self._long.arrived.connect(self._answered)
        self._long.refused.connect(self._long_refused)
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._encode_long)
        self._check = QTimer(self, interval=CHECK_AFTER, singleShot=True)
        self._check_next = QTimer(self, interval=0, singleShot=True)
        for timer in (self._check, self._check_next):
            timer.timeout.connect(self._check_all)

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

    def set_references(self, references: Sequence[str]) -> None:
        """Exactly these panes, in this order; those that are there already stay as they are, and one that is
        there no longer becomes one that is new."""
        left, places = list(self.panes), []
        for reference in references[:MOST]:
            pane = next((p for p in left if reference in (p.reference, p.wanted)), None)
            places.append(pane)
            if pane is not None:
                left.remove(pane)
        changed = []
        for at, reference in enumerate(references[:MOST]):
            if places[at] is None and left:
                places[at] = left.pop(0)
                changed.append((places[at], reference))
            elif places[at] is None:
                self._numbers += 1
                places[at] = PaneState(self._numbers, reference)
                changed.append((places[at], reference))
        self.panes = places
        self.panes_changed.emit()
        for pane, reference in changed:
            self._load(pane, reference)
        self._compare()

    def _load(self, pane: PaneState, reference: str) -> None:
        pane.wanted = reference
        self._loader.submit((pane.number, reference), lambda: loaded(reference))
        self.pane_changed.emit(pane.number)

    def _loaded(self, key: tuple[int, str], result: tuple[Tokenizer, tuple] | TokstudioError) -> None:
        number, reference = key
        pane = self.pane(number)
        if pane is None or pane.wanted != reference:
            return  # removed, or changed again
        pane.wanted = ""
        if isinstance(result, TokstudioError):
            pane.error = result
            self.pane_changed.emit(number)
            return
        tokenizer, pane.notes = result
        pane.tokenizer, pane.reference, pane.error, pane.size = tokenizer, tokenizer.reference, None, None
        self._encode([pane])
        QTimer.singleShot(COUNT_AFTER, self, lambda: self._count(number, tokenizer))

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

    def set_text(self, text: str, trained: tuple[tuple[int, int], ...] | None = None) -> None:
        """Encodes short texts at once, long ones in their own process after a pause in typing. `trained`: the
        byte ranges of a chat that a training learns; None where the text is no chat."""
        try:
            self.data = utf8(text)
        except TokstudioError as error:
            self._mark_stale(self.panes)
            self.text_refused.emit(error)
            return
        self.text, self.trained = text, trained
        self.generation += 1
        self.text_refused.emit(None)
        self._encode(self.panes)

    def set_special(self, special: bool) -> None:
        """With the tokens that a model expects around a text, or without."""
        self.set_reading(special, self.written)

    def set_reading(self, special: bool, written: Written) -> None:
        """`written`: special tokens written out in the text are "text", "parse"d, or "forbid"den."""
        if (special, written) != (self.special, self.written):
            self.special, self.written = special, written
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
            return pane.tokenizer.encode(self.text, special=self.special, written=self.written)
        except TokstudioError as error:
            return error

    def _mark_stale(self, panes: Sequence[PaneState]) -> None:
        for pane in panes:
            if not pane.stale:
                pane.stale = True
                self.pane_changed.emit(pane.number)

    def _encode_long(self) -> None:
        for reference in {pane.reference for pane in self.panes if pane.tokenizer is not None and pane.stale}:
            self._long.submit(reference, self.text, self.special, self.generation, written=self.written)

    def _answered(self, answer: "Answer") -> None:
        if answer.generation != self.generation:
            return
        if answer.round_trip is not None:
            self._checked(answer.reference, answer.round_trip)
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
            pane.error, pane.refused = result, refused(pane.tokenizer, self.text, self.written)
        else:
            pane.refused = None
            pane.encoding, pane.error, pane.shared, pane.measures = result, None, None, None
            pane.round_trip, pane.trained = None, inside(result, self.trained)
        if isinstance(result, TokstudioError) or len(self.data) > SHORT:
            self.pane_changed.emit(pane.number)

    # ---- comparison

    def fresh(self) -> list[PaneState]:
        """The panes whose encoding is of the text as it is now."""
        return [pane for pane in self.panes if pane.encoding is not None and not pane.stale]

    def _compare(self) -> None:
        panes = self.fresh()
        key = (self.generation, tuple(pane.number for pane in panes))
        work = comparison([(pane.encoding, pane.tokenizer) for pane in panes])
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
        self._check_later()

    # ---- round trip

    def _check_later(self) -> None:
        """Decodes again once the tokens are on screen; long texts in the process that encoded them."""
        self._check.start()

    def _check_all(self) -> None:
        """Short texts one pane a turn of the event loop: the first decoding builds the table of its vocabulary, which
        takes 20 ms and more."""
        for pane in self.fresh():
            if pane.round_trip is not None:
                continue
            if len(self.data) > SHORT:
                self._long.submit(
                    pane.reference,
                    self.text,
                    self.special,
                    self.generation,
                    written=self.written,
                    kind="round_trip",
                )
            else:
                pane.round_trip = round_trip(pane.tokenizer, pane.encoding)
                self.checked.emit(pane.number)
                self._check_next.start()
                return

    def _checked(self, reference: str, found: RoundTrip) -> None:
        for pane in self.fresh():
            if pane.reference == reference:
                pane.round_trip = found
                self.checked.emit(pane.number)

    def close(self) -> None:
        self._pause.stop()
        self._check.stop()
        self._check_next.stop()
        for part in (self._loader, self._maths, self._sizes, self.layouts):
            part.close()
        self._long.close()
