"""Values that a person pinned: a numbered line in each chart."""

import pyqtgraph as pg
from PySide6.QtCore import Qt

from tokstudio.ui import theme


class Pins:
    """Part of `chart_base.Chart`, whose attributes it works on."""

    def set_pins(self, xs: list[float]) -> None:
        """In the order of their numbers, from 1."""
        if xs != self._pins:
            self._pins = list(xs)
            self._later.start()

    def _place_pins(self, high: float) -> None:
        while len(self._pin_items) < len(self._pins):
            line, words = pg.InfiniteLine(0, 90), pg.TextItem("", anchor=(0.0, 0.12))
            line.setZValue(8)
            words.setZValue(9)
            for item in (line, words):
                self.plotItem.addItem(item, ignoreBounds=True)
            self._pin_items.append((line, words))
            self._restyle_pins()
        left, right = self.viewRange()[0]
        for place, (line, words) in enumerate(self._pin_items):
            shown = place < len(self._pins) and left <= self._pins[place] <= right
            line.setVisible(shown)
            words.setVisible(shown)
            if shown:
                line.setValue(self._pins[place])
                words.setText(str(place + 1))
                words.setPos(self._pins[place], high)

    def _restyle_pins(self) -> None:
        for line, words in self._pin_items:
            line.setPen(pg.mkPen(theme.color("accent"), width=1, style=Qt.SolidLine))
            words.setColor(theme.color("accent"))
            words.setFont(theme.font("caption"))
