"""What all charts share: axes, grid, reference lines, event marks, a cursor, and the theme."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsItem, QGraphicsRectItem

from tokstudio.ui import theme
from tokstudio.ui.chart_data import number, usual, value_range
from tokstudio.ui.chart_pins import Pins
from tokstudio.ui.chart_pointing import Pointing
from tokstudio.ui.chart_series import Series
from tokstudio.ui.chart_ticks import RIGHT, Labels
from tokstudio.ui.in_turns import Soon

AIR = 0.02  # of the width, right of the newest point
MARK_HEIGHT = 0.035  # of the plot, above its foot


class Chart(Labels, Pointing, Pins, pg.PlotWidget):
    """Axes, grid, reference lines, event marks and a cursor; subclasses bring the data.

    Nothing here zooms with the wheel: a chart inside a page must not take the page's scrolling.
    """

    cursor_moved = Signal(object)  # x under the pointer as float, None when it left
    zoomed = Signal(object)  # (left, right) that was dragged over, None for the whole again
    pin_asked = Signal(float)  # x of the sample that was clicked on; again: it shall go

    def __init__(
        self,
        y_label: str = "",
        unit: str = "",
        zero: bool = False,
        x_label: str = "",
        y_words: Callable[[float], str] | None = None,
        whole: bool = False,
    ):
        """`zero`: the y axis starts at 0. `x_label` is a word before the last tick and in the readout, e.g.
        "step". `y_words` writes a value, for ticks too; by default three digits and `unit`.
        `whole`: x is a count, so no tick falls between."""
        super().__init__(enableMenu=False)  # its menu alone takes longer to make than the rest
        self._whole = whole
        self._x_range: tuple[float, float] | None = None
        self._zoom: tuple[float, float] | None = None
        self._dragged: float | None = None  # x where the pointer went down
        self._log = self._clip = False
        self._pins: list[float] = []
        self._pin_items: list[tuple[pg.InfiniteLine, pg.TextItem]] = []
        self._events: list[tuple[float, str]] = []
        self._zero, self._x_label, self._unit, self._y_words = zero, x_label, unit, y_words
        self._label = y_label or "Chart"
        self._series: dict[str, Series] = {}
        self._references: dict[str, pg.InfiniteLine] = {}
        self._spare: dict[str, pg.InfiniteLine] = {}
        self._retired: list[pg.GraphicsObject] = []
        self._marks: np.ndarray = np.empty(0)
        self._grid: list[pg.InfiniteLine] = []
        self._cursor_x: float | None = None
        self._later = Soon(self, self.redraw)
        self._build()
        self.setAccessibleName(self._label)
        self.restyle()
        theme.changed.connect(self.restyle)

    def _build(self) -> None:
        self.hideButtons()
        self.plotItem.ctrlMenu.setParent(
            self, Qt.Popup
        )  # never shown; without an owner it would outlive the chart
        self.setFrameShape(QFrame.NoFrame)
        self.setMouseEnabled(False, False)
        self.plotItem.vb.setFlag(QGraphicsItem.ItemClipsChildrenToShape, False)  # dots at the rim stay whole
        self.setFocusPolicy(Qt.TabFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(60)
        self.plotItem.setContentsMargins(0, 4, RIGHT, 0)
        for side in ("left", "bottom"):
            self.getAxis(side).setTicks([[]])  # else pyqtgraph's own, until there is something to show
        self._triangles = pg.ScatterPlotItem(symbol="t1", size=7, pen=None)
        self._triangles.setZValue(20)
        self._diamonds = pg.ScatterPlotItem(symbol="d", size=9, pen=None)
        self._diamonds.setZValue(21)
        self._area = QGraphicsRectItem()  # pyqtgraph's own region ended in a segmentation fault at the close
        self._area.setZValue(-20)
        self._area.hide()
        self._cursor = pg.InfiniteLine(0, 90)
        self._cursor.setZValue(30)
        self._readout = pg.TextItem("")
        self._readout.setZValue(31)
        for item in (self._triangles, self._diamonds, self._area, self._cursor, self._readout):
            self.plotItem.addItem(item, ignoreBounds=True)
        self._cursor.hide()
        self._readout.hide()

    # ---------------------------------------------------------------- what it shows

    def set_reference(self, name: str, value: float | None) -> None:
        """A dashed level; None takes it away."""
        line = self._references.get(name)
        if value is None:
            if line is not None:
                line.hide()  # kept: see `_retire`
                self._spare[name] = self._references.pop(name)
        else:
            if line is None:
                line = self._references[name] = self._spare.pop(name, None) or self._level()
            line.level = value
            line.setValue(self._height(value))
            line.show()
        self._later.start()

    def _level(self) -> pg.InfiniteLine:
        line = pg.InfiniteLine(0, 0, pen=self._dashed())
        line.setZValue(-10)
        self.plotItem.addItem(line, ignoreBounds=True)
        return line

    def set_marks(self, xs: Any) -> None:
        """Triangles at the foot: events such as checkpoints."""
        self._marks = np.asarray(xs, float)
        self._later.start()

    def set_events(self, events: list[tuple[float, str]]) -> None:
        """Diamonds at the foot, each with words that the cursor tells: a pause, another rate."""
        self._events = events
        self._later.start()

    def set_x_label(self, words: str) -> None:
        self._x_label = words
        self._later.start()

    def set_log(self, on: bool) -> None:
        """Powers of ten upwards; what is not above 0 has no place there."""
        self._log = on
        for line in self._references.values():
            line.setValue(self._height(line.level))
        self._later.start()

    def set_clip(self, on: bool) -> None:
        """Ends the axis at the 99th percentile, so that a single peak does not flatten the rest."""
        self._clip = on
        self.plotItem.vb.setFlag(QGraphicsItem.ItemClipsChildrenToShape, on)
        self._later.start()

    def set_zoom(self, zoom: tuple[float, float] | None) -> None:
        """Shows only this part of x, whatever the range is; None: all again."""
        self._zoom = zoom
        self._later.start()

    def _height(self, value: Any) -> Any:
        """Where on the axis `value` lies."""
        if not self._log:
            return value
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log10(np.asarray(value, float))
        return np.where(np.isfinite(found), found, np.nan) if found.ndim else float(found)

    def set_x_range(self, left: float | None, right: float | None = None) -> None:
        """Fixes the x axis, so that charts below each other share it; None: as wide as the data."""
        self._x_range = None if left is None or right is None else (float(left), float(right))
        self._later.start()

    def clear_series(self) -> None:
        for series in self._series.values():
            self._drop(series)
        self._series.clear()
        self._later.start()

    def remove_series(self, name: str) -> None:
        if (series := self._series.pop(name, None)) is not None:
            self._drop(series)
            self._later.start()

    def _drop(self, series: Series) -> None:
        self._retire(series.item)
        if series.dots is not None:
            self._retire(series.dots)

    def _retire(self, item: pg.GraphicsObject) -> None:
        """Out of sight, but not deleted: the scene may still hold it in the list of what it paints next
        (seen with PySide6 6.11 and pyqtgraph 0.14: a segmentation fault in paintEvent)."""
        item.hide()
        self._retired.append(item)

    # ---------------------------------------------------------------- drawing

    def redraw(self) -> None:
        """Ranges, ticks, grid and curves from the data. Called by itself soon after every change."""
        self._later.stop()
        (left, right), (low, high) = self._extent()
        right += AIR * (right - left)  # the newest point is not half cut off
        self.plotItem.vb.setRange(xRange=(left, right), yRange=(low, high), padding=0, disableAutoRange=True)
        self._tick(left, right, low, high)
        for series in self._series.values():
            self._draw(series, left, right)
        foot = np.full(len(self._marks), low + MARK_HEIGHT * (high - low))
        self._triangles.setData(self._marks, foot)
        places = np.array([x for x, _ in self._events], float)
        self._diamonds.setData(places, np.full(len(places), low + 1.6 * MARK_HEIGHT * (high - low)))
        self._place_cursor()
        self._place_pins(high)
        self.setAccessibleDescription(self._words())

    def _extent(self) -> tuple[tuple[float, float], tuple[float, float]]:
        full = [series for series in self._series.values() if len(series.x) and len(series.y)]
        ends = [self._ends(series) for series in full]
        lows, highs = [low for low, _ in ends], [high for _, high in ends]
        levels = [line.value() for line in self._references.values()]
        low, high = value_range([*lows, *levels], [*highs, *levels], self._zero and not self._log)
        if self._zoom is not None:
            return self._zoom, (low, high)
        if self._x_range is not None:
            return self._x_range, (low, high)
        if not full:
            return (0.0, 1.0), (low, high)
        left, right = min(float(s.x[0]) for s in full), max(float(s.x[-1]) for s in full)
        return (left, right if right > left else left + 1.0), (low, high)

    def _ends(self, series: Series) -> tuple[float, float]:
        """The lowest and the highest place on the axis."""
        if self._clip:
            low, high = usual(self._height(self._seen(series)))
            return _finite(low), _finite(high)
        if self._zoom is None and not self._log:
            series.peaks.take(series.y)
            low, high = series.peaks.extent(series.y)
        else:
            y = self._height(self._seen(series))
            low, high = (np.fmin.reduce(y), np.fmax.reduce(y)) if len(y) else (np.nan, np.nan)
        return _finite(low), _finite(high)

    def _seen(self, series: Series) -> np.ndarray:
        """The values inside the zoom; all of them where there is none, or nothing is inside."""
        if self._zoom is None or len(series.x) != len(series.y):
            return series.y
        first, last = np.searchsorted(series.x, self._zoom)
        return series.y[max(0, first - 1) : last + 1]

    def _draw(self, series: Series, left: float, right: float) -> None:
        raise NotImplementedError

    def _words(self) -> str:
        """What the chart shows, for those who do not see it."""
        parts = [f"{s.name} {self._value(float(s.y[-1]))}" for s in self._series.values() if len(s.y)]
        parts += [f"{name} {self._value(float(line.level))}" for name, line in self._references.items()]
        return ", ".join(parts) or "nothing yet"

    def _value(self, value: float) -> str:
        return self._y_words(value) if self._y_words else f"{number(value)} {self._unit}".strip()

    # ---------------------------------------------------------------- look

    def restyle(self) -> None:
        """Every color and font again: pyqtgraph bakes them in."""
        self.setBackground(theme.color("surface"))
        font = theme.font("axis")
        self._place_axes()
        for side, line in (("left", None), ("bottom", theme.color("border"))):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(line) if line is not None else pg.mkPen(None))
            axis.setTextPen(theme.color("muted"))
            axis.setStyle(
                tickFont=font,
                tickLength=0,
                tickAlpha=0,  # a length of 0 alone leaves dots
                tickTextOffset=6,
                autoExpandTextSpace=False,
                maxTickLevel=0,
                hideOverlappingLabels=False,
            )
        for line in self._grid:
            line.setPen(self._hairline())
        for line in (*self._references.values(), *self._spare.values()):
            line.setPen(self._dashed())
        self._triangles.setBrush(theme.color("control"))
        self._diamonds.setBrush(theme.color("warning"))
        self._area.setBrush(theme.color("accent", 0.15))
        self._area.setPen(pg.mkPen(None))
        self._restyle_pins()
        self._cursor.setPen(pg.mkPen(theme.color("control"), width=1, style=Qt.DotLine))
        self._readout.setColor(theme.color("text"))
        self._readout.fill = pg.mkBrush(theme.color("raised"))
        self._readout.border = pg.mkPen(theme.color("border"))
        self._readout.setFont(theme.font("caption"))
        for series in self._series.values():
            self._paint(series)
        self._later.start()

    def _paint(self, series: Series) -> None:
        raise NotImplementedError

    def _hairline(self) -> QPen:
        return pg.mkPen(theme.color("border"), width=1)

    def _dashed(self) -> QPen:
        return pg.mkPen(theme.color("muted"), width=1, style=Qt.DashLine)

    def sizeHint(self) -> QSize:
        return QSize(240, 90)  # it takes what room there is, and asks for little

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_later"):  # pyqtgraph resizes while it is being built
            self._later.start()

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if (
            vars(self) and not self.underMouse()
        ):  # emptied by the garbage collector it may still lose the focus
            self._point(None)


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else float("nan")
