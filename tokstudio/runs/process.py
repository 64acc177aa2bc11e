"""Start, follow and stop one run in its own process."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from tokstudio.errors import RunError
from tokstudio.events import Failed, Finished, Metrics, Parked, RunEvent, Started, Stopped, dump
from tokstudio.runs import control, launch
from tokstudio.runs.files import folder_error, read_json, write_json
from tokstudio.runs.lock import FolderLock
from tokstudio.runs.tail import Tail, is_torn, last_event, size_of

GRACE = 10.0  # seconds between the last event and the end of the process, before it is ended
LAST_BREATH = 5.0  # seconds in which a process that was killed gives its lock back
SAME = 0.05  # seconds between two readings of one process's start
SILENT = 30.0  # seconds without a heartbeat after which a run on another machine counts as lost
ENDS: dict[type[RunEvent], str] = {
    Finished: "finished",
    Stopped: "stopped",
    Parked: "parked",
    Failed: "failed",
}
ASKED = {"stop": "stopping", "park": "pausing", "pause": "pausing"}  # until the run has read it

AT_STEP = (Started, Metrics)  # events that tell the step
EXIT_LOCKED = 73  # the worker found another attempt in its folder
EXIT_UNRECORDED = 74  # the worker could not even write what went wrong


CHILDREN: list[
    subprocess.Popen
] = []  # of this process: asked after at each start, so that none stays a zombie


def program() -> list[str]:
    """The command that re-enters this program; a frozen app has no `-m`. -P: never import from the folder
    that the person happens to be in."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-P", "-X", "utf8", "-m", "tokstudio"]


def environment() -> dict[str, str]:
    """With -P a checkout would not be found from elsewhere, so it is named."""
    env = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONSAFEPATH="1")  # also for what a launcher starts
    root = Path(__file__).resolve().parents[2]
    if root.name != "site-packages" and not getattr(sys, "frozen", False):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), env.get("PYTHONPATH")]))
    return env


def identity(process: psutil.Process) -> dict[str, Any]:
    """A pid alone may belong to somebody else by now; pid, start time and machine together do not."""
    return {"pid": process.pid, "started": process.create_time(), "host": socket.gethostname()}


def is_process(state: dict[str, Any]) -> bool:
    """Does the process that wrote `state` still run?"""
    if not state.get("pid"):
        return False
    if state.get("host") != socket.gethostname():  # a mounted folder: all there is to go by is its heartbeat
        return time.time() - state.get("heartbeat", 0) < SILENT
    try:
        process = psutil.Process(state["pid"])
        same = abs(process.create_time() - state.get("started", 0)) < SAME
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Run:
    """A run is its folder: whoever can read the folder can follow the run, live or afterwards."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.process: subprocess.Popen | None = None  # only where this object started it
        self.killed = False
        self._step = 0  # newest one in the events; state.json lags behind by a heartbeat

    def start(self, *, resume: bool = False) -> None:
        """Raises RunError where an attempt is going already, or where the folder cannot be written."""
        if self.alive():
            raise RunError(
                f"The run {self.folder.name} is already going.", hint="Follow it on the Runs page."
            )
        try:
            with FolderLock(self.folder, LAST_BREATH):
                control.withdraw(self.folder)  # a request that the last attempt did not live to read
                self._close_attempt()
            with open(self.folder / "stderr.log", "ab") as log:
                self.process = subprocess.Popen(
                    launch.load(self.folder).command(program(), self.folder, resume=resume),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment(),
                    start_new_session=os.name == "posix",  # outlives the window; kill() reaches its children
                )
            CHILDREN[:] = [child for child in CHILDREN if child.poll() is None] + [self.process]
            self._introduce(psutil.Process(self.process.pid))
        except OSError as error:
            raise folder_error(self.folder, error) from None

    def _introduce(self, process: psutil.Process) -> None:
        """Others see the run from now on, not only from the worker's first heartbeat."""
        before = read_json(self.folder / "state.json")
        now = {
            **before,
            **identity(process),
            "state": "preparing",
            "heartbeat": time.time(),
            "message": "",
            "since": size_of(self.folder / "events.jsonl"),
        }
        write_json(self.folder / "state.json", now)

    def alive(self) -> bool:
        if self.process is not None and self.process.poll() is None:
            return True
        return is_process(read_json(self.folder / "state.json"))

    def state(self) -> str:
        """One of the states of a run; "lost" where its process went without a last word."""
        now = read_json(self.folder / "state.json")
        state = str(now.get("state", ""))
        if state in ENDS.values():
            return state
        if state and is_process(now):
            return self._asked(state)
        last = last_event(self.folder / "events.jsonl")
        if last is None and not state:
            return "queued"
        return ENDS.get(type(last), "lost")

    def _asked(self, state: str) -> str:
        """The state of a run that goes, or what it was asked for and has not read yet."""
        if state not in ("running", "preparing", "paused"):
            return state
        words = [ASKED[word] for word in control.asked(self.folder) if word in ASKED]
        return words[-1] if words and words[-1] != f"{state[:-1]}ing" else state

    def latest_checkpoint(self) -> int | None:
        """Step of the newest whole checkpoint. They get their name by a rename, so a named one is whole."""
        folders = (self.folder / "checkpoints").glob("step-*")
        steps = [int(name[1]) for path in folders if (name := re.fullmatch(r"step-(\d+)", path.name))]
        return max(steps, default=None)

    def events(self, *, poll: float = 0.05) -> Iterator[list[RunEvent]]:
        """Yield batches of events, from the first one on, until no attempt is going any more; an empty batch
        means that nothing happened and is the follower's chance to leave.

        The last event of the last batch is terminal, but for a run that never started. A process that went
        without a last word gets one: recorded where this object saw it alive, else only told.
        """
        tail, last, seen, over_at = Tail(self.folder / "events.jsonl"), None, False, 0.0
        self._step = 0
        while True:
            alive = self.alive()  # asked before reading: what it wrote at the very end must not be missed
            seen = seen or alive or self.process is not None
            for batch in tail.read():
                last = next((e for e in reversed(batch) if e.kind != "unknown"), last)
                self._step = next((e.step for e in reversed(batch) if isinstance(e, AT_STEP)), self._step)
                yield batch
            since = int(read_json(self.folder / "state.json").get("since") or 0)
            over = last is not None and last.terminal and (tail.place > since or not since)
            if not alive:
                if not over and (last is not None or seen):
                    yield [self._record_death(unseen=not seen)]
                return
            over_at = (over_at or time.monotonic()) if over else 0.0
            if over_at and time.monotonic() - over_at > GRACE:
                self.kill()  # it said goodbye and does not go
            yield []
            time.sleep(poll)

    def stop(self) -> None:
        """Ask politely: the run writes a checkpoint and ends. Returns at once."""
        self.ask("stop")

    def ask(self, request: str) -> None:
        """See `control.ask`. Returns at once; the run reads it at its next step. Raises InputError, RunError."""
        try:
            control.ask(self.folder, request)
        except OSError as error:
            raise folder_error(self.folder, error) from None

    def wait(self, seconds: float) -> bool:
        """Is the process gone within `seconds`? Blocks: never call it on the thread of the window."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def kill(self) -> None:
        """End the process and its children now. Checkpoints stay; steps after the last one are lost."""
        self.killed = True
        state = read_json(self.folder / "state.json")
        if self.process is not None and self.process.poll() is None:
            _kill(self.process.pid, gently=launch.load(self.folder).target == "ray")
            self.process.wait()
        if state.get("host") != socket.gethostname():
            return
        if is_process(launcher := {**state, **state.get("launcher", {})}):
            _kill(launcher["pid"], launcher.get("started"))
        if is_process(state):
            _kill(state["pid"], state.get("started"))
            self.wait(5.0)

    def way_on(self) -> str:
        """What a person can do after this run ended badly."""
        step = self.latest_checkpoint()
        if step is None:
            return "There is no checkpoint yet: Resume starts from the beginning."
        return f"Resume continues from the checkpoint at step {step:,}."

    def _close_attempt(self) -> None:
        """Every attempt in events.jsonl ends with a terminal event, also one that nobody saw end."""
        last = last_event(self.folder / "events.jsonl")
        if last is not None and not last.terminal:
            beat = read_json(self.folder / "state.json").get("heartbeat")  # the last time that it was seen
            at = max(last.at, float(beat)) if isinstance(beat, int | float) else last.at
            self._append(Failed(at=at, message=self._cause(unseen=True), hint=self.way_on()))

    def _append(self, event: Failed) -> None:
        """For the holder of the lock."""
        with open(self.folder / "events.jsonl", "a", encoding="utf-8") as stream:
            stream.write(("\n" if is_torn(self.folder / "events.jsonl") else "") + dump(event))

    def _record_death(self, *, unseen: bool) -> RunEvent:
        event = Failed(message=self._cause(unseen), hint=self.way_on(), detail=self._last_words())
        if unseen:
            return event
        try:
            with FolderLock(
                self.folder, LAST_BREATH
            ):  # refused while another attempt goes: then this death is history
                if (last := last_event(self.folder / "events.jsonl")) is not None and last.terminal:
                    return last  # another window was quicker
                self._append(event)
                was = read_json(self.folder / "state.json")
                write_json(
                    self.folder / "state.json", {**was, "state": "failed", "message": event.message, "pid": 0}
                )
        except (OSError, RunError) as error:
            return replace(event, detail=f"{event.detail}\n(not recorded: {error})")
        return event

    def how_lost(self) -> str:
        """The sentence for a run whose end nobody saw."""
        return f"The run was lost{self._where()}: its process ended while no window was watching."

    def _where(self) -> str:
        told = read_json(self.folder / "state.json").get("step", 0)
        step = max(self._step, told, self.latest_checkpoint() or 0)
        return f" at step {step:,}" if step else " before its first step"

    def _cause(self, unseen: bool) -> str:
        if unseen:
            return self.how_lost()
        where = self._where()
        code = self.process.poll() if self.process is not None else None
        if self.killed or code in (-9, None):
            return f"The run's process was killed{where}."
        if code == EXIT_UNRECORDED:
            return f"The run's folder could not be written{where}: the disk is full or was taken away."
        if (count := launch.load(self.folder).ranks) > 1:
            return f"One of the {count} processes of this run was killed or crashed{where}, which ended the others."
        if code < 0:
            return f"The run's process crashed{where} ({signal.Signals(-code).name})."
        return f"The run's process ended{where} with status {code}."

    def _last_words(self) -> str:
        try:
            return (self.folder / "stderr.log").read_text(errors="replace")[-4000:]
        except OSError:
            return ""


def _kill(pid: int, started: float | None = None, *, gently: bool = False) -> None:
    """The process and all it started: the session that it leads, and the tree below it. `started`: when it began,
    seconds since the epoch; a pid that belongs to somebody else by now is left alone. `gently`: it first gets a few
    seconds to end what it started elsewhere."""
    try:
        process = psutil.Process(pid)
        if started is not None and abs(process.create_time() - started) >= SAME:
            return
        if gently:
            process.terminate()
            psutil.wait_procs([process], timeout=LAST_BREATH)
        family = [*process.children(recursive=True), process]  # torchrun gives each rank a session of its own
        if os.name == "posix" and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return  # it went by itself in the meantime
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
