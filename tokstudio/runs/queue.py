"""Runs that wait for their turn: one at a time on each device, whatever became of the one before.

The order lies beside the runs, in `.queue/queue.json`. A small process, the keeper, starts what is next; it holds a
lock while there is something to start and ends when there is not, so the queue needs no window.
"""

import os
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokstudio.errors import InputError, RunError, TokstudioError
from tokstudio.runs.files import read_json, write_json
from tokstudio.runs.lock import FolderLock
from tokstudio.runs.process import Run, environment, program
from tokstudio.runs.store import RunInfo, RunStore

LOOK = 0.5  # seconds between two looks of the keeper
STARTABLE = ("queued", "parked", "stopped", "failed", "lost")
PATIENCE = 5.0  # seconds that one who changes the order waits for another


def slot(folder: Path) -> str:
    """The device that a run will take: "cpu", "cuda:0". "auto" is the first GPU where there is one."""
    try:
        config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    train = config.get("train")
    name = str(train.get("device", "auto")) if isinstance(train, dict) else "auto"
    if name == "auto":
        name = "cuda" if os.path.exists("/dev/nvidiactl") or shutil.which("nvidia-smi") else "cpu"
    return "cuda:0" if name == "cuda" else name


class Queue:
    def __init__(self, store: RunStore):
        self.store = store
        self.folder = store.folder / ".queue"

    def names(self) -> list[str]:
        """In the order in which they will start."""
        order = read_json(self.folder / "queue.json").get("order", [])
        return [name for name in order if isinstance(name, str)]

    @property
    def held(self) -> bool:
        """Does the queue start nothing for now?"""
        return bool(read_json(self.folder / "queue.json").get("held"))

    def hold(self, held: bool) -> None:
        with self._edit() as value:
            value["held"] = held
        if not held:
            self.keep()

    def add(self, name: str) -> None:
        """At the end; a run that has stopped or was parked is resumed when its turn comes. Raises InputError."""
        info = self.store.info(name)
        if info.state not in STARTABLE:
            raise InputError(f"The run {name} is {info.state}.", hint="Only a run that does not go can wait.")
        with self._edit() as value:
            value["order"] = [other for other in value["order"] if other != name] + [name]
        self.keep()

    def remove(self, name: str) -> None:
        with self._edit() as value:
            value["order"] = [other for other in value["order"] if other != name]

    def move(self, name: str, place: int) -> None:
        """`place` 0 is next. Raises InputError where the run does not wait."""
        with self._edit() as value:
            if name not in value["order"]:
                raise InputError(
                    f"The run {name} is not in the queue.", hint="`tokstudio runs queue` lists it."
                )
            value["order"].remove(name)
            value["order"].insert(max(0, place), name)

    @contextmanager
    def _edit(self) -> Iterator[dict]:
        """The file as a dict, written when the block ends; one at a time over all processes."""
        lock = self.folder / "edit"
        lock.mkdir(parents=True, exist_ok=True)
        with FolderLock(lock, PATIENCE):
            value = {"held": self.held, "order": self.names()}
            yield value
            write_json(self.folder / "queue.json", value)

    # ---------------------------------------------------------------- starting

    def next(self, infos: list[RunInfo]) -> list[str]:
        """Who may start now: for each free device the first that waits for it."""
        taken = {slot(info.folder) for info in infos if info.live}
        known, chosen = {info.name: info for info in infos}, []
        for name in self.names():
            if name not in known or known[name].state not in STARTABLE:
                continue
            if (device := slot(known[name].folder)) not in taken:
                taken.add(device)
                chosen.append(name)
        return chosen

    def advance(self) -> list[Run]:
        """Starts whoever may start, and forgets those that go, are over or are gone."""
        infos = self.store.runs()
        waiting = {info.name for info in infos if info.state in STARTABLE}
        for name in self.names():
            if name not in waiting:
                self.remove(name)
        if self.held:
            return []
        started = []
        for name in self.next(infos):
            self.remove(name)
            run = self.store.open(name)
            try:
                run.start(resume=run.state() != "queued")
                started.append(run)
            except TokstudioError as error:  # the next one gets its turn
                with open(run.folder / "stderr.log", "a", encoding="utf-8") as log:
                    log.write(f"The queue could not start this run: {error}\n")
        return started

    def work(self) -> None:
        """The keeper: until nothing waits. Returns at once where another keeper is at work."""
        self.folder.mkdir(parents=True, exist_ok=True)
        started: list[Run] = []
        try:
            with FolderLock(self.folder, 3 * LOOK):
                while self.names() and not self.held:
                    started += self.advance()
                    started = [run for run in started if run.process and run.process.poll() is None]
                    time.sleep(LOOK)
        except RunError:
            return

    def keep(self) -> None:
        """Sees to it that a keeper is at work where one is needed. Returns at once."""
        if not self.names() or self.held:
            return
        with open(self.folder / "keeper.log", "ab") as log:
            process = subprocess.Popen(
                [*program(), "queue-worker", str(self.store.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(),
                start_new_session=os.name == "posix",
            )
        KEEPERS[:] = [other for other in KEEPERS if other.poll() is None] + [process]

    def kept(self) -> bool:
        """Is a keeper at work?"""
        try:
            with FolderLock(self.folder):
                return False
        except (OSError, RunError):
            return self.folder.is_dir()


KEEPERS: list[subprocess.Popen] = []  # started by this process: asked after, so that none stays a zombie
