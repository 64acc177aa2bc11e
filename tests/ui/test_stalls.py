"""The heartbeat that measures how long the window's thread is away."""

import time

import pytest
from PySide6.QtCore import QObject, QTimer

from tokstudio.bench import stalls as bench
from tokstudio.ui.stalls import Heartbeat


def test_a_gap_is_found_and_named(qtbot, qapp):
    parent = QObject()
    heart = Heartbeat(parent)
    heart.name("calm")
    qtbot.wait(50)
    heart.name("busy")
    QTimer.singleShot(10, lambda: time.sleep(0.2))
    qtbot.wait(400)
    heart.name("over")
    assert heart.longest["busy"]["ms"] >= 200
    assert heart.longest["busy"]["cpu_ms"] < 100  # it slept
    assert set(heart.longest) == {"calm", "busy"}


@pytest.mark.slow
def test_the_tour_goes_through_every_page():
    found = bench.tour()
    assert {"start", "key", "first runs", "back to compare", "run", "scheme"} <= set(found)
    assert all(0 <= gap["cpu_ms"] <= gap["ms"] + 5 for gap in found.values())
