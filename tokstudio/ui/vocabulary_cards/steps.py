"""What undo takes back on the Vocabulary page: the query, the tokenizer that is open, those beside it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from tokstudio.ui.context import Context
    from tokstudio.ui.pages.vocabulary import VocabularyPage


class Steps(QObject):
    def __init__(self, page: "VocabularyPage", context: "Context"):
        super().__init__(page)
        self._page, self._changes = page, context.changes
        self._query = self._reference = ""  # as they were last
        page.query.textChanged.connect(self._asked)
        page.engine.opened.connect(self._opened)
        page.parts.differences.compare_wanted.connect(self._compared)

    def _asked(self, query: str) -> None:
        before, self._query = self._query, query
        if self._page.vocabulary is not None:  # not the one that an earlier start has left
            words = f"query \u201c{query}\u201d" if query else "no query"
            self._changes.record(self._page.name, words, before, query, self._ask, key="query")

    def _ask(self, query: str) -> None:
        self._query = query
        self._page.query.setText(query)

    def _opened(self) -> None:
        before, self._reference = self._reference, self._page.vocabulary.reference
        if before:
            name = self._page.vocabulary.name
            self._changes.record(self._page.name, f"open {name}", before, self._reference, self._open)

    def _open(self, reference: str) -> None:
        self._reference = reference  # its answer comes later, and is no step
        self._page.open(reference)

    def _compared(self, others: list[str]) -> None:
        before = list(self._page.parts.differences.others)
        self._changes.record(
            self._page.name, "tokenizers to compare with", before, others, self._page.compare_with
        )
