"""One space for the tokens of two vocabularies: what stands around them in the same texts.

Both tokenizers cut the same bytes, so the source tokens that end before a token begins, and those that begin after
it ends, are contexts that tokens of either vocabulary have. A token's place is its positive pointwise mutual
information with those contexts, summed over their vectors (Levy and Goldberg 2014; FOCUS, arXiv 2305.14481, sees
tokens from shared anchors likewise). Words need no spaces between them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tokstudio.embed.cooccurrence import pmi, vectors
from tokstudio.embed.sparse import SparseRows
from tokstudio.tokens.base import Encoding
from tokstudio.transfer.base import TransferProblem

TEXT_BYTES = 500_000  # of the texts are read: seconds, whatever the corpus is
PENDING = 4_000_000  # pairs that are counted together


def shared_space(problem: TransferProblem) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows of the source tokens float32 [v_source, d] and of the target tokens [v_target, d]; zero for a token
    that the texts hold fewer than `options.minimum_count` times, and for all where there are no texts."""
    return problem.once("shared contexts", lambda: _make(problem))


def _make(problem: TransferProblem) -> tuple[np.ndarray, np.ndarray]:
    options, width = problem.options, len(problem.source)
    texts = sampled(problem.texts, TEXT_BYTES)
    sizes = width, len(problem.target)
    counts = [np.zeros(size, np.int64) for size in sizes]
    around = [_Counts(size, width) for size in sizes]
    for text in texts:
        context = _covering(problem.source.encode(text))
        for side, seen in enumerate((context, _covering(problem.target.encode(text)))):
            counts[side] += np.bincount(seen[0], minlength=sizes[side])
            for pairs in beside(*seen, *context, window=options.window):
                around[side].add(*pairs)
    near, far = (found.total() for found in around)
    seen_from = vectors(near, dimensions=options.dimensions, seed=problem.seed)
    sums = near.column_sums()
    return tuple(
        _units(pmi(found, contexts=sums).dot(seen_from)) * (own >= options.minimum_count)[:, None]
        for found, own in zip((near, far), counts, strict=True)
    )


def beside(
    ids: np.ndarray, spans: np.ndarray, contexts: np.ndarray, places: np.ndarray, *, window: int
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Tokens, the contexts beside them, and what such a pair is worth: the k-th context that begins at or after a
    token's end, or ends at or before its start, is worth 1 / k. `spans` and `places` are byte ranges in order."""
    after = np.searchsorted(places[:, 0], spans[:, 1], "left")
    before = np.searchsorted(places[:, 1], spans[:, 0], "right") - 1
    for distance in range(window):
        for at in (after + distance, before - distance):
            inside = (at >= 0) & (at < len(contexts))
            yield ids[inside], contexts[at[inside]], 1 / (distance + 1)


def sampled(texts: Sequence[str], size: int) -> list[str]:
    """At most about `size` bytes: every text where they fit, else some from all over."""
    total = sum(len(text.encode(errors="replace")) for text in texts)
    if total <= size:
        return list(texts)
    if len(texts) == 1:
        return [texts[0][: max(1, len(texts[0]) * size // total)]]
    kept = max(1, len(texts) * size // total)
    return [texts[i] for i in np.linspace(0, len(texts) - 1, kept).astype(int)]


def _covering(encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Ids and spans of the tokens that stand for some text."""
    kept = encoding.spans[:, 1] > encoding.spans[:, 0]
    return encoding.ids[kept], encoding.spans[kept]


class _Counts:
    """Pairs, added up now and then: in between they would fill the memory."""

    def __init__(self, size: int, width: int):
        self.shape = size, width
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._pending = 0

    def add(self, rows: np.ndarray, columns: np.ndarray, worth: float) -> None:
        self._entries.append((rows, columns, np.full(len(rows), worth, np.float32)))
        self._pending += len(rows)
        if self._pending > PENDING:
            summed = self.total()
            self._entries, self._pending = [(summed.row, summed.columns, summed.weights)], 0

    def total(self) -> SparseRows:
        parts = zip(*self._entries, strict=True) if self._entries else [np.zeros(0, np.int64)] * 3
        joined = [np.concatenate(part) if self._entries else part for part in parts]
        return SparseRows.from_entries(*joined, self.shape)


def _units(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
