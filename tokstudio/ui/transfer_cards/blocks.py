"""Two tokenizations of one text, one above the other, parted where both have an edge."""

import numpy as np
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from tokstudio.align.spans import Alignment
from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.ui import theme
from tokstudio.ui.widgets.token_layout import metrics, widths
from tokstudio.ui.widgets.token_paint import TokenPainter
from tokstudio.ui.widgets.token_text import TokenText

BETWEEN, APART = 16, 6  # pixels between the rows, and between two blocks
GAP = 2  # between two tokens of a block


def shapes(alignment: Alignment) -> dict[str, int]:
    """How many blocks hold one token of either side, one and several, several and one, several and several."""
    counts = [
        np.bincount(side, minlength=len(alignment))
        for side in (alignment.source_block, alignment.target_block)
    ]
    one = [count == 1 for count in counts]
    return {
        "one to one": int((one[0] & one[1]).sum()),
        "one to several": int((one[0] & ~one[1]).sum()),
        "several to one": int((~one[0] & one[1]).sum()),
        "several to several": int((~one[0] & ~one[1]).sum()),
    }


class BlocksView(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._sides: list[tuple[TokenText, np.ndarray, np.ndarray]] = []
        self._count = 0
        theme.changed.connect(self._measure)
        self.set_blocks(None, ())

    def set_blocks(self, alignment: Alignment | None, sides: tuple[tuple[Encoding, Tokenizer], ...]) -> None:
        """`sides`: source and target. None shows nothing."""
        self._sides, self._count = [], 0
        if alignment is not None:
            self._count = len(alignment)
            for (encoding, tokenizer), block in zip(
                sides, (alignment.source_block, alignment.target_block), strict=True
            ):
                tokens = TokenText(encoding, tokenizer.special_tokens, tokenizer.unknown_id, True)
                self._sides.append((tokens, np.asarray(block), np.empty(0)))
        told = ", ".join(f"{n} {name}" for name, n in (shapes(alignment) if alignment else {}).items())
        self.setAccessibleName(f"Blocks: {told}" if told else "No blocks")
        self._measure()

    def _measure(self) -> None:
        self._size = metrics("text")
        self._sides = [(t, block, widths(t, "text", True)[0] + GAP) for t, block, _ in self._sides]
        across = [np.bincount(block, chip, minlength=self._count) for _, block, chip in self._sides]
        self._wide = np.maximum(*across) if len(across) == 2 else np.zeros(0)
        self._left = (
            np.concatenate([[0.0], np.cumsum(self._wide + APART)]) if len(self._wide) else np.zeros(1)
        )
        self.setMinimumSize(QSize(int(self._left[-1]) + 4, 2 * self._size.row + BETWEEN + 2))
        self.update()

    def paintEvent(self, _event) -> None:
        if not len(self._wide):
            return
        painter = QPainter(self)
        several = np.zeros(self._count, bool)
        for _, block, _ in self._sides:
            several |= np.bincount(block, minlength=self._count) > 1
        for row, (tokens, block, chip) in enumerate(self._sides):
            draw = TokenPainter(painter, tokens, "text", True, self._size)
            begun = np.concatenate([[0], np.flatnonzero(np.diff(block)) + 1])
            before = np.cumsum(chip) - chip
            first = (
                before[begun][np.searchsorted(begun, np.arange(len(block)), "right") - 1]
                if len(block)
                else []
            )
            xs = self._left[block] + before - first
            y = row * (self._size.row + BETWEEN)
            for index in range(len(tokens)):
                style = "hue" if several[block[index]] else "quiet"
                draw.draw(index, float(xs[index]), y, float(chip[index]) - GAP, style)
        self._join(painter, several)

    def _join(self, painter: QPainter, several: np.ndarray) -> None:
        """A bracket between the rows of each block."""
        top, foot = self._size.row + 2.0, self._size.row + BETWEEN - 1.0
        for left, width, odd in zip(self._left, self._wide, several, strict=False):
            painter.setPen(QPen(theme.color("accent" if odd else "border_strong"), 1.5 if odd else 1.0))
            right, middle = left + width - GAP, (top + foot) / 2
            painter.drawLine(QPointF(left, top), QPointF(right, top))
            painter.drawLine(QPointF(left, foot), QPointF(right, foot))
            painter.drawLine(QPointF((left + right) / 2, top), QPointF((left + right) / 2, middle))
            painter.drawLine(QPointF((left + right) / 2, middle), QPointF((left + right) / 2, foot))
