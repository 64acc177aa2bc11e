"""The color scale above the heat map."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QWidget

from tokstudio.ui import theme
from tokstudio.ui.embeddings_planes import Shade
from tokstudio.ui.embeddings_words import signed


class ColorBar(QWidget):
    """What the colors mean: from minus to plus the level, or from 0 where the data have no sign."""

    def __init__(self):
        super().__init__()
        self._shade = Shade(1.0)
        self._roots = False
        self.setAccessibleName("Color scale")
        self._restyle()
        theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.setFixedSize(210, 14 + QFontMetrics(theme.font("axis")).height())
        self.update()

    def set_shade(self, shade: Shade, roots: bool = False) -> None:
        """`roots`: colors stand for square roots, so that the middle of a side is a quarter of the level."""
        self._shade, self._roots = shade, roots
        low = "0" if shade.unsigned else signed(-shade.level, 3)
        self.setAccessibleDescription(f"from {low} to {signed(shade.level, 3)}")
        self.update()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        image = QImage(bytes(range(256)), 256, 1, 256, QImage.Format_Indexed8)
        image.setColorTable(self._shade.colors())
        painter.drawImage(QRectF(0, 2, self.width(), 8), image)
        painter.setPen(theme.color("border_strong"))
        painter.drawRect(QRectF(0, 1.5, self.width() - 1, 8.5))
        painter.setPen(theme.color("muted"))
        painter.setFont(theme.font("axis"))
        for text, share in self._marks():
            place = QRectF(0, 12, self.width(), self.height() - 12)
            side = {0.0: Qt.AlignLeft, 1.0: Qt.AlignRight}.get(share, Qt.AlignHCenter)
            if side == Qt.AlignHCenter:
                place.translate((share - 0.5) * self.width(), 0)
            painter.drawText(place, side, text)

    def _marks(self) -> list[tuple[str, float]]:
        """Words and where they stand, 0 at the left end and 1 at the right one."""
        shade = self._shade
        quarter = [(f"{shade.level / 4:.3g}", 0.5)] if self._roots else []
        right = [("0", 0.0), *quarter, (f"{shade.level:.3g}", 1.0)]
        if shade.unsigned:
            return right
        left = [("\u2212" + text, 0.5 - share / 2) for text, share in right[:0:-1]]
        return left + [(text, 0.5 + share / 2) for text, share in right]
