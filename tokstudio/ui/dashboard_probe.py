"""Measures the dashboard from inside: charts with many points, and how soon a run answers the page's buttons.

`python -m tokstudio.ui.dashboard_probe REPEAT` prints one line of JSON. For `tokstudio bench dashboard`.
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QApplication

from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.ui import theme
from tokstudio.ui.charts import LineChart
from tokstudio.ui.context import Context
from tokstudio.ui.pages.runs import RunsPage

LOADS = {"refresh_8x1m": (8, 1_000_000), "refresh_20x100k": (20, 100_000)}
PATIENCE = 60.0  # seconds
RUN = "steps = 100000\npause = 0.02\nsave_every = 100000"


def readings(app: QApplication, repeat: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (lines, points) in LOADS.items():
        (first, *times), lost = refresh(app, lines, points, 1 + 8 * repeat)
        found[f"{name}_first_ms"] = first
        found[f"{name}_median_ms"] = float(np.median(times))
        found[f"{name}_p95_ms"] = float(np.percentile(times, 95))
        found["extremes_lost"] = found.get("extremes_lost", 0) + lost
    answers = [steer(app) for _ in range(repeat)]
    for name in answers[0]:
        found[name] = max(answer[name] for answer in answers)
    return found


def refresh(app: QApplication, lines: int, points: int, times: int) -> tuple[list[float], int]:
    """Milliseconds of each refresh while every line grows, and how many single spikes were not drawn."""
    rng = np.random.default_rng(0)
    steps = np.arange(points + times, dtype=np.int64)
    values = [rng.normal(place, 1, points + times) for place in range(lines)]
    spikes = [int(rng.integers(points // 4, points // 2)) for _ in range(lines)]
    for place, spike in enumerate(spikes):
        values[place][spike] = 1000.0 + place
    chart = LineChart("Loss", x_label="step", whole=True)
    chart.resize(640, 300)
    chart.show()
    app.processEvents()
    taken = []
    for turn in range(times):
        began = time.perf_counter()
        for place in range(lines):
            chart.set_series(
                f"run {place}", steps[: points + turn], values[place][: points + turn], series=place % 6
            )
        chart.redraw()
        chart.repaint()
        app.processEvents()
        taken.append(1000 * (time.perf_counter() - began))
    drawn = [series.item.getData()[1] for series in chart._series.values()]
    lost = sum(1000.0 + place not in data for place, data in enumerate(drawn))
    chart.close()
    return taken, lost


def steer(app: QApplication) -> dict[str, float]:
    """One run from the click to the park, by the page."""
    store, context = RunStore(), Context()
    page = RunsPage(context, store)
    page.resize(1368, 826)
    page.show()
    page.opened()
    state = lambda: page.board.head.pill.state  # noqa: E731
    found: dict[str, float] = {}
    name = store.create("selftest", "probe", RUN).folder.name
    try:
        began = time.perf_counter()
        page.start(name)
        found["start_to_preparing_ms"] = 1000 * until(app, lambda: state() == "preparing", began)
        until(app, lambda: state() == "running", began)
        for word, wanted in (("pause", "paused"), ("resume", "running")):
            began = time.perf_counter()
            page.resume() if word == "resume" else page.ask(word)
            found[f"{word}_s"] = until(app, lambda wanted=wanted: state() == wanted, began)
        page.close_down()
        began = time.perf_counter()
        second = RunsPage(context, store)
        second.show()
        second.opened()
        live = lambda: second.watches.get(name) is not None and second.watches[name].state.step > 0  # noqa: E731
        found["adopt_s"] = until(app, live, began)
        began = time.perf_counter()
        second.watches[name].ask("park")
        found["park_s"] = until(app, lambda: second.board.head.pill.state == "parked", began)
        second.close_down()
        second.close()
    finally:
        Run(store.folder / name).kill()
        page.close()
    return found


def until(app: QApplication, condition: Callable[[], bool], began: float) -> float:
    """Seconds since `began` when `condition` holds."""
    while not condition():
        if time.perf_counter() - began > PATIENCE:
            raise SystemExit("the run did not answer")
        app.processEvents()
        time.sleep(0.001)
    return time.perf_counter() - began


def main() -> int:
    app = QApplication([])
    theme.apply(app, "light")
    repeat = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    sys.stdout.write(json.dumps(readings(app, repeat)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
