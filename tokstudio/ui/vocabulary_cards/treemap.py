"""How a vocabulary is divided among the writing systems: a tile for each script, its area the number of tokens."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen

from tokstudio.tokens.vocab_scripts import CODES, NAMES
from tokstudio.ui import theme
from tokstudio.ui.widgets.shapes import Shapes

GAP = 2.0  # pixels between tiles
SMALL = 0.004  # share from which down scripts are one tile together
STRIP = 4.0  # pixels of the bar that says which part of a tile is found


@dataclass(frozen=True)
class Tile:
    codes: tuple[str, ...]
    name: str
    count: int
    matches: int


def tiles_of(counts: np.ndarray, matches: np.ndarray) -> list[Tile]:
    """int64 [scripts] twice, by the number of a script; the largest first, the very small ones as one."""
    total = max(1, int(counts.sum()))
    order = [int(n) for n in np.argsort(-counts, kind="stable") if counts[n]]
    small = [n for n in order if counts[n] < SMALL * total]
    if len(small) < 2:
        small = []
    tiles = [Tile((CODES[n],), NAMES[n], int(counts[n]), int(matches[n])) for n in order if n not in small]
    if small:
        rest = Tile(tuple(CODES[n] for n in small), f"{len(small)} other scripts",
                    int(counts[small].sum()), int(matches[small].sum()))  # fmt: skip
        tiles.append(rest)
    return tiles


def squarified(sizes: list[float], box: QRectF) -> list[QRectF]:
    """Rectangles of areas as `sizes`, which descend, as square as may be.

    Rows are filled along the shorter side while that makes their worst tile squarer: Bruls, Huizing and van Wijk,
    Squarified treemaps, 2000.
    """
    total = sum(sizes)
    if not total or box.width() <= 0 or box.height() <= 0:
        return [QRectF(box.left(), box.top(), 0, 0) for _ in sizes]
    areas = [size / total * box.width() * box.height() for size in sizes]
    found: list[QRectF] = []
    while len(found) < len(areas):
        side = min(box.width(), box.height())
        row = areas[len(found) : len(found) + 1]
        for area in areas[len(found) + 1 :]:
            if _worst([*row, area], side) > _worst(row, side):
                break
            row.append(area)
        box = _place(row, box, found)
    return found


def _worst(row: list[float], side: float) -> float:
    """The largest ratio of sides in a row of these areas along `side`."""
    depth = sum(row) / side
    return max(max(depth * depth / area, area / (depth * depth)) for area in row)


def _place(row: list[float], box: QRectF, found: list[QRectF]) -> QRectF:
    """Appends the row's rectangles to `found`; what is left of `box`."""
    total = sum(row)
    if box.width() >= box.height():
        depth, y = total / box.height(), box.top()
        for area in row:
            found.append(QRectF(box.left(), y, depth, area / depth))
            y += area / depth
        return box.adjusted(depth, 0, 0, 0)
    depth, x = total / box.width(), box.left()
    for area in row:
        found.append(QRectF(x, box.top(), area / depth, depth))
        x += area / depth
    return box.adjusted(0, depth, 0, 0)


class ScriptMap(Shapes):
    def __init__(self):
        super().__init__("Tokens by script")
        self.tiles: list[Tile] = []
        self.setMinimumHeight(80)

    def set_scripts(self, scripts: np.ndarray, matches: np.ndarray) -> None:
        """uint8 [n] and [m]: numbers of scripts of all tokens and of those found."""
        tiles = tiles_of(*(np.bincount(values, minlength=len(CODES)) for values in (scripts, matches)))
        if tiles != self.tiles:
            at, self.tiles = self.at, tiles
            self.renew()
            self.point(at if at < len(tiles) else -1)

    def lay(self) -> list[QPainterPath]:
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        paths = []
        for place in squarified([tile.count for tile in self.tiles], box):
            path = QPainterPath()
            path.addRoundedRect(place.adjusted(GAP / 2, GAP / 2, -GAP / 2, -GAP / 2), 3, 3)
            paths.append(path)
        return paths

    def told(self, number: int) -> str:
        tile = self.tiles[number]
        share = 100 * tile.count / max(1, sum(t.count for t in self.tiles))
        found = f", {tile.matches:,} found" if tile.matches else ""
        return f"{tile.name}: {tile.count:,}, {share:.1f} %{found}"

    def draw(self, painter: QPainter) -> None:
        name_font, number_font = theme.font("caption"), theme.font("axis")
        metrics = QFontMetricsF(name_font)
        for tile, path in zip(self.tiles, self.paths(), strict=True):
            painter.setPen(QPen(theme.color("control"), 1))
            painter.setBrush(theme.color("neutral_tok"))
            painter.drawPath(path)
            box = path.boundingRect()
            if tile.matches and box.width() > 2 and box.height() > STRIP:
                wide = max(1.0, (box.width() - 2) * tile.matches / tile.count)
                strip = QRectF(box.left() + 1, box.bottom() - STRIP - 1, wide, STRIP)
                painter.fillRect(strip, theme.color(theme.table()["series"][0]))
            self._label(painter, tile, box.adjusted(5, 3, -4, -STRIP - 1), metrics, name_font, number_font)

    def _label(
        self, painter, tile: Tile, box: QRectF, metrics: QFontMetricsF, name_font, number_font
    ) -> None:
        fits = [n for n in (tile.name, *tile.codes[:1]) if metrics.horizontalAdvance(n) <= box.width()]
        if not fits or box.height() < metrics.height() or (len(tile.codes) > 1 and fits[0] != tile.name):
            return
        painter.setPen(theme.color("text2"))
        painter.setFont(name_font)
        painter.drawText(box, Qt.AlignLeft | Qt.AlignTop, fits[0])
        if box.height() >= 2 * metrics.height():
            painter.setFont(number_font)
            painter.drawText(
                box.adjusted(0, metrics.height(), 0, 0), Qt.AlignLeft | Qt.AlignTop, f"{tile.count:,}"
            )

    def table(self) -> dict[str, list]:
        return {
            "script": [tile.name for tile in self.tiles], "tokens": [tile.count for tile in self.tiles],
            "matches": [tile.matches for tile in self.tiles],
        }  # fmt: skip


def script_term(tile: Tile) -> str:
    return f"script:{','.join(tile.codes)}"
