"""Vocabulary trimming: the target is a part of the source, every row is a copy, nothing is lost but rows."""

from collections.abc import Iterator

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.transfer.base import Rows, TransferProblem, transfer_method


@transfer_method(
    "trim",
    title="Trimmed vocabulary",
    help="For a target that is a part of the old vocabulary: every row is copied, and a new token is an error.",
)
def trim(problem: TransferProblem) -> Iterator[Rows]:
    copied = problem.copyable
    if len(copied) < len(problem.target):
        new = np.setdiff1d(np.arange(len(problem.target)), copied)
        raise TransferError(
            f"{len(new):,} tokens of {problem.target.name} are not in {problem.source.name}, "
            f"token {int(new[0])} among them: it is no trimmed vocabulary.",
            hint="Choose another method, for example mean-pieces.",
        )
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
