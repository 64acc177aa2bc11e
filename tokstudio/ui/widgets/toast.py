"""A short message over the page, with Undo where there is something to undo."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.announce import announce
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, label, tool

SECONDS, SECONDS_WITH_UNDO = 4, 8
BELOW = 44  # pixels between the toast and the lower edge of the window


class Toast(QFrame):
    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setProperty("frame", "float")
        self._icon = icon_label("check", "success")
        self.text = label("", "body")
        self.hint = label("", "small", "muted")
        self.undo = button("Undo", kind="link")
        self._left = label("", "small", "muted")
        self._close = tool("close", "Close this message", 24)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(10)
        for part in (self._icon, self.text, self.hint, self.undo, self._left, self._close):
            layout.addWidget(part)
        self._undo: Callable[[], object] | None = None
        self._seconds = 0
        self._timer = QTimer(self, interval=1_000)
        self._timer.timeout.connect(self._tick)
        self.undo.clicked.connect(self._undone)
        self._close.clicked.connect(self.dismiss)
        self.hide()

    def say(self, text: str, undo: Callable[[], object] | None = None) -> None:
        self._undo = undo
        self._icon.set("check", "success")
        self.hint.hide()
        self.undo.setVisible(undo is not None)
        self._show(text, SECONDS_WITH_UNDO if undo else SECONDS)
        announce(self, text)

    def fail(self, error: TokstudioError) -> None:
        """Stays until it is closed."""
        self._undo = None
        self._icon.set("alert", "danger")
        self.undo.hide()
        self.hint.setText(error.hint)
        self.hint.setVisible(bool(error.hint))
        self._show(str(error), 0)
        announce(self, f"{error} {error.hint}".strip(), at_once=True)

    def _show(self, text: str, seconds: int) -> None:
        self.text.setText(text)
        self.setAccessibleName(text)
        self._seconds = seconds
        self._left.setText(f"{seconds} s" if seconds else "")
        self._left.setVisible(seconds > 0 and self._undo is not None)
        self._timer.start() if seconds else self._timer.stop()
        self.show()
        self.raise_()
        self.place()

    def place(self) -> None:
        """At the lower edge of the parent, in its middle."""
        self.setMaximumWidth(self.parentWidget().width() - 32)
        self.adjustSize()
        left = (self.parentWidget().width() - self.width()) // 2
        self.move(left, self.parentWidget().height() - self.height() - BELOW)

    def dismiss(self) -> None:
        self._timer.stop()
        self._undo = None
        self.hide()

    def _tick(self) -> None:
        self._seconds -= 1
        self._left.setText(f"{self._seconds} s")
        if self._seconds <= 0:
            self.dismiss()

    def _undone(self) -> None:
        undo = self._undo
        self.dismiss()
        if undo is not None:
            undo()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)
