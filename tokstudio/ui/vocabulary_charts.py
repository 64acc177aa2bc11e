"""How long tokens are: all of them, and those that a query found."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from tokstudio.ui import theme
from tokstudio.ui.chart_data import tick_words, ticks
from tokstudio.ui.charts import BarChart, LineChart

LONGEST = 24  # bytes; longer tokens are counted in the last bar
PARTS = 200  # points of the line


class LengthChart(BarChart):
    """Gray: all tokens; accent: the matches."""

    def __init__(self):
        super().__init__("Token length in bytes", x_label="bytes")
        self.setMinimumHeight(120)

    def set_lengths(self, lengths: np.ndarray, matches: np.ndarray) -> None:
        """int64 [n] and int64 [m]; unused ids have no length and are left out."""
        for name, values in (("all", lengths), ("matches", matches)):
            values = np.minimum(values[values > 0], LONGEST)
            self.set_bars(
                np.arange(LONGEST + 1) + 0.5, np.bincount(values, minlength=LONGEST + 1)[1:], name=name
            )

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        shown = [1, *range(4, LONGEST, 4), LONGEST]
        words = [str(size) for size in shown[:-1]] + [f"{LONGEST}+"]
        self.getAxis("bottom").setTicks([list(zip(map(float, shown), words, strict=True))])

    def _paint(self, series) -> None:
        shade = theme.color("border_strong" if series.name == "all" else theme.table()["series"][0])
        series.item.setPen(pg.mkPen(theme.color("surface"), width=1))
        series.item.setFillLevel(0.0)
        series.item.setBrush(pg.mkBrush(shade))

    def _draw(self, series, left: float, right: float) -> None:
        """Bars with gaps."""
        edges = np.stack([series.x[:-1] + 0.1, series.x[1:] - 0.1], axis=1)
        x = np.repeat(edges, 2, axis=1).ravel()
        y = (np.array([0, 1, 1, 0]) * series.y[:, None]).ravel()
        series.item.setData(x, y)

    def _reading(self, series, place: int) -> str:
        place = min(place, len(series.y) - 1)
        found = {name: int(bars.y[place]) for name, bars in self._series.items()}
        size = f"{place + 1} bytes" if place + 1 < LONGEST else f"{LONGEST} bytes and more"
        return f"{size}: {found.get('matches', 0):,} of {found.get('all', 0):,}"


class LengthByIdChart(LineChart):
    """Mean length of tokens along their ids: in BPE, what was merged first is short."""

    def __init__(self):
        super().__init__("Mean token length by id", "bytes", zero=True, x_label="from id")
        self.setMinimumHeight(120)
        self.setFocusPolicy(Qt.TabFocus)

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        shown = [place for place in ticks(left, right, 5) if place <= left + 0.97 * (right - left)]
        self.getAxis("bottom").setTicks([list(zip(shown, tick_words(shown), strict=True))])

    def set_lengths(self, lengths: np.ndarray) -> None:
        starts = np.unique(
            np.linspace(0, len(lengths), min(PARTS, len(lengths)), endpoint=False).astype(np.int64)
        )
        sizes = np.append(np.diff(starts), len(lengths) - starts[-1])
        self.set_series("mean length", starts, np.add.reduceat(lengths, starts) / sizes)
