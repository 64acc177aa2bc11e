"""The dashboard: charts with many points, and how soon a run answers. The window is a process of its own."""

import tempfile
from collections.abc import Iterator

from tokstudio.bench.base import Figure, benchmark
from tokstudio.bench.window import readings

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
        return readings("dashboard_probe", str(repeat), home=home, patience=PATIENCE)
