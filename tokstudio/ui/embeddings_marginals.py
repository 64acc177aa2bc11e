"""Beside the heat map: how much each dimension varies, above it, and how long each row is, at its right."""

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from tokstudio.ui import theme
from tokstudio.ui.embeddings_planes import RowsPlane

LEFT = 104  # pixels left of the picture
NORM = 46  # pixels of the longest norm bar


def paint_std(heat, painter: QPainter, box: QRectF) -> None:
    painter.setFont(theme.font("caption"))
    painter.setPen(theme.color("muted"))
    if len(heat.norms):
        painter.drawText(QRectF(box.right() + 8, 6, 60, 18), Qt.AlignVCenter, "norm")
    if len(heat.std):
        painter.drawText(QRectF(0, 6, LEFT - 8, 18), Qt.AlignRight | Qt.AlignVCenter, "std per dim")
    else:
        return
    left, right = int(heat.view.left), min(int(np.ceil(heat.view.right)), heat.plane.shape[1])
    step = max(1, int(np.ceil(3 * heat.view.width / box.width())))  # no bar under 3 pixels
    spread = heat.std[heat.plane.dims[left:right]]
    means = np.add.reduceat(spread, np.arange(0, len(spread), step))
    means = means / np.minimum(step, len(spread) - np.arange(0, len(spread), step))
    heights = 18 * means / (heat.std.max() or 1.0)
    across = box.width() / heat.view.width
    for place, height in enumerate(heights):
        x = box.left() + (left + place * step - heat.view.left) * across
        painter.fillRect(QRectF(x, 24 - height, step * across - 0.6, height), theme.color("border_strong"))


def paint_norms(heat, painter: QPainter, box: QRectF) -> None:
    if not len(heat.norms):
        return
    largest = float(heat.norms.max()) or 1.0
    down = box.height() / heat.view.height
    if down >= 3:
        for row in range(int(heat.view.top), heat.last_row() + 1):
            if heat.plane.row_id(row) < 0:  # a sum of rows is none of them
                continue
            gap = min(3.0, down / 5)
            share = heat.norms[heat.plane.row_id(row)] / largest
            place = QRectF(box.right() + 8, box.top() + (row - heat.view.top) * down + gap, NORM * share, 0)
            place.setHeight(down - 2 * gap)
            first = isinstance(heat.plane, RowsPlane) and row == 0
            painter.fillRect(place.intersected(QRectF(0, box.top(), heat.width(), box.height())),
                             theme.color("accent_fill" if first else "border_strong"))  # fmt: skip
        return
    _paint_profile(heat, painter, box, largest)


def _ordered_norms(heat) -> np.ndarray:
    """Norms in the order of the rows on the screen."""
    order = getattr(heat.plane, "order", None)
    if order is None:
        return heat.norms
    if (
        heat.sorted_norms is None
        or heat.sorted_norms[0] is not order
        or heat.sorted_norms[1] is not heat.norms
    ):
        heat.sorted_norms = order, heat.norms, heat.norms[order]
    return heat.sorted_norms[2]


def _paint_profile(heat, painter: QPainter, box: QRectF, largest: float) -> None:
    """One line a pixel: grey to the mean, a darker tip at the largest, so that one long row still
    shows."""
    norms = _ordered_norms(heat)
    edges = np.linspace(heat.view.top, heat.view.bottom, int(box.height()) + 1).astype(np.int64)
    starts = np.minimum(edges[:-1], len(norms) - 1)
    stop = max(int(edges[-1]), int(starts[-1]) + 1)
    tops = np.maximum.reduceat(norms[:stop], starts)
    sums = np.add.reduceat(norms[:stop], starts)
    means = sums / np.maximum(np.append(np.diff(starts), stop - starts[-1]), 1)
    shade, tip = theme.color("border_strong"), theme.color("control")
    for place, (mean, top) in enumerate(zip(means / largest, tops / largest, strict=True)):
        y = box.top() + place
        painter.fillRect(QRectF(box.right() + 8, y, NORM * min(mean, 1), 1), shade)
        painter.fillRect(QRectF(box.right() + 8 + NORM * top - 1, y, 1, 1), tip)
