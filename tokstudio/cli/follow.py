"""Follow a run in the terminal: progress on stderr, Ctrl-C stops it politely."""

import time
from collections.abc import Callable

from tokstudio.cli.output import Progress, note
from tokstudio.errors import RunError
from tokstudio.events import (
    Changed,
    Checkpointed,
    Failed,
    Log,
    Parked,
    Paused,
    Phase,
    Reference,
    RunEvent,
    Sample,
    Stopped,
)
from tokstudio.runs.clock import duration
from tokstudio.runs.process import Run
from tokstudio.runs.state import RunState


def follow(run: Run, title: str, since: float = 0.0) -> RunState:
    """Until the run ends. Raises RunError for a run that failed or was stopped: it has no result.

    `since`: what happened before, in seconds since the epoch, is not told again.
    """
    state = RunState()
    with Progress(title, total=0, timed=False) as bar:  # whose clock would count pauses
        try:
            _drain(run, state, bar, since)
        except KeyboardInterrupt:
            note("Stopping after this step; the checkpoint is kept. Ctrl-C again leaves the run to itself.")
            run.stop()
            state = RunState()
            _drain(run, state, bar, time.time())
    match state.ended:
        case Failed() as failed:
            raise RunError(failed.message, hint=failed.hint)
        case Stopped() | Parked() as stopped:
            raise RunError(
                f"The run was {stopped.kind} at step {stopped.step:,}.",
                hint=f"`tokstudio runs resume {run.folder.name}` goes on from there.",
            )
    return state


def _drain(run: Run, state: RunState, bar: Progress, since: float) -> None:
    for batch in run.events():
        for event in batch:
            state.apply(event)
            if event.at >= since and (line := _line(event)):
                bar.say(line)
        if batch:
            bar.resize(state.total_steps)
            bar.update(state.step, _remark(state))


def _remark(state: RunState) -> str:
    left, loss = state.seconds_left, state.latest("loss")
    parts = [f"worked {duration(state.clock.worked)}"]
    if state.paused:
        parts.append("waits")
    elif left is not None:
        parts.append(f"{duration(left)} left")
    return ", ".join(parts + ([] if loss is None else [f"loss {loss:.3f}"]))


_LINES: dict[type[RunEvent], Callable] = {
    Phase: lambda e: f"{e.name}",
    Log: lambda e: f"{e.level}: {e.message}",
    Reference: lambda e: f"{e.label}: {e.value:.4f} bits per byte" if e.metric == "bits_per_byte" else "",
    Changed: lambda e: f"{e.name.replace('_', ' ')} {e.before:g} becomes {e.after:g} after step {e.step:,}",
    Paused: lambda e: f"waits after step {e.step:,}; `tokstudio runs resume` lets it go on",
    Checkpointed: lambda e: f"checkpoint at step {e.step:,}, {e.bytes / 1e6:.0f} MB",
}


def _line(event: RunEvent) -> str:
    if isinstance(event, Sample):
        return ""
    if (tell := _LINES.get(type(event))) is not None:
        return tell(event)
    if event.kind == "metrics" and "bits_per_byte" in event.values:
        return f"step {event.step:,}: {event.values['bits_per_byte']:.4f} bits per byte"
    return ""
