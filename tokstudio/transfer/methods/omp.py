"""Orthogonal matching pursuit over shared tokens (Goddard and Fernandes Neto 2025, arXiv 2506.06607).

A donor model has the target tokenizer. Each new token's donor row is written as a sum of a few donor rows of shared
tokens, chosen greedily; the same coefficients on the source rows of those tokens give its new row. Atoms are scaled
to unit length before they are compared, so that long rows are not preferred, and the search runs on inner products
alone (Batch-OMP, Rubinstein et al. 2008). Coefficients may be negative.
"""

from collections.abc import Iterator

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.transfer.base import SOLVED, Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import pieced

BLOCK = 128  # tokens solved together
ENOUGH = 1e-5  # of a row's length: what is left may stay


@transfer_method(
    "omp",
    title="Matching pursuit (OMP)",
    help="Shared tokens are copied; a new one is built from shared ones as in a donor model with that tokenizer.",
    paper="https://arxiv.org/abs/2506.06607",
    needs_donor=True,
)
def omp(problem: TransferProblem) -> Iterator[Rows]:
    copied = problem.copyable
    yield Rows.copied(copied, problem.overlap.match[copied], problem.matrix, len(problem.source))
    new = np.setdiff1d(np.arange(len(problem.target)), copied)
    donor = problem.donor.rows(problem.role)[: len(problem.target)].astype(np.float64)
    anchors = copied[np.linalg.norm(donor[copied], axis=1) > 0]
    if not len(anchors):
        yield from pieced(problem, new, lambda pieces: [1 / len(pieces)] * len(pieces))
        return
    if len(new):
        chosen, coefficients = pursue(donor[anchors], donor[new], problem.options.atoms)
        row, slot = np.nonzero(coefficients)
        columns = problem.overlap.match[anchors][chosen[row, slot]]
        shape = len(new), len(problem.source)
        mix = SparseRows.from_entries(row, columns, coefficients[row, slot], shape)
        yield Rows.mixed(new, mix, problem.matrix, SOLVED)


def pursue(atoms: np.ndarray, wanted: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices int64 and coefficients float64, both [n, count], such that coefficients times `atoms` [a, d] come
    near `wanted` [n, d]; coefficients of slots that were not needed are 0."""
    lengths = np.linalg.norm(atoms, axis=1)
    units = atoms / lengths[:, None]
    gram = units @ units.T
    count = min(count, len(atoms), atoms.shape[1])
    parts = [
        _pursue(
            gram, wanted[at : at + BLOCK] @ units.T, np.linalg.norm(wanted[at : at + BLOCK], axis=1), count
        )
        for at in range(0, len(wanted), BLOCK)
    ]
    chosen, coefficients = (np.concatenate(p) for p in zip(*parts, strict=True))
    return chosen, coefficients / lengths[chosen]


def _pursue(gram: np.ndarray, start: np.ndarray, length: np.ndarray, count: int):
    """`start` [b, a]: inner products with the unit atoms. All rows of the block take their next atom together."""
    rows = np.arange(len(start))
    chosen = np.zeros((len(start), count), np.int64)
    coefficients = np.zeros((len(start), count))
    left, active = start.copy(), length > 0
    for step in range(count):
        best = np.abs(left).argmax(1)
        active = active & (np.abs(left[rows, best]) > ENOUGH * length)
        if not active.any():
            break
        chosen[active, step] = best[active]
        own = chosen[active, : step + 1]
        system = gram[own[:, :, None], own[:, None, :]] + 1e-12 * np.eye(step + 1)
        solved = np.linalg.solve(system, np.take_along_axis(start[active], own, 1)[..., None])[..., 0]
        coefficients[active, : step + 1] = solved
        left[active] = start[active] - np.einsum("bt,bta->ba", solved, gram[own])
        np.put_along_axis(left, chosen[:, : step + 1], 0, 1)
    return chosen, coefficients
