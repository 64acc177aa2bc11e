"""The view by characters: a cell for each user-perceived character, which tokens cut where their edges lie.

A token is as wide as its share of the bytes of each cell, so that the slices of one character, side by side,
show it whole, with the gaps of the tokens through it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from tokstudio.tokens.graphemes import grapheme_starts
from tokstudio.ui import theme
from tokstudio.ui.widgets.token_text import INVISIBLE, MARKS, TokenText, glyphs

ROOM = 3  # pixels on each side of a character
SLICE = 9  # pixels, the least of one slice
MOST = 600  # cells of one token that are drawn


@dataclass(frozen=True)
class Cells:
    """`starts`: int64 [g + 1], bytes of the text; `wide`: float64 [g], without the gaps; `slices`: int64 [g]."""

    starts: np.ndarray
    wide: np.ndarray
    slices: np.ndarray
    ruler: np.ndarray  # float64 [bytes + 1]


def cells_of(tokens: TokenText, marks: bool, advances, drawable) -> Cells:
    """`advances`: of the mono font (`token_layout.Advances`)."""
    starts = grapheme_starts(tokens.text)
    at = np.zeros(len(tokens.text) + 1)
    at[tokens.char_at + 1] = advances.of(tokens.code_points, marks)
    ruler = np.cumsum(at)
    wide = ruler[starts[1:]] - ruler[starts[:-1]]
    chars = np.searchsorted(tokens.char_at, starts)
    small = QFontMetricsF(theme.font("monoid"))
    odd = tokens.code_points > 0x2FF
    several = np.flatnonzero(
        (np.diff(chars) > 1) | odd[np.minimum(chars[:-1], len(odd) - 1)] if len(odd) else []
    )
    for number in several.tolist():
        text = tokens.text[starts[number] : starts[number + 1]].decode()
        shown, is_small = shown_as(text, marks, drawable)
        wide[number] = small.horizontalAdvance(shown) if is_small else advances.whole(shown)
    edges = np.unique(np.concatenate([tokens.starts, tokens.ends]))
    inner = np.searchsorted(edges, starts[1:], side="left") - np.searchsorted(
        edges, starts[:-1], side="right"
    )
    slices = 1 + np.maximum(inner, 0)
    wide = np.maximum(wide + 2 * ROOM, slices * SLICE)
    sizes = np.diff(starts)
    by_byte = np.repeat(wide / np.maximum(sizes, 1), sizes)
    return Cells(starts, wide, slices, np.concatenate([[0.0], np.cumsum(by_byte)]))


@lru_cache(maxsize=16384)
def _parts(text: str, marks: bool) -> str:
    return glyphs("\r\n" if text == "\r\n" else text, marks)


def shown_as(text: str, marks: bool, drawable) -> tuple[str, bool]:
    """What stands in a cell, and whether in the small font: the code points where no font has the character."""
    if all(char in INVISIBLE or char in MARKS or char < " " or drawable(char) for char in text):
        shown = _parts(text, marks)
        return shown, text in INVISIBLE
    return f"U+{ord(text[0]):X}" + (f" +{len(text) - 1}" if len(text) > 1 else ""), True


def widths_by_cells(tokens: TokenText, cells: Cells) -> np.ndarray:
    """Chip widths, float64 [n]."""
    return cells.ruler[tokens.ends] - cells.ruler[tokens.starts]


def draw_cells(
    painter: QPainter,
    tokens: TokenText,
    cells: Cells,
    index: int,
    box: QRectF,
    gap: float,
    marks: bool,
    ink: tuple[QColor, QColor],
    drawable,
) -> None:
    """The slices of token `index` in its chip `box`; `ink`: of text and of marks."""
    start, stop = int(tokens.starts[index]), int(tokens.ends[index])
    first = int(np.searchsorted(cells.starts, start, side="right")) - 1
    last = min(int(np.searchsorted(cells.starts, stop, side="left")), first + MOST)
    line = theme.color("border_strong")
    for number in range(first, last):
        low, high = int(cells.starts[number]), int(cells.starts[number + 1])
        left = box.left() + cells.ruler[max(low, start)] - cells.ruler[start]
        part = cells.ruler[min(high, stop)] - cells.ruler[max(low, start)]
        cut_before = _cuts(tokens, low, start) if low < start else 0
        whole = QRectF(
            left - (cells.ruler[max(low, start)] - cells.ruler[low]) - gap * cut_before,
            box.top(),
            float(cells.wide[number]) + gap * (int(cells.slices[number]) - 1),
            box.height() - 2,
        )
        if low > start:
            painter.fillRect(QRectF(round(left), box.top() + 4, 1, box.height() - 9), line)
        text = tokens.text[low:high].decode(errors="replace")
        shown, small = shown_as(text, marks, drawable)
        painter.save()
        painter.setClipRect(QRectF(left, box.top(), part, box.height()))
        painter.setFont(theme.font("monoid" if small else "mono"))
        painter.setPen(ink[1] if text in MARKS else ink[0])
        painter.drawText(whole.adjusted(-8, 0, 8, 0), Qt.AlignCenter, shown)
        painter.restore()


def _cuts(tokens: TokenText, low: int, start: int) -> int:
    """Token edges inside the character that begins at `low`, up to and with `start`."""
    first, last = np.searchsorted(tokens.starts, [low, start], side="right")
    return len(np.unique(tokens.starts[first:last]))
