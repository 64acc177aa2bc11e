"""Exact copies, else the mean of the source pieces: Fast Vocabulary Transfer (Gee et al. 2022, arXiv 2402.09977).

Differences that matter: tokens are compared by bytes; a token that is no valid UTF-8 on its own is spelled in the
source's byte tokens instead of being sampled; what cannot be spelled at all is drawn from a seeded
N(mean, std) per dimension.
"""

from collections.abc import Iterator

from tokstudio.transfer.base import Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import compose


@transfer_method(
    "mean-pieces",
    title="Mean of source pieces",
    help="Shared tokens are copied; a new one is the mean of its old pieces.",
    paper="https://arxiv.org/abs/2402.09977",
)
def mean_pieces(problem: TransferProblem) -> Iterator[Rows]:
    yield from compose(problem, lambda pieces: [1 / len(pieces)] * len(pieces))
