"""Whether the last windows were closed or just ended; after two that ended, a start with an empty session.

While a window is open, `open-window.json` says so: process, its start, and how many windows before it ended without
being closed. A window that has worked for a while counts as the first again.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from tokstudio.paths import data_home

MANY = 2  # ends in a row after which a start is a safe one
WELL = 120  # seconds after which a window is not what makes the start fail
SESSION = ("compare.json", "window.ini")
ASIDE = ".before-safe-start"


def marker_path() -> Path:
    return data_home() / "open-window.json"


@dataclass
class Start:
    """This start: `safe` if the session was set aside."""

    ends: int  # windows in a row that ended without being closed
    safe: bool

    def begin(self) -> None:
        """The window is about to open."""
        _write({"pid": os.getpid(), "began": time.time(), "ends": 0 if self.safe else self.ends})

    def well(self) -> None:
        """The window has worked for `WELL` seconds."""
        _write({"pid": os.getpid(), "began": time.time(), "ends": 0})

    def closed(self) -> None:
        if _read().get("pid") == os.getpid():  # a second window may have been opened meanwhile
            marker_path().unlink(missing_ok=True)


def look() -> Start:
    """Call before anything of the session is read."""
    marker = _read()
    ends = 0
    if marker and not _lives(marker):
        ends = marker["ends"] + 1
    safe = ends >= MANY
    if safe:
        for name in SESSION:
            _move(data_home() / name, data_home() / f"{name}{ASIDE}")
    return Start(ends, safe)


def kept() -> bool:
    """Whether a session lies aside."""
    return any((data_home() / f"{name}{ASIDE}").exists() for name in SESSION)


def bring_back() -> None:
    """The session that a safe start has set aside is the one of the next start."""
    for name in SESSION:
        _move(data_home() / f"{name}{ASIDE}", data_home() / name)


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError:  # there is none, or the folder cannot be written: then nothing is restored from it either
        return


def _lives(marker: dict) -> bool:
    """That process, and not another that has its number now."""
    import psutil

    try:
        return psutil.Process(marker["pid"]).create_time() <= marker["began"]
    except psutil.Error:
        return False


def _read() -> dict:
    try:
        found = json.loads(marker_path().read_text(encoding="utf-8"))
        return {"pid": int(found["pid"]), "began": float(found["began"]), "ends": int(found["ends"])}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _write(marker: dict) -> None:
    path = marker_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(marker), encoding="utf-8")
        os.replace(part, path)
    except OSError:  # a full disk must not keep the window from opening
        return
