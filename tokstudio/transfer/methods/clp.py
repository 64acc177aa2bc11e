"""CLP-Transfer (Ostendorff and Rehm 2023, arXiv 2301.09626): similarities of a helper model, on the source's rows.

Shared tokens are copied. A new token weighs all shared ones by their cosine similarity in the embeddings of a helper
that has the target tokenizer. Differences that matter: negative similarities count as none.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.transfer.auxiliary import CHUNK
from tokstudio.transfer.base import COMPOSED, Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import pieced

ENTRIES = 1 << 23  # larger mixtures are not told, as they would not fit: the rows alone are


@transfer_method(
    "clp",
    title="CLP",
    help="Shared tokens are copied; a new one weighs all of them by similarity in a helper model with that tokenizer.",
    paper="https://arxiv.org/abs/2301.09626",
    needs_donor=True,
)
def clp(problem: TransferProblem) -> Iterator[Rows]:
    copied = problem.copyable
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
    new = np.setdiff1d(np.arange(len(problem.target)), copied)
    if not len(copied):
        yield from pieced(problem, new, lambda pieces: [1 / len(pieces)] * len(pieces))
        return
    helper = problem.donor.rows(problem.role)[: len(problem.target)]
    units = helper / np.maximum(np.linalg.norm(helper, axis=1, keepdims=True), 1e-12)
    shared, rows = units[copied], problem.matrix[problem.overlap.match[copied]]
    told = len(new) * len(copied) <= ENTRIES
    for first in range(0, len(new), CHUNK):
        ids = new[first : first + CHUNK]
        weights = np.maximum(units[ids] @ shared.T, 0) + 1e-12
        weights /= weights.sum(1, keepdims=True)
        mix = _mix(weights, problem.overlap.match[copied], len(problem.source)) if told else None
        yield Rows(ids, weights @ rows, COMPOSED, mix)


def _mix(weights: np.ndarray, sources: np.ndarray, width: int) -> SparseRows:
    kept = np.nonzero(weights > 1e-11)  # what negative similarities count is nothing
    return SparseRows.from_entries(
        kept[0], sources[kept[1]], weights[kept], (len(weights), width)
    ).normalized()
