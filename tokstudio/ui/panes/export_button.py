"""The Export button of Compare: tokens as CSV, comparison as JSON, the page as a picture."""

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.context import Context
from tokstudio.ui.panes.session import CompareSession
from tokstudio.ui.widgets.controls import Button

KINDS = (("csv", "Tokens as CSV…"), ("json", "Comparison as JSON…"), ("png", "Picture as PNG…"))


class ExportButton(Button):
    def __init__(self, session: CompareSession, page: QWidget, context: Context):
        super().__init__("Export", "export")
        self._session, self._page, self._context = session, page, context
        menu = QMenu(self)
        for ending, text in KINDS:
            action = QAction(text, menu)
            action.triggered.connect(lambda _checked, ending=ending: self.ask(ending))
            menu.addAction(action)
        self.setMenu(menu)

    def ask(self, ending: str) -> None:
        """Where to, then write; the ending is added where it is missing."""
        path, _ = QFileDialog.getSaveFileName(self._page, "Export", f"comparison.{ending}", f"*.{ending}")
        if path:
            self.write(Path(path).with_suffix(f".{ending}"))

    def write(self, path: Path) -> None:
        from tokstudio.ui.panes import export  # costs a start that few sessions need

        try:
            export.write(self._session, self._page, path)
        except TokstudioError as error:
            self._context.fail(error)
        else:
            self._context.say(f"Written to {path}")
