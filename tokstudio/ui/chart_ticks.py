"""Which labels stand at the axes of a chart: round values, two at least where they fit."""

import pyqtgraph as pg
from PySide6.QtGui import QFontMetrics

from tokstudio.ui import theme
from tokstudio.ui.chart_data import Label, spaced, tick_words, ticks, two_at_least, whole_ticks

LEFT, RIGHT, FOOT = 44, 12, 20  # pixels around the plot; with less at the right the last label is cut
ROW, COLUMN = 36, 110  # pixels that a label needs for itself


class Labels:
    """Part of `chart_base.Chart`, whose attributes it works on."""

    left = LEFT  # pixels left of the plot at the normal text size; what has no words there needs fewer

    def _place_axes(self) -> None:
        """Words that have no room beside the plot would be left out."""
        self.getAxis("left").setWidth(round(self.left * max(1.0, theme.scale())))
        self.getAxis("bottom").setHeight(self._foot())

    def _room(self) -> int:
        """Pixels across the plot."""
        return max(1, int(self.width() - self.getAxis("left").width() - RIGHT))

    def _columns(self) -> int:
        """How many labels are wanted below the plot."""
        return max(2, int(self.width() - self.getAxis("left").width()) // COLUMN)

    def _x_labels(self, left: float, right: float) -> list[Label]:
        """The last label that fits carries the name of the axis, as long as that leaves two."""
        rounded, most = whole_ticks if self._whole else ticks, self._columns()
        named = two_at_least(lambda n: self._fit_x(self._named(rounded(left, right, n))), most)
        if len(named) > 1 or not self._x_label:
            return named
        plain = two_at_least(lambda n: self._fit_x(_plain(rounded(left, right, n))), most)
        return plain if len(plain) > 1 else named

    def _named(self, xs: list[float]) -> list[Label]:
        labels = _plain(xs)
        while labels and self._x_label:
            last = (labels[-1][0], f"{self._x_label} {labels[-1][1]}")
            if self._fit_x([last]) or len(labels) == 1:
                return [*labels[:-1], last]
            labels.pop()
        return labels

    def _fit_x(self, labels: list[Label]) -> list[Label]:
        """Those that neither touch nor are cut."""
        (left, right), _ = self.plotItem.vb.viewRange()
        metrics, start = QFontMetrics(theme.font("axis")), self.getAxis("left").width()
        scale = self._room() / ((right - left) or 1.0)
        center = lambda x: start + (x - left) * scale  # noqa: E731
        return spaced(
            labels, center, lambda words: metrics.horizontalAdvance(words) / 2 + 3, (0, self.width())
        )

    def _fit_y(self, labels: list[Label]) -> list[Label]:
        _, (low, high) = self.plotItem.vb.viewRange()
        scale = max(1, self.height() - self._foot()) / ((high - low) or 1.0)
        half = 0.6 * QFontMetrics(theme.font("axis")).height()
        return spaced(labels, lambda y: (high - y) * scale, lambda _: half)

    def _y_labels(self, low: float, high: float) -> list[Label]:
        def made(most: int) -> list[Label]:
            ys = ticks(low, high, most)
            if self._log:
                return self._fit_y([(y, self._value(10.0**y)) for y in ys])
            return self._fit_y([(y, self._y_words(y)) for y in ys] if self._y_words else _plain(ys))

        return two_at_least(made, self._rows())

    def _tick(self, left: float, right: float, low: float, high: float) -> None:
        shown = any(len(series.x) for series in self._series.values())
        self.getAxis("bottom").setTicks([self._x_labels(left, right) if shown else []])
        self._show_y(self._y_labels(low, high) if shown else [])

    def _show_y(self, labels: list[Label]) -> None:
        """Each with a hairline."""
        self.getAxis("left").setTicks([labels])
        while len(self._grid) < len(labels):
            line = pg.InfiniteLine(0, 0, pen=self._hairline())
            line.setZValue(-50)
            self.plotItem.addItem(line, ignoreBounds=True)
            self._grid.append(line)
        for place, line in enumerate(self._grid):
            line.setVisible(place < len(labels))
            if place < len(labels):
                line.setValue(labels[place][0])

    def _foot(self) -> int:
        """Pixels below the plot: what the labels of x take."""
        return max(FOOT, QFontMetrics(theme.font("axis")).height() + 6)

    def _rows(self) -> int:
        """How many labels have room above each other: three are wanted, if they do not touch."""
        room = self.height() - self._foot()
        return max(1, room // ROW, min(3, int(room / (1.5 * QFontMetrics(theme.font("axis")).height()))))


def _plain(values: list[float]) -> list[Label]:
    return list(zip(values, tick_words(values), strict=True))
