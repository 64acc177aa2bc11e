"""The Export button of Compare: tokens as CSV, comparison as JSON, panes or page as a picture."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.context import Context
from tokstudio.ui.panes.session import CompareSession
from tokstudio.ui.widgets.controls import Button

KINDS = (
    ("csv", "Tokens as CSV…", False),
    ("json", "Comparison as JSON…", False),
    ("svg", "Panes as SVG…", True),
    ("png", "Panes as PNG…", True),
    ("png", "Picture of the page as PNG…", False),
)


class ExportButton(Button):
    def __init__(self, session: CompareSession, page: QWidget, picture: Callable, context: Context):
        super().__init__("Export", "export")
        self._session, self._page, self._picture, self._context = session, page, picture, context
        menu = QMenu(self)
        for ending, text, panes in KINDS:
            action = QAction(text, menu)
            action.triggered.connect(lambda _=False, ending=ending, panes=panes: self.ask(ending, panes))
            menu.addAction(action)
        self.setMenu(menu)

    def ask(self, ending: str, panes: bool = False) -> None:
        """Where to, then write; the ending is added where it is missing. `panes`: a picture of them alone."""
        name = "panes" if panes else "comparison"
        path, _ = QFileDialog.getSaveFileName(self._page, "Export", f"{name}.{ending}", f"*.{ending}")
        if path:
            self.write(Path(path).with_suffix(f".{ending}"), panes)

    def write(self, path: Path, panes: bool = False) -> None:
        from tokstudio.ui.panes import export  # costs a start that few sessions need

        try:
            export.write(self._session, self._page, path, self._picture if panes else None)
        except TokstudioError as error:
            self._context.fail(error)
        else:
            self._context.say(f"Written to {path}")
