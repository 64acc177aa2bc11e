"""The held-out lines that a model reads worst and best, each character shaded by what its bytes cost."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QFrame, QScrollArea, QToolTip, QVBoxLayout, QWidget

from tokstudio.events import HeldOut
from tokstudio.runs.state import RunState
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import eliding, row, segmented

ROW, GROUP = 22, 24  # pixels of a line, and of the words above several
FULL = 8.0  # bits a byte at which the shade is strongest; a uniform guess among 256 bytes costs as much
APART = 2.0  # the same for a difference
STRONGEST = 0.55  # of the shade: text stays readable on it
VIEWS = ("This run", "Original", "Difference")
WORDS = {"worst": "Worst", "best": "Best"}
MARKS = {"\t": "→", "\r": "←"}


@dataclass(frozen=True, eq=False)
class Line:
    rank: str
    text: str
    mean: float  # bits per byte of the whole line, of which `text` may be the beginning
    target: np.ndarray  # bits a byte of each character, float64 [characters]
    source: np.ndarray | None

    def shades(self, view: str) -> np.ndarray:
        """Of each character, -1 to 1; below 0 where this run is better than the original."""
        if view == "This run" or self.source is None:
            return np.clip(self.target / FULL, 0, 1)
        if view == "Original":
            return np.clip(self.source / FULL, 0, 1)
        return np.clip((self.target - self.source) / APART, -1, 1)

    def spoken(self) -> str:
        return f"{WORDS.get(self.rank, self.rank)}: {self.mean:.2f} bits per byte, {self.text}"


def lines_of(event: HeldOut) -> list[Line]:
    """Lines whose numbers do not fit their text are left out: the file may be of another version."""
    found = []
    for entry in event.lines:
        text = entry.get("text", "")
        target, source = (per_character(text, entry.get(who, "")) for who in ("target", "source"))
        try:
            mean = float(entry.get("mean", "nan"))
        except ValueError:
            mean = float("nan")
        if target is not None:
            found.append(Line(entry.get("rank", ""), text, mean, target, source))
    return found


def per_character(text: str, hexadecimal: str) -> np.ndarray | None:
    """Mean bits a byte of each character; None where the numbers are not those of this text."""
    try:
        tenths = np.frombuffer(bytes.fromhex(hexadecimal), np.uint8) / 10.0
    except ValueError:
        return None
    sizes = np.array([len(c.encode(errors="replace")) for c in text], int)
    if not len(sizes) or sizes.sum() != len(tenths):
        return None
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.add.reduceat(tenths, starts) / sizes


class LinesView(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self.view = VIEWS[0]
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.TabFocus)
        theme.changed.connect(self._fit)

    def set_lines(self, lines: list[Line]) -> None:
        self.lines = lines
        self.setAccessibleName("Held-out lines. " + ". ".join(line.spoken() for line in lines))
        self._fit()

    def set_view(self, view: str) -> None:
        self.view = view
        self.update()

    def _metrics(self) -> tuple[QFontMetricsF, float, int, int]:
        """Metrics, width of a character, height of a row and of a group's title."""
        metrics = QFontMetricsF(theme.font("mono"))
        return metrics, metrics.horizontalAdvance("0"), theme.px(ROW), theme.px(GROUP)

    def _places(self) -> list[tuple[int, Line | str]]:
        """(y, line or title of a group)."""
        _, _, height, title = self._metrics()
        found: list[tuple[int, Line | str]] = []
        y, rank = 0, None
        for line in self.lines:
            if line.rank != rank:
                rank = line.rank
                found.append((y, WORDS.get(rank, rank)))
                y += title
            found.append((y, line))
            y += height
        return found

    def _fit(self) -> None:
        _, width, height, _ = self._metrics()
        places = self._places()
        longest = max((len(line.text) for line in self.lines), default=0)
        self.setMinimumSize(
            QSize(int(self._left() + (longest + 2) * width), places[-1][0] + height if places else 0)
        )
        self.update()

    def _left(self) -> int:
        return theme.px(46)

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        metrics, width, height, title = self._metrics()
        for y, entry in self._places():
            if isinstance(entry, str):
                painter.setFont(theme.font("caption"))
                painter.setPen(theme.color("muted"))
                painter.drawText(QRectF(0, y, 300, title), Qt.AlignVCenter, f"{entry}, bits per byte")
                continue
            painter.setFont(theme.font("monos"))
            painter.setPen(theme.color("text2"))
            painter.drawText(QRectF(0, y, self._left() - 8, height), Qt.AlignVCenter, f"{entry.mean:.2f}")
            self._paint_text(painter, entry, y, width, height, metrics.ascent())
        if self.hasFocus():
            painter.setPen(theme.color("accent"))
            painter.setBrush(Qt.NoBrush)
            painter.drawRect(self.visibleRegion().boundingRect().adjusted(0, 0, -1, -1))

    def _paint_text(
        self, painter: QPainter, line: Line, y: int, width: float, height: int, ascent: float
    ) -> None:
        painter.setFont(theme.font("mono"))
        shades = line.shades(self.view)
        worse, better = (theme.table()["series"][place] for place in (1, 5))
        if self.view != "Difference" or line.source is None:
            worse = "accent"
        for place, (character, shade) in enumerate(zip(line.text, shades, strict=True)):
            x = self._left() + place * width
            strength = round(STRONGEST * abs(float(shade)), 2)
            box = QRectF(x, y + 1, width, height - 3)
            painter.fillRect(box, theme.color(worse if shade >= 0 else better, strength))
            painter.setPen(theme.color("text"))
            painter.drawText(QPointF(x, y + (height + ascent) / 2 - 3), MARKS.get(character, character))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.ToolTip:
            words = self.words_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), words, self) if words else QToolTip.hideText()
            return True
        return super().event(event)

    def words_at(self, x: float, y: float) -> str:
        """What the character below the pointer costs."""
        _, width, height, _ = self._metrics()
        for top, line in self._places():
            place = int((x - self._left()) // width)
            if isinstance(line, Line) and top <= y < top + height and 0 <= place < len(line.text):
                said = f"{line.text[place]!r}: {line.target[place]:.1f} bits a byte by this run"
                return said if line.source is None else f"{said}, {line.source[place]:.1f} by the original"
        return ""


class LinesPane(QWidget):
    """The lines, and which model shades them; `head` is placed by who shows them."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: HeldOut | None = None
        self.by = segmented(VIEWS, name="Shaded by")
        self.by.changed.connect(lambda place: self.view.set_view(VIEWS[place]))
        self._about = eliding("", "small", "muted")
        self.view = LinesView()
        area = QScrollArea()
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(self.view)
        area.setAccessibleName("Held-out lines")
        area.setFocusPolicy(Qt.NoFocus)
        for part in (area.viewport(), self.view):
            part.setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.head = row((self._about, 1), self.by)
        layout.addWidget(area, 1)
        self._say(None)

    def refresh(self, state: RunState) -> None:
        if state.held_out is not self._shown:
            self._shown = state.held_out
            self._say(state.held_out)
        if state.held_out is None:
            over = state.ended is not None
            self._about.setText("this run has told none" if over else "they come with the next measurement")

    def _say(self, event: HeldOut | None) -> None:
        lines = lines_of(event) if event is not None else []
        self.view.set_lines(lines)
        known = any(line.source is not None for line in lines)
        for place in (1, 2):
            self.by.button(place).setEnabled(known)
        if not known:
            self.by.set_index(0)
        if event is None:
            self._about.setText("they come with the next measurement")
        else:
            self._about.setText(
                f"step {event.step:,}; the stronger the shade, the more bits; point at one to read it"
            )
