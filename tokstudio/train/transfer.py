"""The transfer run: initialize, measure, train, measure, export, check."""

import json
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.events import Finished, HeldOut, Log, Metrics, Phase, Reference, Report, RunEvent, Sample
from tokstudio.models.device import (
    autocast,
    fast_products,
    give_back_freed_memory,
    keep_freed_memory,
    memory_bytes,
    pick_device,
)
from tokstudio.models.generate import greedy
from tokstudio.models.lean import lean
from tokstudio.models.load import load_model
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.aggregate.base import AGGREGATORS, Aggregator
from tokstudio.train.beside import attach, detach
from tokstudio.train.body import compile_body, save_activations
from tokstudio.train.changes import Changes
from tokstudio.train.check import check_config
from tokstudio.train.chunks import check_lines_up
from tokstudio.train.config import TransferConfig
from tokstudio.train.control import Control
from tokstudio.train.corpus import Corpus
from tokstudio.train.data import TokenBatch, held_out_windows, order_of, prefix_id
from tokstudio.train.evaluate import BitsPerByte, bits_per_byte
from tokstudio.train.kinds import purpose_of, target_reference
from tokstudio.train.lines import HeldOutLines
from tokstudio.train.loop import optimize, sane, started, step_losses
from tokstudio.train.objectives.base import OBJECTIVES, Objective
from tokstudio.train.packing import batches
from tokstudio.train.publish import publish, save_adapters
from tokstudio.train.ranks import check, here, with_weights
from tokstudio.train.settings import to_dict
from tokstudio.train.sources import load_data
from tokstudio.train.students import Student, build_student, remarks
from tokstudio.train.teachers import OwnStart, Teacher, other_teacher
from tokstudio.train.teaching import teacher_level, write_teacher_cache
from tokstudio.transfer.base import COPIED, METHODS
from tokstudio.transfer.export import export, tokenizer_folder
from tokstudio.transfer.gap import gap_of

if TYPE_CHECKING:
    import torch

METHOD_TEXT_BYTES = 2_000_000  # of the training text are read by an initialization that learns from texts
PROMPTS = ("Return a new", "def __init__(self", "The following", "    if not isinstance(")


@dataclass(frozen=True, eq=False)
class Pair:
    """Both tokenizers, and where the numbers live."""

    source: Tokenizer
    target: Tokenizer
    device: "torch.device"


@dataclass(frozen=True, eq=False)
class Prepared:
    """One batch of texts in both tokenizers, and what each objective worked out from the teacher."""

    student: TokenBatch
    by_objective: Mapping[str, Any]


class Transfer:
    """The problem that the loop minimizes. `teacher`: the student's own start unless said."""

    def __init__(
        self,
        pair: Pair,
        student: Student,
        corpus: Corpus,
        config: TransferConfig,
        teacher: Teacher | None = None,
    ):
        self.pair, self.student, self.config, self.corpus = pair, student, config, corpus
        self.model = student.model
        self.limit = self.model.config.max_position_embeddings
        if config.train.gradient_checkpointing:
            save_activations(self.model)
        if config.train.compile:
            compile_body(self.model)
        lean(self.model)
        self.teacher = teacher or OwnStart(student, pair.source, self.limit)
        lesson = Pair(self.teacher.tokenizer, pair.target, pair.device)
        self.objectives: dict[str, Objective] = {
            n: OBJECTIVES[n].build(lesson, config) for n in config.objectives
        }
        self.needs_teacher = any(OBJECTIVES[name].needs_teacher for name in config.objectives)
        self.needs = frozenset[str]().union(*(OBJECTIVES[name].needs(config) for name in config.objectives))
        self.modules = attach(self.model, self.objectives, self.teacher, pair.device)
        data, train = config.data, config.train
        self.order = order_of(corpus.train, data, train)
        self.lines = HeldOutLines()
        self.held_out = held_out_windows(
            corpus.held_out, window_bytes=data.window_bytes, total_bytes=data.held_out_bytes
        )
        here().spread(self.model, train.parallel, student.teacher)

    def token_batches(self, index: int) -> tuple[TokenBatch | None, TokenBatch]:
        """(teacher's, student's) ids of batch `index`; the first is None where nobody asks a teacher."""
        sides = [(self.teacher.tokenizer, self.teacher.limit)] if self.needs_teacher else []
        found = batches(
            [*sides, (self.pair.target, self.limit)],
            here().share(self.order[index]),
            self.config.data,
            self.pair.device,
        )
        return (found[0] if self.needs_teacher else None), found[-1]

    @with_weights
    def batch(self, index: int) -> Prepared:
        teacher, student = self.token_batches(index)
        if teacher is None:
            return Prepared(student, dict.fromkeys(self.objectives))
        scores = self.teacher.scores(index, teacher, self.needs, self.config.train.precision)
        return Prepared(student, {n: o.prepare(student, teacher, scores) for n, o in self.objectives.items()})

    def counts(self, batch: Prepared) -> dict[str, float]:
        return {name: o.count(batch.student, batch.by_objective[name]) for name, o in self.objectives.items()}

    @cached_property
    def whole(self) -> bool:
        """Must the student's logits be made at once?"""
        from tokstudio.train.head import splits_well

        return not splits_well(self.model)

    @with_weights
    def loss_sums(self, batch: Prepared) -> dict[str, "torch.Tensor"]:
        import torch

        from tokstudio.train.forward import scores_of

        precision = self.config.train.precision
        scores = scores_of(self.model, batch.student, needs=self.needs, precision=precision, whole=self.whole)
        with torch.autocast(self.pair.device.type, enabled=False):  # sums and exponentials stay in fp32
            for name, objective in self.objectives.items():
                objective.expect(scores, batch.student, batch.by_objective[name])
            return {
                name: o.loss_sum(scores, batch.student, batch.by_objective[name])
                for name, o in self.objectives.items()
            }

    def weights(self) -> dict[str, float]:
        return dict(zip(self.config.objectives, self.config.weights, strict=True))

    def aggregate(self) -> Aggregator:
        return AGGREGATORS[self.config.aggregate.name].build(
            self.model, self.weights(), self.config.aggregate
        )

    def release(self) -> None:
        """Take what was trained beside the student off it: the export is of the student alone."""
        detach(self.model, self.modules)

    def row_rates(self) -> "torch.Tensor":
        import torch

        copied = torch.from_numpy(self.student.surgery.origin == COPIED)
        rate = self.config.optimizer.copied_row_rate
        return torch.where(copied, rate, 1.0).to(self.pair.device)

    def tokens(self, batch: Prepared) -> int:
        return batch.student.tokens

    def bytes(self, batch: Prepared) -> int:
        return batch.student.bytes

    def first_loss(self) -> dict[str, float]:
        """The losses of the first batch, before any training. Raises AlignmentError where nothing lines up."""
        import torch

        teacher, student = self.token_batches(0)
        if teacher is not None:
            check_lines_up(teacher, student)
        with torch.no_grad():
            return step_losses(self, [self.batch(0)], self.pair.device, self.config.train.precision)

    @with_weights
    def measure(self) -> BitsPerByte:
        with autocast(self.pair.device, self.config.train.precision):
            return bits_per_byte(self.model, self.pair.target, self.held_out, each=self.lines.take)

    def evaluate(self) -> dict[str, float]:
        return {"bits_per_byte": self.measure().value}

    def lines_at(self, step: int) -> Iterator[HeldOut]:
        yield from self.lines.event(step, self.pair.source.reference, self.pair.target.reference)

    def samples(self, step: int) -> Iterator[Sample]:
        yield from _samples(self.model, self.pair.target, "target", step, self.config.train.sample_tokens)


def _samples(model, tokenizer: Tokenizer, who: str, step: int, length: int) -> Iterator[Sample]:
    for prompt in PROMPTS:
        text = with_weights(greedy)(
            model, tokenizer, prompt, max_new_tokens=length, prefix=prefix_id(tokenizer)
        )
        yield Sample(step=step, who=who, prompt=prompt, text=text, tokenizer=tokenizer.reference)


def run(
    config: TransferConfig,
    folder: Path,
    control: Control,
    resume: bool,
    known: dict[str, Any] | None = None,
) -> Iterator[RunEvent]:
    """Everything from the source model to the checked export, as events. Ends in Finished or Stopped.

    `known`: the `baseline.json` of a run with the same start and the same held-out text, which is then not measured.
    """
    check_config(config)
    check(config)
    yield Phase(name="Loading the source model")
    with ExitStack() as ending:
        if config.s2t2.translates:
            from tokstudio.train.translation import run as run_in_stages

            yield from run_in_stages(config, folder, control, resume, ending)
        else:
            yield from _in_one(config, folder, control, resume, known, ending)


def _in_one(
    config: TransferConfig, folder: Path, control: Control, resume: bool, known: Any, ending: ExitStack
) -> Iterator[RunEvent]:
    began = time.perf_counter()
    pair, model, corpus = _set_up(config)
    ending.callback(corpus.close)
    begin = started(config.train, pair.device, folder, resume=resume)
    resume = begin.step > 0
    yield begin
    yield Log(level="info", message=_describe(pair, corpus, config))
    if purpose_of(config) == "transfer":
        yield Phase(name="Initializing the new token rows")
    student = build_student(model, pair, config, texts_for(config, corpus))
    yield from remarks(student.surgery)
    problem = Transfer(pair, student, corpus, config, other_teacher(config, pair.device))
    if here().same(resume and (folder / "baseline.json").exists()):
        report = json.loads((folder / "baseline.json").read_text())
        problem.lines.recall(folder)
    else:
        if known is None:
            report = yield from _measure_baseline(problem)
        else:
            report = known
            yield Metrics(step=0, values={"bits_per_byte": known["initialized"]["bits_per_byte"]})
        _write_json(folder / "baseline.json", report)
        problem.lines.keep(folder)
    if config.train.teacher_cache and problem.needs_teacher:
        del student, model
        for event in write_teacher_cache(problem, corpus, control):
            yield event
            if event.terminal:
                return
    give_back_freed_memory()
    yield Phase(name="Training")
    for event in optimize(problem, config.train, config.optimizer, folder, control, resume=resume):
        yield event
        if event.terminal:
            return
    yield from _finish(problem, report, folder, time.perf_counter() - began)


def _measure_baseline(problem: Transfer) -> Generator[RunEvent, None, dict[str, Any]]:
    """The source model, and the student before any training. The first loss comes first: people wait for it."""
    pair, config = problem.pair, problem.config
    yield Metrics(step=0, values=problem.first_loss())
    yield Phase(name="Measuring the source model")
    with problem.student.as_source() as source_model, autocast(pair.device, config.train.precision):
        source = with_weights(bits_per_byte)(
            source_model, pair.source, problem.held_out, each=problem.lines.take_source
        )
        yield Reference(metric="bits_per_byte", label="source model", value=source.value)
        yield from _samples(source_model, pair.source, "source", 0, config.train.sample_tokens)
    taught = yield from teacher_level(problem)
    yield Phase(name="Measuring the initialized model")
    start = problem.measure()
    yield Metrics(step=0, values={"bits_per_byte": start.value, "memory_bytes": memory_bytes(pair.device)})
    for tokenizer, found in ((pair.source, source), (pair.target, start)):
        if found.lossy:
            yield Log(level="warn", message=lost(tokenizer.name, found))
    yield from problem.lines_at(0)
    yield from problem.samples(0)
    return _baseline(config, pair, source, start, problem.student) | taught


def _set_up(config: TransferConfig) -> tuple[Pair, Any, Corpus]:
    import torch

    keep_freed_memory()
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    torch.manual_seed(config.train.seed)
    device = here().device(pick_device(config.train.device))
    fast_products(device)
    source = load_tokenizer(config.model)
    target = load_tokenizer(target_reference(config))
    tokenizer_folder(target)  # an export that cannot work is better known before the training than after it
    corpus = load_data(config.data, config.model)
    return Pair(source, target, device), load_model(config.model).to(device), corpus


def texts_for(config: TransferConfig, corpus: Corpus) -> list[str]:
    """What the initialization learns from; nothing where it needs no texts."""
    if config.method not in list(METHODS) or not METHODS[config.method].needs_texts:
        return []
    return held_out_windows(corpus.train, window_bytes=4000, total_bytes=METHOD_TEXT_BYTES)


def _describe(pair: Pair, corpus: Corpus, config: TransferConfig) -> str:
    return (
        f"{config.model} ({len(pair.source):,} tokens) to {pair.target.name} ({len(pair.target):,} tokens) "
        f"on {pair.device}, {corpus.told}"
    )


def lost(name: str, found: BitsPerByte) -> str:
    """Said of a tokenizer that does not give back all that is measured on."""
    return (
        f"{name} does not give back {found.lossy:,} of {found.windows:,} windows of held-out text as they were: "
        "its bits per byte miss what was lost, and compare with no others."
    )


def _baseline(
    config: TransferConfig, pair: Pair, source: BitsPerByte, start: BitsPerByte, student: Student
) -> dict[str, Any]:
    return {
        "source": {
            "model": config.model,
            "tokenizer": pair.source.name,
            "vocab_size": len(pair.source),
            "bits_per_byte": source.value,
        },
        "target": {"tokenizer": pair.target.name, "vocab_size": len(pair.target)},
        "initialized": {"bits_per_byte": start.value, **student.surgery.counts()},
        "initialization": student.surgery.told(),
        "tokens_source": source.tokens,
        "tokens_target": start.tokens,
        "held_out_bytes": source.bytes,
        "lossy_windows": {"source": source.lossy, "target": start.lossy},
    }


def _finish(problem: Transfer, report: dict[str, Any], folder: Path, seconds: float) -> Iterator[RunEvent]:
    from tokstudio.transfer.verify import verify_in_fresh_process

    config = problem.config
    yield Phase(name="Measuring the trained model")
    steps = int(Changes(folder).last("steps", config.train.steps))
    trained = sane(problem.measure(), steps)
    yield Metrics(step=steps, values={"bits_per_byte": trained.value})
    yield from problem.lines_at(steps)
    yield Phase(name="Exporting")
    problem.release()
    student = replace(problem.student, model=here().plain(problem.model))
    path, adapters = folder / "export", {}
    if here().first:
        adapters = save_adapters(student, config, folder)
        export(student.merged(), problem.pair.target, path)
    check: dict[str, Any] = {"checked": False}
    if config.check_export:
        yield Phase(name="Reloading the export in a fresh process")
        check = verify_in_fresh_process(path) if here().first else check
    report = {
        **report,
        "trained": {"bits_per_byte": trained.value},
        "export": {"path": str(path), **adapters, **check},
        "seconds": {"this_attempt": seconds},
        "settings": to_dict(config),
    }
    gap = gap_of(report)
    report["gap_closed"] = gap.share if gap else None
    if here().first:
        publish(problem, report)
    yield Report(values=report)
    yield Finished()


def _write_json(path: Path, value: Any) -> None:
    if not here().first:
        return
    draft = path.with_name("." + path.name)
    draft.write_text(json.dumps(value, indent=1))
    draft.replace(path)
