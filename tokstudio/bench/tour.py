"""The window at work: real actions on every page, round after round, with a run in progress; gaps on its thread.

A gap is the time between two turns of the event loop. On a busy machine it holds other programs' time, too, so what
counts against the target is what the thread itself computed in it; the gap is in the note.
"""

import tempfile
from collections.abc import Iterator

from tokstudio.bench.base import Figure, benchmark
from tokstudio.bench.window import readings

SLACK = 600.0  # seconds: one round is always finished, on a busy machine slowly
WORST = 12  # actions that are named


class Length:
    """How long the tour takes; `--minutes` sets it."""

    seconds = 60.0


@benchmark("tour", title="The window at work on every page with a run in progress: gaps on its thread")
def tour(repeat: int) -> Iterator[Figure]:
    found = measure(Length.seconds)
    done = (
        f"{found['actions']} actions in {found['rounds']} rounds, {found['turns']:,} turns of the event loop"
    )
    own, all_of_it = "processor time of the window's thread", "with what other programs took"
    for name, unit, value, target, note in (
        ("longest_gap_ms", "ms", found["longest_cpu_ms"], 100.0, f"{own}; {done}"),
        ("gaps_over_100_ms", "", found["over_100_cpu"], 0.0, own),
        ("gap_p99_ms", "ms", found["p99_cpu_ms"], 33.0, own),
        ("longest_wall_gap_ms", "ms", found["longest_ms"], None, all_of_it),
        ("wall_gaps_over_100_ms", "", found["over_100"], None, all_of_it),
        ("wall_gap_p99_ms", "ms", found["p99_ms"], None, all_of_it),
    ):
        yield Figure(name=name, value=value, unit=unit, target=target, note=note)
    for name, (wall, busy) in list(found["by_action"].items())[:WORST]:
        key = "".join(c if c.isalnum() else "_" for c in name)
        yield Figure(
            name=f"{key}_ms", value=busy, unit="ms", target=100.0, note=f"the gap itself: {wall:.0f} ms"
        )


def measure(seconds: float) -> dict:
    """What `tokstudio.ui.tour_probe` prints. Raises RunError where it ends without that."""
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as home:
        return readings("tour_probe", str(seconds), home=home, patience=seconds + SLACK)
