"""The dashboard: charts with many points, and how soon a run answers. The window is a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tokstudio.bench.base import Figure, benchmark
from tokstudio.bench.startup import platform_name
from tokstudio.errors import RunError

PATIENCE = 300.0  # seconds
# name -> unit, target, how it was measured
FIGURES = {
    "refresh_8x1m_first_ms": ("ms", None, "the first drawing of all of them"),
    "refresh_8x1m_median_ms": ("ms", None, "median of the same"),
    "refresh_8x1m_p95_ms": ("ms", 33.0, "8 lines of 1,000,000 points: new data until the chart is painted"),
    "refresh_20x100k_first_ms": ("ms", None, "the first drawing of all of them"),
    "refresh_20x100k_median_ms": ("ms", None, "median of the same"),
    "refresh_20x100k_p95_ms": ("ms", 33.0, "20 lines of 100,000 points"),
    "extremes_lost": ("spikes", 0.0, "one spike a line, looked for in what was drawn"),
    "start_to_preparing_ms": ("ms", 200.0, "click until the pill says Preparing, worst"),
    "pause_s": ("s", 2.0, "click until the run waits, steps of 20 ms, worst"),
    "resume_s": ("s", 2.0, "click until it goes on, worst"),
    "park_s": ("s", 10.0, "click until the process is gone, a run without a model, worst"),
    "adopt_s": ("s", 2.0, "a new page until it shows a live run's steps, worst"),
}


@benchmark("dashboard", title="The Runs page: charts with millions of points, and runs that answer")
def dashboard(repeat: int) -> Iterator[Figure]:
    for name, value in measure(repeat).items():
        unit, target, note = FIGURES.get(name, ("", None, ""))
        yield Figure(name=name, value=round(value, 3), unit=unit, target=target, note=note)


def measure(repeat: int) -> dict[str, float]:
    """Raises RunError where the window ends without readings."""
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as home:
        environment = os.environ | {"TOKSTUDIO_HOME": home, "QT_QPA_PLATFORM": platform_name(os.environ)}
        command = [sys.executable, "-P", "-m", "tokstudio.ui.dashboard_probe", str(repeat)]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise RunError(
                f"The window did not finish within {PATIENCE:.0f} s.",
                hint="Try again on a machine less busy.",
            ) from None
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    said = " / ".join(done.stderr.strip().splitlines()[-3:]) or "nothing"
    raise RunError(f"The window ended before its readings (exit code {done.returncode}). It said: {said}")
