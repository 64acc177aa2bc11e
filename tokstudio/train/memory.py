"""How much memory a transfer takes: worked out from its settings, and measured by two steps of it.

Run by `tokstudio transfer --dry-run`, and for the window by `tokstudio.runs.probe`, in a process of its own, so that
the peak is the run's and nobody else's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.train.config import TransferConfig
from tokstudio.train.control import NoControl
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

    @property
    def estimate(self) -> int:
        return sum(self.parts.values())

    def values(self) -> dict[str, Any]:
        return {
            "parts": dict(self.parts),
            "estimated_bytes": self.estimate,
            "measured_bytes": self.measured_peak,
            "seconds_per_step": self.seconds_per_step,
            "seconds": self.seconds_per_step * self.steps,
            "tokens_per_step": self.tokens_per_step,
            "tokens": self.tokens_per_step * self.steps,
            "steps": self.steps,
        }


def parts_of(
    problem: "Transfer", batches: "tuple[TokenBatch | None, TokenBatch]", process: float
) -> dict[str, int]:
    """Bytes by what they are for. `batches`: the largest, of teacher and student; `process`: bytes of the process
    before there was a model."""
    model, shape, (taught, batch) = problem.model, problem.model.config, batches
    sizes = Sizes(
        student=sum(p.numel() for p in model.parameters()),
        trained=sum(p.numel() for p in model.parameters() if p.requires_grad),
        teacher=_teacher(problem),
        hidden=shape.hidden_size,
        intermediate=getattr(shape, "intermediate_size", 4 * shape.hidden_size),
        layers=shape.num_hidden_layers,
        vocabulary=len(problem.pair.target),
        taught_vocabulary=len(problem.teacher.tokenizer),
        tokens=batch.input_ids.numel(),
        taught=0 if taught is None else taught.input_ids.numel(),
    )
    return dict(memory_parts(sizes, problem.config, cuda=problem.pair.device.type == "cuda", process=process))


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
    """Set up the run, do two of its larger steps and measure once. Nothing is written but a checkpoint that is
    removed again."""
    import tempfile
    from dataclasses import replace

    from tokstudio.models.device import memory_bytes, pick_device
    from tokstudio.train.loop import optimize
    from tokstudio.train.students import build_student
    from tokstudio.train.teachers import other_teacher
    from tokstudio.train.transfer import Transfer, _set_up, check_config, texts_for

    check_config(config)
    device = pick_device(config.train.device)
    pair, model, corpus = _set_up(config)
    process = memory_bytes(device) - FLOAT * sum(p.numel() for p in model.parameters())
    student = build_student(model, pair, config, texts_for(config, corpus))
    problem = Transfer(pair, student, corpus, config, other_teacher(config, device))
    sizes = {i: problem.token_batches(i) for i in range(LARGEST_OF)}
    order = sorted(sizes, key=lambda i: sizes[i][1].input_ids.numel())
    largest, median = order[-1], order[len(order) // 2]
    plain, steps = problem.batch, iter([median] * config.train.accumulate)
    problem.batch = lambda index: plain(next(steps, largest))  # of two lengths: that is what leaves holes
    seconds = []
    train = replace(
        config.train, steps=2, evaluate_every=1 << 30, sample_every=1 << 30, checkpoint_every=1 << 30
    )
    with tempfile.TemporaryDirectory() as folder:
        for event in optimize(problem, train, config.optimizer, Path(folder), NoControl(), resume=False):
            if "seconds" in getattr(event, "values", {}):
                seconds.append(event.values["seconds"])
    problem.held_out = sorted(problem.held_out, key=len)[-16:]
    problem.measure()
    average = sum(batch.tokens for _, batch in sizes.values()) / len(sizes) * config.train.accumulate
    return Forecast(
        parts_of(problem, sizes[largest], process),
        peak_bytes(device),
        seconds[-1],
        average,
        config.train.steps,
    )


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
