"""A question before something that nothing brings back."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


class Ask(QMessageBox):
    """Opens over the window of `near` and calls `act` where the answer is `yes`, a verb; nothing waits for it."""

    def __init__(self, near: QWidget, text: str, more: str, yes: str, act: Callable[[], object]):
        super().__init__(near.window())
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle("Tokstudio")
        self.setIcon(QMessageBox.Warning)
        self.setText(text)
        self.setInformativeText(more)
        self.yes = self.addButton(yes, QMessageBox.DestructiveRole)
        self.no = self.addButton("Cancel", QMessageBox.RejectRole)
        self.setDefaultButton(self.no)
        self.setEscapeButton(self.no)
        self.yes.clicked.connect(lambda: act())
        self.open()
