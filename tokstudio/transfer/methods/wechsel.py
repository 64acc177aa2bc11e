"""After WECHSEL (Minixhofer et al. 2022, arXiv 2112.06598): source and target tokens in one space of words.

A token's place is the mean of the vectors of the words it is part of; a target row is the softmax mixture of its
nearest source tokens. WECHSEL aligns two languages by a dictionary; here both tokenizers cut one text, so its
words are the dictionary. Word vectors are factored co-occurrence instead of fastText. Special tokens are copied;
a token in no word is spelled in source pieces.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.align.overlap import BYTES
from tokstudio.embed.sparse import SparseRows
from tokstudio.transfer.auxiliary import CHUNK, word_token_vectors
from tokstudio.transfer.base import COMPOSED, Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import pieced


@transfer_method(
    "wechsel",
    title="WECHSEL",
    help="Each token mixes the old tokens that are part of similar words in your texts. Only specials are copied.",
    paper="https://arxiv.org/abs/2112.06598",
    needs_texts=True,
)
def wechsel(problem: TransferProblem) -> Iterator[Rows]:
    special = problem.copyable[problem.overlap.reason[problem.copyable] != BYTES]
    yield Rows.copied(special, problem.overlap.match[special], problem.matrix, len(problem.source))
    sources, targets = word_token_vectors(problem)
    known = np.flatnonzero(sources.any(1) & problem.usable)
    rest = np.setdiff1d(np.arange(len(problem.target)), special)
    placed = rest[targets[rest].any(1)] if len(known) else rest[:0]
    if len(placed):
        mix = _mix(targets[placed], sources[known], known, problem)
        yield Rows.mixed(placed, mix, problem.matrix, COMPOSED)
    left = np.setdiff1d(rest, placed)
    yield from pieced(problem, left, lambda pieces: [1 / len(pieces)] * len(pieces))


def _mix(wanted: np.ndarray, space: np.ndarray, ids: np.ndarray, problem: TransferProblem) -> SparseRows:
    count = min(problem.options.neighbors, len(ids))
    columns, weights = [], []
    for first in range(0, len(wanted), CHUNK):
        cosine = wanted[first : first + CHUNK] @ space.T
        best = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        near = np.take_along_axis(cosine, best, 1)
        share = np.exp((near - near.max(1, keepdims=True)) / problem.options.temperature)
        columns.append(ids[best])
        weights.append(share / share.sum(1, keepdims=True))
    row = np.repeat(np.arange(len(wanted)), count)
    entries = np.concatenate(columns).ravel(), np.concatenate(weights).ravel()
    return SparseRows.from_entries(row, *entries, (len(wanted), len(problem.source)))
