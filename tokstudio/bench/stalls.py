"""Gaps on the window's thread, over a tour of the real window: its start, every page, a run that streams its events.

A gap is the time between two turns of the event loop. On a busy machine it holds other programs' time, too, so
what counts against the target is what the thread itself computed in it; the gap is in the note.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tokstudio.bench.base import Figure, benchmark
from tokstudio.bench.startup import platform_name
from tokstudio.errors import RunError

LINE = "stalls "
PATIENCE = 180.0  # seconds


@benchmark("stalls", title="The window's thread: the longest time it was away, for each part of a tour")
def stalls(repeat: int) -> Iterator[Figure]:
    tours = [tour() for _ in range(repeat)]
    for name in tours[0]:
        gaps = sorted((found[name] for found in tours), key=lambda gap: gap["cpu_ms"])
        middle = gaps[len(gaps) // 2]
        note = f"median of {repeat}; the gap itself: {middle['ms']:.0f} ms"
        key = f"{name.replace(' ', '_')}_ms"
        yield Figure(name=key, value=middle["cpu_ms"], unit="ms", target=100.0, note=note)


def tour() -> dict[str, dict[str, float]]:
    """By part of the tour: `ms` of the longest gap, `cpu_ms` computed in it. Raises RunError where it fails."""
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as home:
        environment = os.environ | {
            "TOKSTUDIO_STALL_PROBE": "1",
            "TOKSTUDIO_HOME": home,
            "QT_QPA_PLATFORM": platform_name(os.environ),
        }
        command = [sys.executable, "-P", "-m", "tokstudio"]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise RunError(
                f"The window did not finish its tour within {PATIENCE:.0f} s.",
                hint="Try again on a machine that is less busy.",
            ) from None
    for line in done.stderr.splitlines():
        if line.startswith(LINE):
            return json.loads(line.removeprefix(LINE))
    said = " / ".join(done.stderr.strip().splitlines()[-3:]) or "nothing"
    raise RunError(
        f"The window ended before its tour. It said: {said}",
        hint="Start `tokstudio` by hand to see what it shows.",
    )
