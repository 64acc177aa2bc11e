"""What a token view holds: an encoding, its layers, its layout in rows, and the place it is scrolled to."""

from collections import OrderedDict

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QAbstractScrollArea, QFrame

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.widgets import token_access
from tokstudio.ui.widgets.token_layout import Layout, Prepared, metrics, prepare
from tokstudio.ui.widgets.token_paint import TOP
from tokstudio.ui.widgets.token_text import TokenText

LEFT, ABOVE = 11, 8  # margins inside the view
LONG = 6_000  # tokens; from here on a worker prepares them


class TokenScroll(QAbstractScrollArea):
    """Holds the tokens and where they are, and scrolls; `TokenView` draws them and listens to pointer and keys."""

    scrolled = Signal(int)  # byte offset at the top, after the person scrolled

    def __init__(self, name: str = "Tokens"):
        super().__init__()
        self.setFrameShape(QFrame.NoFrame)
        self.setAccessibleName(name)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMinimumSize(120, 60)
        self._mode, self._show, self._marks = "disagreement", "text", True
        self._tokens: TokenText | None = None
        self._source: tuple | None = None
        self._layout: Layout | None = None
        self._shared: np.ndarray | None = None
        self._hover: tuple[int, int] | None = None
        self._selected: tuple[int, int] | None = None
        self._anchor: int | None = None
        self._current: int | None = None
        self._pictures: OrderedDict[int, QPixmap] = OrderedDict()
        self._trained: np.ndarray | None = None
        self._size = metrics(self._show)
        self._prepared: Prepared | None = None  # what is on screen
        self._worker: Worker | None = None
        self._serial = 0  # of the newest preparation; an older one is dropped
        self._drawn = self._drawn_next = self._show, self._marks  # the switches of what is on screen
        self._waiting = False
        self._next: dict[str, np.ndarray | None] = {}  # layers that belong to the tokens still in preparation
        self._quiet = False
        self.colored = False
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.changed.connect(self._restyle)
        token_access.install()

    # ---- what is shown

    def set_worker(self, worker: Worker) -> None:
        """Prepares long encodings; what is on screen stays until that is done. Without one: at once."""
        self._worker = worker
        worker.done.connect(self._arrived)

    def set_encoding(self, encoding: Encoding | None, tokenizer: Tokenizer | None = None) -> None:
        """`tokenizer` names the special tokens; None shows nothing."""
        self._next = {}
        if encoding is None:
            self._serial += 1
            self._waiting = False
            self._take(None)
            return
        special = tokenizer.special_tokens if tokenizer is not None else None
        unknown = tokenizer.unknown_id if tokenizer is not None else None
        spelled = tokenizer.token_bytes if tokenizer is not None else None
        self._prepare(lambda: TokenText(encoding, special, unknown, spelled=spelled), len(encoding))

    def set_shared(self, shared: np.ndarray | None) -> None:
        """bool [n]: which tokens all tokenizers agree on; drawn quiet in the mode "disagreement"."""
        self._set_layer("_shared", None if shared is None else np.asarray(shared, bool))

    def set_trained(self, trained: np.ndarray | None) -> None:
        """bool [n]: which tokens a training would learn to predict; None draws no such layer."""
        self._set_layer("_trained", trained)

    def _set_layer(self, name: str, values: np.ndarray | None) -> None:
        if self._waiting:
            self._next[name] = values
        else:
            setattr(self, name, values)
            self._repaint()

    def set_mode(self, mode: str) -> None:
        """ "disagreement", "every" or "plain"."""
        self._mode = mode
        self._repaint()

    def set_show(self, show: str) -> None:
        """ "text", "ids" (text with the id below), "bytes" (hex) or "characters" (cells that tokens cut)."""
        self._show = show
        self._measure()

    def set_whitespace(self, marks: bool) -> None:
        self._marks = marks
        self._measure()

    def highlight(self, start: int | None, stop: int | None = None) -> None:
        """Outlines the tokens of these bytes while the pointer is on them somewhere."""
        hover = None if start is None or stop is None or start < 0 else (start, stop)
        if hover != self._hover:
            self._hover = hover
            self.viewport().update()

    def select(self, start: int | None, stop: int | None = None) -> None:
        """Outlines the selected bytes, one box per row."""
        self._selected = None if start is None or stop is None or start < 0 else (start, stop)
        self.viewport().update()

    def highlighted(self) -> list[int]:
        """Indices of the tokens with a hover outline."""
        return list(self._range(self._hover))

    def selected(self) -> list[int]:
        return list(self._range(self._selected))

    @property
    def tokens(self) -> TokenText | None:
        return self._tokens

    @property
    def current(self) -> int | None:
        """The token the keyboard is on."""
        return self._current

    # ---- layout

    def _room(self) -> int:
        return max(40, self.viewport().width() - 2 * LEFT + 4)

    def _measure(self) -> None:
        """The same tokens with other switches."""
        if self._waiting and self._source is not None:
            self._prepare(*self._source)
        elif self._tokens is not None:
            self._prepare(self._tokens, len(self._tokens))
        else:
            self._size = metrics(self._show)
            self._repaint()

    def _place(self) -> None:
        """The same chips in another width."""
        if self._waiting and self._source is not None:
            self._prepare(*self._source)
        elif self._prepared is not None:
            self._prepare(self._tokens, len(self._tokens), self._prepared)

    def _prepare(self, tokens, count: int, before: Prepared | None = None) -> None:
        self._serial += 1
        self._source = (tokens, count)
        self._drawn_next = self._show, self._marks
        serial, show, marks, room = self._serial, self._show, self._marks, self._room()

        def work() -> Prepared | None:
            return prepare(tokens, show, marks, room, before) if serial == self._serial else None

        if self._worker is None or count < LONG:
            self._waiting = False
            self._take(work())
        else:
            self._waiting = True
            self._worker.submit((id(self), serial), work)

    def _arrived(self, key: object, prepared: Prepared | None) -> None:
        if key == (id(self), self._serial) and prepared is not None:
            self._waiting = False
            self._take(prepared)

    def _take(self, prepared: Prepared | None) -> None:
        top, tokens = self.top_offset(), prepared.tokens if prepared is not None else None
        if tokens is not self._tokens:
            self._hover = self._current = self._anchor = self._shared = self._trained = None
        for name, values in self._next.items():
            setattr(self, name, values)
        self._next = {}
        self._prepared, self._tokens = prepared, tokens
        self._layout = prepared.layout if prepared is not None else None
        if prepared is not None:
            self._chip, self._size = prepared.layout.chip, prepared.size
            self._drawn = self._drawn_next
        self._quiet = True
        self._fit_bar()
        if top:
            self.scroll_to(top)
        self._quiet = False
        self._repaint()

    def _fit_bar(self) -> None:
        rows = len(self._layout) if self._layout else 0
        height = 2 * ABOVE + rows * self._size.row
        self.verticalScrollBar().setRange(0, max(0, height - self.viewport().height()))
        self.verticalScrollBar().setPageStep(self.viewport().height())
        self.verticalScrollBar().setSingleStep(self._size.row)

    def _repaint(self) -> None:
        self._pictures.clear()
        self.viewport().update()

    def _restyle(self) -> None:
        self._measure()

    def _range(self, span: tuple[int, int] | None) -> range:
        if span is None or self._tokens is None:
            return range(0)
        return range(*self._tokens.overlapping(*span))

    def box(self, index: int) -> QRectF:
        """Where token `index` is drawn, in viewport coordinates."""
        row = self._layout.row_of(index)
        y = ABOVE + row * self._size.row - self.verticalScrollBar().value()
        return QRectF(LEFT + self._layout.x(row, index), y + TOP, self._chip[index], self._size.chip)

    def token_at(self, point: QPoint) -> int | None:
        if self._layout is None:
            return None
        y = point.y() + self.verticalScrollBar().value() - ABOVE
        return self._layout.token_at(int(y // self._size.row), point.x() - LEFT) if y >= 0 else None

    # ---- scrolling

    def top_offset(self) -> int:
        """Byte offset of the first token in view."""
        if self._layout is None or not len(self._layout) or not len(self._tokens):
            return 0
        row = min(len(self._layout) - 1, self.verticalScrollBar().value() // self._size.row)
        index = min(self._layout.first[row], len(self._tokens) - 1)
        return int(self._tokens.starts[index]) if row else 0

    def scroll_to(self, offset: int) -> None:
        """Brings the row of this byte to the top, without telling anyone."""
        if self._layout is None or not len(self._tokens):
            return
        index = min(int(np.searchsorted(self._tokens.covered, offset, side="right")), len(self._tokens) - 1)
        self._quiet, before = True, self._quiet
        self.verticalScrollBar().setValue(self._layout.row_of(index) * self._size.row)
        self._quiet = before

    def reveal(self, start: int, stop: int) -> None:
        """Scrolls only as far as needed to see these bytes."""
        found = self._range((start, stop))
        if not found:
            return
        box, bar = self.box(found.start), self.verticalScrollBar()
        if box.top() < 0 or box.bottom() > self.viewport().height():
            bar.setValue(int(bar.value() + box.top() - self.viewport().height() / 3))

    def _scrolled(self, _value: int) -> None:
        self.viewport().update()
        if not self._quiet:
            self.scrolled.emit(self.top_offset())

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._place()
        else:
            self._fit_bar()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.DevicePixelRatioChange:
            self._repaint()

    def sizeHint(self) -> QSize:
        return QSize(300, 240)
