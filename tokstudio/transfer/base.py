"""Embedding transfer: rows for a new vocabulary out of the matrix of an old one.

    TransferProblem(source, target, matrix, overlap, seed) -> Iterator[Rows] -> assemble() -> values, origin

A method is one file in `transfer/methods`: a generator that yields rows for every target id exactly once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from tokstudio.align.overlap import Overlap, byte_table
from tokstudio.align.overlap import overlap as match_vocabularies
from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.registry import Registry
from tokstudio.tokens.base import Tokenizer

T = TypeVar("T")

COPIED, COMPOSED, SAMPLED, SOLVED = range(4)
ORIGINS = ("copied", "composed", "sampled", "solved")


@dataclass(frozen=True, eq=False)
class Rows:
    """Embeddings of some target ids, and where they come from (an index of `ORIGINS`)."""

    ids: np.ndarray  # int [n]
    values: np.ndarray  # float32 [n, d]
    origin: int
    mix: SparseRows | None = None  # where the values are weighted sums of source rows: [n, v_source]

    @classmethod
    def mixed(cls, ids: np.ndarray, mix: SparseRows, matrix: np.ndarray, origin: int) -> "Rows":
        return cls(ids, mix.dot(matrix), origin, mix)

    @classmethod
    def copied(cls, ids: np.ndarray, sources: np.ndarray, matrix: np.ndarray, width: int) -> "Rows":
        """The very rows `sources`, bit for bit."""
        ones = np.ones(len(ids), np.float32)
        mix = SparseRows(np.arange(len(ids) + 1), np.asarray(sources, np.int64), ones, width)
        return cls(ids, matrix[sources], COPIED, mix)


@dataclass(frozen=True, eq=False)
class Donor:
    """Another model that speaks the target tokenizer: its rows say which tokens are alike."""

    tokenizer: Tokenizer
    input: np.ndarray  # float32 [>= v_target, e]
    output: np.ndarray | None = None  # None: tied

    def rows(self, role: str) -> np.ndarray:
        return self.input if role == "input" or self.output is None else self.output


@dataclass(frozen=True)
class Options:
    """What some methods ask. The defaults are their papers', where those say it."""

    neighbors: int = 10  # WECHSEL: source tokens a row
    temperature: float = 0.1  # WECHSEL: softmax of similarity / temperature
    atoms: int = 64  # OMP: source tokens a row, at most
    dimensions: int = 100  # auxiliary vectors
    window: int = 5  # co-occurrence, tokens to each side
    pivots: int = 300  # TokAlign: shared tokens that both spaces are seen from
    minimum_count: int = 3  # auxiliary vectors of rarer tokens are not trusted


@dataclass(frozen=True, eq=False)
class TransferProblem:
    """One matrix to be carried over. `matrix` is float32 [v_source, d]; rows beyond the tokenizer are padding."""

    source: Tokenizer
    target: Tokenizer
    matrix: np.ndarray
    overlap: Overlap
    pieces: "Pieces"
    seed: int = 0
    role: str = "input"  # or "output": some methods treat the head otherwise
    texts: tuple[str, ...] = ()  # of the domain; some methods learn from them
    donor: Donor | None = None
    options: Options = field(default_factory=Options)
    excluded: np.ndarray | None = None  # int64 source ids that no row may be made of
    shared: dict[str, Any] = field(
        default_factory=dict
    )  # what both matrices of one model need, computed once

    @classmethod
    def of(
        cls,
        source: Tokenizer,
        target: Tokenizer,
        matrix: np.ndarray,
        *,
        seed: int = 0,
        texts: Sequence[str] = (),
        donor: Donor | None = None,
        options: Options | None = None,
    ) -> "TransferProblem":
        """Raises TransferError for source rows that are not finite, for a target that spells nothing, and for a donor
        with another tokenizer."""
        check_matrix(source, matrix)
        check_spells(target)
        if donor is not None and donor.tokenizer.fingerprint != target.fingerprint:
            raise TransferError(
                f"The donor model has the tokenizer {donor.tokenizer.name}, not the target {target.name}.",
                hint="A donor must speak exactly the target tokenizer.",
            )
        return cls(
            source,
            target,
            matrix,
            match_vocabularies(source, target),
            Pieces(source),
            seed,
            texts=tuple(texts),
            donor=donor,
            options=options or Options(),
        )

    def with_matrix(self, matrix: np.ndarray, role: str = "output") -> "TransferProblem":
        """The same pair for another matrix: matches and pieces are not computed again."""
        return replace(self, matrix=matrix, role=role)

    def without(self, sources: np.ndarray) -> "TransferProblem":
        """The same, with no target token copied from one of these source ids."""
        match = np.where(np.isin(self.overlap.match, sources), -1, self.overlap.match).astype(np.int32)
        reason = np.where(match < 0, 0, self.overlap.reason).astype(np.uint8)
        return replace(self, overlap=replace(self.overlap, match=match, reason=reason))

    def excluding(self, sources: np.ndarray) -> "TransferProblem":
        """The same, with no target row copied from or spelled with one of these source ids."""
        if not len(sources):
            return self
        pieces = Pieces(self.source, frozenset(map(int, sources)))
        return replace(
            self.without(sources), pieces=pieces, excluded=np.asarray(sources, np.int64), shared={}
        )

    @property
    def usable(self) -> np.ndarray:
        """bool [v_source]: ordinary source tokens that have a row, and are not excluded."""
        size = len(self.source)
        found = np.fromiter((bool(self.source.token_bytes(i)) for i in range(size)), bool, size)
        found[[i for i in self.source.special_tokens.values() if i < size]] = False
        found[len(self.matrix) :] = False
        if self.excluded is not None:
            found[self.excluded] = False
        return found

    @property
    def copyable(self) -> np.ndarray:
        """int64: target ids whose source row exists."""
        match = self.overlap.match
        return np.flatnonzero((match >= 0) & (match < len(self.matrix)))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns, made at the first call and shared by both matrices."""
        if name not in self.shared:
            self.shared[name] = make()
        return self.shared[name]

    def random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


class Pieces:
    """Source tokens that spell a byte string: what the tokenizer itself makes of it, else longest matches."""

    def __init__(self, source: Tokenizer, excluded: frozenset[int] = frozenset()):
        """`excluded`: source ids that nothing is spelled with."""
        self.source, self.excluded = source, excluded

    @cached_property
    def _table(self) -> dict[bytes, int]:
        return {data: token for data, token in byte_table(self.source).items() if token not in self.excluded}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._table), default=0)

    def of(self, data: bytes) -> list[int]:
        """Ids whose bytes make up `data`; empty where the source vocabulary cannot spell it."""
        try:
            ids = self.source.encode(data.decode()).ids.tolist()
        except UnicodeDecodeError:  # part of a character: only bytes can spell it
            return self._greedy(data)
        if not self.excluded.isdisjoint(ids):
            return self._greedy(data)
        if b"".join(self.source.token_bytes(i) or b"" for i in ids) == data:
            return ids
        return self._greedy(data)  # a normalizer or a dummy prefix changed it

    def _greedy(self, data: bytes) -> list[int]:
        ids, start = [], 0
        while start < len(data):
            for stop in range(min(len(data), start + self._longest), start, -1):
                if (token := self._table.get(data[start:stop])) is not None:
                    ids.append(token)
                    start = stop
                    break
            else:
                return []
        return ids


def check_matrix(source: Tokenizer, matrix: np.ndarray) -> None:
    """Raises TransferError where a row of a source token is not finite."""
    if not np.isfinite(matrix[: len(source)].sum(dtype=np.float64)):
        bad = np.flatnonzero(~np.isfinite(matrix[: len(source)]).all(1))
        if len(bad):
            raise TransferError(
                f"The source model's row {int(bad[0])} is not finite "
                f"({len(bad):,} such {'row' if len(bad) == 1 else 'rows'}).",
                hint="The model's embeddings are damaged: NaN or infinite values. Fetch it again.",
            )


def check_spells(target: Tokenizer) -> None:
    """Raises TransferError for a vocabulary of special tokens alone."""
    special = set(target.special_tokens.values())
    if not any(i not in special and target.token_bytes(i) for i in range(len(target))):
        raise TransferError(
            f"{target.name} has special tokens alone: there is nothing to translate.",
            hint="Choose a tokenizer that can spell text.",
        )


@dataclass(frozen=True)
class Method:
    name: str
    title: str
    help: str
    paper: str
    rows: Callable[[TransferProblem], Iterator[Rows]]
    needs_texts: bool = False
    needs_donor: bool = False
    fits: bool = False  # its new rows are only a start: a fit with the whole model comes after them

    def solve(self, problem: TransferProblem) -> Iterator[Rows]:
        """`rows`, once what it needs is there. Raises TransferError with what is missing."""
        if self.needs_texts and not any(problem.texts):
            raise TransferError(
                f"{self.title} learns from texts of the domain, and there are none.",
                hint="Name a corpus, for example with --texts FILE.",
            )
        if self.needs_donor and problem.donor is None:
            raise TransferError(
                f"{self.title} needs a donor: another model with the target tokenizer.",
                hint="Name one with --donor FOLDER, or choose mean-pieces.",
            )
        return self.rows(problem)


METHODS: Registry[Method] = Registry("tokstudio.transfer.methods")


def transfer_method(
    name: str,
    *,
    title: str,
    help: str = "",
    paper: str = "",
    needs_texts: bool = False,
    needs_donor: bool = False,
    fits: bool = False,
) -> Callable[[Any], Any]:
    def register(rows):
        METHODS.add(name, Method(name, title, help, paper, rows, needs_texts, needs_donor, fits))
        return rows

    return register


def assemble(problem: TransferProblem, rows: Iterable[Rows]) -> tuple[np.ndarray, np.ndarray]:
    """Values float32 [v_target, d] and origin uint8 [v_target].

    Raises TransferError unless every target id got exactly one finite row.
    """
    size = len(problem.target)
    values = np.zeros((size, problem.matrix.shape[1]), np.float32)
    origin = np.zeros(size, np.uint8)
    seen = np.zeros(size, np.int64)
    for part in rows:
        np.add.at(seen, part.ids, 1)
        values[part.ids], origin[part.ids] = part.values, part.origin
    if (seen != 1).any():
        token = int(np.flatnonzero(seen != 1)[0])
        raise TransferError(f"Target token {token} got {seen[token]} rows instead of one.")
    if not np.isfinite(values).all():
        raise TransferError(
            f"Target token {int(np.flatnonzero(~np.isfinite(values).all(1))[0])} got a row that is not finite.",
            hint="The source model's embeddings hold NaN or infinite values.",
        )
    return values, origin
