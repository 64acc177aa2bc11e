"""From process start to the first colored tokens on the screen, and the memory that took.

The window is a process of its own, started as a person starts it, with TOKSTUDIO_STARTUP_PROBE=1: after its
first paint it prints `first-tokens SECONDS` on stderr and ends. The time that counts is taken here, from
before the process is made until that line arrives: what happens before the program's own clock counts too.
One start that is not counted warms the disk cache and leaves Python's byte code behind, as an installation has
it. All share a fresh home folder, so nobody's settings count.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tokstudio.bench.base import Figure, benchmark
from tokstudio.errors import RunError

LINE = "first-tokens "
PATIENCE = 60.0  # seconds; a start that takes longer has failed
MEGABYTE = 1e6


@dataclass(frozen=True)
class Start:
    seconds: float  # from spawn to the line
    peak_bytes: int  # largest resident set of the window's process, shared libraries included


@benchmark("startup", title="The window: process start to first colored tokens, and memory")
def startup(repeat: int) -> Iterator[Figure]:
    environment = os.environ | {"TOKSTUDIO_STARTUP_PROBE": "1", "QT_QPA_PLATFORM": platform_name(os.environ)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as home:
        environment["TOKSTUDIO_HOME"] = home
        start_once(environment)
        starts = [start_once(environment) for _ in range(repeat)]
    seconds = statistics.median(start.seconds for start in starts)
    memory = max(start.peak_bytes for start in starts) / MEGABYTE
    platform = environment["QT_QPA_PLATFORM"] or "desktop"
    how = f"median of {repeat} after a warm-up; Qt platform: {platform}"
    yield Figure(name="first_tokens_s", value=round(seconds, 3), unit="s", target=1.0, note=how)
    yield Figure(
        name="window_memory_mb", value=round(memory, 1), unit="MB", target=300.0, note="peak resident set"
    )


def platform_name(environment: Mapping[str, str]) -> str:
    """What Qt opens the window on: as chosen, else the desktop (""), else offscreen where there is none."""
    if chosen := environment.get("QT_QPA_PLATFORM"):
        return chosen
    desktop = (
        sys.platform in ("win32", "darwin")
        or environment.get("DISPLAY")
        or environment.get("WAYLAND_DISPLAY")
    )
    return "" if desktop else "offscreen"


def start_once(environment: Mapping[str, str], command: tuple[str, ...] = ("-P", "-m", "tokstudio")) -> Start:
    """Open the window once. Raises RunError where it ends, or PATIENCE does, before the first paint."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    watchdog = threading.Timer(PATIENCE, end_all, [process])
    watchdog.start()
    try:
        seconds, said = wait_for_line(process, begun)
        peak = wait_for_end(process)
    finally:
        watchdog.cancel()
        watchdog.join()
        end_all(process)
        process.stderr.close()
    if seconds is None:
        raise RunError(
            f"The window ended or hung before its first tokens. It said: {said or 'nothing'}",
            hint="Start `tokstudio` by hand to see what it shows.",
        )
    return Start(seconds, peak)


def end_all(process: subprocess.Popen) -> None:
    """The window and what it started: a worker that outlives it would hold the pipe that is read here."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # all gone; macOS says the latter of a group of zombies
            return
    else:
        process.kill()


def wait_for_line(process: subprocess.Popen, begun: float) -> tuple[float | None, str]:
    """Seconds from `begun` to the line, or None and the last that was said instead."""
    said: list[str] = []
    for line in process.stderr:
        if line.startswith(LINE):
            return time.perf_counter() - begun, ""
        said.append(line.strip())
    return None, " / ".join(said[-3:])


def wait_for_end(process: subprocess.Popen) -> int:
    """Its peak resident set in bytes, as the system counted it.

    `wait4` alone knows it for this very process after its end. Where it is missing (Windows), the process is
    asked while it is ending.
    """
    if not hasattr(os, "wait4"):
        peak = peak_of_living(process)
        process.wait()
        return peak
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak_of_living(process: subprocess.Popen) -> int:
    import psutil

    try:
        memory = psutil.Process(process.pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return getattr(memory, "peak_wset", memory.rss)
