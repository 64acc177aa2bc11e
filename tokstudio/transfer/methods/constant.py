"""Rows that say nothing of their token: baselines. Tokens that both vocabularies have are copied, but for
"random"."""

from collections.abc import Callable, Iterator

import numpy as np

from tokstudio.transfer.base import SAMPLED, Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import sampled


def _filled(problem: TransferProblem, fill: Callable[[np.ndarray], Rows]) -> Iterator[Rows]:
    copied = problem.copyable
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
    if len(rest := np.setdiff1d(np.arange(len(problem.target)), copied)):
        yield fill(rest)


@transfer_method("mean", title="Mean row", help="Copies; every new token starts as the mean of all old rows.")
def mean(problem: TransferProblem) -> Iterator[Rows]:
    row = problem.matrix[: len(problem.source)].mean(0)
    yield from _filled(problem, lambda ids: Rows(ids, np.tile(row, (len(ids), 1)), SAMPLED))


@transfer_method("zero", title="Zero row", help="Copies; every new token starts at zero.")
def zero(problem: TransferProblem) -> Iterator[Rows]:
    width = problem.matrix.shape[1]
    yield from _filled(problem, lambda ids: Rows(ids, np.zeros((len(ids), width), np.float32), SAMPLED))


@transfer_method(
    "normal",
    title="Normal rows",
    help="Copies; every new token is drawn from the normal distribution with the old rows' mean and covariance.",
    paper="https://www.cs.columbia.edu/~johnhew/vocab-expansion.html",
)
def normal(problem: TransferProblem) -> Iterator[Rows]:
    used = problem.matrix[: len(problem.source)].astype(np.float64)

    def fill(ids: np.ndarray) -> Rows:
        values, axes = np.linalg.eigh(np.atleast_2d(np.cov(used.T)))
        noise = problem.random().standard_normal((len(ids), used.shape[1]))
        drawn = used.mean(0) + noise * np.sqrt(np.maximum(values, 0)) @ axes.T
        return Rows(ids, drawn.astype(np.float32), SAMPLED)

    yield from _filled(problem, fill)


@transfer_method(
    "random", title="Random rows", help="Nothing is copied: every row is drawn anew. A baseline."
)
def random(problem: TransferProblem) -> Iterator[Rows]:
    yield sampled(problem, np.arange(len(problem.target)))
