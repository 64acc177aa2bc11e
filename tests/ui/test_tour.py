"""What the tour of the window measures: how long the event loop does not turn."""

import time

import pytest
from PySide6.QtCore import QObject, QTimer

from tokstudio.bench import tour as bench
from tokstudio.ui.tour_probe import Gaps


def test_a_gap_is_found_and_named(qtbot, qapp):
    parent = QObject()
    gaps = Gaps(parent)
    gaps.name("calm")
    qtbot.wait(50)
    gaps.name("busy")
    QTimer.singleShot(10, lambda: time.sleep(0.2))
    qtbot.wait(400)
    gaps.name("")
    wall, busy = max(gaps.all)
    assert wall >= 200
    assert busy < 100  # it slept
    assert set(gaps.longest) == {"calm", "busy"}


def test_the_figures_say_what_is_met(monkeypatch):
    found = {
        **dict.fromkeys(("longest_ms", "p99_ms"), 5_000.0),
        **{"longest_cpu_ms": 99.0, "p99_cpu_ms": 40.0, "over_100": 7, "over_100_cpu": 0},
        **{"actions": 60, "rounds": 1, "turns": 2_000},
        "by_action": {"runs: open": [900.0, 99.0], "colors: dark": [200.0, 120.0]},
    }
    monkeypatch.setattr(bench, "measure", lambda _seconds: found)
    figures = {figure.name: figure for figure in bench.tour(1)}
    met = {name: figure.met for name, figure in figures.items() if figure.met is not None}
    assert met == {
        "longest_gap_ms": True,
        "gaps_over_100_ms": True,
        "gap_p99_ms": False,
        "runs__open_ms": True,
        "colors__dark_ms": False,
    }
    assert figures["longest_wall_gap_ms"].value == 5_000


@pytest.mark.slow
def test_the_tour_goes_through_every_page():
    found = bench.measure(0)
    for name in ("start", "compare: keys", "runs: open", "compare: back", "colors: dark", "text: larger"):
        wall, busy = found["by_action"][name]
        assert 0 <= busy <= wall + 5
    assert found["turns"] > 100
