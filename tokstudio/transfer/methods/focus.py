"""FOCUS (Dobler and de Melo 2023, arXiv 2305.14481): new rows as mixtures of the shared tokens they resemble.

Shared tokens are copied. A new token is the sparsemax of its cosine similarity to all shared tokens in an auxiliary
space learnt from texts in the target tokenizer. Differences that matter: the auxiliary space is factored
co-occurrence instead of fastText; tokens too rare to be placed are spelled in source pieces, not drawn.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.transfer.auxiliary import CHUNK, sparsemax, token_vectors
from tokstudio.transfer.base import COMPOSED, Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import pieced


@transfer_method(
    "focus",
    title="FOCUS",
    help="Shared tokens are copied; a new one mixes the shared tokens that stand in similar places in your texts.",
    paper="https://arxiv.org/abs/2305.14481",
    needs_texts=True,
)
def focus(problem: TransferProblem) -> Iterator[Rows]:
    copied = problem.copyable
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
    space, counts = token_vectors(problem, problem.target)
    known = (counts >= problem.options.minimum_count) & space.any(1)
    anchors = copied[known[copied]]
    new = np.setdiff1d(np.arange(len(problem.target)), copied)
    placed = new[known[new]] if len(anchors) else new[:0]
    if len(placed):
        mix = _mix(space, placed, anchors, problem)
        yield Rows.mixed(placed, mix, problem.matrix, COMPOSED)
    rest = np.setdiff1d(new, placed)
    yield from pieced(problem, rest, lambda pieces: [1 / len(pieces)] * len(pieces))


def _mix(space: np.ndarray, placed: np.ndarray, anchors: np.ndarray, problem: TransferProblem) -> SparseRows:
    sources, parts = problem.overlap.match[anchors], []
    for first in range(0, len(placed), CHUNK):
        weights = sparsemax(space[placed[first : first + CHUNK]] @ space[anchors].T)
        row, column = np.nonzero(weights)
        parts.append((row + first, sources[column], weights[row, column]))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return SparseRows.from_entries(*joined, (len(placed), len(problem.source))).normalized()
