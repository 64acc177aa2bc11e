"""One line under the top bar: the first steps, or something that a person should know before going on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, eliding, label, tool


@dataclass(frozen=True)
class Hint:
    text: str
    button: str = ""
    act: Callable[[], object] | None = None


class HintStrip(QFrame):
    """Several hints, one at a time; hidden while there are none."""

    ended = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setProperty("frame", "top")
        self._hints: Sequence[Hint] = ()
        self._at = 0
        self.count = label("", "caption", "muted")
        self.text = eliding("", "small", "text")
        self.act = button("", kind="link")
        self.act.setAccessibleName("What this step offers")
        self.back, self.next = button("Back", kind="quiet"), button("Next", kind="plain")
        self.close_ = tool("close", "Close the first steps", 24)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 4, 12, 4)
        layout.setSpacing(8)
        layout.addWidget(icon_label("info", "accent", 16))
        layout.addWidget(self.count)
        layout.addWidget(self.text, 1)
        for part in (self.act, self.back, self.next, self.close_):
            layout.addWidget(part, 0, Qt.AlignVCenter)
        self.act.clicked.connect(self._do)
        self.back.clicked.connect(lambda: self._go(-1))
        self.next.clicked.connect(lambda: self._go(1))
        self.close_.clicked.connect(self._end)
        self.hide()

    def start(self, hints: Sequence[Hint]) -> None:
        self._hints, self._at = hints, 0
        self._show()
        self.show()

    def _go(self, step: int) -> None:
        if self._at + step >= len(self._hints):
            self._end()
            return
        self._at = max(0, self._at + step)
        self._show()

    def _show(self) -> None:
        hint, many = self._hints[self._at], len(self._hints) > 1
        last = self._at == len(self._hints) - 1
        self.count.setVisible(many)
        self.count.setText(f"{self._at + 1} of {len(self._hints)}")
        self.text.setText(hint.text)
        self.setAccessibleName(f"{self.count.text()}: {hint.text}" if many else hint.text)
        self.act.setVisible(bool(hint.button))
        self.act.setText(hint.button)
        self.act.setAccessibleName(hint.button or "What this step offers")
        self.back.setVisible(many)
        self.back.setEnabled(self._at > 0)
        self.next.setVisible(many)
        self.next.setText("Done" if last else "Next")
        self.next.setAccessibleName(self.next.text())
        self.close_.setToolTip("Close the first steps" if many else "Close this message")
        self.close_.setAccessibleName(self.close_.toolTip())

    def _do(self) -> None:
        act = self._hints[self._at].act
        if len(self._hints) == 1:
            self._end()
        if act is not None:
            act()

    def _end(self) -> None:
        self.hide()
        self.ended.emit()
