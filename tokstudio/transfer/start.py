"""Where a translation starts: rows, columns, marginals and the first plan.

Any closed-form initializer is a fixed point of the solver: with row mixtures W and P0 = diag(mu) W, the source
marginal nu = P0^T 1 makes P0 its own projection. A little mass on the other candidates keeps them alive: an entry
outside every support gets no gradient and would never come back.
"""

from dataclasses import dataclass

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.transfer.base import METHODS, TransferProblem, check_spells
from tokstudio.transfer.candidates import candidates, target_counts, used_tokens
from tokstudio.transfer.compose import mixtures
from tokstudio.transfer.plan import Plan

SMOOTHING = 0.5  # added to each count, so that no target token is without mass
MARGINALS = ("plan", "frequency", "none")


@dataclass(frozen=True, eq=False)
class Start:
    """`free` target tokens are translated; `pinned` ones (special tokens) keep one source row, or none (-1)."""

    free: np.ndarray  # int64 [u] target ids
    pinned: np.ndarray  # int64 [p] target ids
    pinned_sources: np.ndarray  # int64 [p] source ids, -1: the mean row
    columns: np.ndarray  # int64 [n] source ids that the plan may use
    slots: np.ndarray | None  # int32 [u, m] indices into `columns`, n where unused; None: every column
    weights: np.ndarray  # float32 [u, m] or [u, n], rows sum to 1
    mass: np.ndarray  # float64 [v_target], sums to 1
    mu: np.ndarray  # float64 [u]
    nu: np.ndarray | None  # float64 [n]; None: the columns may hold anything
    size: int  # ids of the source tokenizer: rows beyond are padding


def make_start(
    problem: TransferProblem,
    *,
    method: str,
    width: int = 0,
    epsilon: float = 0.05,
    marginal: str = "plan",
    allowed: np.ndarray | None = None,
    plan: Plan | None = None,
    neighbors: str = "auxiliary",
) -> Start:
    """`method`: an initializer whose rows are mixtures, or "random". `width`: candidates a row; 0: a table over
    the source tokens that the texts use. `epsilon`: mass spread over the other candidates. `allowed` bool
    [v_source]: source tokens that may be used (all but special ones, where it is None). `plan`: start from a saved one.
    `neighbors`: what candidates beside a token's kin are near in, one of `candidates.NEIGHBORS`.

    Raises TransferError where the texts hold no target token, nothing is left to translate, or nothing to
    translate into.
    """
    free, pinned, sources = _split(problem)
    mass = target_mass(problem)
    usable = problem.usable if allowed is None else allowed & problem.usable
    used = problem.once("source counts", lambda: used_tokens(problem.source, problem.texts))
    first = plan.input if plan else None if method == "random" else _mixtures(problem, method)
    columns = _columns(first, free, usable, used, table=not width)
    if not len(columns):
        raise TransferError(
            "There is no source token to translate into: none that is ordinary occurs in the texts.",
            hint="Choose texts that the source tokenizer can read, or candidates instead of a table.",
        )
    slots = weights = None
    if width:
        start = first or SparseRows(np.zeros(len(problem.target) + 1, np.int64), *_nothing(problem))
        chosen = candidates(problem, start, free, width=width, allowed=usable, kind=neighbors)
        columns, slots = _renumber(chosen)
    if first is not None:
        weights = _slot_weights(first.take(free), columns, slots)
    weights = _spread(weights, slots, (len(free), len(columns)), epsilon, problem)
    mu = mass[free] / mass[free].sum()
    nu = _source_marginal(marginal, mu, weights, columns, slots, used)
    return Start(free, pinned, sources, columns, slots, weights, mass, mu, nu, len(problem.source))


def target_mass(problem: TransferProblem) -> np.ndarray:
    """Smoothed share of each target token in the texts: float64 [v_target]."""
    smooth = target_counts(problem) + SMOOTHING
    return smooth / smooth.sum()


def _split(problem: TransferProblem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    special = np.array([not problem.target.token_bytes(i) for i in range(len(problem.target))])
    special[list(problem.target.special_tokens.values())] = True
    check_spells(problem.target)
    free, pinned = np.flatnonzero(~special), np.flatnonzero(special)
    return free, pinned, problem.overlap.match[pinned].astype(np.int64)


def _mixtures(problem: TransferProblem, method: str) -> SparseRows:
    found = mixtures(problem, METHODS[method].solve(problem))
    if not len(found.columns):
        raise TransferError(
            f"{METHODS[method].title} gives no mixtures of a few source tokens, so no translation can start there.",
            hint="Start from mean-pieces, focus, omp or random.",
        )
    positive = np.maximum(found.weights, 0)  # a plan holds no negative mass: OMP's signs are lost here
    kept = positive > 0
    return SparseRows.from_entries(
        found.row[kept], found.columns[kept], positive[kept], (len(found), found.width)
    ).normalized()


def _nothing(problem: TransferProblem):
    return np.zeros(0, np.int64), np.zeros(0, np.float32), len(problem.source)


def _columns(first: SparseRows | None, free, usable, used, *, table: bool) -> np.ndarray:
    """Source ids: those that occur and may be used, and those that the start names."""
    wanted = usable & (used > 0)
    if first is not None:
        wanted = wanted | (first.take(free).column_sums() > 0)
    elif not table or not wanted.any():
        wanted = usable
    return np.flatnonzero(wanted)


def _renumber(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that occur in `chosen`, and `chosen` as places among them (one past the last where -1)."""
    columns = np.unique(chosen[chosen >= 0]).astype(np.int64)
    slots = np.searchsorted(columns, chosen)
    slots[chosen < 0] = len(columns)
    return columns, slots.astype(np.int32)


def _slot_weights(rows: SparseRows, columns: np.ndarray, slots: np.ndarray | None) -> np.ndarray:
    """The sparse rows laid out as `slots` are, or as a table."""
    place = np.searchsorted(columns, rows.columns)
    if slots is None:
        out = np.zeros((len(rows), len(columns)), np.float32)
        out[rows.row, place] = rows.weights
        return out
    out = np.zeros(slots.shape, np.float32)
    for row in range(len(rows)):
        own = slice(rows.start[row], rows.start[row + 1])
        known = dict(zip(place[own].tolist(), rows.weights[own].tolist(), strict=True))
        out[row] = [known.get(slot, 0.0) for slot in slots[row].tolist()]
    return out


def _spread(weights, slots, shape, epsilon: float, problem: TransferProblem) -> np.ndarray:
    """Rows that sum to 1, with `epsilon` of each spread evenly over its slots; random rows where there is no
    start."""
    valid = np.ones(shape, bool) if slots is None else slots < shape[1]
    if not valid.any(1).all():
        row = int(np.flatnonzero(~valid.any(1))[0])
        raise TransferError(
            f"{int((~valid.any(1)).sum()):,} target tokens have no source token to draw on, row {row} among them.",
            hint="Give each more candidates.",
        )
    if weights is None:
        drawn = problem.random().random(valid.shape) ** 8  # a few large entries a row
        weights = np.where(valid, drawn + 1e-6, 0)
    even = valid / valid.sum(1, keepdims=True)
    sums = weights.sum(1, keepdims=True)
    rows = np.divide(weights, sums, out=even.copy(), where=sums > 0)
    return ((1 - epsilon) * rows + epsilon * even).astype(np.float32)


def _source_marginal(kind: str, mu, weights, columns, slots, used) -> np.ndarray | None:
    if kind == "none":
        return None
    plan = mu[:, None] * weights.astype(np.float64)
    if slots is None:
        sums = plan.sum(0)
    else:
        sums = np.bincount(slots.ravel(), plan.ravel(), minlength=len(columns) + 1)[: len(columns)]
    if kind == "frequency":
        counts = np.where(sums > 0, used[columns], 0).astype(np.float64)
        best = weights.argmax(1)  # a row all of whose candidates are absent from the texts keeps its best one
        best = best if slots is None else slots[np.arange(len(best)), best]
        counts[best] = np.maximum(counts[best], SMOOTHING)
        sums = counts
    return sums / sums.sum()
