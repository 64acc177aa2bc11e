"""The token view: an encoding as chips. Only visible rows are painted, so 1 MB stays smooth."""

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPixmap

from tokstudio.ui import theme
from tokstudio.ui.widgets import token_access
from tokstudio.ui.widgets.token_chips import TokenChips
from tokstudio.ui.widgets.token_paint import TokenPainter, outline
from tokstudio.ui.widgets.token_scroll import ABOVE, LEFT, TokenScroll

__all__ = ["TokenChips", "TokenView"]

KEPT_ROWS = 256  # painted rows kept as pictures, so that a hover repaints outlines only


class TokenView(TokenScroll):
    """Read-only. Positions in signals and methods are byte offsets of the text; -1, -1 means nothing."""

    hovered = Signal(int, int)
    clicked = Signal(int, int)
    first_colored = Signal()  # once: tokens in their final colors are on screen

    # ---- painting

    def paintEvent(self, _event) -> None:
        if self._layout is None:
            return
        painter = QPainter(self.viewport())
        offset, height = self.verticalScrollBar().value(), self.viewport().height()
        first = max(0, (offset - ABOVE) // self._size.row)
        last = min(len(self._layout), (offset + height - ABOVE) // self._size.row + 1)
        for row in range(first, last):
            y = ABOVE + row * self._size.row - offset
            painter.drawPixmap(0, y, self._picture(row))
        if not self.colored and last > first and (self._shared is not None or self._mode != "disagreement"):
            self.colored = True
            QTimer.singleShot(0, self, self._tell_colored)  # once this paint is over
        if self._hover:
            for index in self._visible(self._hover, first, last):
                outline(painter, self.box(index).adjusted(-0.5, -0.5, 0.5, 0.5), 1)
        if self._selected:
            self._paint_selection(painter, first, last)
        if self.hasFocus() and self._current is not None:
            outline(painter, self.box(self._current).adjusted(-1, -1, 1, 1), 2)

    def _tell_colored(self) -> None:
        self.first_colored.emit()

    def _visible(self, span: tuple[int, int], first: int, last: int) -> range:
        found, edges = self._range(span), self._layout.first_array
        return range(max(found.start, edges[first]), min(found.stop, edges[last]))

    def _paint_selection(self, painter: QPainter, first: int, last: int) -> None:
        boxes: dict[int, QRectF] = {}
        for index in self._visible(self._selected, first, last):
            row, box = self._layout.row_of(index), self.box(index)
            boxes[row] = boxes[row].united(box) if row in boxes else box
        for box in boxes.values():
            outline(painter, box.adjusted(-1, -1, 1, 1), 1.6)

    def _picture(self, row: int) -> QPixmap:
        if row in self._pictures:
            self._pictures.move_to_end(row)
            return self._pictures[row]
        dpr = self.viewport().devicePixelRatioF()
        made = QPixmap(QSize(self.viewport().width(), self._size.row) * dpr)
        made.setDevicePixelRatio(dpr)
        made.fill(theme.color("surface"))
        painter = QPainter(made)
        self.paint_row(painter, row)
        painter.end()
        self._pictures[row] = made
        if len(self._pictures) > KEPT_ROWS:
            self._pictures.popitem(last=False)
        return made

    def paint_row(self, painter: QPainter, row: int) -> None:
        """Its top left corner is the painter's origin."""
        draw = TokenPainter(painter, self._tokens, *self._drawn, self._size, self._prepared.cells)
        trained = self._trained
        for index in self._layout.tokens_of(row):
            x = LEFT + self._layout.x(row, index)
            draw.draw(index, x, 0, self._chip[index], self._style(index))
            if trained is not None and trained[index]:
                draw.underscore(x, self._chip[index])

    # ---- for a picture of it

    @property
    def row_height(self) -> int:
        return self._size.row

    @property
    def row_count(self) -> int:
        return len(self._layout) if self._layout is not None else 0

    def rows_from_top(self, most: int) -> range:
        """All rows; of more than `most`, as many from the one at the top of the view on."""
        top = max(0, (self.verticalScrollBar().value() - ABOVE) // self._size.row)
        first = 0 if self.row_count <= most else min(top, self.row_count - most)
        return range(first, min(self.row_count, first + most))

    def _style(self, index: int) -> str:
        if self._mode == "plain":
            return "plain"
        if self._mode == "every" or self._shared is None or index >= len(self._shared):
            return "hue" if self._mode == "every" else "quiet"
        return "quiet" if self._shared[index] else "hue"

    # ---- pointer and keys

    def _emit(self, signal, index: int | None) -> None:
        signal.emit(-1, -1) if index is None else signal.emit(*self._tokens.trimmed(index))

    def mouseMoveEvent(self, event) -> None:
        index = self.token_at(event.position().toPoint())
        if event.buttons() & Qt.LeftButton and index is not None and self._anchor is not None:
            self._extend(index)
            return
        self._emit(self.hovered, index)

    def leaveEvent(self, _event) -> None:
        self.hovered.emit(-1, -1)

    def mousePressEvent(self, event) -> None:
        index = self.token_at(event.position().toPoint())
        if index is not None and event.modifiers() & Qt.ShiftModifier and self._anchor is not None:
            self._extend(index)
            return
        self._anchor = self._current = index
        self._emit(self.clicked, index)

    def mouseReleaseEvent(self, event) -> None:
        event.accept()

    def _extend(self, index: int) -> None:
        low, high = sorted((self._anchor, index))
        self._current = index
        self.clicked.emit(self._tokens.trimmed(low)[0], self._tokens.trimmed(high)[1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._layout is None or not len(self._tokens):
            super().keyPressEvent(event)
            return
        if event.key() == Qt.Key_Escape and self._current is not None:
            self._current = self._anchor = None
            self.clicked.emit(-1, -1)
            return
        index = self._step(event.key())
        if index is None:
            super().keyPressEvent(event)
            return
        self._current = index
        if event.modifiers() & Qt.ShiftModifier and self._anchor is not None:
            self._extend(index)
        else:
            self._anchor = index
            self._emit(self.clicked, index)
        self.reveal(*self._tokens.trimmed(index))
        token_access.announce(self)

    def _step(self, key: int) -> int | None:
        """The token that a key leads to, None for a key that is not ours."""
        count, current = len(self._tokens), self._current
        start = current if current is not None else -1
        if key in (Qt.Key_Left, Qt.Key_Right):
            return min(count - 1, max(0, start + (1 if key == Qt.Key_Right else -1)))
        if key in (Qt.Key_Home, Qt.Key_End):
            return 0 if key == Qt.Key_Home else count - 1
        if key not in (Qt.Key_Up, Qt.Key_Down):
            return None
        row = self._layout.row_of(max(0, start)) + (1 if key == Qt.Key_Down else -1)
        if not 0 <= row < len(self._layout):
            return max(0, start)
        x = self.box(max(0, start)).center().x() - LEFT
        found = self._layout.token_at(row, x)
        span = self._layout.tokens_of(row)
        return found if found is not None else (span[-1] if span else max(0, start))
