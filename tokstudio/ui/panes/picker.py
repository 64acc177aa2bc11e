"""Choose a tokenizer: what is on this machine, a name, a path, a file."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QWidget
from shiboken6 import isValid

from tokstudio.tokens.catalog import catalog
from tokstudio.ui.widgets.basic import button, label, row
from tokstudio.ui.widgets.choice_list import Choice, ChoiceList

WIDTH, HEIGHT = 520, 420
HELP = "A tiktoken name, hub id or path also works, for example tiktoken:gpt2 or ~/model."


class TokenizerPicker(ChoiceList):
    """Floats over the window; calls back with a reference."""

    _before: QWidget | None = (
        None  # what had the focus; of the class for `hideEvent` of an object that was emptied
    )

    def __init__(self, parent: QWidget):
        super().__init__(parent, "Choose a tokenizer", "Name, hub id or path")
        self._chosen: Callable[[str], object] = lambda reference: None
        file, folder = button("Open file…", "file"), button("Open folder…", "folder")
        file.clicked.connect(self._open_file)
        folder.clicked.connect(self._open_folder)
        self._layout.addWidget(label(HELP, "small", "muted", wrap=True))
        fetch = button("Download from the Hub…", "download")
        fetch.setToolTip("Names address and size before anything is fetched")
        fetch.clicked.connect(self._download)
        self._layout.addWidget(row(file, folder, fetch, None))

    @classmethod
    def of(cls, widget: QWidget) -> "TokenizerPicker":
        """The one of this widget's window, made at its first use."""
        return widget.window().findChild(cls) or cls(widget.window())

    def ask(self, near: QWidget, chosen: Callable[[str], object]) -> None:
        """Opens below `near`; `chosen` gets the reference."""
        self._chosen = chosen
        self._before = self.parentWidget().focusWidget()
        entries = sorted(catalog(), key=lambda entry: entry.group != "Recent")
        self.set_choices([self._choice(entry) for entry in entries])
        window = self.parentWidget()
        corner = near.mapTo(window, QPoint(0, near.height() + 4))
        width, height = min(WIDTH, window.width() - 24), min(HEIGHT, window.height() - 80)
        left = max(12, min(corner.x(), window.width() - width - 12))
        top = max(12, min(corner.y(), window.height() - height - 12))
        self.setGeometry(left, top, width, height)
        self.open()

    def hideEvent(self, event) -> None:
        """The focus goes back to where it was, unless it went elsewhere by itself."""
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible() and self.field.hasFocus():
            before.setFocus(Qt.OtherFocusReason)

    def _choice(self, entry) -> Choice:
        note = ", ".join(part for part in (entry.algorithm, entry.note or entry.group) if part)
        icon = "clock" if entry.group == "Recent" else ""
        return Choice(entry.name, note, icon, lambda: self._chosen(entry.reference))

    def otherwise(self, text: str) -> Choice:
        return Choice(f"Load {text}", "name, hub id or path", "plus", lambda: self._chosen(text))

    def _download(self) -> None:
        from tokstudio.ui.panes.download_dialog import DownloadDialog

        name = self.field.text().strip()
        self.hide()
        dialog = DownloadDialog(self.parentWidget(), name)
        dialog.fetched.connect(self._chosen)
        dialog.open()

    def _open_file(self) -> None:
        self.hide()
        path, _ = QFileDialog.getOpenFileName(
            self.parentWidget(),
            "Open a tokenizer",
            "",
            "Tokenizers (*.json *.model *.tiktoken *.txt *.gguf);;All files (*)",
        )
        if path:
            self._chosen(path)

    def _open_folder(self) -> None:
        self.hide()
        if path := QFileDialog.getExistingDirectory(self.parentWidget(), "Open a tokenizer folder"):
            self._chosen(path)
