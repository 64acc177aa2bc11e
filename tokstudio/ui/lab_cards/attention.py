"""Attention: one small map a head, rows read columns."""

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui import theme
from tokstudio.ui.embeddings_words import shown
from tokstudio.ui.lab_cards.flow import scrolled
from tokstudio.ui.lab_cards.lab import Lab
from tokstudio.ui.lab_cards.which import Which
from tokstudio.ui.widgets.basic import card, combo, label

CAPTION, GAP, LEAST = 20, 12, 200
NAMES, LINE = 76, 11  # room for the tokens left of a row of maps; pixels a token needs to be named


class HeadMaps(QWidget):
    """All heads of a layer, as many in a row as fit."""

    def __init__(self):
        super().__init__()
        self._weights = np.zeros((0, 0, 0), np.float32)
        self._tokens: list[str] = []
        self.setMouseTracking(True)
        self.setAccessibleName("Attention maps")
        theme.changed.connect(self.update)

    def set_weights(self, weights: np.ndarray, tokens: list[str]) -> None:
        self._weights, self._tokens = weights, tokens
        self.setAccessibleDescription(f"{len(weights)} heads over {len(tokens)} tokens")
        self._fit()
        self.update()

    def _layout(self) -> tuple[int, int]:
        """Columns, and the side of one map."""
        heads = max(1, len(self._weights))
        width = self.width() - NAMES - 2  # of the frame around the last map
        columns = max(1, min(heads, (width + GAP) // (LEAST + GAP)))
        return columns, max(80, (width - GAP * (columns - 1)) // columns)

    def _fit(self) -> None:
        columns, side = self._layout()
        rows = -(-len(self._weights) // columns)
        self.setMinimumHeight(rows * (min(side, 420) + CAPTION + GAP))

    def _box(self, head: int) -> QRect:
        columns, side = self._layout()
        side = min(side, 420)
        return QRect(
            NAMES + head % columns * (side + GAP),
            head // columns * (side + CAPTION + GAP) + CAPTION,
            side,
            side,
        )

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(600, 400)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font("caption"))
        ramp = theme.ramp()
        for head, weights in enumerate(self._weights):
            box = self._box(head)
            if not box.adjusted(0, -CAPTION, 0, 0).intersects(event.rect()):
                continue
            shades = np.ascontiguousarray(ramp[(weights.clip(0, 1) ** 0.5 * 255).astype(np.uint8)])
            size = len(weights)
            picture = QImage(shades.data, size, size, 3 * size, QImage.Format_RGB888)
            painter.drawImage(box, picture)
            painter.setPen(theme.color("border_strong"))
            painter.drawRect(box)
            painter.setPen(theme.color("muted"))
            painter.drawText(box.left(), box.top() - 5, f"Head {head + 1}")
            if box.left() == NAMES:
                self._name(painter, box)

    def _name(self, painter: QPainter, box: QRect) -> None:
        """The tokens beside the leftmost map; every n-th where they are many."""
        size = max(1, len(self._tokens))
        step = -(-LINE * size // max(1, box.height()))
        font = theme.font("monos", mono=True)
        font.setPixelSize(min(font.pixelSize(), LINE))
        painter.save()
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for place in range(0, size, step):
            middle = box.top() + (place + 0.5) * box.height() / size
            words = metrics.elidedText(shown(self._tokens[place]), Qt.ElideRight, NAMES - 8)
            line = QRect(0, int(middle) - 8, NAMES - 6, 16)
            painter.drawText(line, Qt.AlignRight | Qt.AlignVCenter, words)
        painter.restore()

    def read_at(self, x: int, y: int) -> str:
        """What is under a point, in words; empty outside the maps."""
        size = len(self._tokens)
        for head, weights in enumerate(self._weights):
            box = self._box(head)
            if box.contains(x, y):
                q, k = (y - box.top()) * size // box.height(), (x - box.left()) * size // box.width()
                q, k = min(q, size - 1), min(k, size - 1)
                here, there = (f"{self._tokens[place]!r} ({place})" for place in (q, k))
                return f"Head {head + 1}: {here} reads {100 * weights[q, k]:.1f} % of {there}"
        return ""

    def event(self, event) -> bool:
        if event.type() == QEvent.ToolTip:
            text = self.read_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), text, self) if text else QToolTip.hideText()
            return True
        return super().event(event)


class AttentionView(QWidget):
    name, title, order = "attention", "Attention", 5

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.layer = combo([], "Layer")
        self.layer.setMinimumWidth(110)
        self.layer.activated.connect(lambda _: self.run())
        self.which = Which(lab)
        self.which.changed.connect(lambda _: self._turn())
        self.maps = HeadMaps()
        made = card(
            "Attention",
            "Rows read columns, in the order of the text; a stronger fill is more. The first is the start of the text.",
            [self.which, label("Layer", "small", "muted"), self.layer],
        )
        made.body.addWidget(scrolled(self.maps), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(made, 1)
        self.refresh()

    def _turn(self) -> None:
        self._fill_layers()
        self.run()

    def refresh(self) -> None:
        self.which.refresh()
        self._fill_layers()

    def _fill_layers(self) -> None:
        about = self.lab.sides[self.which.side].about
        layers = about["layers"] if about else 0
        if layers != self.layer.count():
            self.layer.clear()
            self.layer.addItems([str(i + 1) for i in range(layers)])
            self.layer.setCurrentIndex(layers // 2 if layers else -1)

    def run(self) -> None:
        self.lab.cancel("Reading attention")
        if (side := self.which.side) in self.lab.present() and self.layer.currentIndex() >= 0:
            asked = {"text": self.lab.text, "layer": self.layer.currentIndex()}
            self.lab.ask("Reading attention", side, "look", self._show, **asked)

    def _show(self, reply: Reply) -> None:
        self.maps.set_weights(reply.arrays["weights"], reply.values["tokens"])

    def failed(self) -> None:
        pass

    def keyPressEvent(self, event) -> None:
        step = {Qt.Key_PageUp: -1, Qt.Key_PageDown: 1}.get(event.key())
        if step is None:
            super().keyPressEvent(event)
        elif 0 <= self.layer.currentIndex() + step < self.layer.count():
            self.layer.setCurrentIndex(self.layer.currentIndex() + step)
            self.run()
