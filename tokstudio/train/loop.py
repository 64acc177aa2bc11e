"""The optimization loop: yields what happened, does not know who listens."""

import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tokstudio.errors import RunError
from tokstudio.events import Checkpointed, HeldOut, Log, Metrics, Parked, RunEvent, Sample, Started, Stopped
from tokstudio.models.device import autocast, memory_bytes
from tokstudio.train import checkpoint
from tokstudio.train.changes import Changes
from tokstudio.train.config import OptimizerConfig, TrainConfig
from tokstudio.train.control import Control
from tokstudio.train.guard import Guard
from tokstudio.train.optim import Optimizers, schedule
from tokstudio.train.ranks import here

if TYPE_CHECKING:
    import torch

    from tokstudio.train.aggregate.base import Aggregator
    from tokstudio.train.evaluate import BitsPerByte


ENDS = {"stop": Stopped, "park": Parked}
LOOK = 0.2  # seconds between two looks for text that is on its way
PATIENCE = 1.0  # seconds after which somebody who waits for text is listened to


class Problem(Protocol):
    """What the loop minimizes. Batches are a pure function of their index, so a step number is all to resume."""

    model: "torch.nn.Module"

    def batch(self, index: int) -> Any:
        """Everything that needs no gradient: ids, alignments, what the teacher says."""

    def counts(self, batch: Any) -> Mapping[str, float]:
        """Objective -> what its sum is divided by, over all batches of a step."""

    def loss_sums(self, batch: Any) -> Mapping[str, "torch.Tensor"]:
        """Objective -> scalar sum over the batch, with gradient."""

    def weights(self) -> Mapping[str, float]: ...
    def aggregate(self) -> "Aggregator":
        """How the losses become one step; asked once, before the first step."""

    def row_rates(self) -> "torch.Tensor | None":
        """[v] factor of the embedding rate for each token row; None: 1 for all."""

    def tokens(self, batch: Any) -> int: ...
    def bytes(self, batch: Any) -> int:
        """Of text that the student reads."""

    def evaluate(self) -> Mapping[str, float]: ...
    def lines_at(self, step: int) -> Iterable[HeldOut]:
        """What the last `evaluate` found line by line; may be nothing."""

    def samples(self, step: int) -> Iterable[Sample]: ...


def started(train: TrainConfig, device: "torch.device", folder: Path, *, resume: bool) -> Started:
    """The event every run begins with, before anything is measured; `resume` without a checkpoint starts anew."""
    saved = here().same(checkpoint.steps(folder) if resume else [])
    total = here().same(Changes(folder).steps(saved[-1], train.steps) if saved else train.steps)
    return Started(total_steps=total, step=saved[-1] if saved else 0, device=_device_name(device))


def optimize(
    problem: Problem,
    train: TrainConfig,
    optimizer: OptimizerConfig,
    folder: Path,
    control: Control,
    *,
    resume: bool,
    first: int | None = 0,
) -> Iterator[RunEvent]:
    """Run to `train.steps`, or to what was set since, or to a request to stop or park; the last event is `Stopped` or
    `Parked` only in the latter case. `resume`: continue from the newest checkpoint in `folder`.

    The loss is each objective's sum over all batches of a step divided by its count over all of them, so it does
    not depend on how a step is split (gradient accumulation, ranks).
    """
    import torch

    loop = _Loop(problem, train, optimizer, folder, control, first)
    loop.begin(resume)
    while loop.step < (total := loop.total()):
        if ending := (yield from loop.arrived(total)):
            yield from loop.due(ending, last=False)
            yield ENDS[ending](step=loop.saved)
            return
        rate = loop.rate()
        if loop.step not in loop.guard.skipped:
            learnt = loop.learn(total, rate)
            if learnt is None:
                yield loop.recover()
                continue
            yield Metrics(step=loop.step + 1, values=learnt)
        loop.step += 1
        ending, total = yield from loop.answered(rate, total)
        last = loop.step >= total
        yield from loop.due(ending, last)
        if ending and not last:
            yield ENDS[ending](step=loop.saved)
            return
    loop.forget_start()
    torch.manual_seed(train.seed)  # what follows does not depend on how the run got here


class _Loop:
    """One call of `optimize`: what it works on, and how far it is."""

    def __init__(
        self,
        problem: Problem,
        train: TrainConfig,
        optimizer: OptimizerConfig,
        folder: Path,
        control: Control,
        first: int | None,
    ):
        self.problem, self.train, self.optimizer = problem, train, optimizer
        self.folder, self.control, self.first = folder, control, first
        self.device = next(problem.model.parameters()).device
        self.optimizers = Optimizers(problem.model, optimizer, problem.row_rates())
        self.aggregate = problem.aggregate()
        self.guard = Guard(train.recoveries)
        self.changes = Changes(folder)
        self.step, self.saved = 0, -1  # done; of the newest checkpoint, -1: none
        self.moved = False  # has a step of this attempt changed a weight?

    def begin(self, resume: bool) -> None:
        """At the newest checkpoint, or anew. The start is written, too: it is what a run can go back to while there
        is no checkpoint. Without moments it is a third of one, and it goes when there are as many as are kept."""
        if resume:
            self.step = self.saved = self._restore(self.guard)
        self.problem.model.train()
        if resume:
            return
        self.changes.forget()
        if self.train.recoveries:
            self._save()

    def learn(self, total: int, rate: float) -> dict[str, float] | None:
        """One step; what was measured of it, or None where its loss or gradient is no number, and nothing changed."""
        began, each = time.perf_counter(), self.train.accumulate
        batches = [self.problem.batch(self.step * each + i) for i in range(each)]
        losses = self.losses(batches, total)
        usual = self.optimizer.learning_rate
        factor = schedule(self.step, total, self.optimizer) * (rate / (usual or 1.0)) * self.guard.factor
        norm = self.optimizers.step(factor) if math.isfinite(losses["loss"]) else math.nan
        if not math.isfinite(norm):
            return None
        self.moved = True
        learnt = {**losses, "learning_rate": factor * usual, "gradient_norm": norm}
        return learnt | self.speed(batches, began)

    def forget_start(self) -> None:
        if here().first:
            checkpoint.forget_start(self.folder)

    def total(self) -> int:
        """Steps of the run, as far as is known at this one."""
        return self.changes.steps(self.step, self.train.steps)

    def rate(self) -> float:
        return self.changes.value("learning_rate", self.step, self.optimizer.learning_rate)

    def arrived(self, total: int) -> Generator[RunEvent, None, str]:
        """Until the text of the next step is there, which matters where it comes over a network: what happens to the
        connection is told, and a request to stop or park is returned."""
        order = getattr(self.problem, "order", None)
        if not hasattr(order, "ready"):
            return ""
        index, began = self.step * self.train.accumulate, time.perf_counter()
        while not order.ready(index, LOOK):
            for message in order.told():
                yield Log(level="warn", message=message)
            if (
                here().size == 1 and time.perf_counter() - began > PATIENCE
            ):  # ranks are asked together, at steps
                ending, total = yield from self.answered(self.rate(), total)
                if ending:
                    return ending
        for message in order.told():
            yield Log(level="warn", message=message)
        return ""

    def losses(self, batches: list[Any], total: int) -> dict[str, float]:
        self.aggregate.begin(self.step, total, len(batches) * here().size)
        return step_losses(self.problem, batches, self.device, self.train.precision, self.aggregate)

    def recover(self) -> Log:
        """Back to a good state. Raises RunError where there is none, or none that helped."""
        self.optimizers.zero_grad()
        known = here().same(checkpoint.good(self.folder))
        if (kept := self.guard.back_to(self.step, known)) is None:
            if known == [checkpoint.START]:  # it did not help, and a run that is started again writes its own
                self.forget_start()
            raise _diverged(self.step, known, self.guard, untouched=not (self.moved or self.saved > 0))
        self._restore(None, kept)
        told = self.guard.told(self.step, kept)
        self.step = self.saved = kept
        return Log(level="warn", message=told)

    def speed(self, batches: list[Any], began: float) -> dict[str, float]:
        """Of the step that began at this time, and the memory it took."""
        read = here().summed(
            {
                "tokens": sum(self.problem.tokens(b) for b in batches),
                "bytes": sum(self.problem.bytes(b) for b in batches),
            }
        )
        seconds = time.perf_counter() - began
        return {
            "tokens_per_second": read["tokens"] / seconds,
            "bytes_per_second": read["bytes"] / seconds,
            "memory_bytes": memory_bytes(self.device),
            "seconds": seconds,
        }

    def answered(self, rate: float, total: int) -> Generator[RunEvent, None, tuple[str, int]]:
        """All requests that wait, to the first that ends the run. Returns that one, or "", and the steps of the run."""
        while (request := self.control.poll()) is not None:
            if request in ENDS:
                return request, total
            if request.startswith("set "):
                known = {"learning_rate": rate}
                if self.first is not None:
                    known["steps"] = total + self.first
                yield self.changes.take(request, self.step, known, self.first or 0)
                total, rate = self.total(), self.rate()
            elif request == "evaluate":
                yield from _measured(self.problem, self.step)
            elif request == "sample":
                yield from self.problem.samples(self.step)
            elif request == "save":
                yield self._save()
        return "", total

    def due(self, ending: str, last: bool) -> Iterator[RunEvent]:
        """What the settings ask for after this step; the caller measures the end, on more text."""
        if self.step % self.train.evaluate_every == 0 and not last:
            yield from _measured(self.problem, self.step)
        if self.step % self.train.sample_every == 0 or last:
            yield from self.problem.samples(self.step)
        if self.saved != self.step and (ending or last or self.step % self.train.checkpoint_every == 0):
            yield self._save()

    def _save(self) -> Checkpointed:
        keep = self.train.keep_checkpoints
        extra = {"aggregate": self.aggregate.state(), "guard": self.guard.state()}
        order = getattr(self.problem, "order", None)
        if hasattr(order, "mark"):  # of a stream, in which going on without it means reading all again
            extra["data"] = order.mark(self.step * self.train.accumulate)
        told = _save(self.problem.model, self.optimizers, self.folder, self.step, keep, extra)
        self.saved = self.step
        return told

    def _restore(self, guard: Guard | None, step: int | None = None) -> int:
        state = _restore(self.problem.model, self.optimizers, self.folder, self.aggregate, guard, step)
        if (mark := state.extra.get("data")) and hasattr(order := self.problem.order, "load"):
            order.load(mark)
        return state.step


def _measured(problem: Problem, step: int) -> Iterator[RunEvent]:
    yield Metrics(step=step, values=dict(problem.evaluate()))
    yield from problem.lines_at(step)


def step_losses(
    problem: Problem,
    batches: Sequence[Any],
    device: "torch.device",
    precision: str,
    aggregate: "Aggregator | None" = None,
) -> dict[str, float]:
    """Loss of one step, in all and by objective; gradients are accumulated where they are wanted. `aggregate`: the
    weighted sum unless said."""
    if aggregate is None:
        from tokstudio.train.aggregate.sum import Sum

        aggregate = Sum(problem.model, problem.weights())
    weights = problem.weights()
    totals = dict.fromkeys(weights, 0.0)
    for batch in batches:
        for name, count in problem.counts(batch).items():
            totals[name] += count
    totals = here().summed(totals)
    values = dict.fromkeys(weights, 0.0)
    for batch in batches:
        with autocast(device, precision):
            sums = problem.loss_sums(batch)
        means = {name: value / max(totals[name], 1.0) for name, value in sums.items()}
        aggregate.backward({name: mean * here().factor for name, mean in means.items()})
        for name, mean in means.items():
            values[name] += float(mean.detach())
    values = here().summed(values)
    aggregate.gather()
    used = aggregate.finish(values)
    total = sum(used[name] * value for name, value in values.items())
    return {
        "loss": total,
        **({f"loss/{name}": value for name, value in values.items()} if len(values) > 1 else {}),
        **(
            {f"weight/{name}": used[name] for name in values}
            if used is not weights and used != weights
            else {}
        ),
    }


def _save(
    model, optimizers: Optimizers, folder: Path, step: int, keep: int, extra: dict[str, Any]
) -> Checkpointed:
    import torch

    rng = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        rng["cuda"] = torch.cuda.get_rng_state()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    state = checkpoint.Checkpoint(step, here().full(trained), here().full(optimizers.tensors()), rng, extra)
    path, size = checkpoint.folder_of(folder, step), 0
    if here().first:
        checkpoint.save(folder, state, keep=keep)
        size = checkpoint.size_of(path)
    return Checkpointed(step=step, path=str(path), bytes=here().same(size))


def _restore(
    model,
    optimizers: Optimizers,
    folder: Path,
    aggregate: "Aggregator",
    guard: Guard | None,
    step: int | None = None,
) -> checkpoint.Checkpoint:
    """Everything as it was at `step`, or at the newest checkpoint. `guard` None: it keeps what it knows."""
    import torch

    state = checkpoint.load(folder, step)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if set(trained) != set(state.model):
        raise RunError(
            "The checkpoint is of another model than the run's settings describe.",
            hint="Start a new run instead.",
        )
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(here().like(state.model[name], parameter))
    optimizers.load_tensors(state.optimizer)
    if known := state.extra.get("aggregate"):
        aggregate.load(known)
    if guard is not None:
        guard.load(state.extra.get("guard", {}))
    torch.set_rng_state(state.rng["cpu"])
    if "cuda" in state.rng and torch.cuda.is_available():
        torch.cuda.set_rng_state(state.rng["cuda"])
    return state


def sane(measured: "BitsPerByte", step: int) -> "BitsPerByte":
    """What was measured at the end. Raises RunError where it is no number: no loss came after the last step to tell."""
    if math.isfinite(measured.value):
        return measured
    raise RunError(
        f"The trained model's bits per byte are NaN or infinite at step {step:,}; nothing was exported.",
        hint="Start again with a lower learning rate.",
    )


def _diverged(step: int, saved: list[int], guard: Guard, *, untouched: bool) -> RunError:
    """`untouched`: no weight was ever changed."""
    message = f"The loss became NaN or infinite at step {step + 1:,}."
    if guard.used:
        rate = f", the last with {guard.factor:g} of the learning rate" if guard.factor < 1 else ""
        message = f"{message[:-1]}, after {guard.used} recover{'y' if guard.used == 1 else 'ies'}{rate}."
    if untouched:
        hint = "No weight was changed yet, so the reason is the model's own weights or the text, not the learning rate."
    elif saved and saved[-1]:
        hint = (
            f"The checkpoint at step {saved[-1]:,} is safe. Resume or start again with a lower learning rate."
        )
    else:
        hint = "Start again with a lower learning rate."
    return RunError(message, hint=hint)


def _device_name(device: "torch.device") -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    count = torch.get_num_threads()
    return f"CPU, {count} thread{'s' if count > 1 else ''}"
