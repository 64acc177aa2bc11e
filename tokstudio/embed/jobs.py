"""What the maths process can be asked for. A job is a generator: it yields the share done (0-1) or a `Part`
of its answer between steps of a few milliseconds, and returns its answer, so that one thread can serve
several and drop any.
"""

import hashlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tokstudio.embed import pyramid as levels
from tokstudio.embed.expression import parse
from tokstudio.embed.fingerprint import cache_entry, fingerprint, trim_cache
from tokstudio.embed.matrix import DTYPE_NAMES, EmbeddingMatrix, Steps
from tokstudio.embed.memory import in_memory
from tokstudio.embed.neighbors import nearest, row_norms
from tokstudio.embed.order import COLUMN_ORDERS, ORDERS, by_cluster, by_key, ordered
from tokstudio.embed.pyramid import Pyramid
from tokstudio.embed.read import ModelFiles, open_model
from tokstudio.embed.search import containing, search
from tokstudio.embed.space import Space, make_space
from tokstudio.embed.spectrum import spectrum
from tokstudio.embed.summary import sample_level, summarize
from tokstudio.embed.vocabulary import SPECIAL, Vocabulary, read_vocabulary
from tokstudio.errors import InputError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.training.corpus import default_corpus
from tokstudio.tokens.vocab_counts import count_tokens


@dataclass(frozen=True, eq=False)
class Answer:
    values: dict = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class Part(Answer):
    """A piece of an answer, delivered before the rest is ready."""


Job = Generator[float | Part, None, Answer]


@dataclass
class Opened:
    """One matrix with what has been computed about it."""

    model: ModelFiles
    matrix: EmbeddingMatrix
    norms: np.ndarray | None = None
    pyramids: dict[str, Pyramid] = field(default_factory=dict)  # by the order of the rows
    orders: dict[str, np.ndarray] = field(default_factory=dict)
    column_keys: dict[str, np.ndarray] = field(default_factory=dict)  # largest first
    spaces: dict[str, Space | None] = field(default_factory=dict)
    decoded: EmbeddingMatrix | None = None

    def warm(self) -> Steps[EmbeddingMatrix]:
        """The matrix for reading all of it again and again: decoded once, where the memory has room for that."""
        if self.decoded is None:
            self.decoded = yield from in_memory(self.matrix)
        return self.decoded


@dataclass
class State:
    """What the process keeps between requests. Maps of files only: opening twenty matrices costs no
    memory."""

    opened: dict[tuple[str, str], Opened] = field(default_factory=dict)
    vocabularies: dict[str, Vocabulary] = field(default_factory=dict)

    def get(self, path: str, tensor: str | None) -> Opened:
        if (found := self.opened.get((path, tensor or ""))) is None:
            model = open_model(Path(path))
            found = self.opened[path, tensor or ""] = Opened(model, model.matrix(tensor))
        return found


def open_matrix(state: State, path: str, tensor: str | None = None) -> Job:
    # forget what is known about this path: the file may have changed since
    state.opened = {key: kept for key, kept in state.opened.items() if key[0] != path}
    opened = state.get(path, tensor)
    yield 1.0
    entries = [
        {"name": e.tensor.name, "shape": e.tensor.shape, "role": e.role, "dtype": DTYPE_NAMES[e.tensor.dtype]}
        for e in opened.model.entries
    ]
    values = {
        "name": opened.model.name,
        "tied": opened.model.tied,
        "entries": entries,
        "tensor": opened.matrix.tensor.name,
        "shape": opened.matrix.shape,
        "dtype": DTYPE_NAMES[opened.matrix.tensor.dtype],
        "size": opened.matrix.tensor.size,
        "tokenizer": opened.model.tokenizer,
        "file": str(opened.matrix.tensor.file),
    }
    return Answer(values)


def summary(state: State, path: str, tensor: str) -> Job:
    opened = state.get(path, tensor)
    found = yield from summarize(opened.matrix)
    opened.column_keys["variance"] = found.std
    values = {name: getattr(found, name) for name in ("spread", "level", "largest", "zero_rows", "nonfinite")}
    return Answer(
        values, {name: getattr(found, name) for name in ("norms", "mean", "std", "counts", "edges")}
    )


def order_rows(state: State, path: str, tensor: str, order: str, tokenizer: str = "") -> Job:
    """`order` [n]: the row that stands at each place."""
    opened = state.get(path, tensor)
    if order not in opened.orders:
        opened.orders[order] = yield from _order(state, opened, order, tokenizer)
    return Answer({"order": order}, {"order": opened.orders[order].astype(np.int32)})


def _order(state: State, opened: Opened, order: str, tokenizer: str) -> Generator[float, None, np.ndarray]:
    matrix = opened.matrix
    if order == "norm":
        if opened.norms is None:
            opened.norms = yield from row_norms(matrix)
        return by_key(opened.norms, len(matrix), largest_first=True)
    if order == "cluster":
        return (yield from by_cluster(matrix))
    if order not in ORDERS:
        raise InputError(f"There is no order {order!r}.", hint=f"Choose one of {', '.join(ORDERS)}.")
    if order == "id":
        return np.arange(len(matrix))
    if not tokenizer:
        raise InputError(
            f"Rows have no {order} here: no tokenizer lies beside this matrix.",
            hint="Put its tokenizer.json into the same folder, or choose another order.",
        )
    names = yield from _names(state, tokenizer)
    if order == "name":
        return by_key(names.ranks, len(matrix), largest_first=False)
    texts = default_corpus()
    counted = yield from count_tokens(load_tokenizer(tokenizer), texts, sum(map(len, texts)))
    return by_key(counted.counts, len(matrix), largest_first=True)


def order_columns(state: State, path: str, tensor: str, columns: str) -> Job:
    """`order` [d]: the dimension that stands at each place."""
    found = yield from _columns(state, path, tensor, columns)
    dims = np.arange(state.get(path, tensor).matrix.shape[1]) if found is None else found
    return Answer({"columns": columns}, {"order": dims.astype(np.int32)})


def _columns(state: State, path: str, tensor: str, columns: str) -> Generator[float, None, np.ndarray | None]:
    """Variance: the widest dimension first. PCA: by its share in the first principal axis, from + to -."""
    if columns not in COLUMN_ORDERS:
        raise InputError(
            f"There is no order of dimensions {columns!r}.",
            hint=f"Choose one of {', '.join(COLUMN_ORDERS)}.",
        )
    if columns == "id":
        return None
    opened = state.get(path, tensor)
    if columns not in opened.column_keys:
        yield from (summary if columns == "variance" else project)(state, path, tensor)
    return np.argsort(-opened.column_keys[columns], kind="stable")


def build_pyramid(state: State, path: str, tensor: str, order: str = "id", tokenizer: str = "") -> Job:
    """From the cache where it is; where the cache cannot be written, in memory only, and `kept` says so."""
    opened, kept = state.get(path, tensor), True
    if order not in opened.orders:
        yield from order_rows(state, path, tensor, order, tokenizer)
    matrix = opened.matrix if order == "id" else ordered(opened.matrix, opened.orders[order])
    mark = "" if order == "id" else hashlib.blake2b(opened.orders[order].tobytes(), digest_size=8).hexdigest()
    folder = cache_entry(fingerprint(opened.matrix.tensor) + mark)
    pyramid = levels.load(matrix, folder)
    if pyramid is None:
        pyramid = yield from levels.build(matrix, sample_level(opened.matrix))
        kept = _keep(pyramid, folder)
        pyramid = (kept and levels.load(matrix, folder)) or pyramid  # mapped, it costs no memory
    opened.pyramids[order] = pyramid
    yield 1.0
    return Answer(
        {"cells": levels.cell_levels(pyramid), "kept": kept, "order": order},
        {"order": opened.orders[order].astype(np.int32)} if order != "id" else {},
    )


def _keep(pyramid: Pyramid, folder: Path) -> bool:
    try:
        levels.save(pyramid, folder)
        trim_cache()
    except (
        OSError
    ):  # a full disk or a read-only home: the picture is drawn all the same, next time from the start
        return False
    return True


def tiles(
    state: State,
    path: str,
    tensor: str,
    pooling: str,
    wanted: list[list[int]],
    order: str = "id",
    tokenizer: str = "",
    columns: str = "id",
) -> Job:
    """`wanted`: [r, i, c, j], row tile i where a cell stands for 2**r rows, column tile j for 2**c
    columns."""
    opened = state.get(path, tensor)
    if order not in opened.pyramids:
        yield from build_pyramid(state, path, tensor, order, tokenizer)
    dims = yield from _columns(state, path, tensor, columns)
    for r, i, c, j in wanted:
        values = opened.pyramids[order].tile(pooling, (r, i), (c, j), dims).astype(np.float32)
        about = {"pooling": pooling, "tile": [r, i, c, j], "order": order, "columns": columns}
        yield Part(about, {"values": values})
    return Answer()


def project(state: State, path: str, tensor: str) -> Job:
    opened = state.get(path, tensor)
    found = yield from spectrum(opened.matrix)
    opened.column_keys["pca"] = found.loadings
    values = {
        "effective_rank": found.effective_rank,
        "explained": found.explained,
        "rows_used": found.rows_used,
        "found": found.found,
    }
    return Answer(values, {"singular_values": found.singular_values, "points": found.points})


def vocabulary(state: State, reference: str) -> Job:
    found = yield from _names(state, reference)
    return Answer(found.about, found.arrays)


def _names(state: State, reference: str) -> Generator[float, None, Vocabulary]:
    if reference not in state.vocabularies:
        state.vocabularies[reference] = yield from read_vocabulary(reference)
    return state.vocabularies[reference]


def neighbors(
    state: State,
    path: str,
    tensor: str,
    token: str,
    k: int = 10,
    metric: str = "cosine",
    tokenizer: str = "",
    space: str = "raw",
) -> Job:
    """`token`: text, "#12" for a row, or a sum of them. The rows themselves come along [k + 1, d], the asked
    one first. `row` is -1 for a sum; `terms` are its rows."""
    opened = state.get(path, tensor)
    if opened.norms is None:
        opened.norms = yield from row_norms(opened.matrix)
    if space not in opened.spaces:
        opened.spaces[space] = yield from make_space(opened.matrix, space)
    names = (yield from _names(state, tokenizer)) if tokenizer else None
    started = time.perf_counter()
    asked = parse(token, names, len(opened.matrix))
    query = asked.vector(opened.matrix)
    matrix = yield from opened.warm()
    started = time.perf_counter()
    found = yield from nearest(matrix, opened.norms, query, k, metric, asked.rows, opened.spaces[space])
    seconds = time.perf_counter() - started
    rows = np.concatenate([query[None], opened.matrix.rows(found.ids)]).astype(np.float32)
    row = asked.rows[0] if len(asked.rows) == 1 else -1
    values = {
        "row": row,
        "terms": asked.rows,
        "metric": metric,
        "seconds": seconds,
        "token": token,
        "space": space,
    }
    return Answer(values, {"ids": found.ids, "scores": found.scores, "rows": rows})


def search_vocabulary(state: State, reference: str, query: str) -> Job:
    """`mask`: one bit a token."""
    names = yield from _names(state, reference)
    started = time.perf_counter()
    mask = yield from search(names, query)
    seconds = time.perf_counter() - started
    return Answer({"query": query, "seconds": seconds}, {"mask": np.packbits(mask)})


def sort_ranks(state: State, reference: str) -> Job:
    names = yield from _names(state, reference)
    return Answer({}, {"ranks": names.ranks})


def inspect(state: State, reference: str, token: int) -> Job:
    """How the tokenizer cuts the token's own text, and how many longer tokens hold it."""
    names = yield from _names(state, reference)
    raw = names.bytes_of(token)
    text = raw.decode() if _is_text(raw) else ""
    longer = containing(names, text, fold=False) & (names.lengths > len(raw))
    pieces: list[int] = []
    if text and names.kinds[token] != SPECIAL:
        pieces = load_tokenizer(reference).encode(text).ids.tolist()
    longest = np.flatnonzero(longer)[:3].tolist()
    return Answer({"token": token, "pieces": pieces, "longer": int(longer.sum()), "examples": longest})


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


# name -> (function, priority): what a hand waits for comes before what fills the page
JOBS: dict[str, tuple[Callable[..., Job], int]] = {
    "open": (open_matrix, 0),
    "tiles": (tiles, 0),
    "neighbors": (neighbors, 1),
    "search": (search_vocabulary, 1),
    "inspect": (inspect, 1),
    "order": (order_rows, 2),
    "columns": (order_columns, 1),
    "vocabulary": (vocabulary, 2),
    "ranks": (sort_ranks, 3),
    "summary": (summary, 3),
    "pyramid": (build_pyramid, 2),
    "picture": (build_pyramid, 1),  # the same while it is looked at
    "project": (project, 5),
}
