"""After TokAlign (Li et al. 2025, arXiv 2506.03523): each token takes the row of one source token, aligned by text.

Both vocabularies get vectors of their own, from the same texts; a token is then described by its similarities to
pivots, the most frequent tokens that both have, and these descriptions can be compared. Shared tokens are copied.
Differences that matter: factored co-occurrence instead of GloVe; tokens too rare are spelled in source pieces.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.transfer.auxiliary import CHUNK, token_vectors
from tokstudio.transfer.base import COMPOSED, Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import pieced


@transfer_method(
    "tokalign",
    title="TokAlign",
    help="A new token takes the row of the one old token that stands in the most similar places in your texts.",
    paper="https://arxiv.org/abs/2506.03523",
    needs_texts=True,
)
def tokalign(problem: TransferProblem) -> Iterator[Rows]:
    copied = problem.copyable
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
    new = np.setdiff1d(np.arange(len(problem.target)), copied)
    placed, found = _aligned(problem, copied, new)
    if len(placed):
        rows = Rows.copied(placed, found, problem.matrix, len(problem.source))
        yield Rows(rows.ids, rows.values, COMPOSED, rows.mix)
    rest = np.setdiff1d(new, placed)
    yield from pieced(problem, rest, lambda pieces: [1 / len(pieces)] * len(pieces))


def _aligned(problem: TransferProblem, copied: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The new tokens that can be placed, and the source id of each."""
    target, target_counts = token_vectors(problem, problem.target)
    source, source_counts = token_vectors(problem, problem.source)
    least, match = problem.options.minimum_count, problem.overlap.match
    both = copied[(target_counts[copied] >= least) & (source_counts[match[copied]] >= least)]
    pivots = both[np.argsort(-target_counts[both], kind="stable")][: problem.options.pivots]
    known = np.flatnonzero((source_counts >= least) & problem.usable)
    placed = new[target_counts[new] >= least]
    if not len(pivots) or not len(known):
        return new[:0], new[:0]
    described = _units(source[known] @ source[match[pivots]].T)
    found = [
        known[(_units(target[placed[i : i + CHUNK]] @ target[pivots].T) @ described.T).argmax(1)]
        for i in range(0, len(placed), CHUNK)
    ]
    return placed, np.concatenate([np.zeros(0, np.int64), *found])


def _units(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
