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
    note = f"{found['actions']} actions in {found['rounds']} rounds; the longest gap: {found['longest_ms']:.0f} ms"
    yield Figure(name="longest_gap_ms", value=found["longest_cpu_ms"], unit="ms", target=100.0, note=note)
    yield Figure(
        name="gap_p99_ms", value=found["p99_ms"], unit="ms", target=33.0, note=f"{found['turns']:,} turns"
    )
    yield Figure(name="gaps_over_100_ms", value=found["over_100_cpu"], unit="", note="by processor time")
    for name, (wall, busy) in list(found["by_action"].items())[:WORST]:
        key = "".join(c if c.isalnum() else "_" for c in name)
        yield Figure(
            name=f"{key}_ms", value=busy, unit="ms", target=100.0, note=f"the gap itself: {wall:.0f} ms"
        )


def measure(seconds: float) -> dict:
    """What `tokstudio.ui.tour_probe` prints. Raises RunError where it ends without that."""
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as home:
        return readings("tour_probe", str(seconds), home=home, patience=seconds + SLACK)
