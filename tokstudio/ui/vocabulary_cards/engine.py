"""What the Vocabulary page knows, and how it asks the maths process for it."""

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from tokstudio.embed.known import matrix_folder
from tokstudio.embed.service import Reply
from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.errors import InputError, TokenizerError, TokstudioError
from tokstudio.ui.embeddings_maths import Maths

PATIENCE = 4_000  # milliseconds for a regular expression, from when it has been begun


class VocabularyEngine(QObject):
    opened = Signal()  # `vocabulary` is another one; all else has been forgotten
    ranked = Signal(object)
    facts_changed = Signal()  # counts, norms, scripts, flags or twins are new
    found = Signal(object)  # bool [n]
    refused = Signal(str, str)  # what is wrong with the query, and a way on
    inspected = Signal(dict)
    played = Signal(dict)
    failed = Signal(str, object)  # slot, TokstudioError; for "process" the process has ended
    progressed = Signal(str, str, float)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.maths = Maths(self)
        self.vocabulary: Vocabulary | None = None
        self._overdue = QTimer(self, singleShot=True, interval=PATIENCE)
        self._query = ""
        self._forget()
        self._overdue.timeout.connect(self._give_up)
        self.maths.failed.connect(self._failed)
        self.maths.progressed.connect(self.progressed)

    def _forget(self) -> None:
        self.scripts: np.ndarray | None = None
        self.counts: np.ndarray | None = None
        self.coverage: np.ndarray | None = None
        self.counted: dict = {}  # paths, bytes, tokens
        self.norms: np.ndarray | None = None
        self.low: np.ndarray | None = None  # bool [n]: under-trained
        self.matrix = ""
        self.health: dict = {}
        self.flags: dict[str, np.ndarray] = {}
        self.shared: dict = {}  # reply of a comparison
        self.twins: list[np.ndarray] = []
        self.other_lengths: list[np.ndarray] = []
        self.flow: dict = {}  # here, there: tokens by group and fate; other

    @property
    def reference(self) -> str:
        return self.vocabulary.reference if self.vocabulary is not None else ""

    def close(self) -> None:
        self._overdue.stop()
        self.maths.close()

    # ---------------------------------------------------------------- opening

    def open(self, reference: str) -> None:
        """What is shown stays until the new vocabulary has been read."""
        self.maths.ask(
            "vocabulary", "vocabulary", self._opened, title="Reading the vocabulary", reference=reference
        )

    def _opened(self, reply: Reply) -> None:
        about = {key: reply.values[key] for key in ("reference", "name", "algorithm")}
        for slot in ("ranks", "scripts", "count", "norms", "health", "compare", "cuts", "play"):
            self.maths.cancel(slot)
        self._forget()
        self.vocabulary = Vocabulary(**about, **reply.arrays)
        self.opened.emit()
        self._ask("scripts", "vocab_scripts", self._take_scripts)
        self._ask("ranks", "ranks", lambda r: self.ranked.emit(r.arrays["ranks"]))
        self.count([])
        if matrix_folder(self.reference) is not None:
            self.read_norms("")

    def _ask(self, slot: str, job: str, done, *, title: str = "", part=None, **arguments) -> None:
        """A reply that comes when another vocabulary is shown is dropped with its slot."""
        self.maths.ask(slot, job, done, title=title, part=part, reference=self.reference, **arguments)

    def _take_scripts(self, reply: Reply) -> None:
        self.scripts = reply.arrays["scripts"]
        self.facts_changed.emit()

    # ---------------------------------------------------------------- searching

    def search(self, query: str) -> None:
        self._query = query
        self._overdue.stop()
        self._ask("search", "vocab_find", self._found, part=self._begun, query=query)

    def _begun(self, _reply: Reply) -> None:
        """Only the regular expression is timed: on a busy machine all that comes before may take long."""
        self._overdue.start()

    def _found(self, reply: Reply) -> None:
        self._overdue.stop()
        mask = np.unpackbits(reply.arrays["mask"], count=len(self.vocabulary)).astype(bool)
        self.found.emit(mask)

    def _give_up(self) -> None:
        """A regular expression can take longer than anybody lives; only ending the process stops it. What it had
        worked out is asked for again."""
        self.maths.close(grace=0)
        self.refused.emit(
            "The search takes too long.", "Mend its regular expression: nested repeats such as (a+)+ do it."
        )
        if self.counts is not None:
            self.count(self.counted["paths"])
        if self.norms is not None:
            self.read_norms(self.matrix)
        if self.health:
            self.check()
        if self.shared:
            self.compare([other["reference"] for other in self.shared["others"]])

    # ---------------------------------------------------------------- finding out

    def count(self, paths: list[str]) -> None:
        self._ask("count", "vocab_count", self._counted, title="Counting tokens", paths=paths)

    def _counted(self, reply: Reply) -> None:
        self.counted, self.counts = reply.values, reply.arrays["counts"]
        self.coverage = reply.arrays["coverage"]
        self.facts_changed.emit()

    def read_norms(self, path: str) -> None:
        """`path`: folder of a model; "" for the one that belongs to the vocabulary."""
        self.matrix = path
        self._ask("norms", "vocab_norms", self._normed, title="Reading the matrix", path=path)

    def _normed(self, reply: Reply) -> None:
        self.norms, self.low = reply.arrays["norms"], reply.arrays["low"]
        self.flags["under-trained"] = self.low
        self.facts_changed.emit()

    def check(self) -> None:
        self._ask("health", "vocab_health", self._checked, title="Checking every token")

    def _checked(self, reply: Reply) -> None:
        self.health = reply.values
        size = len(self.vocabulary)
        self.flags |= {
            key: np.unpackbits(bits, count=size).astype(bool) for key, bits in reply.arrays.items()
        }
        self.facts_changed.emit()

    def compare(self, others: list[str]) -> None:
        if others:
            self._ask(
                "compare", "vocab_compare", self._compared, title="Comparing vocabularies", others=others
            )
        else:
            for slot in ("compare", "cuts"):
                self.maths.cancel(slot)
            self.shared, self.twins, self.other_lengths, self.flow = {}, [], [], {}
            self._ask("compare", "vocab_uncompare", lambda _: None)
            self.facts_changed.emit()

    def _compared(self, reply: Reply) -> None:
        self.shared = reply.values
        count = len(reply.values["others"])
        self.twins = [reply.arrays[f"twins{place}"] for place in range(count)]
        self.other_lengths = [reply.arrays[f"lengths{place}"] for place in range(count)]
        self.flow = {}
        self.facts_changed.emit()

    def cut(self) -> None:
        """What becomes of the tokens in the first of the other vocabularies: takes seconds, so only where it is
        looked at."""
        if self.shared and not self.flow and not self.maths.busy("cuts"):
            other = self.shared["others"][0]["reference"]
            self._ask(
                "cuts", "vocab_cuts", self._cut, title="Cutting tokens with the other tokenizer", other=other
            )

    def _cut(self, reply: Reply) -> None:
        self.flow = reply.values
        self.facts_changed.emit()

    def inspect(self, token: int) -> None:
        self._ask(
            "inspect", "inspect", lambda r: self.inspected.emit(r.values), token=token,
            part=lambda r: self.inspected.emit(r.values),
        )  # fmt: skip

    def play(self, token: int | None = None, text: str = "") -> None:
        self._ask("play", "vocab_play", lambda r: self.played.emit(r.values), token=token, text=text)

    # ---------------------------------------------------------------- trouble

    def _failed(self, slot: str, error: TokstudioError) -> None:
        if slot == "search":
            self._overdue.stop()
            self.refused.emit(str(error), error.hint)
        elif slot == "process":
            self._overdue.stop()
            lost = TokenizerError(
                "The process that reads vocabularies has ended.", hint="Open the tokenizer again."
            )
            self.failed.emit("process", lost)
        elif slot == "norms" and isinstance(error, InputError) and not self.matrix:
            return  # most vocabularies come without a matrix; the chart says so
        else:
            self.failed.emit(slot, error)
