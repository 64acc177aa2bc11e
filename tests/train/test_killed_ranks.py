"""kill -9 of one rank, of the launcher and of all, at random moments: every folder readable, every checkpoint loads,
no process is left, and the run goes on from there with any number of ranks."""

import os
import random
import signal
import time
from dataclasses import replace

import psutil
import pytest

from tokstudio.events import Checkpointed, Finished, Started
from tokstudio.runs.files import read_json
from tokstudio.runs.launch import Launch, save
from tokstudio.runs.process import Run
from tokstudio.runs.report import read
from tokstudio.runs.store import RunStore
from tokstudio.train import checkpoint
from tokstudio.train.settings import to_toml

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL"),
    pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"]),
]
STEPS = 400
ROUNDS = int(os.environ.get("TOKSTUDIO_ROUNDS", "4"))  # kills; TOKSTUDIO_SEED chooses the moments
PATIENCE = 20.0  # seconds in which what a killed process leaves behind has to end by itself


@pytest.fixture
def made(tiny_config):
    train = replace(
        tiny_config.train, steps=STEPS, checkpoint_every=2, evaluate_every=100, sample_every=100, threads=1
    )
    config = replace(tiny_config, train=train, check_export=False)
    run = RunStore().create("transfer", "tiny", to_toml(config))
    save(run.folder, Launch("torchrun", 2))
    yield run
    run.kill()


def family(run: Run) -> dict[str, psutil.Process]:
    """The launcher, and each rank by its number."""
    launcher = run.process.pid
    found = {"launcher": psutil.Process(launcher)}
    for child in psutil.Process(launcher).children(recursive=True):
        try:
            number = child.environ().get("RANK")
            if number is not None and "worker" in child.cmdline():
                found.setdefault(number, child)
        except psutil.Error:
            continue
    return found


def until_saved(run: Run, least: int) -> None:
    for batch in run.events(poll=0.02):
        if any(isinstance(e, Checkpointed) and e.step > least for e in batch):
            return
    raise AssertionError(f"the run ended before: {read_json(run.folder / 'state.json').get('message')}")


def all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_whoever_is_killed_nothing_is_lost(made):
    chance, kept = random.Random(int(os.environ.get("TOKSTUDIO_SEED", "3"))), 0
    victims = ["1", "0", "launcher", "all"] * (ROUNDS // 4) + ["1", "0", "launcher", "all"][: ROUNDS % 4]
    for turn, victim in enumerate(victims):
        run = Run(made.folder)
        run.start(resume=turn > 0)
        until_saved(run, kept)
        state = read_json(run.folder / "state.json")
        assert state["ranks"] == 2
        assert state["launcher"]["pid"] == run.process.pid
        found = family(run)
        assert sorted(found) == ["0", "1", "launcher"]
        assert state["pid"] == found["0"].pid
        time.sleep(chance.uniform(0.0, 0.3))
        if victim == "all":
            Run(made.folder).kill()  # as a window that did not start it
        else:
            os.kill(found[victim].pid, signal.SIGKILL)
        run.process.wait(timeout=60)
        assert all_gone(list(found.values())), f"left after {victim} was killed"
        events = [event for batch in run.events() for event in batch]
        assert events[-1].terminal
        assert run.state() in ("failed", "lost")
        if victim in ("0", "1"):
            assert "processes of this run was killed or crashed" in events[-1].message
        assert read(run.folder).events > 0
        newest = checkpoint.load(run.folder).step
        assert newest > kept
        kept = newest
    save(made.folder, Launch("torchrun", 1))  # another number of them
    last = Run(made.folder)
    last.start(resume=True)
    last.ask(f"set steps {kept + 2}")
    events = [event for batch in last.events() for event in batch]
    assert isinstance(events[-1], Finished)
    assert [e.step for e in events if isinstance(e, Started)][-1] == kept
