"""What undo takes back on the Embeddings page: which matrices are open, and what the charts show."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from tokstudio.ui.embeddings_engine import A, B, Engine

if TYPE_CHECKING:
    from tokstudio.ui.context import Context
    from tokstudio.ui.pages.embeddings import EmbeddingsPage

State = dict[str, tuple[str, str]]  # letter -> path, tensor


class Steps(QObject):
    def __init__(self, page: "EmbeddingsPage", context: "Context"):
        super().__init__(page)
        self._page, self._changes = page, context.changes
        self._now: State = {}
        self._kinds = self._charts()
        page.engine.opened.connect(lambda _: self._look())
        page.engine.closed.connect(lambda _: self._look())
        for slot in page.body.slots.slots:
            slot.chosen.connect(lambda _: self._charted())

    @property
    def _engine(self) -> Engine:
        return self._page.engine

    def _look(self) -> None:
        """What the page is asked for comes later; only what is there counts."""
        before, self._now = (
            self._now,
            {letter: (side.path, side.tensor) for letter, side in self._engine.sides.items()},
        )
        if not before:
            return  # the matrix of last time, or the first
        changed = [letter for letter in (A, B) if before.get(letter) != self._now.get(letter)]
        if changed == [B] and B not in self._now:
            words = "close B"
        elif len(changed) == 2:
            words = "swap A and B"
        else:
            words = f"open {self._engine.sides[changed[0]].name}" if changed else ""
        if words:
            self._changes.record(self._page.name, words, before, self._now, self._bring)

    def _bring(self, state: State) -> None:
        """Its answers come later, and are no steps."""
        before, self._now = self._now, state
        if set(state) == {A, B} and state == {A: before.get(B), B: before.get(A)}:
            self._engine.swap()
            return
        for letter in (A, B):
            if letter not in state:
                self._engine.close(letter)
            elif before.get(letter) != state[letter]:
                path, tensor = state[letter]
                self._page.open(path, tensor, letter=letter)

    def _charts(self) -> list[str]:
        return [slot.kind for slot in self._page.body.slots.slots]

    def _charted(self) -> None:
        before, self._kinds = self._kinds, self._charts()
        self._changes.record(self._page.name, "choice of charts", before, self._kinds, self._chart)

    def _chart(self, kinds: list[str]) -> None:
        for slot, kind in zip(self._page.body.slots.slots, kinds, strict=True):
            slot.show_kind(kind)
