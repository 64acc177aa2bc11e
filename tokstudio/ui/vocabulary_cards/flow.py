"""What becomes of one vocabulary's tokens in another, as bands from their kinds to the number of pieces."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QPainter, QPainterPath, QPen

from tokstudio.tokens.vocab_cuts import FATES, GROUPS
from tokstudio.ui import theme
from tokstudio.ui.widgets.shapes import Shapes

BAR, GAP, ROOM = 6.0, 6.0, 26.0  # pixels: width of a node, between two nodes, height of a label
LEAST, NEAR = 1.5, 3.0  # pixels: thickness of the thinnest band, and how near to one is on it
KINDS = (
    "type:word-start",
    "type:continuation",
    "type:punctuation,digits,white-space,control,partial-utf-8,byte",
)
NAMES = (
    "the same token",
    "1, other bytes",
    "2 tokens",
    "3 tokens",
    "4 and more",
    "not written",
    "partial UTF-8",
)
SENTENCES = (
    "the same token there",
    "one token of other bytes there",
    "cut into 2 there",
    "cut into 3 there",
    "cut into 4 or more there",
    "cannot be written there",
    "parts of characters, not there",
)
TERMS = ("in:b", "cut:1 -in:b", "cut:2", "cut:3", "cut:>3", "cut:0", "-in:b -cut:>=0")
SHADES = ("neutral_tok", "series5", "series0", "series1", "series3", "warning", "control")
FILL = 0.55  # of a band, so that those behind it are seen


@dataclass(frozen=True)
class Band:
    group: int
    fate: int
    count: int

    @property
    def term(self) -> str:
        """Words of a query that find its tokens."""
        return f"{KINDS[self.group]} {TERMS[self.fate]}"


@dataclass(frozen=True)
class Node:
    """One end of bands: where it stands, and what is written beside it."""

    box: QRectF
    words: str
    count: int


class FlowPicture(Shapes):
    """Two columns of nodes and the bands between them, thick as the number of their tokens."""

    def __init__(self, name: str):
        super().__init__(name)
        self.bands: list[Band] = []
        self._counts: list[list[int]] = []
        self._nodes: list[Node] = []
        self._scale = 0.0  # pixels of a token
        self.setMinimumHeight(120)

    def set_flow(self, counts: list[list[int]]) -> None:
        """Tokens of each group and fate, in the order of `GROUPS` and `FATES`."""
        if counts != self._counts:
            self._counts = counts
            self.bands = [
                Band(group, fate, counts[group][fate])
                for group in range(len(counts)) for fate in range(len(FATES)) if counts[group][fate]
            ]  # fmt: skip
            self.renew()

    # ---------------------------------------------------------------- layout

    def lay(self) -> list[QPainterPath]:
        self._nodes = []
        if not self.bands:
            return []
        metrics = QFontMetricsF(theme.font("caption"))
        left = max(metrics.horizontalAdvance(words) for words in GROUPS) + 8
        right = self.width() - max(metrics.horizontalAdvance(words) for words in NAMES) - 10
        groups = [sum(row) for row in self._counts]
        fates = [sum(row[fate] for row in self._counts) for fate in range(len(FATES))]
        self._scale = scale = min(_scale(counts, self.height() - 2) for counts in (groups, fates))
        starts = self._column(groups, GROUPS, left, scale)
        ends = self._column(fates, NAMES, right - BAR, scale)
        filled_left, filled_right = dict.fromkeys(starts, 0.0), dict.fromkeys(ends, 0.0)
        paths = []
        for band in self.bands:
            here, there, high = starts[band.group], ends[band.fate], band.count * scale
            y, to = here.top() + filled_left[band.group], there.top() + filled_right[band.fate]
            filled_left[band.group] += high
            filled_right[band.fate] += high
            thick = max(LEAST, high)
            paths.append(_band(here.right(), y, y + thick, there.left(), to, to + thick))
        return paths

    def _column(self, counts: list[int], names: tuple[str, ...], x: float, scale: float) -> dict[int, QRectF]:
        """Boxes of the nodes that have tokens, `scale` pixels high for each, with room for a label around each."""
        shown = [n for n, count in enumerate(counts) if count]
        room = self.height() - 2 - GAP * (len(shown) - 1)
        label = min(ROOM, room / len(shown))
        slots = [max(label, count * scale) for count in counts if count]
        spare, boxes, y = (room - sum(slots)) / len(shown), {}, 1.0
        for n, slot in zip(shown, slots, strict=True):
            high = max(LEAST, counts[n] * scale)
            boxes[n] = QRectF(x, y + (slot + spare - high) / 2, BAR, high)
            self._nodes.append(Node(boxes[n], names[n], counts[n]))
            y += slot + spare + GAP
        return boxes

    def part_at(self, point: QPointF) -> int:
        """A band that is too thin to be hit is found from near it, too."""
        paths, around = self.paths(), QRectF(point.x() - NEAR, point.y() - NEAR, 2 * NEAR, 2 * NEAR)
        near = (n for n, path in enumerate(paths) if path.intersects(around))
        thin = (n for n in near if self.bands[n].count * self._scale < 2 * NEAR)
        return next(thin, super().part_at(point))

    # ---------------------------------------------------------------- painting

    def draw(self, painter: QPainter) -> None:
        series = theme.table()["series"]
        for band, path in zip(self.bands, self.paths(), strict=True):
            role = SHADES[band.fate]
            shade = series[int(role[6:])] if role.startswith("series") else role
            painter.setPen(QPen(theme.color("control", 0.6), 0.5))
            painter.setBrush(theme.color(shade, FILL if role != "neutral_tok" else None))
            painter.drawPath(path)
            if role == "warning":
                painter.fillPath(path, QBrush(theme.color("surface", 0.6), Qt.BDiagPattern))
        name_font, number_font = theme.font("caption"), theme.font("axis")
        metrics = QFontMetricsF(name_font)
        for node in self._nodes:
            painter.fillRect(node.box, theme.color("control"))
            at_left = node.box.left() < self.width() / 2
            wide = metrics.horizontalAdvance(node.words) + 2
            x = node.box.left() - 5 - wide if at_left else node.box.right() + 5
            label = QRectF(x, node.box.center().y() - 13, wide, 26).intersected(QRectF(self.rect()))
            side = Qt.AlignRight if at_left else Qt.AlignLeft
            painter.setFont(name_font)
            painter.setPen(theme.color("text2"))
            painter.drawText(label, side | Qt.AlignTop, node.words)
            painter.setFont(number_font)
            painter.setPen(theme.color("muted"))
            painter.drawText(label, side | Qt.AlignBottom, f"{node.count:,}")

    def told(self, number: int) -> str:
        band = self.bands[number]
        return f"{band.count:,} {GROUPS[band.group].lower()}: {SENTENCES[band.fate]}"

    def table(self) -> dict[str, list]:
        return {
            "from": [GROUPS[band.group] for band in self.bands],
            "to": [NAMES[band.fate] for band in self.bands],
            "tokens": [band.count for band in self.bands],
        }


def _scale(counts: list[int], height: float) -> float:
    """Pixels of a token, so that a column of `height` holds all its nodes, each at least as high as its label."""
    left = sorted(count for count in counts if count)
    room = height - GAP * (len(left) - 1)
    label = min(ROOM, room / len(left))
    while left and left[0] * room < label * sum(left):  # its label is higher than it is
        left.pop(0)
        room -= label
    return max(0.0, room) / sum(left) if left else 0.0


def _band(left: float, top: float, foot: float, right: float, to_top: float, to_foot: float) -> QPainterPath:
    """A strip that leaves and arrives level."""
    middle = (left + right) / 2
    path = QPainterPath(QPointF(left, top))
    path.cubicTo(middle, top, middle, to_top, right, to_top)
    path.lineTo(right, to_foot)
    path.cubicTo(middle, to_foot, middle, foot, left, foot)
    path.closeSubpath()
    return path
