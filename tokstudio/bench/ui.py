"""The Compare and Vocabulary pages at work: keystroke to repaint, hover to highlight, sorting and filtering of a
large vocabulary, and the longest gap on the window's thread.

The window is a process of its own (`tokstudio.ui.compare_probe`, `vocabulary_probe`), real, off-screen where there is
no desktop; it types, points and scrolls in itself and prints its readings as one line of JSON.
"""

import tempfile
from collections.abc import Iterator

from tokstudio.bench.base import Figure, benchmark
from tokstudio.bench.window import readings

PATIENCE = 300.0  # seconds
TARGETS = {
    "key_100kb_p95_ms": 33.0,
    "key_1mb_p95_ms": 50.0,
    "hover_8_panes_p95_ms": 16.0,
    "longest_gap_ms": 100.0,
    "key_100kb_cpu_p95_ms": None,
    "key_1mb_cpu_p95_ms": None,
    "longest_gap_cpu_ms": None,
    "refresh_100kb_ms": None,
    "refresh_1mb_ms": None,
    "scroll_1mb_p95_ms": None,
    "page_50mb_open_ms": None,
    "vocabulary_open_ms": 1000.0,
    "vocabulary_sort_p95_ms": 100.0,
    "vocabulary_filter_p95_ms": 100.0,
    "vocabulary_scroll_p95_ms": 16.0,
    "vocabulary_first_gap_ms": 100.0,
    "vocabulary_large_gap_ms": 100.0,
    "vocabulary_rows_gap_ms": 100.0,
    "vocabulary_scheme_gap_ms": 100.0,
    "vocabulary_sort_cpu_p95_ms": None,
    "vocabulary_first_gap_cpu_ms": None,
    "vocabulary_large_gap_cpu_ms": None,
    "vocabulary_rows_gap_cpu_ms": None,
    "vocabulary_scheme_gap_cpu_ms": None,
}
NOTES = {
    "key_100kb_p95_ms": "4 panes, 100 kB: key to the next repaint of editor and panes",
    "key_1mb_p95_ms": "4 panes, 1 MB",
    "hover_8_panes_p95_ms": "pointer over a token until all 8 panes are painted",
    "longest_gap_ms": "longest time the event loop did not turn, over the whole tour",
    "key_100kb_cpu_p95_ms": "processor time of the window's thread for the same keys",
    "key_1mb_cpu_p95_ms": "the same at 1 MB",
    "longest_gap_cpu_ms": "most processor time between two turns of the event loop",
    "refresh_100kb_ms": "median from the last key until all 4 panes show the new text",
    "refresh_1mb_ms": "the same at 1 MB",
    "scroll_1mb_p95_ms": "one page down in one pane, the others following",
    "page_50mb_open_ms": "a 50 MB file opened, until its first page is in 4 panes",
    "vocabulary_open_ms": "262,144 tokens, from a file until its rows are in the table",
    "vocabulary_sort_p95_ms": "the same by each of seven columns, both ways, until painted",
    "vocabulary_sort_cpu_p95_ms": "processor time of the window's thread for it",
    "vocabulary_filter_p95_ms": "the same by seven queries, from the end of typing until painted",
    "vocabulary_scroll_p95_ms": "one page down",
    "vocabulary_first_gap_ms": "longest gap of the event loop while the page opens for the first time",
    "vocabulary_large_gap_ms": "while the large vocabulary opens",
    "vocabulary_rows_gap_ms": "while it is sorted, filtered and scrolled",
    "vocabulary_scheme_gap_ms": "while the colors change",
    "vocabulary_first_gap_cpu_ms": "processor time of the window's thread for the longest of these turns",
    "vocabulary_large_gap_cpu_ms": "the same",
    "vocabulary_rows_gap_cpu_ms": "the same",
    "vocabulary_scheme_gap_cpu_ms": "the same",
}
PROBES = ("compare_probe", "vocabulary_probe")


@benchmark(
    "ui",
    title="Compare and Vocabulary: keystroke, hover, sorting, filtering, and gaps on the window's thread",
)
def ui(repeat: int) -> Iterator[Figure]:
    for name, value in measure(repeat).items():
        unit = name.rpartition("_")[2]
        yield Figure(
            name=name, value=round(value, 2), unit=unit, target=TARGETS.get(name), note=NOTES.get(name, "")
        )


def measure(repeat: int) -> dict[str, float]:
    """One tour of the window for each page. Raises RunError where one ends without readings."""
    return {name: value for probe in PROBES for name, value in _toured(probe, repeat).items()}


def _toured(probe: str, repeat: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as home:
        return readings(probe, str(repeat), home=home, patience=PATIENCE)
