"""Source pieces weighted by their place: the last weighs most for input rows, the first most for the head.

What comes next depends most on how a word ends; what a word is going to be shows in how it begins. Weights fall
by a factor of e from piece to piece, as in AdaptiVocab (Nakash et al. 2025, arXiv 2503.19693), whose exact rate is
not known to us.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.transfer.base import Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import compose


@transfer_method(
    "weighted-pieces",
    title="Weighted source pieces",
    help="As the mean of pieces, but the last piece weighs most for input rows and the first for output rows.",
    paper="https://arxiv.org/abs/2503.19693",
)
def weighted_pieces(problem: TransferProblem) -> Iterator[Rows]:
    yield from compose(problem, lambda pieces: place_weights(len(pieces), problem.role))


def place_weights(count: int, role: str) -> np.ndarray:
    """float64 [count], summing to 1."""
    distance = np.arange(count)[::-1] if role == "input" else np.arange(count)
    weights = np.exp(-distance.astype(float))
    return weights / weights.sum()
