"""Exact copies, else the mean of the source pieces: Fast Vocabulary Transfer (Gee et al. 2022, arXiv 2402.09977).

Differences that matter: tokens are compared by bytes; a token that is no valid UTF-8 on its own is spelled in the
source's byte tokens instead of being sampled; what cannot be spelled at all is drawn from a seeded
N(mean, std) per dimension.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.transfer.base import COMPOSED, COPIED, SAMPLED, Rows, TransferProblem, transfer_method


@transfer_method(
    "mean-pieces",
    title="Mean of source pieces",
    help="Tokens that both vocabularies have are copied; a new one starts as the mean of the old pieces that spell it.",
    paper="https://arxiv.org/abs/2402.09977",
)
def mean_pieces(problem: TransferProblem) -> Iterator[Rows]:
    match, matrix = problem.overlap.match, problem.matrix
    copied = np.flatnonzero((match >= 0) & (match < len(matrix)))
    yield Rows(copied, matrix[match[copied]], COPIED)
    composed, means, rest = [], [], []
    for token in np.setdiff1d(np.arange(len(problem.target)), copied):
        data = problem.target.token_bytes(int(token))
        pieces = problem.pieces.of(data) if data else []
        if pieces:
            composed.append(token)
            means.append(matrix[pieces].mean(0))
        else:
            rest.append(token)
    if composed:
        yield Rows(np.array(composed), np.stack(means), COMPOSED)
    if rest:
        used = matrix[: len(problem.source)]
        drawn = problem.random().standard_normal((len(rest), matrix.shape[1])) * used.std(0) + used.mean(0)
        yield Rows(np.array(rest), drawn.astype(np.float32), SAMPLED)
