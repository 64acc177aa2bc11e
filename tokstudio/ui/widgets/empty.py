"""What a page says while it has nothing to show."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, label, row


class EmptyState(QWidget):
    """An icon, a title, one sentence, and what can be done: (text, slot, kind) for each action."""

    def __init__(
        self,
        icon: str,
        title: str,
        sentence: str,
        actions: Sequence[tuple[str, Callable[[], object], str]] = (),
    ):
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 24, 16, 24)
        layout.setSpacing(10)
        words = label(sentence, "small", "muted", wrap=True)
        words.setAlignment(Qt.AlignHCenter)
        words.setMaximumWidth(460)
        words.setMinimumWidth(min(460, 60 + words.fontMetrics().horizontalAdvance(sentence)))
        self.buttons = []
        for text, slot, kind in actions:
            made = button(text, kind=kind)
            made.clicked.connect(slot)
            self.buttons.append(made)
        layout.addStretch(1)
        layout.addWidget(row(None, icon_label(icon, "muted", 32), None))
        layout.addWidget(row(None, label(title, "title"), None))
        layout.addWidget(row(None, words, None))
        if self.buttons:
            layout.addWidget(row(None, *self.buttons, None))
        layout.addStretch(1)
