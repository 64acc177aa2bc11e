"""How much memory a transfer takes: worked out from its settings, and measured by two steps of it.

Run by `tokstudio transfer --dry-run`, and for the window by `tokstudio.runs.probe`, in a process of its own, so that
the peak is the run's and nobody else's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.train.config import TransferConfig
from tokstudio.train.control import NoControl
from tokstudio.train.corpus import PYTHON
from tokstudio.train.estimate import FLOAT, Sizes, memory_parts

if TYPE_CHECKING:
    from tokstudio.train.data import TokenBatch
    from tokstudio.train.transfer import Transfer

LARGEST_OF = 16  # batches: padded to different lengths, the longest of the first ones stands for the run


@dataclass(frozen=True)
class Forecast:
    parts: Mapping[str, int]  # bytes
    measured_peak: int  # bytes, of two steps and a measurement
    seconds_per_step: float
    tokens_per_step: float
    steps: int
    translation_steps: int = 0
    seconds_per_translation_step: float = 0.0

    @property
    def estimate(self) -> int:
        return sum(self.parts.values())

    def values(self) -> dict[str, Any]:
        return {
            "parts": dict(self.parts),
            "estimated_bytes": self.estimate,
            "measured_bytes": self.measured_peak,
            "seconds_per_step": self.seconds_per_step,
            "seconds": self.seconds_per_step * self.steps
            + self.seconds_per_translation_step * self.translation_steps,
            "tokens_per_step": self.tokens_per_step,
            "tokens": self.tokens_per_step * (self.steps + self.translation_steps),
            "steps": self.steps,
            "translation_steps": self.translation_steps,
            "seconds_per_translation_step": self.seconds_per_translation_step,
        }


def parts_of(
    problem: "Transfer",
    batches: "tuple[TokenBatch | None, TokenBatch]",
    process: float,
    *,
    plan: int = 0,
    trains: bool = True,
) -> dict[str, int]:
    """Bytes by what they are for. `batches`: the largest, of teacher and student; `process`: bytes of the process
    before there was a model; `plan`: scores that a translation trains; `trains`: is anything trained after it?"""
    model, shape, (taught, batch) = problem.model, problem.model.config, batches
    sizes = Sizes(
        student=sum(p.numel() for p in model.parameters()),
        trained=sum(p.numel() for p in model.parameters() if p.requires_grad) if trains else 0,
        teacher=_teacher(problem),
        hidden=shape.hidden_size,
        intermediate=getattr(shape, "intermediate_size", 4 * shape.hidden_size),
        layers=shape.num_hidden_layers,
        vocabulary=len(problem.pair.target),
        taught_vocabulary=len(problem.teacher.tokenizer),
        tokens=batch.input_ids.numel(),
        taught=0 if taught is None else taught.input_ids.numel(),
        plan=plan,
    )
    return dict(memory_parts(sizes, problem.config, cuda=problem.pair.device.type == "cuda", process=process))


def per_rank(parts: Mapping[str, int], ranks: int, config: TransferConfig) -> dict[str, int]:
    """`parts` of one of several processes that share the batches. With fsdp each also holds a part of the weights;
    what it gathers for the layer at work is left out."""
    share = -(-config.train.batch_size // ranks) / config.train.batch_size
    held = 1 / ranks if config.train.parallel == "fsdp" else 1.0
    factors = dict.fromkeys(("weights", "gradients", "optimizer", "teacher"), held)
    factors |= dict.fromkeys(("activations", "logits"), share)
    return {name: round(size * factors.get(name, 1.0)) for name, size in parts.items()}


def _teacher(problem: "Transfer") -> int:
    if not problem.needs_teacher or problem.config.train.teacher_cache:
        return 0
    if problem.config.teacher:
        with problem.teacher.model() as model:
            return sum(p.numel() for p in model.parameters())
    held = problem.student.teacher
    if isinstance(held, tuple):
        return sum({id(m.weight): m.weight.numel() for m in held if m is not None}.values())
    return sum(p.numel() for p in held.parameters())


def forecast(config: TransferConfig) -> Forecast:
    """Set up the run, do two of its larger steps, of each stage, and measure once. Nothing is written but
    checkpoints that are removed again. Of a stream nothing is read: the library of this Python stands for it."""
    from tokstudio.models.device import memory_bytes, pick_device
    from tokstudio.train.students import build_student
    from tokstudio.train.teachers import other_teacher
    from tokstudio.train.transfer import Transfer, _set_up, check_config, texts_for

    check_config(config)
    if config.data.stream:
        config = replace(config, data=replace(config.data, corpus=PYTHON, stream=False))
    device = pick_device(config.train.device)
    pair, model, corpus = _set_up(config)
    process = memory_bytes(device) - FLOAT * sum(p.numel() for p in model.parameters())
    first = None
    if config.s2t2.translates:
        first = _translated(config, pair, model, corpus)
    quick = replace(config, row_fit=replace(config.row_fit, steps=0))  # its rows are as large without the fit
    student = first.student if first else build_student(model, pair, quick, texts_for(config, corpus))
    problem = Transfer(pair, student, corpus, config, other_teacher(config, device))
    trains = first is None or config.s2t2.finetune
    tried = _tried(problem, config, config.optimizer, steps=2 if trains else 0)
    problem.held_out = sorted(problem.held_out, key=len)[-16:]
    problem.measure()
    return Forecast(
        parts_of(problem, tried.largest, process, plan=first.scores if first else 0, trains=trains),
        peak_bytes(device),
        tried.seconds,
        tried.tokens,
        config.train.steps if trains else 0,
        config.s2t2.steps,
        first.seconds if first else 0.0,
    )


@dataclass(frozen=True)
class _Translated:
    """What a translation costs, and the student that comes after it."""

    seconds: float  # a step
    scores: int  # that are trained
    student: Any


def _translated(config: TransferConfig, pair: Any, model: Any, corpus: Any) -> _Translated:
    from tokstudio.train.students import build_student
    from tokstudio.train.translated import translated_student
    from tokstudio.train.translation import TranslationProblem, make_layer, stage_optimizer
    from tokstudio.transfer.surgery import apply_plan

    layer = make_layer(model, pair, corpus, config)
    student = translated_student(model, layer, head=config.s2t2.head)
    problem = TranslationProblem(pair, student, corpus, config)
    tried = _tried(problem, config, stage_optimizer(config), steps=2 if config.s2t2.steps else 0)
    plan = layer.plan(pair.source, pair.target)
    tuned = build_student(
        student.released(),
        pair,
        config,
        operate=lambda model: apply_plan(model, pair.source, pair.target, plan),
    )
    scores = sum(p.numel() for p in layer.parameters()) if config.s2t2.steps else 0
    return _Translated(tried.seconds, scores, tuned)


@dataclass(frozen=True)
class _Tried:
    seconds: float  # of the larger of two steps
    largest: "tuple[TokenBatch | None, TokenBatch]"
    tokens: float  # of an average step


def _tried(problem: "Transfer", config: TransferConfig, optimizer: Any, *, steps: int) -> _Tried:
    import tempfile

    from tokstudio.train.loop import optimize

    sizes = {i: problem.token_batches(i) for i in range(LARGEST_OF)}
    order = sorted(sizes, key=lambda i: sizes[i][1].input_ids.numel())
    largest, median = order[-1], order[len(order) // 2]
    plain, first = problem.batch, iter([median] * config.train.accumulate)
    problem.batch = lambda index: plain(next(first, largest))  # of two lengths: that is what leaves holes
    never, seconds = 1 << 30, [0.0]
    train = replace(
        config.train, steps=steps, evaluate_every=never, sample_every=never, checkpoint_every=never
    )
    with tempfile.TemporaryDirectory() as folder:
        events = optimize(problem, train, optimizer, Path(folder), NoControl(), resume=False)
        for event in events if steps else ():
            if "seconds" in getattr(event, "values", {}):
                seconds.append(event.values["seconds"])
    average = sum(batch.tokens for _, batch in sizes.values()) / len(sizes) * config.train.accumulate
    return _Tried(seconds[-1], sizes[largest], average)


def peak_bytes(device: Any) -> int:
    """The most that this process ever had: of CUDA memory, or resident."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:  # of this program alone: the other counter begins at what its parent had
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # not on Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
