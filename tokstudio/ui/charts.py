"""Charts on pyqtgraph that follow the theme, stay quick with a million points and never lose a peak.

>>> chart = LineChart("Loss", x_label="step")
>>> chart.set_series("raw", steps, losses, faded=True)
>>> chart.set_reference("source model", 0.871)
"""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.chart_base import Chart, Series
from tokstudio.ui.chart_data import number
from tokstudio.ui.widgets.basic import label


class LineChart(Chart):
    """Values against an ascending x."""

    def set_series(
        self,
        name: str,
        x: Any,
        y: Any,
        series: int = 0,
        dashed: bool = False,
        width: int = 1,
        points: bool = False,
        faded: bool = False,
        filled: bool = False,
    ) -> None:
        """Adds or replaces the line `name`. `series`: which of the six colors. `points`: a dot on each one,
        for sparse ones. `faded`: the raw line behind a smoothed one. `filled`: an area down to 0.

        Lines wider than a pixel are antialiased; they stay quick because only peaks are drawn.
        """
        x, y = np.asarray(x), np.asarray(y, float)  # steps stay whole numbers: turning a million takes longer
        look = dict(series=series, dashed=dashed, width=width, points=points, faded=faded, filled=filled)
        line = self._series.get(name)
        if line is None:
            line = self._series[name] = Series(name, x, y, look, pg.PlotCurveItem())
            self.plotItem.addItem(line.item, ignoreBounds=True)
            self._paint(line)
        elif line.look != look:
            line.look = look
            self._paint(line)
        line.x, line.y = x, y
        self._later.start()

    def _paint(self, series: Series) -> None:
        look = series.look
        shade = theme.color(theme.table()["series"][look["series"]], 0.38 if look["faded"] else None)
        style = Qt.DashLine if look["dashed"] else Qt.SolidLine
        series.item.setPen(pg.mkPen(shade, width=look["width"], style=style))
        if look["filled"]:
            series.item.setFillLevel(0.0)
            series.item.setBrush(theme.color(theme.table()["series"][look["series"]], 0.08))
        if look["points"] and series.dots is None:
            series.dots = self._dots()
        if series.dots is not None:
            series.dots.setBrush(shade)
            series.dots.setPen(pg.mkPen(theme.color("surface"), width=1))

    def _dots(self) -> pg.ScatterPlotItem:
        dots = pg.ScatterPlotItem(symbol="o", size=6)
        dots.setZValue(5)
        self.plotItem.addItem(dots, ignoreBounds=True)
        return dots

    def _draw(self, series: Series, left: float, right: float) -> None:
        series.peaks.take(series.y)
        x, y = series.peaks.thin(series.x, series.y, left, right, self._room())
        x, y = x.astype(float, copy=False), self._height(y)
        series.item.setData(x, y, connect="finite", antialias=series.look["width"] > 1)
        if series.dots is None and len(x) == 1:  # a line needs two points to be seen
            series.dots = self._dots()
            self._paint(series)
        if series.dots is not None:
            wanted = series.look["points"] or len(x) == 1
            known = np.isfinite(y) if wanted else np.zeros(len(y), bool)
            series.dots.setData(x[known], y[known])


class BarChart(Chart):
    """A histogram, or two laid over each other; the second one is hatched."""

    def __init__(self, y_label: str = "", unit: str = "", zero: bool = True, x_label: str = ""):
        super().__init__(y_label, unit, zero, x_label)

    def set_bars(self, edges: Any, counts: Any, series: int = 0, name: str = "") -> None:
        """`edges` [n + 1] ascending, `counts` [n]. One set of bars for each color."""
        edges, counts = np.asarray(edges, float), np.asarray(counts, float)
        if len(edges) != len(counts) + 1:
            raise ValueError(f"{len(counts)} bars need {len(counts) + 1} edges, got {len(edges)}")
        key = name or f"series {series + 1}"
        bars = self._series.get(key)
        if bars is None:
            item = pg.PlotCurveItem()
            bars = self._series[key] = Series(key, edges, counts, dict(series=series), item)
            self.plotItem.addItem(item, ignoreBounds=True)
        bars.x, bars.y, bars.look = edges, counts, dict(series=series)
        self._paint(bars)
        self._later.start()

    def _paint(self, series: Series) -> None:
        shade = theme.table()["series"][series.look["series"]]
        series.item.setPen(pg.mkPen(theme.color(shade), width=1))
        series.item.setFillLevel(0.0)
        first = next(iter(self._series.values())) is series
        brush = pg.mkBrush(theme.color(shade, 0.30 if first else 0.55))
        if not first:
            brush.setStyle(Qt.BDiagPattern)
        series.item.setBrush(brush)

    def _draw(self, series: Series, left: float, right: float) -> None:
        x, y = np.repeat(series.x, 2), np.concatenate([[0.0], np.repeat(series.y, 2), [0.0]])
        series.item.setData(x, y)

    def _reading(self, series: Series, place: int) -> str:
        place = min(place, len(series.y) - 1)
        between = f"{number(float(series.x[place]))} to {number(float(series.x[place + 1]))}"
        return f"{self._x_label} {between}   {self._value(float(series.y[place]))}".strip()

    def _words(self) -> str:
        return ", ".join(f"{s.name}: {number(float(s.y.sum()))} values" for s in self._series.values())


class Legend(QWidget):
    """What the lines of a chart mean: (text, series number or role, shape) for each; the shapes are "line",
    "faded", "dash", "box" and "hatch"."""

    def __init__(self, entries: list[tuple[str, int | str, str]] | None = None):
        super().__init__()
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(12)
        self._entries: list[tuple[str, int | str, str]] = []
        self.set_entries(entries or [])

    def set_entries(self, entries: list[tuple[str, int | str, str]]) -> None:
        if entries == self._entries:
            return
        self._entries = list(entries)
        while (item := self._layout.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        for text, shade, shape in entries:
            self._layout.addWidget(_Entry(text, shade, shape))


class _Entry(QWidget):
    def __init__(self, text: str, shade: int | str, shape: str):
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 0, 0, 0)  # the swatch is painted there
        layout.addWidget(label(text, "caption", "text2"))
        self._shade, self._shape = shade, shape

    def paintEvent(self, _event) -> None:
        shade = theme.table()["series"][self._shade] if isinstance(self._shade, int) else self._shade
        painter, middle = QPainter(self), self.height() / 2
        faded = 0.45 if self._shape == "faded" else None
        if self._shape in ("box", "hatch"):
            painter.fillRect(3, int(middle) - 5, 10, 10, theme.color(shade))
            if self._shape == "hatch":
                painter.fillRect(
                    3, int(middle) - 5, 10, 10, QBrush(theme.color("surface", 0.6), Qt.BDiagPattern)
                )
            return
        pen = QPen(theme.color(shade, faded), 2)
        if self._shape == "dash":
            pen.setDashPattern([2, 1.6])
        painter.setPen(pen)
        painter.drawLine(QPointF(1, middle), QPointF(15, middle))
