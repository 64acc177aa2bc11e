"""The three small charts: how values, norms and singular values are spread."""

import numpy as np

from tokstudio.embed.summary import BINS
from tokstudio.ui.chart_data import number
from tokstudio.ui.charts import BarChart, LineChart

NARROW = 10  # pixels left of a chart without numbers there


class ValuesChart(LineChart):
    """Share of values by size; its height says nothing by itself, so it has no numbers."""

    def __init__(self):
        super().__init__("Distribution of values", zero=True)
        self.getAxis("left").setWidth(NARROW)
        self.setMinimumHeight(110)

    def set_counts(self, counts: np.ndarray, edges: np.ndarray) -> None:
        """The outermost bins gather everything beyond them, so they are left out of the curve."""
        centers, share = (edges[1:] + edges[:-1]) / 2, counts / max(1, counts.sum())
        self.set_series("values", centers[1 : BINS - 1], share[1 : BINS - 1], filled=True, width=2)

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        self.getAxis("left").setTicks([[]])
        for line in self._grid[1:]:
            line.hide()

    def _reading(self, series, place: int) -> str:
        return f"{number(float(series.x[place]))}   {100 * float(series.y[place]):.2g} % of values"


class NormsChart(BarChart):
    def __init__(self):
        super().__init__("Distribution of row norms", zero=True)
        self.setMinimumHeight(110)

    def set_norms(self, norms: np.ndarray) -> None:
        top = float(np.quantile(norms, 0.9995)) if len(norms) else 1.0
        low = float(np.quantile(norms, 0.0005)) if len(norms) else 0.0
        counts, edges = np.histogram(np.clip(norms, low, top), bins=48)
        self.set_bars(edges, counts)

    def set_token(self, norm: float | None) -> None:
        """Marks where the asked token stands."""
        self.set_marks([] if norm is None else [norm])


class SingularChart(LineChart):
    """Singular values over their rank, both logarithmic, as shares of the largest."""

    def __init__(self):
        super().__init__("Singular values")
        self.setMinimumHeight(110)

    def set_values(self, values: np.ndarray) -> None:
        values = values[values > values[0] * 1e-6] if len(values) and values[0] > 0 else values[:0]
        ranks = np.arange(1, len(values) + 1)
        ranks, shares = np.arange(1, len(values) + 1), values / values[:1]
        self.set_series("singular values", np.log10(ranks), np.log10(shares), width=2)

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        count = max((len(series.x) for series in self._series.values()), default=1)
        ranks = [10**power for power in range(6) if 10**power < 0.7 * count] + [count]
        self.getAxis("bottom").setTicks([[(float(np.log10(rank)), f"{rank:,}") for rank in ranks]])
        shown = [power for power in np.arange(0, -7, -0.5) if low - 0.02 <= power <= high + 0.02]
        self.getAxis("left").setTicks([[(float(p), f"{10**p:.2g}") for p in shown]])
        for line, power in zip(self._grid, [*shown, *[None] * len(self._grid)], strict=False):
            line.setVisible(power is not None)
            if power is not None:
                line.setValue(power)

    def _reading(self, series, place: int) -> str:
        rank, share = round(10 ** float(series.x[place])), 10 ** float(series.y[place])
        return f"rank {rank:,}   {share:.3f} of the largest"

    def _words(self) -> str:
        return ", ".join(f"{len(series.x):,} values" for series in self._series.values())
