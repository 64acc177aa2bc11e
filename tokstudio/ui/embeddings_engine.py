"""What the Embeddings page knows about one matrix or two, and how it asks the maths process for more."""

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QObject, Signal

from tokstudio.embed.known import known_matrices
from tokstudio.embed.service import Reply
from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.errors import TokstudioError
from tokstudio.ui.embeddings_maths import Maths

A, B = "A", "B"


@dataclass(eq=False)
class Side:
    """One open matrix. Arrays come when they are ready."""

    letter: str
    path: str
    about: dict
    name: str
    names: Vocabulary | None = None
    summary: Reply | None = None
    spread: Reply | None = None
    spectrum: Reply | None = None
    order: str = "id"
    columns_by: str = "id"
    ready: set[str] = field(default_factory=set)

    @property
    def tensor(self) -> str:
        return self.about["tensor"]

    @property
    def rows(self) -> int:
        return self.about["shape"][0]

    @property
    def columns(self) -> int:
        return self.about["shape"][1]

    @property
    def where(self) -> dict:
        return {"path": self.path, "tensor": self.tensor}

    @property
    def request(self) -> dict:
        return {**self.where, "tokenizer": self.names.reference if self.names is not None else ""}

    def token(self, row: int) -> str:
        """What row `row` is called; rows beyond the tokenizer are named as what they are. -1 is a sum of rows."""
        if row < 0:
            return "the sum"
        if self.names is None:
            return f"#{row}"
        return self.names.text(row) if row < len(self.names) else f"padding #{row}"

    @property
    def mismatch(self) -> str:
        """In words, where matrix and tokenizer differ in size."""
        if self.names is None or self.rows == len(self.names):
            return ""
        more = self.rows - len(self.names)
        return f"{more:,} padding rows" if more > 0 else f"{-more:,} tokens without a row"


class Engine(QObject):
    opened = Signal(str)  # letter
    closed = Signal(str)
    named = Signal(str)  # its vocabulary is known, or will not come
    summarized = Signal(str)
    spread = Signal(str)
    spectrum = Signal(str)
    pictured = Signal(str, object)  # pyramid is built: reply
    tile = Signal(str, object)
    columns_ordered = Signal(str, object)
    neighbors = Signal(str, object)
    compared = Signal(object)
    paired = Signal(object)
    differed = Signal(object)
    checked = Signal(object)
    laid_out = Signal(object)
    laying_out = Signal(str)  # what the layout does now, in words
    coursed = Signal(object)  # how rows moved over a run's checkpoints
    coursed_row = Signal(object)
    counted = Signal(str, object)  # values in bins that both matrices share
    failed = Signal(str, object)  # slot, TokstudioError
    progressed = Signal(str, str, float)

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self.maths = Maths(self)
        self.sides: dict[str, Side] = {}
        self.rule = "bytes"
        self.looked_at = False  # is the whole matrix in front?
        self.maths.failed.connect(self._failed)
        self.maths.progressed.connect(self.progressed)

    @property
    def a(self) -> Side | None:
        return self.sides.get(A)

    @property
    def b(self) -> Side | None:
        return self.sides.get(B)

    def path(self, letter: str) -> str:
        """Of the matrix that is open there, or ""."""
        return self.sides[letter].path if letter in self.sides else ""

    # ---------------------------------------------------------------- opening

    def open(self, letter: str, path: str, tensor: str | None = None) -> None:
        """What is shown stays until the new matrix has been read."""
        done = lambda reply: self._opened(letter, str(path), reply)  # noqa: E731
        self.maths.ask(f"open {letter}", "open", done, title="Opening", path=str(path), tensor=tensor)

    def close(self, letter: str) -> None:
        if self.sides.pop(letter, None) is not None:
            for slot in (
                "open",
                "vocabulary",
                "summary",
                "pyramid",
                "spectrum",
                "spread",
                "tiles",
                "columns",
                "neighbors",
            ):
                self.maths.cancel(f"{slot} {letter}")
            self.maths.cancel("compare")
            self.closed.emit(letter)

    def swap(self) -> None:
        """A becomes B."""
        if len(self.sides) == 2:
            first, second = self.a, self.b
            self.maths.cancel_all()
            for letter, side in (
                (A, second),
                (B, first),
            ):  # both before one is told of: it is one step for undo
                self.sides[letter] = Side(letter, side.path, side.about, side.name)
            for letter in (A, B):
                self.opened.emit(letter)
                self._ask_all(self.sides[letter])

    def _opened(self, letter: str, path: str, reply: Reply) -> None:
        known = {str(known.path): known.name for known in known_matrices()}
        name = known.get(path, reply.values["name"])
        side = self.sides[letter] = Side(letter, path, reply.values, name)
        self.opened.emit(letter)
        self._ask_all(side)

    def _ask_all(self, side: Side) -> None:
        letter, where = side.letter, side.where
        self.maths.cancel(f"tiles {letter}")
        self.maths.cancel("compare")
        self.maths.cancel("health")
        self.ask_picture(side)
        if reference := side.about["tokenizer"]:
            self._ask(side, "vocabulary", "vocabulary", self._named, reference=reference)
        else:
            self.maths.cancel(f"vocabulary {letter}")
            self.named.emit(letter)
        self._ask(side, "summary", "summary", self._summarized, title="Reading the matrix", **where)
        self._ask(side, "spectrum", "project", self._spectrum, title="Projecting the rows", **where)
        self._ask(side, "spread", "spread", self._spread, title="Comparing random rows", **where)

    def _ask(self, side: Side, slot: str, job: str, done, *, part=None, title: str = "", **arguments) -> None:
        take = lambda reply: done(side, reply)  # noqa: E731
        piece = (lambda reply: part(side, reply)) if part else None
        self.maths.ask(f"{slot} {side.letter}", job, take, part=piece, title=title, **arguments)

    def _named(self, side: Side, reply: Reply) -> None:
        about = {key: reply.values[key] for key in ("reference", "name", "algorithm")}
        side.names = Vocabulary(**about, **reply.arrays)
        self.named.emit(side.letter)

    def _summarized(self, side: Side, reply: Reply) -> None:
        side.summary = reply
        self.summarized.emit(side.letter)

    def _spread(self, side: Side, reply: Reply) -> None:
        side.spread = reply
        self.spread.emit(side.letter)

    def _spectrum(self, side: Side, reply: Reply) -> None:
        side.spectrum = reply
        self.spectrum.emit(side.letter)

    # ---------------------------------------------------------------- the picture

    def ask_picture(self, side: Side) -> None:
        tokenizer = side.about["tokenizer"]
        done = lambda side, reply: self.pictured.emit(side.letter, reply)  # noqa: E731
        asked = {**side.where, "order": side.order, "tokenizer": tokenizer}
        job = "picture" if self.looked_at else "pyramid"  # before or behind the neighbors
        self._ask(side, "pyramid", job, done, title="Building the picture", **asked)

    def ask_tiles(self, letter: str, pooling: str, tiles: list[list[int]]) -> None:
        if (side := self.sides.get(letter)) is None:
            return
        asked = {**side.where, "pooling": pooling, "wanted": tiles, "order": side.order}
        asked["columns"] = side.columns_by
        part = lambda side, reply: self.tile.emit(side.letter, reply)  # noqa: E731
        self._ask(
            side, "tiles", "tiles", lambda *_: None, part=part, tokenizer=side.about["tokenizer"], **asked
        )

    def ask_columns(self, letter: str, columns: str) -> None:
        if (side := self.sides.get(letter)) is None:
            return
        done = lambda side, reply: self.columns_ordered.emit(side.letter, reply)  # noqa: E731
        self._ask(
            side, "columns", "columns", done, title="Ordering dimensions", **side.where, columns=columns
        )

    # ---------------------------------------------------------------- questions

    def ask_neighbors(self, letter: str, token: str, k: int, metric: str, space: str) -> None:
        if (side := self.sides.get(letter)) is None:
            return
        asked = {**side.request, "token": token, "k": k, "metric": metric, "space": space}
        done = lambda side, reply: self.neighbors.emit(side.letter, reply)  # noqa: E731
        self._ask(side, "neighbors", "neighbors", done, title="Comparing rows", **asked)

    def ask_compare(self) -> None:
        if self.joinable:
            asked = {"a": self.a.request, "b": self.b.request, "rule": self.rule}
            self.maths.ask("compare", "compare", self.compared.emit, title="Comparing both models", **asked)

    @property
    def joinable(self) -> bool:
        return len(self.sides) == 2 and None not in (self.a.names, self.b.names)

    def ask_pair(self, token: str = "", row: int = -1) -> None:
        if len(self.sides) == 2:
            asked = {"a": self.a.request, "b": self.b.request, "token": token, "row": row, "rule": self.rule}
            self.maths.ask("pair", "pair", self.paired.emit, **asked)

    def ask_difference(self, ids: np.ndarray) -> None:
        if self.joinable:
            asked = {"a": self.a.request, "b": self.b.request, "ids": ids.tolist(), "rule": self.rule}
            self.maths.ask("difference", "difference", self.differed.emit, **asked)

    def ask_health(self) -> None:
        self.maths.ask("health", "health", self.checked.emit, title="Checking the rows", **self.a.request)

    def ask_values(self, letter: str, edge: float) -> None:
        """Values of one matrix in bins that the other one has too."""
        side = self.sides[letter]
        done = lambda side, reply: self.counted.emit(side.letter, reply)  # noqa: E731
        self._ask(side, "values", "values", done, **side.where, edge=edge)

    def ask_layout(self, method: str, seed: int) -> None:
        title = {"umap": "UMAP", "tsne": "t-SNE"}[method]
        asked = {**self.a.where, "method": method, "seed": seed}
        part = lambda reply: self.laying_out.emit(reply.values["phase"])  # noqa: E731
        self.maths.ask("layout", "layout", self.laid_out.emit, part=part, title=title, **asked)

    def ask_course(self, run: str) -> None:
        self.maths.ask("course", "course", self.coursed.emit, title="Reading checkpoints", run=run)

    def ask_course_row(self, run: str, stop: dict, source: dict, row: int) -> None:
        asked = {"path": stop["path"], "tensor": stop["tensor"], "source": source, "row": row}
        self.maths.ask("course_row", "course_row", self.coursed_row.emit, run=run, **asked)

    def _failed(self, slot: str, error: TokstudioError) -> None:
        self.failed.emit(slot, error)
