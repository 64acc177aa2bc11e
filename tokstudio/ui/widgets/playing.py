"""A slider that plays: from its place to its end, a beat at a time; at its end, from the beginning."""

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QAbstractButton

from tokstudio.ui.widgets.slider import Slider

BEAT = 700  # milliseconds between two places


class Playing(QObject):
    """`play` changes its icon with what it does next (`set_icon`); whoever steps stops the playing."""

    def __init__(self, slider: Slider, back: QAbstractButton, play: QAbstractButton, onward: QAbstractButton):
        super().__init__(slider)
        self._slider, self._play = slider, play
        self.timer = QTimer(self, interval=BEAT)
        self.timer.timeout.connect(self._advance)
        back.clicked.connect(lambda: self.step(-1))
        onward.clicked.connect(lambda: self.step(1))
        play.clicked.connect(self.toggle)
        slider.space.connect(self.toggle)

    def step(self, by: int) -> None:
        self.stop()
        self._slider.setValue(self._slider.value() + by)

    def toggle(self) -> None:
        if self.timer.isActive():
            self.stop()
            return
        if not self._slider.isEnabled():
            return
        if self._slider.value() == self._slider.maximum():
            self._slider.setValue(0)
        self.timer.start()
        self._play.set_icon("pause", "Pause")

    def stop(self) -> None:
        self.timer.stop()
        self._play.set_icon("play", "Play")

    def _advance(self) -> None:
        self._slider.setValue(self._slider.value() + 1)
        if self._slider.value() == self._slider.maximum():
            self.stop()
