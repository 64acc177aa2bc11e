"""A slider whose handle is seen in every theme."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QSlider

from tokstudio.ui import theme


class Slider(QSlider):
    """Arrows, Home and End move; Space is for whoever plays it."""

    space = Signal()

    def __init__(self, orientation: Qt.Orientation = Qt.Horizontal):
        super().__init__(orientation)
        self.restyle()
        theme.changed.connect(self.restyle)

    def restyle(self) -> None:
        """The style draws the handle as a button, which is hardly seen on a dark card."""
        palette = self.palette()
        palette.setColor(QPalette.Button, theme.color("accent_fill"))
        self.setPalette(palette)

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key_Space:
            self.space.emit()
        else:
            super().keyPressEvent(event)
