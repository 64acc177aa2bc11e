"""Charts of the Vocabulary page. Dragging across one makes a term of the query out of what was swept."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPen, QPolygonF

from tokstudio.ui import theme
from tokstudio.ui.chart_data import number, tick_words
from tokstudio.ui.widgets.plot import Plot, Ticks

LONGEST = 24  # bytes; longer tokens are counted in the last bar
DRAWN = 3_000  # points of a cloud
POINTS = 400  # of a line
TIP = "Drag across it to search for what is there"
NOTHING = np.zeros(0)


def line(painter: QPainter, x: np.ndarray, y: np.ndarray) -> None:
    painter.setBrush(Qt.NoBrush)
    painter.drawPolyline(QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)]))


def log_ticks(low: float, high: float, most: int) -> Ticks:
    """Powers of ten inside of an axis of logarithms."""
    powers = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
    powers = powers[:: max(1, -(-len(powers) // most))]
    return [(float(p), tick_words([10.0**p])[0]) for p in powers]


class Lengths(Plot):
    """Gray: all tokens; accent: the matches. `other`: of another vocabulary, in another color and hatched."""

    def __init__(self, other: bool = False):
        super().__init__("Token length in bytes", "bytes", "" if other else TIP)
        self._other = other
        self.all = self.matches = NOTHING
        self.setMinimumHeight(60 if other else 80)
        if other:
            self.setCursor(Qt.ArrowCursor)

    def set_lengths(self, lengths: np.ndarray, matches: np.ndarray) -> None:
        """int64 [n] and int64 [m]; unused ids have no length and are left out."""
        self.all, self.matches = (
            np.bincount(np.minimum(values[values > 0], LONGEST), minlength=LONGEST + 1)[1:]
            for values in (lengths, matches)
        )
        self.renew()

    def extent(self) -> tuple[float, float, float, float]:
        return 0.5, LONGEST + 0.5, 0.0, 1.08 * max(1, int(self.all.max()) if len(self.all) else 1)

    def places(self) -> np.ndarray:
        return np.arange(1, LONGEST + 1) if len(self.all) else NOTHING

    def x_ticks(self, left: float, right: float, most: int) -> Ticks:
        return [(float(n), str(n)) for n in (1, *range(4, LONGEST, 4))] + [(float(LONGEST), f"{LONGEST}+")]

    def draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.Antialiasing, False)
        foot, wide = self.room().bottom(), self.at_x(1.4) - self.at_x(0.6)
        lefts = self.at_x(self.places() - 0.4)
        series = theme.table()["series"]
        for counts, shade in (
            (self.all, series[1] if self._other else "border_strong"),
            (self.matches, series[0]),
        ):
            for left, top in zip(lefts.tolist(), self.at_y(counts).tolist(), strict=True):
                bar = QRectF(left, top, wide, foot - top)
                painter.fillRect(bar, theme.color(shade))
                if self._other:
                    painter.fillRect(bar, QBrush(theme.color("surface", 0.5), Qt.BDiagPattern))

    def reading(self, place: int) -> str:
        size = f"{place + 1} byte{'s' * (place > 0)}" if place + 1 < LONGEST else f"{LONGEST} bytes and more"
        all_ = f"{int(self.all[place]):,}"
        return f"{size}: {all_}" if self._other else f"{size}: {int(self.matches[place]):,} of {all_}"

    def words(self) -> str:
        return f"matches: {int(self.matches.sum()):,}, all: {int(self.all.sum()):,}"

    def table(self) -> dict[str, list]:
        return {
            "bytes": self.places().tolist(), "tokens": self.all.tolist(), "matches": self.matches.tolist()
        }  # fmt: skip


def length_term(low: float, high: float) -> str:
    """Bars stand around whole numbers."""
    first, last = max(1, round(low)), max(1, round(high))
    if last >= LONGEST:
        return f"len:>={min(first, LONGEST)}"
    return f"len:{first}" if first == last else f"len:{first}-{last}"


class Coverage(Plot):
    """Which share of the counted text the most frequent tokens make up."""

    def __init__(self):
        super().__init__("Share of the text covered", "tokens", TIP)
        self.setMinimumHeight(80)
        self.x = self.y = NOTHING

    def set_coverage(self, coverage: np.ndarray, used: int) -> None:
        """float [n]; drawn up to where every token that occurs is in."""
        last = max(2, min(len(coverage), used))
        ranks = np.unique(np.geomspace(1, last, POINTS).astype(np.int64))
        self.x, self.y = np.append(0, ranks), 100 * np.append(0.0, coverage[ranks - 1])
        self.renew()

    def extent(self) -> tuple[float, float, float, float]:
        return 0.0, 1.02 * float(self.x[-1]), 0.0, 106.0

    def places(self) -> np.ndarray:
        return self.x

    def y_ticks(self, low: float, high: float, most: int) -> Ticks:
        return [(v, f"{v:.0f} %") for v in (0.0, 50.0, 100.0)]

    def draw(self, painter: QPainter) -> None:
        painter.setPen(QPen(theme.color(theme.table()["series"][0]), 2))
        line(painter, self.at_x(self.x), self.at_y(self.y))

    def reading(self, place: int) -> str:
        words = "token covers" if self.x[place] == 1 else "tokens cover"
        return f"{self.x[place]:,.0f} {words} {self.y[place]:.1f} %"

    def words(self) -> str:
        return self.reading(len(self.x) - 1) if len(self.x) else "nothing yet"

    def table(self) -> dict[str, list]:
        return {"tokens": self.x.tolist(), "percent": np.round(self.y, 4).tolist()}


class Zipf(Plot):
    """How often the token of each rank occurs, both as powers of ten; dashed: each as often as the first one by its
    rank, which is Zipf's law."""

    def __init__(self):
        super().__init__("Count by rank", "rank", TIP)
        self.setMinimumHeight(80)
        self.ranks = self.counts = NOTHING

    def set_counts(self, counts: np.ndarray) -> None:
        """int64 [n], by id."""
        ordered = np.sort(counts[counts > 0])[::-1]
        if len(ordered):
            self.ranks = np.unique(np.geomspace(1, len(ordered), POINTS).astype(np.int64))
            self.counts = ordered[self.ranks - 1]
        else:
            self.ranks = self.counts = NOTHING
        self.renew()

    def extent(self) -> tuple[float, float, float, float]:
        return (
            0.0,
            1.02 * max(1.0, float(np.log10(self.ranks[-1]))),
            0.0,
            1.04 * max(1.0, float(np.log10(self.counts[0]))),
        )

    def places(self) -> np.ndarray:
        return np.log10(self.ranks) if len(self.ranks) else NOTHING

    def x_ticks(self, left: float, right: float, most: int) -> Ticks:
        return log_ticks(left, right, most)

    def y_ticks(self, low: float, high: float, most: int) -> Ticks:
        return log_ticks(low, high, 2 * most)  # there are few

    def draw(self, painter: QPainter) -> None:
        top = float(np.log10(self.counts[0]))
        painter.setPen(QPen(theme.color("muted"), 1, Qt.DashLine))
        painter.drawLine(QPointF(self.at_x(0.0), self.at_y(top)), QPointF(self.at_x(top), self.at_y(0.0)))
        painter.setPen(QPen(theme.color(theme.table()["series"][0]), 2))
        line(painter, self.at_x(self.places()), self.at_y(np.log10(self.counts)))

    def reading(self, place: int) -> str:
        return f"rank {self.ranks[place]:,}: {self.counts[place]:,} times"

    def words(self) -> str:
        if not len(self.ranks):
            return "nothing yet"
        return f"from {self.counts[0]:,} times down to {self.counts[-1]:,} at rank {self.ranks[-1]:,}"

    def table(self) -> dict[str, list]:
        return {"rank": self.ranks.tolist(), "count": self.counts.tolist()}


def count_term(counts: np.ndarray, low: float, high: float) -> str:
    """The tokens of these ranks, by how often they occur."""
    ordered = np.sort(counts)[::-1]
    top, foot = (ordered[int(np.clip(place, 0, len(ordered) - 1))] for place in (low, high))
    return f"count:{foot}-{top}" if foot < top else f"count:{top}"


def rank_term(counts: np.ndarray, low: float, high: float) -> str:
    """The same for logarithms of ranks, which begin with 1."""
    return count_term(counts, round(10.0**low) - 1, round(10.0**high) - 1)


class Norms(Plot):
    """Norm of each token's row against its rank by frequency, or its id."""

    along_y = True

    def __init__(self):
        super().__init__("Norm", "rank", TIP)
        self.setMinimumHeight(80)
        self.by_id = self._is_id = False
        self._known: tuple | None = None
        self.x = self.y = self.low_x = self.low_y = NOTHING
        self.low = 0

    def set_norms(self, norms: np.ndarray, low: np.ndarray, counts: np.ndarray | None) -> None:
        """float [n], bool [n] under-trained, int64 [n] where something was counted: without, by id."""
        known = norms, low, counts
        if self._known is None or any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known = known
            self._lay()

    def set_by_id(self, by_id: bool) -> None:
        self.by_id = by_id
        self._lay()

    def _lay(self) -> None:
        if self._known is None:
            return
        norms, low, counts = self._known
        ids = np.flatnonzero(np.isfinite(norms))
        self._is_id = self.by_id or counts is None
        self._x_label = "id" if self._is_id else "rank"
        order = ids if self._is_id else ids[np.argsort(-counts[ids], kind="stable")]
        x = order.astype(float) if self._is_id else np.log10(np.arange(len(order)) + 1.0)
        marked = low[order]
        some = np.linspace(0, len(order) - 1, min(DRAWN, len(order))).astype(np.int64) if len(order) else ids
        some = some[~marked[some]]
        self.x, self.y = x[some], norms[order][some]
        self.low_x, self.low_y = x[marked][:DRAWN], norms[order][marked][:DRAWN]
        self.low = int(marked.sum())
        self.renew()

    def extent(self) -> tuple[float, float, float, float]:
        x, y = np.append(self.x, self.low_x), np.append(self.y, self.low_y)
        left, right, low, high = float(x.min()), float(x.max()), float(y.min()), float(y.max())
        air = 0.08 * (high - low) or 0.1
        return left, right + 0.02 * ((right - left) or 1.0), low - air, high + air

    def places(self) -> np.ndarray:
        return self.x

    def here(self, place: int) -> float:
        return float(self.y[place])

    def x_ticks(self, left: float, right: float, most: int) -> Ticks:
        return super().x_ticks(left, right, most) if self._is_id else log_ticks(left, right, most)

    def draw(self, painter: QPainter) -> None:
        pen = QPen(theme.color(theme.table()["series"][0], 0.5), 3)
        pen.setCapStyle(Qt.RoundCap)
        painter.setPen(pen)
        x, y = self.at_x(self.x), self.at_y(self.y)
        painter.drawPoints(QPolygonF([QPointF(*p) for p in zip(x.tolist(), y.tolist(), strict=True)]))
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.color("warning"))
        for x, y in zip(self.at_x(self.low_x).tolist(), self.at_y(self.low_y).tolist(), strict=True):
            painter.drawPolygon(QPolygonF([QPointF(x - 4, y - 3), QPointF(x + 4, y - 3), QPointF(x, y + 4)]))

    def reading(self, place: int) -> str:
        at = self.x[place] if self._is_id else 10 ** self.x[place]
        return f"{self._x_label} {at:,.0f}   norm {number(float(self.y[place]))}"

    def words(self) -> str:
        return f"{self.low:,} rows far below the middle" if self._known is not None else "nothing yet"

    def table(self) -> dict[str, list]:
        x = np.append(self.x, self.low_x)
        at = (x if self._is_id else np.round(10**x)).astype(np.int64)
        low = np.arange(len(x)) >= len(self.x)
        return {self._x_label: at.tolist(), "norm": np.append(self.y, self.low_y).tolist(),
                "under_trained": low.astype(int).tolist()}  # fmt: skip


def norm_term(low: float, high: float) -> str:
    if high - low < 0.001:  # one row, by Enter: its norm is shown with fewer digits than it has
        low, high = low - 0.0005, high + 0.0005
    return f"norm:{max(0.0, low):.4f}-{max(0.0, high):.4f}"
