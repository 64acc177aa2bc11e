"""The pass that writes the teacher cache, before the first step of a run."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tokstudio.errors import ConfigError
from tokstudio.events import Log, Phase, Reference, RunEvent, Stopped
from tokstudio.models.device import autocast
from tokstudio.train.control import Control
from tokstudio.train.corpus import Corpus
from tokstudio.train.data import TokenBatch
from tokstudio.train.evaluate import bits_per_byte
from tokstudio.train.ranks import here, with_weights
from tokstudio.train.teacher_cache import (
    CachedTeacher,
    TeacherCache,
    said,
    weights_fingerprint,
)

if TYPE_CHECKING:
    import numpy as np
    import torch

    from tokstudio.train.transfer import Transfer


def teacher_level(problem: "Transfer") -> Generator[RunEvent, None, dict[str, Any]]:
    """How well another teacher does on the held-out text, for the report; nothing where the student is its own, or
    where the teacher cannot read windows of this length."""
    config, teacher = problem.config, problem.teacher
    if not (config.teacher and problem.needs_teacher):
        return {}
    yield Phase(name="Measuring the teacher")
    try:
        with teacher.model() as model, autocast(problem.pair.device, config.train.precision):
            found = bits_per_byte(model, teacher.tokenizer, problem.held_out, limit=teacher.limit)
    except ConfigError:
        return {}
    yield Reference(metric="bits_per_byte", label="teacher", value=found.value)
    known = {"model": config.teacher, "tokenizer": teacher.tokenizer.name, "bits_per_byte": found.value}
    return {"teacher": known}


def facts(problem: "Transfer", corpus: Corpus) -> dict[str, Any]:
    """Everything that the numbers depend on."""
    import torch

    config = problem.config
    split = {"ranks": [here().rank, here().size]} if here().size > 1 else {}
    return split | {
        "weights": weights_fingerprint(config.teacher or config.model),
        "teacher": problem.teacher.tokenizer.fingerprint,
        "student": problem.pair.target.fingerprint,  # decides where texts are cut and which share a row
        "limits": [problem.teacher.limit, problem.limit],
        "corpus": corpus.fingerprint,
        "window_bytes": config.data.window_bytes,
        "too_long": config.data.too_long,
        "pack": config.data.pack,
        "batch_size": config.train.batch_size,
        "seed": config.train.seed,
        "precision": config.train.precision,
        "device": problem.pair.device.type,
        "threads": torch.get_num_threads(),  # sums are split by them
    }


def write_teacher_cache(problem: "Transfer", corpus: Corpus, control: Control) -> Iterator[RunEvent]:
    """Afterwards `problem` reads the cache, and the teacher is gone. Ends in Stopped where that is asked for."""
    import torch

    train = problem.config.train
    cache = TeacherCache.of(facts(problem, corpus))
    wanted, there = train.steps * train.accumulate, cache.batches()
    known = here().least(there)  # all ranks walk through the same batches
    if known < wanted:
        yield Phase(name="Writing the teacher cache")
    boundary = torch.from_numpy(CachedTeacher(cache, problem.teacher.tokenizer, 0).boundary).to(
        problem.pair.device
    )
    for index in range(known, wanted):
        batch, _ = problem.token_batches(index)
        values = with_weights(_said)(problem, index, batch, boundary)
        if index >= there:
            cache.append(values)
        if control.poll() in ("stop", "park"):
            yield Stopped(step=0)
            return
    size = cache.bytes()
    held = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"
    had = f", {known:,} of {wanted:,} batches were there" if known else ""
    yield Log(level="info", message=f"The teacher cache holds {held} in {cache.folder}{had}.")
    problem.teacher = CachedTeacher(cache, problem.teacher.tokenizer, problem.teacher.limit)
    problem.student = replace(problem.student, teacher=None)


def _said(problem: "Transfer", index: int, batch: TokenBatch, boundary: "torch.Tensor") -> "np.ndarray":
    scores = problem.teacher.scores(index, batch, frozenset(), problem.config.train.precision)
    return said(scores, batch, boundary)
