"""What undo takes back on the Vocabulary page: the query, the tokenizer that is open, those beside it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from tokstudio.ui.context import Context
    from tokstudio.ui.pages.vocabulary import VocabularyPage


class Steps(QObject):
    def __init__(self, page: "VocabularyPage", context: "Context"):
        super().__init__(page)
        self._page, self._changes, self._settings = page, context.changes, context.settings
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
        page = self._page
        before, self._reference = self._reference, page.vocabulary.reference
        if before and before != self._reference:
            others = list(page.parts.differences.others)  # of the one before, still
            words = f"open {page.vocabulary.name}"
            self._changes.record(
                page.name, words, (before, None, others), (self._reference, None, None), self._bring
            )

    def _compared(self, others: list[str]) -> None:
        before = list(self._page.parts.differences.others)
        self._changes.record(
            self._page.name, "tokenizers to compare with", before, others, self._page.compare_with
        )

    def cross(self, reference: str, query: str) -> None:
        """Another vocabulary, this one beside it, and a query there: one step."""
        page = self._page
        others = list(page.parts.differences.others)
        before, after = (self._reference, self._query, others), (reference, query, [self._reference])
        self._changes.record(page.name, "the tokenizer and what is beside it", before, after, self._bring)
        self._bring(after)

    def _bring(self, state: tuple[str, str | None, list[str] | None]) -> None:
        """Reference, query, others; None: stays as it is."""
        reference, query, others = state
        if others is not None:
            self._settings.set("vocabulary.others", others)  # compared with once it is open
        if query is not None:
            self._query = query
            self._page.query.setText(query)
        self._reference = reference  # its answer comes later, and is no step
        self._page.open(reference)
