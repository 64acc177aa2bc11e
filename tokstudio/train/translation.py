"""A transfer in stages: learn a sparse translation with the model frozen, fold it into ordinary tables, go on
training. Each stage can be left out: no steps of translation, or none of training, or a saved plan instead.

Steps are numbered through: those of the translation first. Its checkpoints lie in `translation/checkpoints` of the
run's folder, the plan in `plan.safetensors`, the plan it started from in `plan-start.safetensors`, and the one of
the last measurement in `plan-now.safetensors`.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tokstudio.events import (
    Changed,
    Checkpointed,
    HeldOut,
    Log,
    Metrics,
    Parked,
    Phase,
    RunEvent,
    Sample,
    Started,
    Stopped,
)
from tokstudio.train import checkpoint, transfer
from tokstudio.train.config import OptimizerConfig, TransferConfig
from tokstudio.train.control import Control
from tokstudio.train.corpus import Corpus
from tokstudio.train.data import held_out_windows
from tokstudio.train.loop import optimize, started
from tokstudio.train.students import build_student
from tokstudio.train.students.base import named_donor
from tokstudio.train.translated import TranslatedStudent, translated_student
from tokstudio.transfer.audit import Audit, audit
from tokstudio.transfer.base import TransferProblem, check_matrix
from tokstudio.transfer.plan import Plan, load_plan, save_plan
from tokstudio.transfer.provenance import special_map, with_specials
from tokstudio.transfer.start import make_start
from tokstudio.transfer.surgery import Surgery, apply_plan, check_rows, is_tied, numpy_of
from tokstudio.transfer.translate import FREE, Translation

CORRECTIONS = "corrections.safetensors"
ONE_HOT, DENSE = 1.02, 0.95  # entries a row below which, share of the candidates above which, alpha is odd
MISSED = 0.25  # share of the mass in wrong columns that is told
DENSE_SOLVERS = ("softmax", FREE)


class TranslationProblem(transfer.Transfer):
    """The problem of the first stage."""

    student: TranslatedStudent
    live: Path | None = None  # where the plan is written at each measurement, for a chart

    def batch(self, index: int) -> transfer.Prepared:
        step, settings = index // self.config.train.accumulate, self.config.s2t2
        self.student.layer.alpha = self.alpha_at(step)
        if settings.every * self.config.train.accumulate > 1:
            self.student.tables.turn = step // settings.every
        return super().batch(index)

    def alpha_at(self, step: int) -> float:
        settings = self.config.s2t2
        share = min(1.0, step / max(1, settings.steps - 1))
        return settings.alpha * (settings.alpha_end / settings.alpha) ** share

    def row_rates(self) -> None:
        return None

    def evaluate(self) -> dict[str, float]:
        if self.live is not None:
            save_plan(self.student.layer.plan(self.pair.source, self.pair.target), self.live)
        return {**super().evaluate(), **self.student.layer.all_figures()}


def run(
    config: TransferConfig, folder: Path, control: Control, resume: bool, ending: contextlib.ExitStack
) -> Iterator[RunEvent]:
    """As `transfer.run`, in stages. Ends in Finished, Stopped or Parked. `ending`: what is closed after it."""
    began = time.perf_counter()
    first = config.s2t2.steps
    pair, model, corpus = transfer._set_up(config)
    ending.callback(corpus.close)
    check_rows(model, pair.source)
    begin = _begin(config, pair.device, folder, resume)
    resume = begin.step > 0
    yield begin
    yield Log(level="info", message=transfer._describe(pair, corpus, config))
    yield Phase(name="Choosing candidates of the translation")
    start, found = _problem(model, pair, corpus, config)
    student = translated_student(model, _layer(start, pair, config), head=config.s2t2.head)
    student = replace(student, surgery=_with_findings(student.surgery, start, found, config))
    for remark in student.surgery.remarks:
        yield Log(level="warn", message=remark)
    problem = TranslationProblem(pair, student, corpus, config)
    problem.live = folder / "plan-now.safetensors"
    save_plan(student.layer.plan(pair.source, pair.target), folder / "plan-start.safetensors")
    if resume and (folder / "baseline.json").exists():
        report = json.loads((folder / "baseline.json").read_text())
        problem.lines.recall(folder)
    else:
        report = yield from transfer._measure_baseline(problem)
        transfer._write_json(folder / "baseline.json", report)
        problem.lines.keep(folder)
    figures = student.layer.all_figures()
    yield Metrics(step=0, values=figures)
    if begin.step < first and figures["plan/entries_per_row"] < ONE_HOT:
        yield Log(level="warn", message=odd(figures["plan/entries_per_row"], student.layer.possible))
    if begin.step < first or not (folder / "plan.safetensors").exists():
        yield Phase(name="Learning the translation")
        for event in _learn(problem, config, folder / "translation", control, resume):
            yield event
            if event.terminal:
                return
        save_plan(student.layer.plan(pair.source, pair.target), folder / "plan.safetensors")
        _save_corrections(student.layer, folder)
        told = _told(problem)
        transfer._write_json(folder / "translation.json", told)
        numbers = {name: value for name, value in told.items() if isinstance(value, float)}
        yield Metrics(step=first, values=numbers)
    plan = load_plan(folder / "plan.safetensors")
    report["translation"] = json.loads((folder / "translation.json").read_text())
    yield from _folding(config, report["translation"], plan)
    before = problem.lines
    problem = transfer.Transfer(pair, _tuned(student, pair, plan, config, folder), corpus, config)
    problem.lines.source = before.source
    folded = problem.evaluate()
    report["translation"]["folded"] = folded
    yield Metrics(step=first, values=folded)
    if config.s2t2.finetune:
        yield Phase(name="Training")
        resume = begin.step > first
        for event in optimize(
            problem, config.train, config.optimizer, folder, control, resume=resume, first=first
        ):
            yield later(event, first)
            if event.terminal:
                return
    last = (
        first if config.s2t2.finetune else first - config.train.steps
    )  # so that what comes now is of the last step, tuned or not
    for event in transfer._finish(problem, report, folder, time.perf_counter() - began):
        yield later(event, last)


def _begin(config: TransferConfig, device, folder: Path, resume: bool) -> Started:
    """Steps of both stages, and where a resumed run goes on."""
    first = config.s2t2.steps
    tuned = started(config.train, device, folder, resume=resume)
    done = checkpoint.steps(folder / "translation") if resume else []
    step = first + tuned.step if tuned.step else (done[-1] if done else 0)
    return replace(tuned, total_steps=first + (tuned.total_steps if config.s2t2.finetune else 0), step=step)


def later(event: RunEvent, by: int) -> RunEvent:
    """The same event, numbered as a step of the second stage."""
    if isinstance(event, Metrics | Sample | HeldOut | Checkpointed | Stopped | Parked | Changed):
        return replace(event, step=event.step + by)
    return event


def make_layer(model: Any, pair, corpus: Corpus, config: TransferConfig) -> Translation:
    return _layer(_problem(model, pair, corpus, config)[0], pair, config)


def _layer(problem: TransferProblem, pair, config: TransferConfig) -> Translation:
    settings = config.s2t2
    start = make_start(
        problem,
        method=config.method,
        width=settings.candidates,
        epsilon=settings.spread,
        marginal=settings.marginal,
        plan=_saved(settings.plan, pair),
        neighbors=settings.neighbors,
    )
    return Translation(
        start,
        solver=settings.solver,
        steps=settings.iterations,
        alpha=settings.alpha,
        shared=settings.shared,
        norm=settings.norm,
        residual=settings.residual,
        width=problem.matrix.shape[1],
    )


def _problem(
    model: Any, pair, corpus: Corpus, config: TransferConfig
) -> tuple[TransferProblem, Audit | None]:
    texts = held_out_windows(corpus.train, window_bytes=4000, total_bytes=transfer.METHOD_TEXT_BYTES)
    matrix = numpy_of(model.get_input_embeddings().weight)
    if (head := model.get_output_embeddings()) is not None and not is_tied(model):
        check_matrix(pair.source, numpy_of(head.weight))  # better known now than after the translation
    problem = TransferProblem.of(
        pair.source, pair.target, matrix, seed=config.train.seed, texts=texts, donor=named_donor(config)
    )
    problem = with_specials(problem, config.special_map)
    if not config.audit:
        return problem, None
    found = audit(problem)
    return problem.excluding(found.untrained), found


def _with_findings(
    surgery: Surgery, problem: TransferProblem, found: Audit | None, config: TransferConfig
) -> Surgery:
    specials = tuple(special_map(problem, config.special_map))
    if found is None:
        return replace(surgery, specials=specials)
    return replace(
        surgery,
        specials=specials,
        remarks=found.warnings,
        digits=found.digits,
        untrained=len(found.untrained),
    )


def _saved(reference: str, pair) -> Plan | None:
    if not reference:
        return None
    plan = load_plan(Path(reference).expanduser())
    plan.check(pair.source, pair.target)
    return plan


def _told(problem: TranslationProblem) -> dict[str, Any]:
    """What the first stage ended with."""
    settings = problem.config.s2t2
    about = {"steps": settings.steps, "head": settings.head, "solver": settings.solver}
    return {**about, "possible_per_row": problem.student.layer.possible, **problem.evaluate()}


def _folding(config: TransferConfig, told: dict[str, Any], plan: Plan) -> Iterator[RunEvent]:
    yield Phase(name="Folding the translation into ordinary tables")
    for end in ("", "/output"):
        entries = told.get(f"plan/entries_per_row{end}")
        width = told.get("possible_per_row", plan.input.width)
        if entries is not None and (
            message := odd(entries, width, dense=told.get("solver") in DENSE_SOLVERS)
        ):
            yield Log(level="warn", message=message)
        if message := missed(told.get(f"plan/column_error{end}", 0.0)):
            yield Log(level="warn", message=message)
    if config.s2t2.head == "prob":
        yield Log(
            level="warn",
            message="Translated probabilities cannot be folded into a table: the exported head, and what is trained "
            "from here on, is the same plan's mixtures of output rows.",
        )


def odd(entries: float, width: float, *, dense: bool = False) -> str | None:
    """A sentence where alpha left every row with one entry, or with nearly all it could have. `dense`: the solver's
    plans are, whatever alpha is."""
    if entries < ONE_HOT:
        return (
            f"The plan has {entries:.2f} entries a row: nearly every target token is one source token, "
            "and entries without mass learn nothing. A larger alpha or more spread opens it."
        )
    if entries > DENSE * width and not dense:
        return (
            f"The plan has {entries:.0f} entries a row of {width:,.0f} possible: it is dense. "
            "A smaller alpha makes it sparse."
        )
    return None


def missed(column_error: float) -> str | None:
    """A sentence where the plan does not hold the source marginal that it was asked to hold."""
    if column_error / 2 < MISSED:
        return None
    return (
        f"{50 * column_error:.0f} % of the plan's mass is in other columns than the source marginal says. "
        "A larger alpha, a lower translation rate or more Sinkhorn iterations bring it there."
    )


def _learn(
    problem, config: TransferConfig, folder: Path, control: Control, resume: bool
) -> Iterator[RunEvent]:
    train, optimizer = replace(config.train, steps=config.s2t2.steps), stage_optimizer(config)
    folder.mkdir(exist_ok=True)
    resume = resume and bool(checkpoint.steps(folder))
    yield from optimize(problem, train, optimizer, folder, control, resume=resume, first=None)


def stage_optimizer(config: TransferConfig) -> OptimizerConfig:
    """Nothing is trained but scores and corrections."""
    settings = config.s2t2
    return replace(
        config.optimizer,
        name="adamw",
        embedding_learning_rate=settings.learning_rate,
        learning_rate=settings.residual_rate,
    )


def _tuned(student: TranslatedStudent, pair, plan: Plan, config: TransferConfig, folder: Path):
    def fold(model: Any) -> Surgery:
        return apply_plan(model, pair.source, pair.target, plan, corrections=_corrections(folder))

    return build_student(student.released(), pair, config, operate=fold)


def _save_corrections(layer: Translation, folder: Path) -> None:
    """Beside the plan, and not in it: they fit this model alone."""
    from safetensors.numpy import save_file

    if found := layer.corrections():
        save_file(found, folder / CORRECTIONS)


def _corrections(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / CORRECTIONS) if (folder / CORRECTIONS).exists() else {}
