"""The folder of run folders."""

import math
import os
import re
import shutil
import socket
import sys
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokstudio import __version__
from tokstudio.errors import InputError, RunError
from tokstudio.paths import runs_folder
from tokstudio.runs import clock, launch, tracking
from tokstudio.runs.files import folder_error, read_json, write_atomic, write_json
from tokstudio.runs.kinds import KINDS
from tokstudio.runs.process import ENDS, Run

NOW = ("queued", "preparing", "running", "pausing", "paused", "parked", "stopping")


@dataclass(frozen=True)
class RunInfo:
    """One run as a list shows it."""

    name: str
    kind: str
    title: str
    folder: Path
    state: str
    created: float  # seconds since the epoch
    step: int = 0
    total_steps: int = 0
    phase: str = ""
    message: str = ""  # of a run that failed or was lost
    bits_per_byte: float | None = None
    checkpoint: int | None = None  # step that a resume starts from
    host: str = ""  # the machine of its first process
    ranks: int = 1  # processes that share the work
    latest: dict[str, float] = field(default_factory=dict)  # the newest value of each metric
    worked: float | None = (
        None  # seconds, without pauses and parks; None: not recorded, see `runs.clock.read`
    )
    elapsed: float | None = None  # seconds from its first event to its newest one

    @property
    def live(self) -> bool:
        """Is there a process?"""
        return self.state in NOW and self.state not in ("queued", "parked")

    def times(self) -> tuple[float, float] | None:
        """(worked, elapsed) in seconds; None: nobody knows. Reads the events of a run that did not record them."""
        if self.worked is not None and self.elapsed is not None:
            return self.worked, self.elapsed
        return _recorded_times(self.folder, self.state, self.step)

    @property
    def where(self) -> str:
        """In words; nothing for one process of this machine."""
        parts = [f"{self.ranks} processes"] if self.ranks > 1 else []
        parts += [f"on {self.host}"] if self.host not in ("", socket.gethostname()) else []
        return " ".join(parts)


class RunStore:
    def __init__(self, folder: Path | None = None):
        self.folder = folder or runs_folder()
        self._over: dict[
            Path, tuple[int, RunInfo]
        ] = {}  # what is over changes no more: state.json's time, info

    def create(self, kind: str, name: str, config_toml: str) -> Run:
        """A new run folder, queued. `name` gets a number: "english-to-code" becomes "english-to-code-01".

        Raises ConfigError for a config that the kind refuses, RunError where the folder cannot be written.
        """
        definition = KINDS[kind]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            folder = self._claim(name)
        except OSError as error:
            raise folder_error(self.folder, error) from None
        try:
            write_atomic(folder / "config.toml", config_toml)
            definition.load(folder / "config.toml")
            tracking.freeze(folder)
            write_json(folder / "run.json", _passport(kind, folder.name))
        except BaseException as error:
            shutil.rmtree(
                folder, ignore_errors=True
            )  # made a moment ago, by us, and empty but for these files
            if isinstance(error, OSError):
                raise folder_error(self.folder, error) from None
            raise
        return Run(folder)

    def _claim(self, name: str) -> Path:
        """mkdir fails for a taken name, so two windows never share a folder."""
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
        number = 1
        while True:
            folder = self.folder / f"{slug}-{number:02d}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                number += 1

    def runs(self) -> list[RunInfo]:
        """Newest first. A folder without run.json is none of ours and is left out. Raises RunError where the
        runs folder cannot be read."""
        try:
            if not self.folder.is_dir():
                return []
            paths = [path for path in self.folder.iterdir() if (path / "run.json").is_file()]
        except OSError as error:
            raise RunError(
                f"The runs folder {self.folder} cannot be read: {error.strerror or error}.",
                hint="Give yourself the right to read it, or set TOKSTUDIO_HOME to another folder.",
            ) from None
        found = [self._info(path) for path in paths]
        return sorted(found, key=lambda info: (info.created, info.name), reverse=True)

    def open(self, name: str) -> Run:
        folder = self.folder / name
        if not name or Path(name).name != name or not (folder / "run.json").is_file():
            known = ", ".join(info.name for info in self.runs()[:5])
            raise RunError(
                f"There is no run {name!r} in {self.folder}.",
                hint=f"The newest ones: {known}." if known else "Start one with `tokstudio transfer --demo`.",
            )
        return Run(folder)

    def info(self, name: str) -> RunInfo:
        return self._info(self.open(name).folder)

    def remove(self, name: str) -> None:
        """Deletes the folder with checkpoints and export. Renamed first: half a deleted run is none."""
        run = self.open(name)
        if run.alive():
            raise InputError(f"The run {name} is going.", hint="Stop it first.")
        gone = run.folder.with_name(f".removed-{name}-{time.time_ns()}")
        try:
            run.folder.rename(gone)
            shutil.rmtree(gone)
        except OSError as error:
            raise folder_error(self.folder, error) from None

    def disk_use(self) -> int:
        """Bytes of all run folders together."""
        return folder_size(self.folder)

    def _info(self, folder: Path) -> RunInfo:
        state = folder / "state.json"
        try:
            stamp = state.stat().st_mtime_ns
        except OSError:  # not begun, or removed since its name was listed
            stamp = 0
        if (known := self._over.get(folder)) is not None and known[0] == stamp:
            return known[1]
        info = _read(folder)
        if info.state in ENDS.values() and stamp:
            self._over[folder] = (stamp, info)
        return info


@lru_cache(maxsize=4096)
def _recorded_times(folder: Path, _state: str, _step: int) -> tuple[float, float] | None:
    """Looked at again where the state or the step is another."""
    found = clock.read(folder)
    return (found.worked, found.elapsed) if found.elapsed else None


def folder_size(folder: Path) -> int:
    """Bytes of all files in it."""
    files = (os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return sum(map(_size, files))


def _size(path: str) -> int:
    """0 for what is gone by now: a run renames what it wrote, and removes old checkpoints."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _number(value: object, otherwise: Any) -> Any:
    """A finite number out of a file that anybody may have edited; one damaged run must not hide the others."""
    real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if real else otherwise


def _numbers(values: object) -> dict[str, float]:
    found = values.items() if isinstance(values, dict) else ()
    return {str(name): _number(value, None) for name, value in found if _number(value, None) is not None}


def _read(folder: Path) -> RunInfo:
    passport, now, run = read_json(folder / "run.json"), read_json(folder / "state.json"), Run(folder)
    kind, state = str(passport.get("kind", "")), run.state()
    message = str(now.get("message", "")) or (run.how_lost() if state == "lost" else "")
    return RunInfo(
        name=folder.name,
        kind=kind,
        title=KINDS[kind].title if kind in list(KINDS) else kind,
        folder=folder,
        state=state,
        created=_number(passport.get("created"), 0.0),
        step=int(_number(now.get("step"), 0)),
        total_steps=int(_number(now.get("total_steps"), 0)),
        phase=str(now.get("phase", "")),
        message=message,
        bits_per_byte=_number(now.get("bits_per_byte"), None),
        checkpoint=run.latest_checkpoint(),
        host=str(now.get("host", "")),
        ranks=max(1, int(_number(now.get("ranks"), 0)) or launch.load(folder).ranks),
        latest=_numbers(now.get("latest")),
        worked=_number(now.get("worked"), None),
        elapsed=_number(now.get("elapsed"), None),
    )


def _passport(kind: str, name: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "created": time.time(),
        "tokstudio": __version__,
        "python": sys.version.split()[0],
        "platform": sys.platform,
    }
