"""The optimization loop: yields what happened, does not know who listens."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


ENDS = {"stop": Stopped, "park": Parked}


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

    device = next(problem.model.parameters()).device
    optimizers = Optimizers(problem.model, optimizer, problem.row_rates())
    aggregate = problem.aggregate()
    guard = Guard(train.recoveries)
    step = _restore(problem.model, optimizers, folder, aggregate, guard) if resume else 0
    problem.model.train()
    saved = step if resume else -1
    changes = Changes(folder)
    if not resume:
        changes.forget()
    ranks = here()
    while step < (total := changes.steps(step, train.steps)):
        began = time.perf_counter()
        batches = [problem.batch(step * train.accumulate + i) for i in range(train.accumulate)]
        aggregate.begin(step, total, len(batches) * ranks.size)
        losses = step_losses(problem, batches, device, train.precision, aggregate)
        rate = changes.value("learning_rate", step, optimizer.learning_rate)
        factor = schedule(step, total, optimizer) * (rate / (optimizer.learning_rate or 1.0))
        factor *= guard.factor
        norm = optimizers.step(factor) if math.isfinite(losses["loss"]) else math.nan
        if not math.isfinite(norm):
            optimizers.zero_grad()
            known = ranks.same(checkpoint.steps(folder))
            if (kept := guard.back_to(step, known)) is None:
                raise _diverged(step, known)
            _restore(problem.model, optimizers, folder, aggregate, None, kept)
            yield Log(level="warn", message=guard.told(step, kept))
            step = saved = kept
            continue
        step += 1
        read = ranks.summed(
            {
                "tokens": sum(problem.tokens(b) for b in batches),
                "bytes": sum(problem.bytes(b) for b in batches),
            }
        )
        seconds = time.perf_counter() - began
        values = {
            **losses,
            "learning_rate": factor * optimizer.learning_rate,
            "gradient_norm": norm,
            "tokens_per_second": read["tokens"] / seconds,
            "bytes_per_second": read["bytes"] / seconds,
            "memory_bytes": memory_bytes(device),
            "seconds": seconds,
        }
        yield Metrics(step=step, values=values)
        ending = None
        while ending is None and (request := control.poll()) is not None:
            if request.startswith("set "):
                known = {"learning_rate": rate, **({} if first is None else {"steps": total + first})}
                yield changes.take(request, step, known, first or 0)
                total = changes.steps(step, train.steps)
                rate = changes.value("learning_rate", step, optimizer.learning_rate)
            elif request == "evaluate":
                yield from _measured(problem, step)
            elif request == "sample":
                yield from problem.samples(step)
            elif request == "save":
                yield _save(problem.model, optimizers, folder, step, train.keep_checkpoints, aggregate, guard)
                saved = step
            elif request in ENDS:
                ending = request
        last = step >= total
        if step % train.evaluate_every == 0 and not last:  # the caller measures the end, on more text
            yield from _measured(problem, step)
        if step % train.sample_every == 0 or last:
            yield from problem.samples(step)
        if saved != step and (ending or last or step % train.checkpoint_every == 0):
            yield _save(problem.model, optimizers, folder, step, train.keep_checkpoints, aggregate, guard)
            saved = step
        if ending and not last:
            yield ENDS[ending](step=saved)
            return
    torch.manual_seed(train.seed)  # what follows does not depend on how the run got here


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
    model, optimizers: Optimizers, folder: Path, step: int, keep: int, aggregate: "Aggregator", guard: Guard
) -> Checkpointed:
    import torch

    rng = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        rng["cuda"] = torch.cuda.get_rng_state()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    extra = {"aggregate": aggregate.state(), "guard": guard.state()}
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
) -> int:
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
    return state.step


def _diverged(step: int, saved: list[int]) -> RunError:
    kept = f"The checkpoint at step {saved[-1]:,} is safe. " if saved else ""
    return RunError(
        f"The loss became NaN or infinite at step {step + 1:,}.",
        hint=f"{kept}Resume or start again with a lower learning rate.",
    )


def _device_name(device: "torch.device") -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
