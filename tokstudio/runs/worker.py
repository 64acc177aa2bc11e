"""The child process: turn a run folder into events."""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from tokstudio.errors import RunError
from tokstudio.events import (
    Changed,
    Checkpointed,
    Continued,
    Failed,
    Metrics,
    Parked,
    Paused,
    Phase,
    Reference,
    Report,
    RunEvent,
    Started,
    Stopped,
    dump,
)
from tokstudio.runs import clock, peers
from tokstudio.runs.control import Control, withdraw
from tokstudio.runs.failure import explain
from tokstudio.runs.files import is_disk_full, read_json, write_json
from tokstudio.runs.kinds import KINDS
from tokstudio.runs.load import Load
from tokstudio.runs.lock import FolderLock
from tokstudio.runs.process import ENDS, EXIT_LOCKED, EXIT_UNRECORDED, Run, identity
from tokstudio.runs.sample import Sampler, total_memory
from tokstudio.runs.sinks import Sinks
from tokstudio.runs.tail import is_torn
from tokstudio.runs.tensorboard import ScalarLog

HEARTBEAT = 1.0  # seconds
KEPT = (
    "step",
    "total_steps",
    "bits_per_byte",
    "latest",
    "since",
    "worked",
    "elapsed",
)  # of the last attempt, until this one knows better
RESERVE = 64 * 1024  # bytes kept back, so that a full disk can still be reported on


def main(folder: Path, *, resume: bool = False) -> int:
    """Run to the end. 0: finished or stopped on request; 1: failed, and recorded why."""
    faulthandler.enable()  # a crash in a library leaves its stack in stderr.log
    place = peers.Place.of_environment()
    if place.rank:
        return peers.peer(folder, place, resume=resume)
    try:
        with FolderLock(folder):
            peers.watch_launcher()
            peers.forget(folder)
            return _Attempt(folder, resume).go()
    except RunError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_LOCKED


class EventLog:
    """Appends events, each whole line at once."""

    def __init__(self, folder: Path):
        self._reserve = folder / "reserve"
        self._reserve.write_bytes(os.urandom(RESERVE))  # random: a clever file system would not store zeros
        path = folder / "events.jsonl"
        torn = is_torn(path)
        self.clock = clock.read(folder)  # of all attempts
        self._stream = open(path, "a", buffering=1, encoding="utf-8")  # noqa: SIM115 closed by close()
        self._scalars: ScalarLog | None = None  # from the first number on
        self._folder = folder
        if torn:
            self._stream.write("\n")  # the last attempt died in the middle of a line

    def write(self, event: RunEvent) -> None:
        self._stream.write(dump(event))
        self.clock.take(event)
        if isinstance(event, Metrics):
            self._scalars = self._scalars or ScalarLog(self._folder / "tensorboard")
            self._scalars.write(event.at, event.step, event.values)
        elif self._scalars is not None:
            self._scalars.flush()

    def release_reserve(self) -> None:
        self._reserve.unlink(missing_ok=True)

    def close(self) -> None:
        self.release_reserve()
        if self._scalars is not None:
            self._scalars.close()
        self._stream.close()


class StateFile:
    """Keeps state.json true: at once when something changes that others wait for, else by heartbeat."""

    def __init__(self, folder: Path, sampler: Sampler):
        self._path = folder / "state.json"
        kept = {k: v for k, v in read_json(self._path).items() if k in KEPT}
        self._values: dict[str, Any] = {
            **kept,
            **identity(psutil.Process()),
            **peers.facts(peers.Place.of_environment()),
            "state": "preparing",
        }
        self._sampler = sampler
        self._guard = threading.Lock()
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def begin(self) -> None:
        self.save()
        self._thread.start()

    def set(self, **values: Any) -> None:
        """Seen by others at the next heartbeat."""
        with self._guard:
            self._values.update(values)

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def save(self, **values: Any) -> None:
        reading = self._sampler.read()
        memory = {"rss": reading.rss, "peak": reading.peak, "cpu_percent": reading.cpu_percent}
        with self._guard:
            self._values.update(values, heartbeat=time.time(), memory=memory)
            write_json(self._path, self._values)

    def close(self) -> None:
        self._quit.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        while not self._quit.wait(HEARTBEAT):
            try:
                self.save()
            except OSError as error:  # a full disk ends the run at its next event, not here
                sys.stderr.write(f"state.json: {error}\n")


class _Attempt:
    def __init__(self, folder: Path, resume: bool):
        self.folder, self.resume = folder, resume
        self.control = Control(folder, self._pause, self._continue)
        self.before_pause = "preparing"
        self.sampler, self.load = Sampler(), Load()
        self.sinks = Sinks(folder)
        self.asking = peers.Asking()
        self.place = peers.Place.of_environment()

    def go(self) -> int:
        self._listen()
        try:
            self.state = StateFile(self.folder, self.sampler)
            self.state.begin()
            self.log = EventLog(self.folder)
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            return EXIT_UNRECORDED
        try:
            return self._to_the_end()
        finally:
            self.state.close()

    def _listen(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: self.control.stop())
            signal.signal(signal.SIGINT, lambda *_: self.control.stop())

    def _to_the_end(self) -> int:
        try:
            for event in self._events():
                self._record(event)
                if event.terminal:
                    self.log.close()
                    return 0
            raise RuntimeError("the run ended without saying how")
        except Exception as error:
            return self._fail(error)

    @property
    def step(self) -> int:
        return self.asking.step

    def _events(self) -> Iterator[RunEvent]:
        """The kind's own events. Between its steps the kind itself answers a stop."""
        yield Phase(name="Preparing")
        kind = KINDS[read_json(self.folder / "run.json").get("kind", "")]
        config = kind.load(self.folder / "config.toml")
        with peers.together(kind, config, self.control, self.place) as control:
            events = kind.run(config, self.folder, control, self.resume)
            for event in events:
                self.asking.see(event)
                yield event
                if not event.terminal and self.asking.asks(event) and (asked := control.ends()):
                    events.close()
                    step = Run(self.folder).latest_checkpoint() or 0
                    yield Parked(step=step) if asked == "park" else Stopped(step=step)
                    return

    def _pause(self) -> None:
        self._write(Paused(step=self.step))
        self.before_pause = self.state.get("state")
        self.state.save(state="paused")

    def _continue(self) -> None:
        self._write(Continued(step=self.step))
        self.state.save(state="stopping" if self.control.stopping else self.before_pause)

    def _record(self, event: RunEvent) -> None:
        if event.terminal:  # nothing comes behind its last word
            self._track(event)
        self._write(event := self._with_times(self._with_readings(event)))
        if not event.terminal:
            self._track(event)
        match event:
            case Started():
                memory = total_memory(event.device)
                self._write(Reference(metric="memory_total", label="all", value=memory))
                self.state.save(
                    state="running", step=event.step, total_steps=event.total_steps, device=event.device
                )
            case Metrics():
                bits = event.values.get("bits_per_byte")
                latest = {**(self.state.get("latest") or {}), **event.values}
                self.state.set(
                    step=event.step, latest=latest, **({"bits_per_byte": bits} if bits is not None else {})
                )
                if self.control.stopping:
                    self.state.set(state="stopping")
            case Changed() if event.name == "steps":
                self.state.save(total_steps=int(event.after))
            case Phase():
                self.state.save(phase=event.name)
            case Checkpointed():
                self.state.set(checkpoint=event.step)
            case Report():
                write_json(self.folder / "report.json", event.values)
            case _ if event.terminal:
                withdraw(self.folder)
                self.state.save(state=ENDS[type(event)], message=getattr(event, "message", ""))

    def _write(self, event: RunEvent) -> None:
        self.log.write(event)
        self.state.set(worked=self.log.clock.worked, elapsed=self.log.clock.elapsed)

    def _with_times(self, event: RunEvent) -> RunEvent:
        """A report tells how long all attempts worked: the kind itself neither knows the others nor its pauses."""
        if not isinstance(event, Report):
            return event
        times = {"worked": self.log.clock.worked, "elapsed": self.log.clock.elapsed}
        return replace(
            event, values={**event.values, "seconds": {**event.values.get("seconds", {}), **times}}
        )

    def _track(self, event: RunEvent) -> None:
        for said in self.sinks.take(event):
            self._write(said)

    def _with_readings(self, event: RunEvent) -> RunEvent:
        """Load; and memory, which on the CPU is the process's own: a trainer on a GPU reports the device's itself."""
        if not isinstance(event, Metrics):
            return event
        values = self.load.read()
        if "memory_bytes" not in event.values and (rss := self.sampler.rss_at_most(per_second=5)) is not None:
            values["memory_bytes"] = rss
        return replace(event, values={**values, **event.values}) if values else event

    def _fail(self, error: Exception) -> int:
        try:
            if is_disk_full(error):
                self.log.release_reserve()
            way_on = Run(self.folder).way_on()
            failed: Failed = explain(peers.reason(self.folder, error, self.place, way_on), self.step, way_on)
            self._record(failed)
            self.log.close()
            return 1
        except OSError as second:
            sys.stderr.write(f"{error!r}\n{second}\n")
            return EXIT_UNRECORDED
