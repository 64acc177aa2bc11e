"""The arithmetic of charts: round tick values, their words, and fewer points with the same peaks. No Qt."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

COLUMN_POINTS = 4  # below this many points a pixel column there is nothing to gain
FINER = 8  # labels more than wanted, of which two are looked for
Label = tuple[float, str]  # where on the axis, words


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round values (1, 2 or 5 times a power of ten apart) inside [low, high]."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1, 2, 5, 10, 20):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [n * step for n in range(first, last + 1)]
    return []


def whole_ticks(low: float, high: float, most: int) -> list[float]:
    """The same for a count, where 2.5 is no value."""
    return [value for value in ticks(low, high, most) if abs(value - round(value)) < 1e-9]


def tick_words(values: Sequence[float]) -> list[str]:
    """Tick labels with the decimals that their distance needs: 1.0 1.5 2.0, 1,000 2,000, 25k 50k."""
    if not len(values):
        return []
    step = abs(values[1] - values[0]) if len(values) > 1 else abs(values[0])
    top = max(abs(value) for value in values)
    if top >= 10_000 and step >= 1_000:
        unit, letter = (1e6, "M") if top >= 1e6 and step >= 1e5 else (1e3, "k")
        return [f"{value / unit:,.{_decimals(step / unit)}f}{letter}" if value else "0" for value in values]
    return [f"{value:,.{_decimals(step)}f}" for value in values]


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0


def spaced(
    labels: Sequence[Label],
    center: Callable[[float], float],
    half: Callable[[str], float],
    room: tuple[float, float] = (-math.inf, math.inf),
) -> list[Label]:
    """Those of ascending `labels` that are not cut by the ends of `room` and do not touch: all, every second one and so
    on down to two, the outermost two, or the last one. `center` is the pixel of a value, `half` half of the pixels that
    words take, with the air around them."""
    ends = [(center(value) - half(words), center(value) + half(words)) for value, words in labels]
    ends = [(min(a, b), max(a, b)) for a, b in ends]
    inside = [n for n, (start, stop) in enumerate(ends) if room[0] <= start and stop <= room[1]]
    ways = [inside[::-1][::step][::-1] for step in range(1, max(2, len(inside)))]
    ways = [way for way in ways if len(way) > 1] + [inside[:1] + inside[-1:]] * (len(inside) > 1)
    for way in ways:
        if not any(_touch(ends[a], ends[b]) for a, b in pairwise(way)):
            return [labels[n] for n in way]
    return [labels[n] for n in inside[-1:]]


def _touch(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def two_at_least(make: Callable[[int], list[Label]], most: int) -> list[Label]:
    """`make(most)`, or what the next finer distance gives that leaves two: one label alone tells no scale."""
    first = make(most)
    finer = (made for more in range(most + 1, most + FINER) if len(made := make(more)) > 1)
    return first if len(first) > 1 else next(finer, first)


def number(value: float) -> str:
    """One value with about three significant digits: 48,210 or 2.94 or 0.0412."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    size = abs(value)
    if size >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.{max(2, 3 - math.floor(math.log10(size)) - 1)}f}"


def thin(
    x: np.ndarray, y: np.ndarray, low: float, high: float, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """What [low, high] shows of an ascending `x` on `columns` pixels: every minimum and maximum stays.

    One point beyond each end is kept, so that a line reaches the rim. NaN never hides a number beside it.
    """
    first = max(0, int(np.searchsorted(x, low)) - 1)
    last = min(len(x), int(np.searchsorted(x, high, side="right")) + 1)
    x, y = x[first:last], y[first:last]
    if len(x) <= COLUMN_POINTS * columns or columns < 1:
        return x, y
    starts = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], columns + 1)[:-1]))
    places = np.repeat(x[starts], 2)
    peaks = np.stack([np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)], axis=1)
    return places, peaks.reshape(-1)


def usual(values: np.ndarray, most: int = 20_000) -> tuple[float, float]:
    """The lowest value and the 99th percentile, NaN where there is none. `most`: of more values, some are
    looked at."""
    found = values[:: max(1, len(values) // most)]
    found = found[np.isfinite(found)]
    return (float(found.min()), float(np.percentile(found, 99))) if len(found) else (np.nan, np.nan)


def value_range(lows: Sequence[float], highs: Sequence[float], zero: bool) -> tuple[float, float]:
    """Where a y axis begins and ends: 8 % of air, and 0 at the foot where `zero`. Without values 0 to 1."""
    finite = [v for v in (*lows, *highs) if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = (min(0.0, *finite), max(finite)) if zero else (min(finite), max(finite))
    if high == low:
        air = abs(high) * 0.1 or 1.0
        return (low, high + air) if zero and low == 0 else (low - air, high + air)
    air = 0.08 * (high - low)
    return (low if zero and low == 0 else low - air), high + air


class Peaks:
    """Minimum and maximum of every `BLOCK` values of a line that only grows, so that a redraw of a million points
    looks at what is new. A line in another piece of memory is another line."""

    BLOCK = 128

    def __init__(self) -> None:
        self._base: object = None
        self._done = 0  # values in whole blocks
        self._lows, self._highs = np.empty(0), np.empty(0)

    def take(self, y: np.ndarray) -> None:
        if y.base is None or y.base is not self._base or len(y) < self._done:
            self._base, self._done = y.base, 0
            self._lows, self._highs = np.empty(0), np.empty(0)
        whole = len(y) // self.BLOCK * self.BLOCK
        if whole > self._done:
            fresh = y[self._done : whole].reshape(-1, self.BLOCK)
            self._lows = np.concatenate([self._lows, np.fmin.reduce(fresh, axis=1)])
            self._highs = np.concatenate([self._highs, np.fmax.reduce(fresh, axis=1)])
            self._done = whole

    def extent(self, y: np.ndarray) -> tuple[float, float]:
        """Of all of `y`, which was taken."""
        rest = y[self._done :]
        return (
            float(np.fmin.reduce(np.concatenate([self._lows, rest]))),
            float(np.fmax.reduce(np.concatenate([self._highs, rest]))),
        )

    def thin(
        self, x: np.ndarray, y: np.ndarray, low: float, high: float, columns: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `thin`, of blocks where a pixel column has several of them; the rest as it is."""
        first = max(0, int(np.searchsorted(x, low)) - 1) // self.BLOCK
        last = min(len(x), int(np.searchsorted(x, high, side="right")) + 1)
        blocks = min(last, self._done) // self.BLOCK
        if (blocks - first) < 2 * COLUMN_POINTS * columns or columns < 1:
            return thin(x, y, low, high, columns)
        xs = x[first * self.BLOCK : blocks * self.BLOCK : self.BLOCK]
        places, lows = thin(xs, self._lows[first:blocks], -np.inf, np.inf, columns)
        _, highs = thin(xs, self._highs[first:blocks], -np.inf, np.inf, columns)
        pairs = np.stack([np.fmin(lows[::2], lows[1::2]), np.fmax(highs[::2], highs[1::2])], axis=1).ravel()
        rest = slice(blocks * self.BLOCK, last)
        return np.concatenate([places, x[rest]]), np.concatenate([pairs, y[rest]])
