"""A short row of tokens for cells, inspectors and samples."""

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.ui import theme
from tokstudio.ui.widgets.token_layout import metrics, widths
from tokstudio.ui.widgets.token_paint import TokenPainter
from tokstudio.ui.widgets.token_text import TokenText

WIDEST = 480  # pixels of one token


class TokenChips(QWidget):
    """A few tokens in rows as high as they need, without scrolling: table cells, inspectors, samples."""

    def __init__(self, encoding: Encoding | None = None, show: str = "text", name: str = "Tokens"):
        super().__init__()
        self._show, self._name = show, name
        self._quiet_bytes = 0
        self._ranges = range(0)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Preferred)
        theme.changed.connect(self._restyle)
        self.set_encoding(encoding)

    def set_encoding(
        self,
        encoding: Encoding | None,
        tokenizer: Tokenizer | None = None,
        only: range | None = None,
        quiet_bytes: int = 0,
    ) -> None:
        """`only`: the tokens to show; `quiet_bytes`: tokens within the first so many are gray."""
        special = tokenizer.special_tokens if tokenizer is not None else None
        unknown = tokenizer.unknown_id if tokenizer is not None else None
        spelled = tokenizer.token_bytes if tokenizer is not None else None
        self._tokens = TokenText(encoding, special, unknown, True, spelled) if encoding is not None else None
        self._quiet_bytes = quiet_bytes
        count = len(self._tokens) if self._tokens is not None else 0
        self._ranges = only if only is not None else range(count)
        self.setAccessibleName(f"{self._name}: {self.spoken()}")
        self._restyle()

    def spoken(self) -> str:
        """The tokens, parted by bars."""
        return " | ".join(self._said(i) for i in self._ranges[:200])

    def _said(self, index: int) -> str:
        text = self._tokens.token(index)[:200].decode(errors="replace")
        return f"{self._tokens.label(index)} for {text}" if self._tokens.unknown[index] else text

    def _restyle(self) -> None:
        self._size = metrics(self._show)
        if self._tokens is not None:
            self._chip = np.minimum(widths(self._tokens, self._show, True)[0], WIDEST)
        self.updateGeometry()
        self.update()

    def _places(self, room: float) -> list[tuple[int, float, float]]:
        """(token, x, y) for a width of `room` pixels."""
        found, x, y = [], 0.0, 0.0
        for index in self._ranges:
            if x > 0 and x + self._chip[index] > room:
                x, y = 0.0, y + self._size.row
            found.append((index, x, y))
            x += self._chip[index] + 2
        return found

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        places = self._places(width)
        return int(places[-1][2] if places else 0) + self._size.row

    def sizeHint(self) -> QSize:
        one_row = sum(self._chip[i] + 2 for i in self._ranges) if len(self._ranges) else 40
        return QSize(int(min(600, one_row)) + 2, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self._size.row)

    def paintEvent(self, _event) -> None:
        if self._tokens is None:
            return
        painter = QPainter(self)
        draw = TokenPainter(painter, self._tokens, self._show, True, self._size)
        for index, x, y in self._places(self.width()):
            quiet = self._tokens.ends[index] <= self._quiet_bytes
            draw.draw(index, x, y, self._chip[index], "quiet" if quiet else "hue")
