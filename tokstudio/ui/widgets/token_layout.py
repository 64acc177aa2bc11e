"""Where each token goes: widths by NumPy over the whole text, rows by bisection. No painting here."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtGui import QFontMetricsF, QTextLayout

from tokstudio.tokens.distinct import distinct
from tokstudio.ui import theme
from tokstudio.ui.widgets.token_text import BLANKS, MARKS, TokenText, glyphs

PAD = 2  # pixels between chip edge and text
GAP = 2  # pixels between chips
NEAR = 0.3  # a row may end this share of its width early to keep a word together
MOST_BLANK_ROWS = 2


@dataclass(frozen=True)
class Metrics:
    """Sizes of the current type scale, in device-independent pixels."""

    row: int
    chip: int
    baseline: int
    small: float  # advance of one character of the 10-pixel font


def metrics(show: str) -> Metrics:
    scale = theme.scale()
    small = QFontMetricsF(theme.font("monoid")).horizontalAdvance("0")
    return Metrics(round((38 if show == "ids" else 24) * scale), round(20 * scale), round(14 * scale), small)


class Advances:
    """Widths of single characters in one font, measured once each."""

    def __init__(self, pixels: int):
        self._metrics = QFontMetricsF(theme.font("mono"))
        self._table = np.full(0x110000, np.nan, np.float32)
        self._table[0x20:0x7F] = self._metrics.horizontalAdvance("0")  # a fixed-pitch font
        self._whole: dict[str, float] = {}

    def of(self, code_points: np.ndarray, marks: bool) -> np.ndarray:
        """float32 [n]"""
        widths = self._table[code_points]
        missing = np.isnan(widths)
        if missing.any():
            for point in distinct(code_points[missing]):
                self._table[point] = self._metrics.horizontalAdvance(glyphs(chr(point), True))
            widths = self._table[code_points]
        if not marks:
            for char in MARKS:
                width = self._metrics.horizontalAdvance(BLANKS.get(char, " "))
                widths[code_points == ord(char)] = width
        return widths

    def whole(self, text: str) -> float:
        if text not in self._whole:
            self._whole[text] = self._metrics.horizontalAdvance(text)
        return self._whole[text]


@lru_cache(maxsize=4096)
def drawable(char: str) -> bool:
    """Has any font of this machine a glyph for it? Qt draws an empty box where none has."""
    layout = QTextLayout(char, theme.font("mono"))
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    return all(0 not in run.glyphIndexes() for run in layout.glyphRuns())


@lru_cache(maxsize=8)
def advances(pixels: int) -> Advances:
    """For the mono font at this size."""
    return Advances(pixels)


def widths(tokens: TokenText, show: str, marks: bool) -> tuple[np.ndarray, np.ndarray]:
    """Chip widths and the widths of the gaps before them, float64 [n] each."""
    table, size = advances(theme.px(13)), metrics(show)
    at = np.zeros(len(tokens.text) + 1)
    at[tokens.char_at + 1] = table.of(tokens.code_points, marks)
    ruler = np.cumsum(at)
    chip = ruler[tokens.ends] - ruler[tokens.starts]
    tokens.mark_unseen(drawable)
    if show == "text" or show == "ids":
        for index in tokens.complex_tokens():
            chip[index] = table.whole(glyphs(tokens.token(index).decode(), marks))
    lengths = tokens.ends - tokens.starts
    in_hex = np.full(len(tokens), True) if show == "bytes" else tokens.partial
    chip = np.where(in_hex, (3 * lengths - 1) * size.small + 4, chip) + 2 * PAD
    for index in np.flatnonzero(tokens.empty | (tokens.unseen & ~in_hex)):
        chip[index] = len(tokens.shown(index, show, marks)[0]) * size.small + 4 + 2 * PAD
    if show == "ids":
        digits = np.floor(np.log10(np.maximum(tokens.ids, 1))).astype(int) + 1
        chip = np.maximum(chip, digits * size.small + 6)
    return chip, _gap_widths(tokens, ruler)


def _gap_widths(tokens: TokenText, ruler: np.ndarray) -> np.ndarray:
    """Half the width of the bytes no token covers; only what follows the last line end counts."""
    start = tokens.gap_start.copy()
    for index in np.flatnonzero(tokens.gap_breaks):
        start[index] = tokens.text.rindex(b"\n", start[index], tokens.starts[index]) + 1
    return (ruler[tokens.starts] - ruler[start]) * 0.5


class Layout:
    """Rows of tokens. `first[r]` is the first token of row r; first[r] == first[r + 1] is a blank row."""

    def __init__(self, tokens: TokenText, chip: np.ndarray, gap: np.ndarray, width: float):
        self.chip, self.gap = chip, gap
        total = np.concatenate([[0.0], np.cumsum(gap + chip + GAP)])
        self.left = total[: len(chip)] + gap  # [n], position of each chip on one endless row
        self.first: list[int] = []
        self.origin: list[float] = []  # [rows], what to take off `left`
        self._break_rows(tokens, total, width)
        self.first_array = np.array([*self.first, len(chip)])

    def _break_rows(self, tokens: TokenText, total: np.ndarray, width: float) -> None:
        ends, count = total.tolist(), len(self.chip)
        blank = tokens.gap_breaks + np.concatenate([[0], tokens.breaks[:-1]])[:count]
        hard = np.flatnonzero(blank[1:]) + 1 if count else np.empty(0, int)
        stops = [*hard.tolist(), count]
        word = np.where(tokens.word_start, np.arange(count), 0)
        word = (np.maximum.accumulate(word) if count else word).tolist()
        start = 0
        for stop in stops:
            origin = ends[start]
            while start < stop:
                end = self._row_end(ends, start, stop, origin + width + GAP, word, width)
                self.first.append(start)
                self.origin.append(origin)
                start = end
                if start < stop:  # a soft wrap drops the gap that it replaces
                    origin = ends[start] + self.gap[start]
            if stop < count:
                for _ in range(min(int(blank[stop]) - 1, MOST_BLANK_ROWS)):
                    self.first.append(stop)
                    self.origin.append(ends[stop])

    @staticmethod
    def _row_end(ends: list, start: int, stop: int, limit: float, word: list, width: float) -> int:
        """One past the last token of the row: the last that fits, or the end of a word close before it."""
        end = min(bisect_right(ends, limit, start + 1, stop + 1) - 1, stop)
        if end <= start:
            return start + 1
        if end < stop and start < word[end] < end and ends[end] - ends[word[end]] < NEAR * width:
            return word[end]
        return end

    def __len__(self) -> int:
        return len(self.first)

    def tokens_of(self, row: int) -> range:
        return range(self.first_array[row], self.first_array[row + 1])

    def x(self, row: int, index: int) -> float:
        return self.left[index] - self.origin[row]

    def row_of(self, index: int) -> int:
        return int(np.searchsorted(self.first_array[:-1], index, side="right")) - 1

    def token_at(self, row: int, x: float) -> int | None:
        """The token under `x` of a row, None beside or between tokens that are more than a gap apart."""
        if not 0 <= row < len(self):
            return None
        span = self.tokens_of(row)
        if not span:
            return None
        at = int(np.searchsorted(self.left[span.start : span.stop], x + self.origin[row], side="right")) - 1
        if at < 0:
            return None
        index = span.start + at
        return index if x <= self.x(row, index) + self.chip[index] + GAP else None
