"""What the Embeddings page asks for beside one matrix and its neighbors: distributions on given bins, health, two
models, layouts."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tokstudio.embed import compare as comparing
from tokstudio.embed.health import check
from tokstudio.embed.jobs import Answer, Job, Part, State, _names
from tokstudio.embed.join import Join, join
from tokstudio.embed.layout import ROWS, lay_out
from tokstudio.embed.pairs import spread
from tokstudio.embed.pairview import PairOfRows, pair_of_rows, pair_of_token
from tokstudio.embed.summary import finite, histogram
from tokstudio.errors import InputError


@dataclass(eq=False)
class Joins:
    """Joins are kept: every look at a token needs one."""

    found: dict[tuple, Join] = field(default_factory=dict)


def rows_spread(state: State, path: str, tensor: str) -> Job:
    found = yield from spread(state.get(path, tensor).matrix)
    arrays = {"means": found.row_means, "variances": found.row_variances, "cosines": found.cosines}
    return Answer({"anisotropy": found.anisotropy}, arrays)


def value_counts(state: State, path: str, tensor: str, edge: float) -> Job:
    """Values in the bins of [-edge, edge], so that two matrices can share them."""
    matrix, counts = state.get(path, tensor).matrix, 0
    for start, block in matrix.blocks():
        counts = counts + histogram(finite(block)[0], edge)
        yield (start + len(block)) / len(matrix)
    return Answer({"edge": edge}, {"counts": counts, "edges": np.linspace(-edge, edge, len(counts) + 1)})


def health(state: State, path: str, tensor: str, tokenizer: str = "") -> Job:
    names = (yield from _names(state, tokenizer)) if tokenizer else None
    found = yield from check(state.get(path, tensor).matrix, names)
    return Answer(found.values())


def compare(state: State, a: dict, b: dict, rule: str = "bytes", k: int = 10) -> Job:
    """`a` and `b`: path, tensor, tokenizer. Arrays run over the shared tokens with usable rows."""
    joined = yield from _join(state, a, b, rule)
    left, right = (state.get(side["path"], side["tensor"]).matrix for side in (a, b))
    found = yield from comparing.compare(left, right, joined, k)
    arrays = {
        "ids_a": joined.a[found.place],
        "ids_b": joined.b[found.place],
        "r": found.r,
        "aligned": found.aligned,
        "sampled": found.sampled,
        "overlap": found.overlap,
        "index_r": found.index_r,
    }
    return Answer({"join": joined.report, "figures": found.figures()}, arrays)


def pair(state: State, a: dict, b: dict, token: str = "", row: int = -1, rule: str = "bytes") -> Job:
    """The same token in both, or with `row` the row of that number in both."""
    matrices = [state.get(side["path"], side["tensor"]).matrix for side in (a, b)]
    names = []
    for side in (a, b):
        names.append((yield from _names(state, side["tokenizer"])) if side["tokenizer"] else None)
    if row >= 0:
        for matrix in matrices:
            matrix.rows(np.array([row]))  # says which rows there are
        found: PairOfRows = pair_of_rows(*matrices, *names, row, row)
    else:
        joined = yield from _join(state, a, b, rule)
        found = pair_of_token(*matrices, *names, joined, token)
    return Answer(found.values(), {"a": found.a, "b": found.b})


def difference(state: State, a: dict, b: dict, ids: list[int], rule: str = "bytes") -> Job:
    """Rows `ids` of A less the rows of the same tokens in B, where B has them. Raises InputError where the widths
    differ."""
    left, right = (state.get(side["path"], side["tensor"]).matrix for side in (a, b))
    if left.shape[1] != right.shape[1]:
        raise InputError(
            f"Rows of {left.shape[1]:,} and of {right.shape[1]:,} values have no difference.",
            hint="Choose two matrices of one width; Two models compares the others after a rotation.",
        )
    joined = yield from _join(state, a, b, rule)
    ids = np.asarray(ids)
    place = np.minimum(np.searchsorted(joined.a, ids), len(joined.a) - 1)
    there = joined.a[place] == ids
    kept = ids[there]
    rows = left.rows(kept).astype(np.float32) - right.rows(joined.b[place[there]]).astype(np.float32)
    return Answer({"asked": len(ids)}, {"ids": kept, "rows": rows})


def _join(state: State, a: dict, b: dict, rule: str):
    kept: Joins = state.__dict__.setdefault("joins", Joins())
    names = []
    for side in (a, b):
        if not side["tokenizer"]:
            raise _no_tokenizer(side["path"])
        names.append((yield from _names(state, side["tokenizer"])))
    rows = [len(state.get(side["path"], side["tensor"]).matrix) for side in (a, b)]
    key = (a["tokenizer"], b["tokenizer"], *rows, rule)
    if key not in kept.found:
        yield 0.0
        kept.found[key] = join(*names, *rows, rule)
    return kept.found[key]


def _no_tokenizer(path: str) -> Exception:
    return InputError(
        f"No tokenizer lies beside {Path(path).name}, so its rows cannot be joined by their tokens.",
        hint="Put its tokenizer.json into the same folder, or look at the same row number in both.",
    )


def layout(state: State, path: str, tensor: str, method: str, seed: int = 0, rows: int = ROWS) -> Job:
    """Parts say in words what goes on: `phase`."""
    said: list[str] = []
    steps = lay_out(state.get(path, tensor).matrix, method, seed, rows, said.append)
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            found = end.value
            break
        while said:
            yield Part({"phase": said.pop(0)})
        yield share
    return Answer(found.about, {"ids": found.ids, "points": found.points})


JOBS = {
    "pair": (pair, 1),
    "difference": (difference, 1),
    "spread": (rows_spread, 4),
    "values": (value_counts, 4),
    "compare": (compare, 4),
    "health": (health, 5),
    "layout": (layout, 9),
}
