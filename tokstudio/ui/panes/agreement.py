"""How much of two tokenizers' boundaries is shared, for every pair of panes."""

import re
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.align.edges import Agreement
from tokstudio.ui import theme

MANY = 5
NONE = "\u2013"


def short_names(names: Sequence[str]) -> list[str]:
    """The first part of each name where that keeps them apart, else more of it; a numbered name is all needed."""
    first = [_first(name.rpartition("/")[2]) or name for name in names]
    return [short if first.count(short) == 1 else name for short, name in zip(first, names, strict=True)]


def _first(name: str) -> str:
    parts = re.split(r"[-_ /]", name)
    return name if len(parts) > 1 and parts[-1].isdigit() else parts[0]


def jaccard(f1: np.ndarray) -> np.ndarray:
    """Of the same two sets: J = F / (2 - F)."""
    return f1 / (2 - f1)


def _figure(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.2f}"


class F1Matrix(QWidget):
    """A cell per pair over the boundaries of both. Below the diagonal F1, 2 |A and B| / (|A| + |B|); above it
    Jaccard, |A and B| / |A or B|."""

    def __init__(self):
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self._names: list[str] = []
        self._values: np.ndarray | None = None
        self.set([], None)

    def set(self, names: Sequence[str], found: Agreement | None) -> None:
        values = None
        if found is not None:
            lower = np.tril(np.ones_like(found.f1, bool))
            values = np.where(lower, found.f1, jaccard(found.f1))
            if not len(found.offsets):  # no boundaries, so none that could be shared
                values = np.full_like(values, np.nan)
        self._names, self._values = short_names(names), values
        pairs = [
            f"{a} and {b} F1 {_figure(values[i][j])}, Jaccard {_figure(values[j][i])}"
            for i, a in enumerate(self._names)
            for j, b in enumerate(self._names[:i])
            if values is not None
        ]
        self.setAccessibleName("Shared boundaries: " + (", ".join(pairs) or "fewer than two panes"))
        self.setToolTip("Below the diagonal: F1 of the boundaries. Above it: Jaccard, shared of all.")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(260, 22 + 28 * max(3, len(self._names)))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 60)

    def paintEvent(self, _event) -> None:
        count = len(self._names)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setFont(theme.font("caption"))
        if count < 2:
            painter.setPen(theme.color("muted"))
            painter.drawText(self.rect(), Qt.AlignTop | Qt.TextWordWrap, "Add a second tokenizer to compare.")
            return
        metrics = QFontMetrics(painter.font())
        many = count > MANY  # then columns are numbered, and cells lose their zero
        rows = [f"{n} {name}" for n, name in enumerate(self._names, 1)] if many else self._names
        heads = [str(n) for n in range(1, count + 1)] if many else self._names
        names = min(84, max(metrics.horizontalAdvance(name) for name in rows) + 12)
        wide = min(72.0, (self.width() - names) / count)
        high = min(28.0, (self.height() - 22) / count)
        for i, name in enumerate(rows):
            painter.setPen(theme.color("muted"))
            side = metrics.elidedText(name, Qt.ElideMiddle, int(names - 8))
            painter.drawText(QRectF(0, 22 + i * high, names - 8, high), Qt.AlignRight | Qt.AlignVCenter, side)
            above = metrics.elidedText(heads[i], Qt.ElideMiddle, int(wide - 2))
            painter.drawText(QRectF(names + i * wide, 0, wide, 22), Qt.AlignCenter, above)
            for j in range(count):
                self._cell(painter, QRectF(names + j * wide, 22 + i * high, wide - 2, high - 2), i, j)

    def _cell(self, painter: QPainter, box: QRectF, i: int, j: int) -> None:
        painter.setPen(Qt.NoPen)
        if i == j:
            painter.setBrush(theme.color("raised"))
            painter.drawRoundedRect(box, 4, 4)
            return
        value = float(self._values[i][j])
        if np.isnan(value):
            painter.setBrush(theme.color("raised"))
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(theme.color("muted"))
            painter.drawText(box, Qt.AlignCenter, NONE)
            return
        share = max(0.0, (value - 0.5) / 0.5)
        alpha = 0.12 + 0.55 * share if theme.is_dark() else 0.08 + 0.42 * share
        painter.setBrush(theme.color("accent_fill", round(alpha, 3)))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(theme.color("text"))
        shown = f"{value:.2f}"
        if len(self._names) > MANY:
            shown = shown.removeprefix("0") if value < 0.995 else "1"
        painter.drawText(box.adjusted(-2, 0, 2, 0), Qt.AlignCenter, shown)
