"""The merge player: a word grows together, one merge at a time."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QSizePolicy, QWidget

from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.ui import theme
from tokstudio.ui.vocabulary_chip import HEIGHT, chip_text, chip_width, draw_chip
from tokstudio.ui.widgets.basic import Card, col, eliding, label, row, tool
from tokstudio.ui.widgets.playing import Playing
from tokstudio.ui.widgets.slider import Slider

ROW, ROWS = HEIGHT + 8, 3  # pixels of a row of chips; rows of needed tokens without scrolling
TALLEST = 300  # pixels of a tree that is seen whole
GAP, LEVEL = 6, 30  # pixels between chips, between two generations


class Frame:
    """One moment: the pieces of all words, and what was merged last."""

    def __init__(
        self, words: list[tuple[int, ...]], word: int, at: int, rank: int, parts: tuple[int, int] | None
    ):
        self.words, self.word, self.at, self.rank, self.parts = words, word, at, rank, parts


def frames(words: list[dict]) -> list[Frame]:
    """Word after word, as an encoder does it; the first shows what merging starts from."""
    now = [tuple(word["units"]) for word in words]
    found = [Frame(list(now), -1, -1, -1, None)]
    for place, word in enumerate(words):
        for step in word["steps"]:
            now[place] = tuple(step["pieces"])
            found.append(Frame(list(now), place, step["at"], step["rank"], (step["left"], step["right"])))
    return found


class Pieces(QWidget):
    """The pieces of a moment as chips; the newest is outlined. Below a token, the tree of what it came from."""

    def __init__(self):
        super().__init__()
        self._vocabulary: Vocabulary | None = None
        self._frames: list[Frame] = []
        self._tree: dict | None = None
        self._place = 0
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setAccessibleName("Pieces")
        theme.changed.connect(self.update)

    def set_frames(self, vocabulary: Vocabulary, made: list[Frame], tree: dict | None) -> None:
        self._vocabulary, self._frames, self._tree = vocabulary, made, tree
        self.setMinimumSize(self.sizeHint())
        self.set_place(0)

    def set_place(self, place: int) -> None:
        self._place = place
        frame = self._frames[place] if self._frames else None
        if frame is not None:
            spoken = " | ".join(" ".join(self._vocabulary.text(t) for t in word) for word in frame.words)
            self.setAccessibleDescription(spoken)
        self.update()

    def _width(self, tokens) -> float:
        return sum(chip_width(self._vocabulary, token) + GAP for token in tokens)

    def sizeHint(self) -> QSize:
        if not self._frames:
            return QSize(200, 40)
        first = self._frames[0]
        width = sum(self._width(word) + 2 * GAP for word in first.words)
        depth = _depth(self._tree) if self._tree is not None else 1
        return QSize(int(width) + 8, int(HEIGHT + 14 + LEVEL * (depth - 1)))

    def paintEvent(self, _event) -> None:
        if not self._frames:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        if self._tree is not None:
            self._paint_tree(painter)
        else:
            self._paint_row(painter, self._frames[self._place])

    def _paint_row(self, painter: QPainter, frame: Frame) -> None:
        x, y = 4.0, 6.0
        for number, word in enumerate(frame.words):
            for at, token in enumerate(word):
                width = chip_width(self._vocabulary, token)
                box = QRectF(x, y, width + 1, HEIGHT + 4)
                draw_chip(painter, self._vocabulary, token, box)
                if (number, at) == (frame.word, frame.at):
                    _outline(painter, box)
                x += width + GAP
            x += 2 * GAP

    def _paint_tree(self, painter: QPainter) -> None:
        """Leaves in a row at the top; every merge hangs below what it joined, at the depth of its making. What the
        moment has not made yet is pale."""
        done = {(frame.rank, frame.parts) for frame in self._frames[1 : self._place + 1]}
        newest = (self._frames[self._place].rank, self._frames[self._place].parts)
        self._x = 4.0
        self._node(painter, self._tree, done, newest)

    def _node(self, painter: QPainter, node: dict, done: set, newest: tuple) -> tuple[float, float, int]:
        """Paints what is above `node` and itself. Returns its middle, its lower edge and its level."""
        width = chip_width(self._vocabulary, node["token"])
        if not node["parts"]:
            box = QRectF(self._x, 4, width + 1, HEIGHT + 4)
            self._x += width + GAP
            draw_chip(painter, self._vocabulary, node["token"], box)
            return box.center().x(), box.bottom(), 0
        below = [self._node(painter, part, done, newest) for part in node["parts"]]
        level = 1 + max(part[2] for part in below)
        middle, top = sum(part[0] for part in below) / len(below), 4 + level * LEVEL
        key = (node["rank"], tuple(part["token"] for part in node["parts"]))
        made = key in done
        painter.setPen(
            QPen(theme.color("control" if made else "border"), 1.2, Qt.SolidLine if made else Qt.DotLine)
        )
        for x, bottom, _ in below:
            painter.drawLine(QPointF(x, bottom - 1), QPointF(middle, top + 1))
        box = QRectF(middle - width / 2, top, width + 1, HEIGHT + 4)
        painter.setOpacity(1.0 if made else 0.25)
        draw_chip(painter, self._vocabulary, node["token"], box)
        painter.setOpacity(1.0)
        if key == newest:
            _outline(painter, box)
        return middle, box.bottom(), level


def _outline(painter: QPainter, box: QRectF) -> None:
    painter.setBrush(Qt.NoBrush)
    painter.setPen(QPen(theme.color("accent"), 1.8))
    painter.drawRoundedRect(box.adjusted(-1.5, 0.5, 1.5, -0.5), 4, 4)


def _depth(tree: dict) -> int:
    return 1 + max((_depth(part) for part in tree["parts"]), default=0)


class Needed(QWidget):
    """The tokens that had to exist before, oldest first; a press chooses one."""

    chosen = Signal(int)

    def __init__(self):
        super().__init__()
        self._vocabulary: Vocabulary | None = None
        self._tokens: list[int] = []
        policy = QSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setCursor(Qt.PointingHandCursor)
        self.setAccessibleName("Needed before")

    def set_tokens(self, vocabulary: Vocabulary, tokens: list[int]) -> None:
        self._vocabulary, self._tokens = vocabulary, tokens
        self.setAccessibleDescription(", ".join(vocabulary.text(token) for token in tokens))
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        last = [box.bottom() for _, box in self._boxes(width)][-1:]
        return int(last[0]) + 2 if last else ROW

    def minimumSizeHint(self) -> QSize:
        return QSize(60, ROW)

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(60, self.width())))

    def _boxes(self, room: int | None = None):
        """In rows of `room` pixels, else of the widget's width."""
        x, y, room = 0.0, 1.0, self.width() if room is None else room
        for token in self._tokens:
            width = chip_width(self._vocabulary, token)
            if x > 0 and x + width > room - 2:
                x, y = 0.0, y + ROW
            yield token, QRectF(x, y, width + 1, HEIGHT + 4)
            x += width + GAP

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        for token, box in self._boxes():
            draw_chip(painter, self._vocabulary, token, box)

    def mousePressEvent(self, event) -> None:
        hit = [token for token, box in self._boxes() if box.contains(event.position())]
        if hit:
            self.chosen.emit(hit[0])


class NeededArea(QScrollArea):
    """As high as its rows, up to `ROWS` of them; then it scrolls."""

    def __init__(self, needed: Needed):
        super().__init__()
        self.setWidget(needed)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setProperty("bare", "1")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.TabFocus)
        self.setAccessibleName("Needed before, scrolling")
        self.viewport().setAutoFillBackground(False)
        needed.setAutoFillBackground(False)
        self.fit()

    def fit(self) -> None:
        """Room for the rows that the width makes."""
        self.setFixedHeight(min(ROWS * ROW, self.widget().heightForWidth(max(60, self.width() - 14))) + 2)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.fit()


class MergePlayer(Card):
    text_wanted = Signal(str)
    token_chosen = Signal(int)

    def __init__(self):
        self.field = QLineEdit()
        self.field.setPlaceholderText("A word, or a token below")
        self.field.setAccessibleName("Text to merge")
        self.field.setMinimumWidth(280)
        self.field.setMaxLength(400)
        theme.set_font(self.field, "mono")
        super().__init__("Merges", "", (self.field,))
        self.layout().setContentsMargins(12, 8, 12, 8)
        self.body.setSpacing(4)
        self.pieces = Pieces()
        area = QScrollArea()
        area.setWidget(self.pieces)
        area.setWidgetResizable(True)
        area.setProperty("frame", "plain")
        area.setAccessibleName("Merges, drawn")
        area.setFocusPolicy(Qt.NoFocus)
        area.setMinimumHeight(64)
        area.viewport().setAutoFillBackground(False)
        self.pieces.setAutoFillBackground(False)
        self._area = area
        self.first, self.back = tool("refresh", "From the start"), tool("chevron-left", "One merge back")
        self.play, self.next = tool("play", "Play"), tool("chevron-right", "Next merge")
        self.slider = Slider()
        self.slider.setAccessibleName("Merge")
        self.slider.setMaximumWidth(220)
        self._words = eliding("", "small", "text2")
        self._before, self.needed = label("", "small", "muted"), Needed()
        self._needed_area = NeededArea(self.needed)
        self.body.addWidget(area, 1)
        self.body.addWidget(
            row(self.first, self.back, self.play, self.next, self.slider, (self._words, 1), spacing=4)
        )
        self._line = col(self._before, self._needed_area, spacing=2)
        self.body.addWidget(self._line)
        self._vocabulary: Vocabulary | None = None
        self._frames: list[Frame] = []
        self._connect()
        self._enable()

    def _connect(self) -> None:
        self.field.returnPressed.connect(lambda: self.text_wanted.emit(self.field.text()))
        self.slider.valueChanged.connect(self._show)
        self.first.clicked.connect(lambda: self.slider.setValue(0))
        self.playing = Playing(self.slider, self.back, self.play, self.next)
        self.needed.chosen.connect(self.token_chosen)

    def show_played(self, vocabulary: Vocabulary, values: dict) -> None:
        """The reply of the job `vocab_play`."""
        self.playing.stop()
        self._vocabulary, self._frames = vocabulary, frames(values["words"])
        self.pieces.set_frames(vocabulary, self._frames, values["tree"])
        self.slider.setRange(0, len(self._frames) - 1)
        self.slider.setValue(0)
        self._show(0)
        needed = values["needed"]
        self._line.setVisible(bool(needed))
        self._before.setText(f"{len(needed)} tokens had to exist before:")
        self.needed.set_tokens(vocabulary, needed)
        self._needed_area.fit()
        self._needed_area.verticalScrollBar().setValue(0)
        self._area.setMinimumHeight(max(64, min(TALLEST, self.pieces.sizeHint().height() + 18)))
        self.subtitle.setText(self._about(values))
        self._enable()

    def _about(self, values: dict) -> str:
        if values["token"] is None:
            return f"{len(self._frames) - 1} merges of {values['merges']:,}"
        if values["tree"] is None and len(values["words"][0]["units"]) > 1:
            return "Merging its own bytes ends in other tokens: this one is never made"
        if values["tree"] is None or not values["tree"]["parts"]:
            return "Made of nothing else"
        count, rank = len(self._frames) - 1, self._frames[-1].rank
        return f"{count} merges, the last one of rank {rank:,}" if count > 1 else f"1 merge, of rank {rank:,}"

    def show_trouble(self, words: str) -> None:
        self.playing.stop()
        self._frames = []
        self.pieces.set_frames(self._vocabulary, [], None)
        self.subtitle.setText(words)
        self._line.hide()
        self._words.setText("")
        self._enable()

    def _enable(self) -> None:
        for part in (self.first, self.back, self.play, self.next, self.slider):
            part.setEnabled(len(self._frames) > 1)

    def _show(self, place: int) -> None:
        if not self._frames:
            return
        self.pieces.set_place(place)
        frame = self._frames[place]
        if frame.parts is None:
            count = sum(map(len, frame.words))
            self._words.setText(f"{count} piece{'s' if count != 1 else ''} to start from")
            return
        left, right = (chip_text(self._vocabulary, token) for token in frame.parts)
        made = chip_text(self._vocabulary, frame.words[frame.word][frame.at])
        self._words.setText(
            f"{place} of {len(self._frames) - 1}:  {left} + {right} → {made}   (rank {frame.rank:,})"
        )
