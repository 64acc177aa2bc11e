"""Which source tokens a target token may be made of.

For large vocabularies a plan over every pair does not fit; a few dozen candidates a row do. They are, in this
order and up to a limit: what the start has already, the token with the same bytes, the pieces that the source
tokenizer makes of it, source tokens inside it (long ones first), source tokens that begin with it (short ones
first), and its neighbors: source tokens that stand in similar places in the texts, or whose rows are nearest to where
the row starts.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from tokstudio.align.overlap import byte_table
from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.base import TransferProblem
from tokstudio.transfer.contexts import shared_space

LONGEST = 32  # bytes of a token that are searched for other tokens inside it
CONTINUATIONS = 16  # source tokens that begin with a token, at most
NEIGHBORS = ("auxiliary", "rows", "none")
BLOCK = 256  # rows whose neighbors are searched together
DIRECTIONS = 64  # wider rows are compared by this many random directions: a search, not a measurement


class Relatives:
    """Source tokens by how their bytes relate to given bytes."""

    def __init__(self, problem: TransferProblem):
        self.problem = problem
        self.table = byte_table(problem.source)
        self.sorted = sorted(self.table)

    def of(self, data: bytes) -> Iterator[int]:
        """Ids, nearest kin first; some may come twice."""
        if (same := self.table.get(data)) is not None:
            yield same
        yield from self.problem.pieces.of(data)
        yield from self._inside(data[:LONGEST])
        yield from self._continuing(data)

    def _inside(self, data: bytes) -> Iterator[int]:
        for size in range(len(data), 0, -1):
            for start in range(len(data) - size + 1):
                if (token := self.table.get(data[start : start + size])) is not None:
                    yield token

    def _continuing(self, data: bytes) -> Iterator[int]:
        first = bisect_left(self.sorted, data)
        found = []
        for entry in self.sorted[first : first + 50 * CONTINUATIONS]:
            if not entry.startswith(data):
                break
            found.append(entry)
        yield from (self.table[entry] for entry in sorted(found, key=len)[:CONTINUATIONS])


def candidates(
    problem: TransferProblem,
    start: SparseRows,
    ids: np.ndarray,
    *,
    width: int,
    allowed: np.ndarray,
    kind: str = "rows",
) -> np.ndarray:
    """Source ids int32 [len(ids), width], -1 where a row has fewer. `start` [v_target, v_source] comes first,
    largest weights leading; `allowed` bool [v_source] holds for everything else. `kind`: one of `NEIGHBORS`."""
    relatives = Relatives(problem)
    near = _near(problem, start, ids, allowed, width, kind)
    out = np.full((len(ids), width), -1, np.int32)
    for row, token in enumerate(ids):
        own = slice(start.start[token], start.start[token + 1])
        order = np.argsort(-start.weights[own], kind="stable")
        chosen = dict.fromkeys(start.columns[own][order].tolist())
        data = problem.target.token_bytes(int(token)) or b""
        kin = (t for t in relatives.of(data) if allowed[t]) if data else ()
        for source in (*kin, *near[row].tolist()):
            if len(chosen) >= width:
                break
            if source >= 0:
                chosen.setdefault(source)
        found = list(chosen)[:width]
        out[row, : len(found)] = found
    return out


def _near(
    problem: TransferProblem, start: SparseRows, ids: np.ndarray, allowed: np.ndarray, count: int, kind: str
) -> np.ndarray:
    """Neighbors int64 [n, count] of one kind. A token that the texts hardly hold has none in them: its row's serve."""
    if kind == "none":
        return np.full((len(ids), 0), -1, np.int64)
    if kind == "rows" or not any(problem.texts):
        return neighbors(problem.matrix, start.take(ids), allowed, count=count)
    sources, targets = shared_space(problem)
    near = nearest(targets[ids], sources, allowed & sources.any(1), count=count)
    unseen = np.flatnonzero(near[:, :1].max(1, initial=-1) < 0)
    near[unseen] = neighbors(problem.matrix, start.take(ids[unseen]), allowed, count=count)
    return near


def neighbors(matrix: np.ndarray, start: SparseRows, allowed: np.ndarray, *, count: int) -> np.ndarray:
    """The `count` allowed source ids whose rows point most in the direction of each starting row: int64
    [n, count], -1 for a row that starts from nothing, or where there are fewer."""
    seen = _projected(matrix[: start.width])
    out = nearest(start.dot(seen), seen, allowed, count=count)
    out[start.counts == 0] = -1
    return out


def nearest(wanted: np.ndarray, rows: np.ndarray, allowed: np.ndarray, *, count: int) -> np.ndarray:
    """The `count` allowed places among `rows` [v, d] of largest cosine to each of `wanted` [n, d]: int64 [n, count],
    -1 for a row of zeros, or where there are fewer."""
    ids = np.flatnonzero(allowed)
    out = np.full((len(wanted), count), -1, np.int64)
    kept = min(count, len(ids))
    if not kept:
        return out
    units, values = _units(rows[ids]), _units(wanted)
    for first in range(0, len(wanted), BLOCK):
        block = slice(first, min(first + BLOCK, len(wanted)))
        cosine = values[block] @ units.T
        best = np.argpartition(-cosine, kept - 1, axis=1)[:, :kept]
        order = np.argsort(-np.take_along_axis(cosine, best, 1), axis=1, kind="stable")
        out[block, :kept] = ids[np.take_along_axis(best, order, 1)]
    out[~wanted.any(1)] = -1
    return out


def _projected(matrix: np.ndarray) -> np.ndarray:
    """Johnson and Lindenstrauss: cosines stay as they are, give or take a tenth."""
    if matrix.shape[1] <= DIRECTIONS:
        return matrix
    directions = np.random.default_rng(0).standard_normal((matrix.shape[1], DIRECTIONS)).astype(np.float32)
    return matrix @ directions


def _units(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def target_counts(problem: TransferProblem) -> np.ndarray:
    """int64 [v_target]: how often each target token occurs in the texts.

    Raises TransferError where none does that stands for text: special tokens and the unknown token do not.
    """
    target = problem.target
    counts = used_tokens(target, problem.texts)
    special = {*target.special_tokens.values(), target.unknown_id}
    found = np.flatnonzero(counts).tolist()
    if not any(token not in special and target.token_bytes(token) for token in found):
        unknown = 0 if target.unknown_id is None else int(counts[target.unknown_id])
        instead = ", only its unknown token" if unknown else ""
        raise TransferError(
            f"No target token occurs in the texts{instead}, so nothing is known of how often each is used.",
            hint="Name texts of the domain that the target tokenizer is for.",
        )
    return counts


def used_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> np.ndarray:
    """int64 [v]: how often each token occurs in `texts`."""
    counts = np.zeros(len(tokenizer), np.int64)
    for text in texts:
        counts += np.bincount(tokenizer.encode(text).ids, minlength=len(tokenizer))
    return counts
