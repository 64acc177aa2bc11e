"""Rows as mixtures of source rows: what most methods are made of."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.transfer.base import COMPOSED, SAMPLED, Rows, TransferProblem


def mixtures(problem: TransferProblem, rows: Iterable[Rows]) -> SparseRows:
    """The source tokens behind each target row, [v_target, v_source]. A row that is no mixture is empty."""
    row, column, weights = [], [], []
    for part in rows:
        if part.mix is not None:
            row.append(np.asarray(part.ids)[part.mix.row])
            column.append(part.mix.columns)
            weights.append(part.mix.weights)
    joined = [np.concatenate(parts) if parts else np.zeros(0) for parts in (row, column, weights)]
    return SparseRows.from_entries(*joined, (len(problem.target), len(problem.source)))


def sampled(problem: TransferProblem, ids: np.ndarray) -> Rows:
    """Rows drawn from the normal distribution of the source's rows, each dimension by itself."""
    used = problem.matrix[: len(problem.source)]
    drawn = problem.random().standard_normal((len(ids), used.shape[1])) * used.std(0) + used.mean(0)
    return Rows(ids, drawn.astype(np.float32), SAMPLED)


def compose(problem: TransferProblem, weigh: Callable[[list[int]], Sequence[float]]) -> Iterator[Rows]:
    """Copies, else the source pieces of each token weighted by `weigh(pieces)`, else drawn."""
    copied = problem.copyable
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
    yield from pieced(problem, np.setdiff1d(np.arange(len(problem.target)), copied), weigh)


def pieced(
    problem: TransferProblem, ids: np.ndarray, weigh: Callable[[list[int]], Sequence[float]]
) -> Iterator[Rows]:
    """The tokens `ids` by their source pieces; what cannot be spelled is drawn."""
    composed, mixes, rest = [], [], []
    for token in ids:
        data = problem.target.token_bytes(int(token))
        pieces = problem.pieces.of(data) if data else []
        if pieces:
            composed.append(token)
            mixes.append((pieces, weigh(pieces)))
        else:
            rest.append(token)
    if composed:
        mix = SparseRows.of(mixes, len(problem.source))
        yield Rows.mixed(np.array(composed), mix, problem.matrix, COMPOSED)
    if rest:
        yield sampled(problem, np.array(rest))
