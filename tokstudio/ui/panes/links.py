"""What links the panes, the text, the strip and the inspector: hover, selection, disagreements, find, traces."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from tokstudio.ui.panes.find_bar import places
from tokstudio.ui.panes.words import spoken

if TYPE_CHECKING:
    from tokstudio.ui.compare_views.text import TextView
    from tokstudio.ui.panes.token_tab import Asker
    from tokstudio.ui.panes.trace_tabs import Tracer


class Links(QObject):
    """Places are byte ranges of the text; below 0 means nothing."""

    def __init__(self, view: "TextView"):
        super().__init__(view)
        self._view, self._session = view, view.session
        self.selection: tuple[int, int] | None = None
        self._found: list[tuple[int, int]] = []
        self._query = ""
        self._first: int | None = None  # the pane whose token was clicked
        self._tracer: Tracer | None = None
        self._asker: Asker | None = None
        view.inspector.trace_asked.connect(self._trace)
        view.inspector.token_asked.connect(self._ask_token)
        editor = view.editor
        editor.hovered.connect(self.editor_hovered)
        editor.selected.connect(lambda start, stop: self.select(start, stop, reveal=False))
        editor.find.asked.connect(self.find)
        editor.find.closed.connect(self._find_closed)
        view.strip_card.strip.jumped.connect(self.jump)

    # ---- hover

    def hover(self, start: int, stop: int) -> None:
        """The same bytes in every pane and in the text."""
        for pane in self._view.panes.values():
            pane.view.highlight(start, stop)
        self._view.editor.highlight(start, stop)

    def editor_hovered(self, start: int, _stop: int) -> None:
        """The token of the reference pane that holds the character under the pointer."""
        panes = self._session.fresh()
        tokens = self._view.panes[panes[0].number].view.tokens if panes and start >= 0 else None
        found = tokens.overlapping(start, start + 1) if tokens is not None else (0, 0)
        self.hover(*(tokens.trimmed(found[0]) if found[0] < found[1] else (-1, -1)))

    def scrolled(self, number: int, offset: int) -> None:
        for other, pane in self._view.panes.items():
            if other != number:
                pane.view.scroll_to(offset)

    # ---- selection

    def select(self, start: int, stop: int, reveal: bool = True) -> None:
        """Locks bytes in every pane until something else is selected, or Escape."""
        self.selection = (start, stop) if start >= 0 else None
        self.show()
        if reveal and self.selection is not None:
            self.reveal()

    def select_in(self, number: int, start: int, stop: int) -> None:
        """By a click into this pane: the inspector begins with it."""
        self._first = number
        self.select(start, stop)

    def reveal(self) -> None:
        self._view.editor.reveal(self.selection[0])
        for pane in self._view.panes.values():
            pane.view.reveal(*self.selection)

    def show(self) -> None:
        start, stop = self.selection or (-1, -1)
        view = self._view
        for pane in view.panes.values():
            pane.view.select(start, stop)
            pane.selection = self.selection
        view.editor.mark(start, stop)
        view.strip_card.strip.select(start, stop)
        panes = self._session.fresh()
        if self.selection is None or not panes:
            view.inspector.show_nothing(panes)
            return
        count = spoken(self._session.data, start, stop)
        note = f"{stop - start:,} byte{'s' if stop - start != 1 else ''} at {start:,}, {count}"
        view.inspector.show_span(panes, start, stop, note, self._first)

    def _trace(self, start: int, stop: int) -> None:
        panes = self._session.fresh()
        if panes:
            if self._tracer is None:
                from tokstudio.ui.panes.trace_tabs import Tracer

                self._tracer = Tracer(self)
                self._tracer.done.connect(self._view.inspector.show_traces)
            panes = sorted(panes, key=lambda pane: pane.number != self._first)
            self._tracer.ask(panes, start, stop, self._session.special, self._session.written)

    def _ask_token(self, start: int, stop: int, place: int) -> None:
        panes = sorted(self._session.fresh(), key=lambda pane: pane.number != self._first)
        if panes:
            if self._asker is None:
                from tokstudio.ui.panes.token_tab import Asker

                self._asker = Asker(self)
                self._asker.done.connect(self._view.inspector.token.show_facts)
            self._asker.ask(panes[0], start, stop, place)

    # ---- disagreements

    def step(self, direction: int) -> None:
        """To the next (1) or previous (-1) disagreement, seen from the selection."""
        found = self._session.agreement
        if found is None:
            return
        start, stop = self.selection or ((0, 0) if direction > 0 else (len(self._session.data) + 1, 0))
        here = stop - 1 if direction > 0 else start
        to = found.next_disagreement(here) if direction > 0 else found.previous_disagreement(here)
        if to is None:
            words = "No disagreement " + ("after" if direction > 0 else "before") + " this place."
            self._view.context.say(words)
        else:
            self.jump(to)

    def jump(self, offset: int) -> None:
        """Selects the longest token that holds this byte in any pane."""
        spans = []
        for pane in self._session.fresh():
            tokens = self._view.panes[pane.number].view.tokens
            first, stop = tokens.overlapping(offset, offset + 1) if tokens is not None else (0, 0)
            spans += [tokens.trimmed(first)] if first < stop else []
        if spans:
            self.select(*max(spans, key=lambda span: span[1] - span[0]))

    # ---- find

    def find(self, query: str, direction: int) -> None:
        bar = self._view.editor.find
        if query != self._query or direction == 0:
            self._query = query
            encodings = [pane.encoding for pane in self._session.fresh()]
            try:
                self._found = places(query, self._session.data, encodings) if query else []
            except ValueError as error:
                self._found = []
                bar.show_count(None, 0, str(error))
                return
        at = self._next(direction)
        bar.show_count(at, len(self._found))
        if at is not None:
            self.select(*self._found[at])

    def _next(self, direction: int) -> int | None:
        """Around the end, to the beginning."""
        if not self._found:
            return None
        here = self.selection or (-1, -1)
        if direction < 0:
            before = [n for n, place in enumerate(self._found) if place < here]
            return before[-1] if before else len(self._found) - 1
        after = (
            n for n, place in enumerate(self._found) if place > here or (direction == 0 and place == here)
        )
        return next(after, 0)

    def _find_closed(self) -> None:
        self._view.editor.focus()

    def text_changed(self) -> None:
        before, self.selection = self.selection, None
        self._query, self._found = "", []
        if before is not None:  # else all shows nothing already, and a key should not repaint it
            self.show()

    def close(self) -> None:
        if self._tracer is not None:
            self._tracer.close()
        if self._asker is not None:
            self._asker.close()
