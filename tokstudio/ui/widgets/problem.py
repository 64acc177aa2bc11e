"""An error shown where it happened: what, why, and one to three ways on."""

from collections.abc import Callable, Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from tokstudio.errors import TokstudioError
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, label, row


class Problem(QFrame):
    """Hidden until `show_error`."""

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self._icon = icon_label("alert", "danger", 20)
        self.title = label("", "h2", wrap=True)
        self.hint = label("", "body", "text2", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(row(self._icon, (self.title, 1), spacing=10))
        layout.addWidget(self.hint)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(8)
        layout.addLayout(self._actions)
        self.hide()

    def show_error(
        self,
        error: TokstudioError | str,
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
        warning: bool = False,
    ) -> None:
        """`actions`: (text, slot). `warning`: can go on, read first."""
        self._icon.set("alert", "warning" if warning else "danger")
        self.title.setText(str(error))
        hint = getattr(error, "hint", "")
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.setAccessibleName(f"Problem: {error} {hint}".strip())
        self._clear_actions()
        for text, slot in actions:
            made = button(text)
            made.clicked.connect(slot)
            self._actions.addWidget(made)
        copy = button("Copy", "copy", "quiet")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(f"{error}\n{hint}".strip()))
        self._actions.addStretch(1)
        self._actions.addWidget(copy)
        self.show()

    def clear(self) -> None:
        self._clear_actions()
        self.title.setText("")
        self.hide()

    def _clear_actions(self) -> None:
        while (item := self._actions.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
