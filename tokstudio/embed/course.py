"""How the token rows of a model moved while a run trained it: over the checkpoints that lie in its folder.

Checkpoints hold plain safetensors files, which are mapped: no row is loaded twice, and nothing of them is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tokstudio.embed.known import matrix_path
from tokstudio.embed.matrix import BLOCK_VALUES, EmbeddingMatrix, Steps
from tokstudio.embed.read import ModelFiles, open_model
from tokstudio.embed.run_folder import Stop, checkpoints, run_models
from tokstudio.errors import InputError, ModelError


@dataclass(frozen=True, eq=False)
class Course:
    """Per stop and row [s, n] float32; sizes are shares of the length of the row they are measured from.

    `moved`: since the stop before, NaN at the first. `total`: since the first stop. `away`: from the row of the same
    token in the source model, NaN for a token that it has not. `cosine`: with that row.
    """

    stops: tuple[Stop, ...]
    tensors: tuple[str, ...]  # the matrix of each stop
    moved: np.ndarray
    total: np.ndarray
    away: np.ndarray
    cosine: np.ndarray


@dataclass(eq=False)
class Measured:
    """Kept between two looks at a run that goes on: what has been measured stays true as long as the files do."""

    known: dict[tuple, np.ndarray] = field(default_factory=dict)


def stops_of(folder: Path) -> list[Stop]:
    """The checkpoints, and the export where it holds more than the last of them."""
    found = checkpoints(folder)
    steps = run_models(folder).steps
    whole = bool(found) and steps > 0 and found[-1].step >= steps
    if not whole and (folder / "export" / "model.safetensors").is_file():
        found.append(Stop(None, folder / "export"))
    return found


def token_rows(model: ModelFiles) -> EmbeddingMatrix:
    """The input matrix. Raises InputError for a checkpoint that holds none, as that of adapters alone."""
    for entry in model.entries:
        if entry.role == "input":
            return model.matrix(entry.tensor.name)
    raise InputError(
        f"{model.path.name} holds no token rows.",
        hint="This run trains other parts of the model, so its token rows stay as they are.",
    )


def follow(
    folder: Path, pairs: tuple[np.ndarray, np.ndarray], measured: Measured | None = None
) -> Steps[Course]:
    """`pairs`: rows (target, source) of the tokens that both vocabularies have. Checkpoints that disappear meanwhile
    are left out. Raises InputError where the run keeps none with token rows."""
    measured = measured or Measured()
    source = token_rows(open_model(matrix_path(run_models(folder).model)))
    opened: list[tuple[Stop, EmbeddingMatrix]] = []
    trouble: Exception | None = None
    for stop in stops_of(folder):
        try:
            opened.append((stop, token_rows(open_model(stop.path))))
        except (InputError, ModelError) as error:
            trouble = error
        except OSError:
            continue  # the run removed it just now: it keeps only the newest
    if not opened:
        raise trouble or InputError(
            "This run has no checkpoint yet.",
            hint="The first one comes after as many steps as its settings say; Save in Runs writes one now.",
        )
    rows = {len(matrix) for _, matrix in opened}
    if len(rows) > 1:
        raise InputError("The checkpoints of this run are of different sizes.", hint="Choose another run.")
    n, count = rows.pop(), len(opened)
    shape = (count, n)
    made = {name: np.full(shape, np.nan, np.float32) for name in ("moved", "total", "away", "cosine")}
    made["total"][0] = 0
    for place, (_, matrix) in enumerate(opened):
        jobs: list[tuple[str, EmbeddingMatrix, tuple | None]] = [("away", source, pairs)]
        if place:
            jobs += [("moved", opened[place - 1][1], None), ("total", opened[0][1], None)]
        for number, (name, other, joined) in enumerate(jobs):
            key = (name, _stamp(matrix), _stamp(other))
            if key not in measured.known:
                steps = _apart(matrix, other, joined)
                measured.known[key] = yield from _within(steps, (place + number / len(jobs)) / count, count)
            made[name][place] = measured.known[key][0]
            if name == "away":
                made["cosine"][place] = measured.known[key][1]
    used = [_stamp(matrix) for _, matrix in (*opened, (None, source))]
    measured.known = {key: kept for key, kept in measured.known.items() if {*key[1:]} <= {*used}}
    stops, matrices = zip(*opened, strict=True)
    return Course(tuple(stops), tuple(matrix.tensor.name for matrix in matrices), **made)


def _within(steps: Steps[np.ndarray], begin: float, count: int) -> Steps[np.ndarray]:
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            return end.value
        yield min(1.0, begin + share / (3 * count))


def _stamp(matrix: EmbeddingMatrix) -> tuple:
    """What the file is now: a run that was resumed may write a step again."""
    file = matrix.tensor.file
    try:
        told = file.stat()
    except OSError:  # removed by the run since it was mapped; the map still holds
        return (str(file), matrix.tensor.offset, 0, 0)
    return (str(file), matrix.tensor.offset, told.st_mtime_ns, told.st_size)


def _apart(
    a: EmbeddingMatrix, b: EmbeddingMatrix, pairs: tuple[np.ndarray, np.ndarray] | None
) -> Steps[np.ndarray]:
    """float32 [2, n]: |a - b| / |b| and the cosine of each row of `a`; NaN without a partner, for rows that are not
    finite or zero, and everywhere where the widths differ."""
    found = np.full((2, len(a)), np.nan, np.float32)
    if a.shape[1] != b.shape[1]:
        return found
    size = min(len(a), len(b))
    left, right = pairs if pairs is not None else (np.arange(size), np.arange(size))
    there = (left < len(a)) & (right < len(b))  # a tokenizer may have more tokens than the model has rows
    left, right = left[there], right[there]
    for part in _parts(len(left), a.shape[1]):
        x = a.rows(left[part]).astype(np.float64)
        y = b.rows(right[part]).astype(np.float64)
        with np.errstate(all="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", y, y))
            sizes = np.sqrt(np.einsum("ij,ij->i", x, x))
            gaps = np.sqrt(np.einsum("ij,ij->i", x - y, x - y))
            values = np.stack([gaps / lengths, np.einsum("ij,ij->i", x, y) / (lengths * sizes)])
        values[~np.isfinite(values)] = np.nan
        found[:, left[part]] = values
        yield (part.stop or 0) / max(1, len(left))
    return found


def _parts(count: int, width: int) -> Iterable[slice]:
    step = max(1, BLOCK_VALUES // max(1, width))
    return [slice(start, min(count, start + step)) for start in range(0, count, step)]
