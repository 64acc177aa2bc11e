"""What a person does on a chart with pointer and keys: the cursor, its reading, and the zoom."""

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from tokstudio.ui.chart_data import number
from tokstudio.ui.chart_series import Series


class Pointing:
    """Part of `chart_base.Chart`, whose attributes it works on."""

    def set_cursor(self, x: float | None) -> None:
        """Shows the cursor at the sample nearest to `x`, for example where a neighbor chart has it."""
        self._cursor_x = x
        self._place_cursor()

    def _cursor_series(self) -> Series | None:
        """The newest of the series: what is drawn on top is what one points at. Dashed ones are beside the point
        where there is another."""
        full = [series for series in reversed(self._series.values()) if len(series.x)]
        return next((series for series in full if not series.look.get("dashed")), full[0] if full else None)

    def _place_cursor(self) -> None:
        series = self._cursor_series()
        visible = self._cursor_x is not None and series is not None
        self._cursor.setVisible(visible)
        self._readout.setVisible(visible)
        if not visible:
            return
        place = _nearest(series.x, self._cursor_x)
        x = float(series.x[place])
        (left, right), (_, high) = self.viewRange()
        self._cursor.setValue(x)
        self._readout.setText(self._reading(series, place))
        self._readout.setAnchor((1.06, 0) if x > (left + right) / 2 else (-0.06, 0))
        self._readout.setPos(x, high)

    def _reading(self, series: Series, place: int) -> str:
        at = f"{self._x_label} {number(float(series.x[place]))}".strip()
        told = [words for x, words in self._events if x == series.x[place]]
        return "   ".join([at, self._value(float(series.y[place])), *told])

    def _x_at(self, event: QMouseEvent) -> float:
        return float(self.plotItem.vb.mapSceneToView(self.mapToScene(event.position().toPoint())).x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        x = self._x_at(event)
        if self._dragged is not None:
            low, high = self.viewRange()[1]
            left, right = sorted((self._dragged, x))
            self._area.setRect(left, low, right - left, high - low)
            self._area.show()
        self._point(x)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.LeftButton and self._series:
            self._dragged = self._x_at(event)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """What was dragged over fills the chart; a click pins the sample below the pointer."""
        began, self._dragged = self._dragged, None
        self._area.hide()
        if began is None:
            return
        left, right = sorted((began, self._x_at(event)))
        shown = self.viewRange()[0]
        if right - left > 0.01 * (shown[1] - shown[0]):
            self._set_zoom((max(left, shown[0]), min(right, shown[1])))
        else:
            self._pin(left)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._dragged = None
        self._set_zoom(None)
        self._pin(self._x_at(event))  # takes away what the first of the two clicks did
        event.accept()

    def _pin(self, x: float) -> None:
        if (series := self._cursor_series()) is not None:
            self.pin_asked.emit(float(series.x[_nearest(series.x, x)]))

    def value_at(self, x: float) -> str:
        """The reading of the first series at the sample nearest to `x`, "" where there is none."""
        series = next((series for series in self._series.values() if len(series.x)), None)
        return "" if series is None else self._value(float(series.y[_nearest(series.x, x)]))

    def _set_zoom(self, zoom: tuple[float, float] | None) -> None:
        self.set_zoom(zoom)
        self.zoomed.emit(zoom)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right walk along the samples, Enter pins one, + and - zoom, Escape shows all again and takes
        the cursor away."""
        series, step = self._cursor_series(), {Qt.Key_Left: -1, Qt.Key_Right: 1}.get(event.key())
        if event.key() == Qt.Key_Escape and self._zoom is not None:
            self._set_zoom(None)
        elif event.key() == Qt.Key_Escape and self._cursor_x is not None:
            self._point(None)
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter) and self._cursor_x is not None:
            self._pin(self._cursor_x)
        elif event.key() in (Qt.Key_Plus, Qt.Key_Minus) and series is not None:
            self._set_zoom(self._closer(0.5 if event.key() == Qt.Key_Plus else 2.0))
        elif step is not None and series is not None:
            start = len(series.x) - 1 if self._cursor_x is None else _nearest(series.x, self._cursor_x)
            self._point(float(series.x[min(len(series.x) - 1, max(0, start + step))]))
        else:
            event.ignore()

    def _closer(self, factor: float) -> tuple[float, float]:
        """Around the cursor, or the middle."""
        left, right = self._zoom or self._x_range or tuple(self.viewRange()[0])
        middle = (left + right) / 2 if self._cursor_x is None else self._cursor_x
        return middle - (middle - left) * factor, middle + (right - middle) * factor

    def _point(self, x: float | None) -> None:
        self.set_cursor(x)
        self.cursor_moved.emit(x)


def _nearest(x: np.ndarray, value: float) -> int:
    after = int(np.searchsorted(x, value))
    if after == 0:
        return 0
    if after == len(x):
        return len(x) - 1
    return after if x[after] - value < value - x[after - 1] else after - 1
