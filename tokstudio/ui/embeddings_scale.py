"""The color scale above the heat map."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from tokstudio.ui import theme
from tokstudio.ui.embeddings_planes import Shade
from tokstudio.ui.embeddings_words import signed


class ColorBar(QWidget):
    """What the colors mean: from minus to plus the level, or from 0 where the data have no sign."""

    def __init__(self):
        super().__init__()
        self.setFixedSize(210, 28)
        self._shade = Shade(1.0)
        self.setAccessibleName("Color scale")
        theme.changed.connect(self.update)

    def set_shade(self, shade: Shade) -> None:
        self._shade = shade
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
        level = f"{self._shade.level:.3g}"
        marks = [(level, Qt.AlignRight)]
        marks += (
            [("0", Qt.AlignLeft)]
            if self._shade.unsigned
            else [("0", Qt.AlignHCenter), ("\u2212" + level, Qt.AlignLeft)]
        )
        for text, side in marks:
            painter.drawText(QRectF(0, 12, self.width(), 14), side, text)
