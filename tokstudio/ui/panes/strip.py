"""Boundary agreement: a map of the whole text with one bar per cut; the fewer agree, the higher the bar."""

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from tokstudio.align.edges import Agreement
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import eliding, label, row
from tokstudio.ui.widgets.legend import Legend

LOW, HIGH = 8, 26  # pixels of a bar that all agree on, and of one that a single tokenizer cuts
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight")


def bar_role(count: int, panes: int) -> str:
    """Quiet where all agree, loud where one stands alone."""
    if count >= panes:
        return "border_strong"
    return "series1" if count == 1 else "series2"


def bar_color(role: str):
    return theme.color(theme.table()["series"][int(role[-1])] if role.startswith("series") else role)


def bar_height(count: int, panes: int) -> int:
    return LOW if panes < 2 else round(LOW + (HIGH - LOW) * (panes - count) / (panes - 1))


class AgreementStrip(QWidget):
    jumped = Signal(int)  # byte offset

    def __init__(self):
        super().__init__()
        self.setFixedHeight(30)
        self.setAccessibleName("Boundary agreement map")
        self.setCursor(Qt.PointingHandCursor)
        self.setFocusPolicy(Qt.TabFocus)
        self._agreement: Agreement | None = None
        self._kept: tuple | None = None
        self._selected: tuple[int, int] | None = None
        self._window: tuple[int, int] | None = None

    def sizeHint(self) -> QSize:
        return QSize(400, 30)

    def set_agreement(self, found: Agreement | None) -> None:
        self._agreement, self._kept = found, None
        self.update()

    def select(self, start: int, stop: int) -> None:
        self._selected = (start, stop) if start >= 0 else None
        self.update()

    def set_window(self, start: int, stop: int) -> None:
        """The part of the text that the panes show; drawn where it is not all of it."""
        if self._window != (start, stop):
            self._window = (start, stop)
            self.update()

    def _x(self, offset: int) -> float:
        return offset / max(1, self._agreement.size) * self.width()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        base = self.height() - 1
        painter.fillRect(QRectF(0, base, self.width(), 1), theme.color("border_strong"))
        if self._agreement is None or not self._agreement.size:
            return
        if self._window is not None and self._window[1] - self._window[0] < 0.98 * self._agreement.size:
            left, right = self._x(self._window[0]), self._x(self._window[1])
            painter.fillRect(QRectF(left, 0, max(2, right - left), base), theme.color("raised"))
        if self._selected is not None:
            painter.fillRect(self._selection_box(), theme.color("accent_soft"))
        self._paint_bars(painter, base)
        if self._selected is not None or self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.setBrush(Qt.NoBrush)
            painter.drawRect(
                self._selection_box() if self._selected else QRectF(self.rect()).adjusted(1, 1, -1, -1)
            )

    def _selection_box(self) -> QRectF:
        left = self._x(self._selected[0])
        width = max(4.0, self._x(self._selected[1]) - left)
        return QRectF(left, 1, width, self.height() - 3)

    def _paint_bars(self, painter: QPainter, base: int) -> None:
        """One bar per cut; where several fall on a pixel, the loudest of them."""
        found, panes = self._agreement, len(self._agreement.shared)
        width = max(1.0, self.width() / found.size - 1)
        columns, counts = self._columns()
        for column, count in zip(columns, counts, strict=True):
            height = bar_height(count, panes)
            box = QRectF(column, base - height, width, height)
            painter.fillRect(box, bar_color(bar_role(count, panes)))

    def _columns(self) -> tuple[list[int], list[int]]:
        """Pixels with a bar and the fewest that cut there, the loudest last, on top; kept until either changes."""
        key = (id(self._agreement), self.width())
        if self._kept is None or self._kept[0] != key:
            found = self._agreement
            columns = (found.offsets * self.width() // max(1, found.size)).astype(np.int64)
            firsts = np.flatnonzero(np.append(True, columns[1:] != columns[:-1])) if len(columns) else columns
            counts = np.minimum.reduceat(found.counts, firsts) if len(columns) else columns
            order = np.argsort(-counts, kind="stable")
            self._kept = key, columns[firsts][order].tolist(), counts[order].tolist()
        return self._kept[1:]

    def mousePressEvent(self, event) -> None:
        self._jump(event)

    def mouseMoveEvent(self, event) -> None:
        if event.buttons() & Qt.LeftButton:
            self._jump(event)

    def _jump(self, event) -> None:
        if self._agreement is not None and self._agreement.size:
            share = min(1.0, max(0.0, event.position().x() / max(1, self.width())))
            self.jumped.emit(min(self._agreement.size - 1, int(share * self._agreement.size)))

    def keyPressEvent(self, event) -> None:
        if self._agreement is None or event.key() not in (Qt.Key_Left, Qt.Key_Right):
            super().keyPressEvent(event)
            return
        here = self._selected[0] if self._selected else 0
        found = self._agreement
        to = (
            found.next_disagreement(here)
            if event.key() == Qt.Key_Right
            else found.previous_disagreement(here)
        )
        if to is not None:
            self.jumped.emit(to)


class StripCard(QFrame):
    """The strip with its title and legend."""

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self.strip = AgreementStrip()
        self.note = eliding("", "small", "muted")
        self.legend = Legend()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(6)
        layout.addWidget(row(label("Boundary agreement", "h2"), (self.note, 1), self.legend))
        layout.addWidget(self.strip)

    def show_agreement(self, found: Agreement | None, characters: int) -> None:
        self.strip.set_agreement(found)
        self.note.setText(f"whole text, {characters:,} character{'s' if characters != 1 else ''}")
        panes = len(found.shared) if found is not None else 0
        if panes < 2:
            self.legend.set([])
            self.strip.setAccessibleDescription("one tokenizer, nothing to compare")
            return
        everyone = "both" if panes == 2 else f"all {WORDS[panes]}"
        entries = [(everyone, "border_strong", int((found.counts == panes).sum()))]
        if panes == 3:
            entries.append(("two", "series2", int((found.counts == 2).sum())))
        elif panes > 3:
            some = int(((found.counts > 1) & (found.counts < panes)).sum())
            entries.append((f"two to {WORDS[panes - 1]}", "series2", some))
        entries.append(("one", "series1", int((found.counts == 1).sum())))
        self.legend.set([(f"{text}  {count:,}", role) for text, role, count in entries])
        said = ", ".join(f"{text}: {count} boundaries" for text, _, count in entries)
        self.strip.setAccessibleDescription(said)
