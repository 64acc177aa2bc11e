"""`tokstudio bench ui`: the window measures itself, and what it says is read."""

import subprocess

import pytest

from tokstudio.bench import ui
from tokstudio.bench.base import BENCHMARKS
from tokstudio.errors import RunError


def test_readings_become_figures_with_targets(monkeypatch):
    monkeypatch.setattr(ui, "measure", lambda repeat: {"key_1mb_p95_ms": 51.5, "refresh_1mb_ms": 700.0})
    late, free = BENCHMARKS["ui"].measure(3)
    assert (late.target, late.unit, late.met) == (50.0, "ms", False)
    assert (free.target, free.met) == (None, None)


def test_every_reading_has_a_note_and_a_place_among_the_targets():
    assert set(ui.NOTES) == set(ui.TARGETS)
    for stage in ("first", "large", "rows", "scheme"):
        assert {f"vocabulary_{stage}_gap_ms", f"vocabulary_{stage}_gap_cpu_ms"} <= set(ui.TARGETS)


def test_a_window_that_ends_early_is_an_error(monkeypatch):
    def run(*_, **__):
        return subprocess.CompletedProcess([], 1, "", "Traceback\nImportError: gone")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(RunError, match="ImportError: gone"):
        ui.measure(1)


@pytest.mark.slow
def test_the_tour_of_the_real_window():
    found = ui.measure(1)
    assert set(ui.TARGETS) == set(found)
    assert all(value > 0 for value in found.values())
