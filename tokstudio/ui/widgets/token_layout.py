"""Where each token goes: widths by NumPy over the whole text, rows by bisection. No painting here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtGui import QFontMetricsF, QTextLayout

from tokstudio.tokens.distinct import distinct
from tokstudio.ui import theme
from tokstudio.ui.widgets.token_cells import Cells, cells_of, widths_by_cells
from tokstudio.ui.widgets.token_text import BLANKS, LONGEST, MARKS, TokenText, glyphs

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
    high = 38 if show in ("ids", "bytes") else 24
    return Metrics(round(high * scale), round(20 * scale), round(14 * scale), small)


def cell(size: Metrics) -> float:
    """Width of one byte in the byte view."""
    return 2 * size.small + 5


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


@dataclass(frozen=True)
class Prepared:
    """All that painting needs; made in any thread."""

    tokens: TokenText
    chip: np.ndarray  # float64 [n]; the layout's own are no wider than the view
    gap: np.ndarray  # float64 [n]
    layout: "Layout"
    size: Metrics
    cells: Cells | None = None  # of the view by characters


def prepare(
    tokens: "TokenText | Callable[[], TokenText]",
    show: str,
    marks: bool,
    width: float,
    before: Prepared | None = None,
) -> Prepared:
    """`before`: of the same tokens with the same switches, in another width."""
    tokens = tokens() if callable(tokens) else tokens
    if before is not None:
        chip, gap, cells = before.chip, before.gap, before.cells
    else:
        cells = cells_of(tokens, marks, advances(theme.px(13)), drawable) if show == "characters" else None
        chip, gap = widths(tokens, show, marks, cells)
    return Prepared(tokens, chip, gap, Layout(tokens, chip, gap, width), metrics(show), cells)


def widths(
    tokens: TokenText, show: str, marks: bool, cells: Cells | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Chip widths and the widths of the gaps before them, float64 [n] each."""
    table, size = advances(theme.px(13)), metrics(show)
    at = np.zeros(len(tokens.text) + 1)
    at[tokens.char_at + 1] = table.of(tokens.code_points, marks)
    ruler = np.cumsum(at)
    chip = ruler[tokens.ends] - ruler[tokens.starts]
    tokens.mark_unseen(drawable)
    for index in tokens.complex_tokens():
        chip[index] = table.whole(glyphs(tokens.token(index).decode(), marks))
    lengths = tokens.ends - tokens.starts
    if cells is not None:
        chip, odd = widths_by_cells(tokens, cells), tokens.named
    elif show == "bytes":  # cells side by side; the characters stand above their own
        chip = np.maximum(lengths * cell(size), np.where(tokens.partial, 0, chip)) + 2 * PAD
        odd = tokens.named
    else:
        chip = np.where(tokens.partial, (3 * lengths - 1) * size.small + 4, chip) + 2 * PAD
        odd = tokens.named | (tokens.unseen & ~tokens.partial)
    for index in np.flatnonzero(odd):
        named = len(tokens.shown(index, show, marks)[0]) * size.small + 4 + 2 * PAD
        cells = (
            lengths[index] * cell(size) + 2 * PAD if show == "bytes" else 0.0
        )  # none where there is no text
        chip[index] = max(named, min(cells, LONGEST * cell(size)))
    if show == "ids":
        digits = np.floor(np.log10(np.maximum(tokens.ids, 1))).astype(int) + 1
        chip = np.maximum(chip, digits * size.small + 6)
    return chip, _gap_widths(tokens, ruler)


def _gap_widths(tokens: TokenText, ruler: np.ndarray) -> np.ndarray:
    """Half the width of the bytes no token covers; only what follows the last line end counts."""
    start = tokens.gap_start.copy()
    for index in np.flatnonzero(tokens.gap_breaks):
        there = start[index], tokens.starts[index]
        start[index] = 1 + max(tokens.text.rfind(end, *there) for end in (b"\n", b"\r"))
    return (ruler[tokens.starts] - ruler[start]) * 0.5


def _rows(
    tokens: TokenText, total: np.ndarray, gap: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """First token and origin of each row. Where a row that begins with token i ends is found for all i at once;
    what is left for Python is to hop from row to row."""
    count = len(gap)
    if not count:
        return np.empty(0, np.int64), np.empty(0)
    blank = tokens.gap_breaks + np.concatenate([[0], tokens.breaks[:-1]])
    hard = np.flatnonzero(blank[1:]) + 1
    stops = np.append(hard, count)
    after = np.repeat(stops, np.diff(np.concatenate([[0], stops])))  # [n], the line end behind each token
    word = np.maximum.accumulate(np.where(tokens.word_start, np.arange(count), 0))
    begins = np.append(0, hard)
    soft = _ends(total, total[:-1] + gap, np.arange(count), after, word, width)  # drops the gap it replaces
    at_break = _ends(total, total[begins], begins, after[begins], word, width)
    hop, start_end = soft.tolist(), at_break.tolist()
    firsts: list[int] = []
    skipped: list[int] = []  # rows that begin behind a line end or are blank: they keep their gap
    extra = np.minimum(blank[hard] - 1, MOST_BLANK_ROWS).tolist()
    for line, (start, stop) in enumerate(zip(begins.tolist(), stops.tolist(), strict=True)):
        skipped.append(len(firsts))
        firsts.append(start)
        at = start_end[line]
        while at < stop:
            firsts.append(at)
            at = hop[at]
        if stop < count:
            for _ in range(extra[line]):
                skipped.append(len(firsts))
                firsts.append(stop)
    first = np.array(firsts, np.int64)
    origin = total[first] + gap[first]
    origin[skipped] = total[first[skipped]]
    return first, origin


def _ends(
    total: np.ndarray,
    origins: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    word: np.ndarray,
    width: float,
) -> np.ndarray:
    """One past the last token of the row that begins at each of `starts`: the last that fits, or the end of a
    word close before it."""
    limits = origins + width + GAP
    ends = np.minimum(np.searchsorted(total, limits, side="right") - 1, stops)
    ends = np.maximum(ends, starts + 1)
    inner = word[np.minimum(ends, len(word) - 1)]
    near = (ends < stops) & (starts < inner) & (inner < ends) & (total[ends] - total[inner] < NEAR * width)
    return np.where(near, inner, ends)


class Layout:
    """Rows of tokens. `first[r]` is the first token of row r; first[r] == first[r + 1] is a blank row."""

    def __init__(self, tokens: TokenText, chip: np.ndarray, gap: np.ndarray, width: float):
        chip = np.minimum(chip, width)  # a token that is wider than the view ends in …
        self.chip, self.gap = chip, gap
        total = np.concatenate([[0.0], np.cumsum(gap + chip + GAP)])
        self.left = total[: len(chip)] + gap  # [n], position of each chip on one endless row
        first, self.origin = _rows(tokens, total, gap, width)  # origin: what to take off `left`
        self.first_array = np.append(first, len(chip))

    def __len__(self) -> int:
        return len(self.origin)

    @property
    def first(self) -> list[int]:
        return self.first_array[:-1].tolist()

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
