"""What the maths process does for a run whose checkpoints are looked at."""

import contextlib
from pathlib import Path

import numpy as np

from tokstudio.embed.course import Measured, follow, token_rows
from tokstudio.embed.jobs import Answer, Job, State, _names
from tokstudio.embed.join import join
from tokstudio.embed.known import known_matrices, matrix_path
from tokstudio.embed.neighbors import nearest, row_norms
from tokstudio.embed.read import ModelFiles, open_model
from tokstudio.embed.run_folder import CONFIG, run_models
from tokstudio.errors import InputError, TokstudioError


def course(state: State, run: str) -> Job:
    """Values: `stops`, each with step (None: the export), path and tensor; `source`, the model before. Arrays [s, n]
    as in `Course`."""
    folder = Path(run)
    models = run_models(folder)
    source = open_model(matrix_path(models.model))
    pairs, why = yield from _pairs(state, folder)
    kept: dict[str, Measured] = state.__dict__.setdefault("courses", {})
    found = yield from follow(folder, pairs, kept.setdefault(run, Measured()))
    stops = [
        {"step": stop.step, "path": str(stop.path), "tensor": tensor}
        for stop, tensor in zip(found.stops, found.tensors, strict=True)
    ]
    values = {
        "stops": stops,
        "source": {"path": str(source.path), "tensor": token_rows(source).tensor.name, "name": _name(source)},
        "shared": len(pairs[0]),
        "why": why,
        "steps": models.steps,
    }
    arrays = {name: getattr(found, name) for name in ("moved", "total", "away", "cosine")}
    return Answer(values, arrays)


def _pairs(state: State, folder: Path):
    """Rows (target, source) of equal tokens, and in words why there are none."""
    models = run_models(folder)
    source = token_rows(open_model(matrix_path(models.model)))
    nothing = np.zeros(0, np.int64)
    try:
        before = yield from _names(state, _reference(models.model))
        now = yield from _names(state, _reference(models.tokenizer))
        joined = join(now, before, len(now), len(source))
    except TokstudioError as error:
        return (nothing, nothing), str(error)
    return (joined.a, joined.b), ""


def _name(model: ModelFiles) -> str:
    return next((known.name for known in known_matrices() if known.path == model.path), model.name)


def _reference(model: str) -> str:
    """The tokenizer of a model: its folder, or the reference as it is written."""
    return str(Path(model).expanduser().resolve()) if Path(model).expanduser().exists() else model


def course_row(state: State, run: str, path: str, tensor: str, row: int, source: dict, k: int = 10) -> Job:
    """The tokens of the source model whose rows are nearest to row `row` at one stop: `ids`, `scores`, `tokens`."""
    if not (Path(run) / CONFIG).is_file():
        raise InputError("The folder of this run is gone.", hint="Open another model.")
    try:
        query = open_model(Path(path)).matrix(tensor).rows(np.array([row]))[0]
    except OSError:
        raise InputError("The run has just removed this checkpoint.", hint="Choose another one.") from None
    before = state.get(source["path"], source["tensor"])
    if before.norms is None:
        before.norms = yield from row_norms(before.matrix)
    if len(query) != before.matrix.shape[1]:
        raise InputError("The source model's rows have another width, so none is near.", hint="")
    matrix = yield from before.warm()
    found = yield from nearest(matrix, before.norms, query, k, "cosine")
    names = None
    with contextlib.suppress(TokstudioError):  # rows go by their numbers then
        names = yield from _names(state, _reference(run_models(Path(run)).model))
    tokens = [names.text(int(i)) if names is not None and i < len(names) else f"#{i}" for i in found.ids]
    return Answer({"row": row, "tokens": tokens}, {"ids": found.ids, "scores": found.scores})


JOBS = {"course": (course, 4), "course_row": (course_row, 1)}
