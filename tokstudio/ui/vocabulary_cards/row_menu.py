"""What a right click on tokens of the table offers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from tokstudio.ui.pages.vocabulary import VocabularyPage


class RowMenu(QObject):
    def __init__(self, page: "VocabularyPage"):
        super().__init__(page)
        self._page = page
        page.table.setContextMenuPolicy(Qt.CustomContextMenu)
        page.table.customContextMenuRequested.connect(self._ask)

    def _ask(self, at: QPoint) -> None:
        table = self._page.table
        if self._page.vocabulary is None or table.token() is None:
            return
        menu = QMenu(table)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        self.fill(menu)
        menu.popup(table.viewport().mapToGlobal(at))

    def fill(self, menu: QMenu) -> None:
        """For the selected rows; deeds for one token belong to the chosen one."""
        page, token, rows = self._page, self._page.table.token(), self._page.table.selected_rows()
        if rows > 1:
            menu.addAction(f"Copy {rows:,} rows", page.copy_selection)
        else:
            menu.addAction("Copy token", page.detail.copy_token)
            menu.addAction("Copy id", lambda: QGuiApplication.clipboard().setText(str(token)))
            menu.addAction("Copy row", page.copy_selection)
            menu.addSeparator()
            if page.detail.merges.isVisibleTo(page.detail):
                menu.addAction("Show merges", lambda: page.show_merges(token)).setEnabled(
                    page.detail.merges.isEnabled()
                )
            if page.detail.neighbors.isVisibleTo(page.detail):
                menu.addAction("Neighbors in Embeddings", lambda: page.detail.neighbors_wanted.emit(token))
        menu.addSeparator()
        for words, kind in (("Selection as CSV…", "csv"), ("Selection as JSON…", "json")):
            menu.addAction(words, lambda kind=kind: page.header.ask_export(kind, True))
