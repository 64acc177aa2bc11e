"""kill -9 at random moments, again and again: no folder unreadable, no checkpoint lost, no process left."""

import os
import random
import signal
import time

import psutil
import pytest

from tests.runs.conftest import follow
from tokstudio.runs.process import Run
from tokstudio.runs.report import read
from tokstudio.runs.store import RunStore

ROUNDS = 50


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_fifty_kills(make_run, store: RunStore):
    chance = random.Random(7)
    run = make_run(steps=4000, pause=0.002, save_every=5, prepare=0.01)
    saved = 0
    for turn in range(ROUNDS):
        again = Run(run.folder)
        again.start(resume=turn > 0)
        while (
            turn == 0 and not (run.folder / "events.jsonl").exists()
        ):  # else there is nothing to be unreadable yet
            time.sleep(0.01)
        time.sleep(chance.uniform(0.2, 1.2))
        if chance.random() < 0.3:
            again.ask(chance.choice(["pause", "save", "evaluate", "park"]))
            time.sleep(chance.uniform(0.0, 0.1))
        if again.process.poll() is None:
            os.kill(again.process.pid, signal.SIGKILL)
        again.process.wait()
        info = store.info(run.folder.name)
        assert info.state in ("lost", "parked", "failed", "finished", "stopped")
        state = read(run.folder)
        assert state.events > 0
        newest = again.latest_checkpoint() or 0
        assert newest >= saved  # what was written once is there, or something newer
        saved = newest
        assert (
            not psutil.pid_exists(again.process.pid) or psutil.Process(again.process.pid).status() == "zombie"
        )
        if info.state == "finished":
            return
    last = Run(run.folder)
    last.start(resume=True)
    steps = [e.step for e in follow(last) if e.kind == "metrics" and "loss" in e.values]
    assert max(steps) == 4000
    assert read(run.folder).columns["loss"].steps.tolist() == list(range(1, 4001))
