"""One source piece: the last one for input rows, the first one for the head."""

from collections.abc import Iterator

import numpy as np

from tokstudio.transfer.base import Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import compose


@transfer_method(
    "first-last",
    title="First and last piece",
    help="A new token's input row is that of its last old piece, its output row that of its first.",
)
def first_last(problem: TransferProblem) -> Iterator[Rows]:
    at = -1 if problem.role == "input" else 0

    def weigh(pieces: list[int]) -> np.ndarray:
        weights = np.zeros(len(pieces))
        weights[at] = 1
        return weights

    yield from compose(problem, weigh)
