"""Charts of the Vocabulary page. Dragging across one makes a term of the query out of what was swept."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from tokstudio.ui import theme
from tokstudio.ui.chart_base import Chart, Series
from tokstudio.ui.chart_data import number, tick_words
from tokstudio.ui.charts import LineChart
from tokstudio.ui.vocabulary_charts import LONGEST, LengthChart

SWEPT = 5  # pixels from which on a click is a sweep
DRAWN = 3_000  # points of a cloud
TIP = "Drag across it to search for what is there"


class Brushed:
    """Mixed into a Chart: `swept(low, high)` in its own units, along x or, with `along_y`, along y. Enter does it
    for the place of the cursor."""

    along_y = False

    def init_brush(self) -> None:
        side = "horizontal" if self.along_y else "vertical"
        self._region = pg.LinearRegionItem((0, 0), orientation=side, movable=False)
        self._region.setZValue(25)
        self._region.hide()
        self.plotItem.addItem(self._region, ignoreBounds=True)
        self._from: tuple[float, float] | None = None  # pixel and value
        self.setToolTip(TIP)
        self.setCursor(Qt.CrossCursor)

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "_region"):
            self._region.setBrush(theme.color("accent", 0.16))

    def _at(self, event: QMouseEvent) -> tuple[float, float]:
        place = self.plotItem.vb.mapSceneToView(self.mapToScene(event.position().toPoint()))
        spot = event.position()
        return (spot.y(), place.y()) if self.along_y else (spot.x(), place.x())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.LeftButton:
            self._from = self._at(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self._from is not None:
            _, value = self._at(event)
            self._region.setRegion(sorted((self._from[1], value)))
            self._region.setBrush(theme.color("accent", 0.16))
            self._region.show()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            return
        (pixel, value), (spot, here) = self._from, self._at(event)
        self._from = None
        self._region.hide()
        if abs(spot - pixel) >= SWEPT:
            self.swept.emit(*sorted((value, here)))
        elif not self.along_y:
            self.swept.emit(here, here)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter) and self._cursor_x is not None and not self.along_y:
            self.swept.emit(self._cursor_x, self._cursor_x)
        else:
            super().keyPressEvent(event)


class Lengths(Brushed, LengthChart):
    swept = Signal(float, float)

    def __init__(self):
        super().__init__()
        self.setMinimumHeight(80)
        self.init_brush()


class OtherLengths(LengthChart):
    """The same of another vocabulary, below it, in another color and hatched."""

    def __init__(self):
        super().__init__()
        self.setMinimumHeight(60)

    def _paint(self, series: Series) -> None:
        super()._paint(series)
        if series.name == "all":
            brush = pg.mkBrush(theme.color(theme.table()["series"][1], 0.75))
            brush.setStyle(Qt.Dense3Pattern)
            series.item.setBrush(brush)

    def _reading(self, series: Series, place: int) -> str:
        return super()._reading(series, place).replace("0 of ", "")


def length_term(low: float, high: float) -> str:
    """Bars stand around whole numbers."""
    first, last = max(1, round(low)), max(1, round(high))
    if last >= LONGEST:
        return f"len:>={min(first, LONGEST)}"
    return f"len:{first}" if first == last else f"len:{first}-{last}"


class Coverage(Brushed, LineChart):
    """Which share of the counted text the most frequent tokens make up."""

    swept = Signal(float, float)

    def __init__(self):
        super().__init__("Share of the text covered", "%", zero=True, x_label="tokens")
        self.setMinimumHeight(80)
        self.setFocusPolicy(Qt.TabFocus)
        self.init_brush()

    def set_coverage(self, coverage: np.ndarray, used: int) -> None:
        """float [n]; drawn up to where every token that occurs is in."""
        last = max(2, min(len(coverage), used))
        places = np.unique(np.geomspace(1, last, 400).astype(np.int64))
        x, y = np.append(0, places), 100 * np.append(0.0, coverage[places - 1])
        self.set_series("covered", x, y, width=2)

    def _reading(self, series: Series, place: int) -> str:
        return f"{series.x[place]:,.0f} tokens cover {series.y[place]:.1f} %"


def count_term(counts: np.ndarray, low: float, high: float) -> str:
    """The tokens of these ranks, by how often they occur."""
    ordered = np.sort(counts)[::-1]
    top, foot = (ordered[int(np.clip(place, 0, len(ordered) - 1))] for place in (low, high))
    return f"count:{foot}-{top}" if foot < top else f"count:{top}"


class Norms(Brushed, Chart):
    """Norm of each token's row against its rank by frequency (or its id where nothing was counted)."""

    swept = Signal(float, float)
    along_y = True

    def __init__(self):
        super().__init__("Norm", x_label="rank")
        self.setMinimumHeight(80)
        self.init_brush()

    def set_norms(self, norms: np.ndarray, low: np.ndarray, counts: np.ndarray | None) -> None:
        ids = np.flatnonzero(np.isfinite(norms))
        order = ids if counts is None else ids[np.argsort(-counts[ids], kind="stable")]
        rank = np.log10(np.arange(len(order)) + 1.0)
        marked = low[order]
        some = np.linspace(0, len(order) - 1, min(DRAWN, len(order))).astype(np.int64) if len(order) else ids
        some = some[~marked[some]]
        self._cloud("all", rank[some], norms[order][some], "o", 3)
        self._cloud("under-trained", rank[marked][:DRAWN], norms[order][marked][:DRAWN], "t", 8)
        self._later.start()

    def _cloud(self, name: str, x: np.ndarray, y: np.ndarray, symbol: str, size: int) -> None:
        series = self._series.get(name)
        if series is None:
            dots = pg.ScatterPlotItem(symbol=symbol, size=size, pen=None)
            series = self._series[name] = Series(name, x, y, {}, pg.PlotCurveItem(), dots)
            self.plotItem.addItem(dots, ignoreBounds=True)
            self._paint(series)
        series.x, series.y = x, y

    def _paint(self, series: Series) -> None:
        shade = (
            theme.color(theme.table()["series"][0], 0.5) if series.name == "all" else theme.color("warning")
        )
        series.dots.setBrush(pg.mkBrush(shade))

    def _draw(self, series: Series, left: float, right: float) -> None:
        series.dots.setData(series.x, series.y)

    def _cursor_series(self) -> Series | None:
        return next((s for s in self._series.values() if s.name == "all" and len(s.x)), None)

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        super()._tick(left, right, low, high)
        powers = [p for p in range(int(np.ceil(left)), int(right) + 1)]
        words = [tick_words([10.0**p])[0] for p in powers]
        self.getAxis("bottom").setTicks([list(zip(map(float, powers), words, strict=True))])

    def _reading(self, series: Series, place: int) -> str:
        return f"rank {10 ** series.x[place]:,.0f}   norm {number(float(series.y[place]))}"

    def _words(self) -> str:
        low = self._series.get("under-trained")
        return f"{len(low.x) if low is not None else 0:,} rows far below the middle"


def norm_term(low: float, high: float) -> str:
    return f"norm:{max(0.0, low):.3f}-{max(0.0, high):.3f}"
