"""kill -9 at ten random points of one run, each followed by a resume: the curve is that of a run nobody touched."""

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tokstudio.events import Finished, Metrics, RunEvent, Started
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.train import checkpoint
from tokstudio.train.settings import to_toml

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL"),
    pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"]),
]
STEPS, KILLS = 60, 10
TIMED = {
    "seconds",
    "tokens_per_second",
    "bytes_per_second",
    "memory_bytes",
}  # of this attempt, not of the run


def make(config, name: str) -> Run:
    train = replace(
        config.train, steps=STEPS, checkpoint_every=4, evaluate_every=7, sample_every=100, threads=1
    )
    settings = replace(config, train=train, check_export=False)
    return RunStore().create("transfer", name, to_toml(settings))


def every_event(run: Run) -> list[RunEvent]:
    return [event for batch in Run(run.folder).events() for event in batch]


def curve(run: Run) -> dict[tuple[int, str], float]:
    """(step, name) -> the last value told, as text of a float is exact."""
    told = (e for e in every_event(run) if isinstance(e, Metrics))
    return {(e.step, name): v for e in told for name, v in e.values.items() if name not in TIMED}


def kill_after(run: Run, step: int, delay: float) -> None:
    """Wait until `step` is told, `delay` seconds more, then kill -9."""
    run.start(resume=bool(checkpoint.steps(run.folder)))
    for batch in run.events(poll=0.005):
        if any(isinstance(e, Metrics) and e.step >= step and "learning_rate" in e.values for e in batch):
            break
    time.sleep(delay)
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait(60)


def exported(run: Run) -> dict[str, bytes]:
    found = load_file(Path(run.folder) / "export" / "model.safetensors")
    return {name: tensor.tobytes() for name, tensor in found.items()}


def test_ten_kills_leave_no_mark(tiny_config):
    undisturbed, killed = make(tiny_config, "undisturbed"), make(tiny_config, "killed")
    undisturbed.start()
    assert isinstance(every_event(undisturbed)[-1], Finished)
    undisturbed.process.wait(60)
    chance = random.Random(5)
    for step in sorted(chance.sample(range(1, STEPS - 1), KILLS)):
        kill_after(Run(killed.folder), step, chance.uniform(0.0, 0.1))
        for kept in checkpoint.steps(killed.folder):
            checkpoint.load(killed.folder, kept)
    last = Run(killed.folder)
    last.start(resume=True)
    events = every_event(last)
    last.process.wait(60)
    assert isinstance(events[-1], Finished)
    begun = [e.step for e in events if isinstance(e, Started)]
    assert len(begun) == KILLS + 1
    assert begun == sorted(begun)
    assert curve(killed) == curve(undisturbed)
    assert exported(killed) == exported(undisturbed)
