"""The small charts: how values, rows and singular values are spread, of one matrix or of two on the same bins."""

import numpy as np

from tokstudio.embed.summary import BINS
from tokstudio.ui.chart_base import Chart, Series
from tokstudio.ui.chart_data import number
from tokstudio.ui.charts import BarChart, LineChart

NARROW = 10  # pixels left of a chart without numbers there
BARS = 48
CLOSE = 5  # labels below a chart that is small, and whose words are short


class ValuesChart(LineChart):
    """Share of values by size; its height says nothing by itself, so it has no numbers."""

    left = NARROW

    def __init__(self, name: str = "Distribution of values"):
        super().__init__(name, zero=True)
        self.setMinimumHeight(110)

    def set_counts(self, counts: np.ndarray, edges: np.ndarray, series: int = 0) -> None:
        """The outermost bins gather everything beyond them, so they are left out of the curve."""
        centers, share = (edges[1:] + edges[:-1]) / 2, counts / max(1, counts.sum())
        last, name = len(counts) - 1, "AB"[series]
        look = dict(series=series, filled=True, width=2, dashed=bool(series))
        self.set_series(name, centers[1:last], share[1:last], **look)

    def _columns(self) -> int:
        return CLOSE

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        self.getAxis("left").setTicks([[]])
        for line in self._grid[1:]:
            line.hide()

    def _reading(self, series, place: int) -> str:
        return f"{number(float(series.x[place]))}   {100 * float(series.y[place]):.2g} % of values"


class SpreadChart(BarChart):
    """A histogram of one number a row; with two matrices both use the same bins and show shares of their rows."""

    def __init__(self, name: str):
        super().__init__(name, zero=True)
        self.setMinimumHeight(110)

    def set_values(self, sides: list[np.ndarray]) -> None:
        sides = [values[np.isfinite(values)] for values in sides]
        edges = shared_edges(sides)
        for number_, values in enumerate(sides):
            counts = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)[0].astype(float)
            if len(sides) > 1:
                counts *= 100 / max(1, len(values))
            self.set_bars(edges, counts, series=number_, name="AB"[number_])
        if len(sides) == 1:
            self.remove_series("B")

    def _columns(self) -> int:
        return CLOSE

    def set_token(self, value: float | None) -> None:
        """Marks where the asked token stands."""
        self.set_marks([] if value is None else [value])


def shared_edges(sides: list[np.ndarray], bins: int = BARS) -> np.ndarray:
    """Bins for all of them; what lies farther out than 0.05 % at either end is gathered in the last bin."""
    filled = [values for values in sides if len(values)]
    if not filled:
        return np.linspace(0, 1, bins + 1)
    low = min(float(np.quantile(values, 0.0005)) for values in filled)
    high = max(float(np.quantile(values, 0.9995)) for values in filled)
    return np.linspace(low, high if high > low else low + (abs(low) or 1.0) * 1e-3, bins + 1)


class NormsChart(SpreadChart):
    def __init__(self):
        super().__init__("Distribution of row norms")

    def set_norms(self, norms: np.ndarray) -> None:
        self.set_values([norms])


class DimensionsChart(LineChart):
    """One number a dimension, in their order."""

    def __init__(self, name: str = "Standard deviation per dimension"):
        super().__init__(name, zero=True, x_label="dim", whole=True)
        self.setMinimumHeight(110)

    def set_values(self, sides: list[np.ndarray]) -> None:
        for series, values in enumerate(sides):
            self.set_series("AB"[series], np.arange(len(values)), values, series=series, dashed=bool(series))
        if len(sides) == 1:
            self.remove_series("B")


class SingularChart(LineChart):
    """Singular values over their rank, both logarithmic, as shares of the largest."""

    def __init__(self):
        super().__init__("Singular values")
        self.setMinimumHeight(110)

    def set_values(self, values: np.ndarray, series: int = 0) -> None:
        values = values[values > values[0] * 1e-6] if len(values) and values[0] > 0 else values[:0]
        ranks, shares = np.arange(1, len(values) + 1), values / values[:1]
        look = dict(series=series, dashed=bool(series), width=2)
        self.set_series("AB"[series], np.log10(ranks), np.log10(shares), **look)

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        count = max((len(series.x) for series in self._series.values()), default=1)
        ranks = [10**power for power in range(6) if 10**power < 0.7 * count] + [count]
        labels = [(float(np.log10(rank)), f"{rank:,}") for rank in ranks]
        self.getAxis("bottom").setTicks([self._fit_x(labels)])
        shown = [power for power in np.arange(-6.5, 0.5, 0.5) if low - 0.02 <= power <= high + 0.02]
        self._show_y(self._fit_y([(float(p), f"{10**p:.2g}") for p in shown]))

    def _reading(self, series, place: int) -> str:
        rank, share = round(10 ** float(series.x[place])), 10 ** float(series.y[place])
        return f"rank {rank:,}   {share:.3f} of the largest"

    def _words(self) -> str:
        return ", ".join(f"{len(series.x):,} values" for series in self._series.values())


class OverlapChart(BarChart):
    """Neighbors in common, in per cent, over the id of the token in ten steps: frequent tokens have small ids."""

    def __init__(self):
        super().__init__("Neighbors in common", unit="%", zero=True)
        self.setMinimumHeight(110)

    def set_overlap(self, ids: np.ndarray, overlap: np.ndarray, steps: int = 10) -> None:
        order = np.argsort(ids, kind="stable")
        groups = np.array_split(order, min(steps, max(1, len(order))))
        means = [100 * float(overlap[group].mean()) for group in groups]
        self.set_bars(np.arange(len(means) + 1), means, series=2)
        self._ids = [int(ids[group].min()) for group in groups] + [int(ids.max())]

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        ids = getattr(self, "_ids", None)
        if ids:
            shown = [(float(place), f"{ids[place]:,}") for place in range(0, len(ids), 3)]
            self.getAxis("bottom").setTicks([self._fit_x(shown)])


class ScatterChart(Chart):
    """A point a dimension: its value in A and in B."""

    def __init__(self, name: str = "Values of A and B"):
        super().__init__(name)
        self.setMinimumHeight(140)

    def set_points(self, x: np.ndarray, y: np.ndarray) -> None:
        import pyqtgraph as pg

        order = np.argsort(x, kind="stable")
        points = self._series.get("points")
        if points is None:
            points = self._series["points"] = Series("points", x, y, dict(series=0), pg.PlotCurveItem())
            points.dots = pg.ScatterPlotItem(symbol="o", size=4, pen=None)
            self.plotItem.addItem(points.dots, ignoreBounds=True)
            self._paint(points)
        points.x, points.y = x[order], y[order]
        points.dots.show()
        self._later.start()

    def _paint(self, series: Series) -> None:
        from tokstudio.ui import theme

        series.dots.setBrush(theme.color(theme.table()["series"][0], 0.55))

    def _draw(self, series: Series, _left: float, _right: float) -> None:
        series.dots.setData(series.x, series.y)

    def _columns(self) -> int:
        return CLOSE

    def _reading(self, series: Series, place: int) -> str:
        return f"A {number(float(series.x[place]))}   B {number(float(series.y[place]))}"


__all__ = [
    "BINS",
    "DimensionsChart",
    "NormsChart",
    "OverlapChart",
    "ScatterChart",
    "SingularChart",
    "SpreadChart",
]
__all__ += ["ValuesChart", "shared_edges"]
