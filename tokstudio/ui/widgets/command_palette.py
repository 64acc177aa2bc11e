"""Ctrl+K: pages, actions and tokenizers by name."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from tokstudio.ui.widgets.choice_list import Choice, ChoiceList

WIDTH, HEIGHT = 560, 420


class CommandPalette(ChoiceList):
    def __init__(self, parent: QWidget, add_tokenizer: Callable[[str], object]):
        super().__init__(parent, "Search pages, actions and tokenizers", "Search pages, actions, tokenizers")
        self._add_tokenizer = add_tokenizer

    def open_with(self, choices: Sequence[Choice]) -> None:
        self.set_choices(choices)
        self.place()
        self.open()

    def otherwise(self, text: str) -> Choice:
        note = "by its name, hub id or path"
        return Choice(f"Add the tokenizer {text}", note, "plus", lambda: self._add_tokenizer(text))

    def place(self) -> None:
        """Below the find field, in the middle of the window."""
        parent = self.parentWidget()
        width = min(WIDTH, parent.width() - 32)
        self.setGeometry((parent.width() - width) // 2, 44, width, min(HEIGHT, parent.height() - 80))
