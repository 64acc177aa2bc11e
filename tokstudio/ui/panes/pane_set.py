"""The panes of the view and what people do with them: add, change, remove, move; every step can be undone."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tokstudio.ui.panes.pane import ComparePane
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.picker import TokenizerPicker
from tokstudio.ui.panes.session import MOST
from tokstudio.ui.reveal import Thing, fill, offer

if TYPE_CHECKING:
    from tokstudio.ui.compare_views.text import TextView

FULL = f"{MOST} panes are the most that can stand side by side."


class PaneSet(QObject):
    def __init__(self, view: "TextView"):
        super().__init__(view)
        self._view, self.session, self._context = view, view.session, view.context
        self.widgets: dict[int, ComparePane] = {}
        self.history = self._context.changes.stack("compare")

    def references(self) -> list[str]:
        """Also of those that are being loaded."""
        return [pane.wanted or pane.reference for pane in self.session.panes]

    def _step(self, words: str, before: list[str], alone: Callable[[], object] | None = None) -> Callable:
        """Returns what takes this back, where something was changed."""
        return self._context.changes.record(
            "compare", words, before, self.references(), self.session.set_references, alone=alone
        )

    # ---- what people do

    def ask_to_add(self, near: QWidget) -> None:
        if len(self.session.panes) >= MOST:
            self._context.say(FULL)
            return
        self.picker().ask(near, self.add)

    def add(self, reference: str, beside: str = "") -> PaneState | None:
        """A new pane, in sight. `beside`: on the right of this tokenizer's pane, which is added where there is none."""
        before = self.references()
        place = None
        if beside:
            if self._pane_of(beside) is None:
                self.session.add(beside)
            if (left := self._pane_of(beside)) is not None:
                place = self.session.panes.index(left) + 1
        made = self.session.add(reference, place)
        if made is None:
            self._context.say(FULL)
        else:
            self._view.row.reveal(self.widgets[made.number])
        self._step(f"add {reference}", before)
        return made

    def _pane_of(self, reference: str) -> PaneState | None:
        return next((p for p in self.session.panes if reference in (p.reference, p.wanted)), None)

    def ask_to_change(self, number: int) -> None:
        self.picker().ask(self.widgets[number].name, lambda reference: self.change(number, reference))

    def change(self, number: int, reference: str) -> None:
        pane = self.session.pane(number)
        if pane is not None:
            before = self.references()
            after = [reference if p is pane else p.reference for p in self.session.panes]
            self.session.change(number, reference)
            self._context.changes.record(
                "compare", f"change to {reference}", before, after, self.session.set_references
            )

    def remove(self, number: int) -> None:
        pane, before = self.session.pane(number), self.references()
        place = self.session.panes.index(pane)
        self.session.remove(number)
        undo = self._step(f"remove {pane.name}", before, alone=lambda: self._put_back(pane.reference, place))
        self._context.say(f"{pane.name} removed", undo=undo)

    def _put_back(self, reference: str, place: int) -> None:
        """Only the pane that the message names: what was done since stays."""
        before = self.references()
        if self.session.add(reference, min(place, len(before))) is None:
            self._context.say(FULL)
        self._step(f"put {reference} back", before)

    def remove_front(self) -> None:
        """Ctrl+W: the pane with the focus, else the last."""
        if self.session.panes:
            self.remove(self.front() or self.session.panes[-1].number)

    def front(self) -> int | None:
        """The pane with the focus."""
        focus = self._view.window().focusWidget()
        held = [n for n, pane in self.widgets.items() if focus is not None and pane.isAncestorOf(focus)]
        return held[0] if held else None

    def move(self, number: int, direction: int) -> None:
        """One place left (-1) or right (1), or to the front (0)."""
        at = self.session.panes.index(self.session.pane(number))
        self.move_to(number, 0 if direction == 0 else at + direction)

    def move_to(self, number: int, place: int) -> None:
        before = self.references()
        self.session.move(number, place)
        self._step("move a pane", before)

    def move_front(self, direction: int) -> None:
        number = self.front()
        if number is not None:
            self.move(number, direction)
            self.widgets[number].view.setFocus()

    def pin_front(self) -> None:
        """The pane with the focus becomes the reference."""
        number = self.front()
        if number is not None:
            self.move(number, 0)
            self.widgets[number].view.setFocus()

    def picker(self) -> TokenizerPicker:
        return TokenizerPicker.of(self._view)

    # ---- widgets

    def changed(self) -> None:
        """The session's panes are other ones, or in another order."""
        wanted, front = [pane.number for pane in self.session.panes], self.front()
        place = list(self.widgets).index(front) if front is not None else 0
        for number in [n for n in self.widgets if n not in wanted]:
            self.widgets.pop(number).deleteLater()
        for number in wanted:
            if number not in self.widgets:
                self.widgets[number] = self._make(number)
        self._view.row.set_panes([self.widgets[number] for number in wanted])
        for number in wanted:
            self.show(number)
        if front is not None and wanted:  # the focus stays where it was, or goes to a neighbor
            kept = front if front in wanted else wanted[min(place, len(wanted) - 1)]
            self.widgets[kept].view.setFocus()

    def _make(self, number: int) -> ComparePane:
        made, links = ComparePane(number), self._view.links
        made.view.set_worker(self.session.layouts)
        made.hovered.connect(links.hover)
        made.clicked.connect(lambda start, stop: links.select_in(number, start, stop))
        made.scrolled.connect(lambda offset: links.scrolled(number, offset))
        made.change_asked.connect(lambda: self.ask_to_change(number))
        made.remove_asked.connect(lambda: self.remove(number))
        made.settle_asked.connect(lambda: self.session.settle(self.session.pane(number)))
        made.move_asked.connect(lambda direction: self.move(number, direction))
        made.place_asked.connect(lambda offset: links.jump(offset))
        made.copied.connect(self._context.say)
        thing = lambda: Thing(self.session.pane(number).reference)  # noqa: E731
        made.places = lambda menu: fill(menu, self._context, thing(), "compare")
        offer(made.head, self._context, thing, "compare")
        made.split_asked.connect(lambda: self._view.split_text(number))
        made.whatif_asked.connect(lambda: self._view.change_tokenizer(number))
        made.vocabulary_asked.connect(
            lambda token: self._context.go(
                "vocabulary", tokenizer=self.session.pane(number).reference, token=token
            )
        )
        made.text_asked.connect(lambda: self._view.toolbar.written.setCurrentIndex(0))
        self._view.dress(made)
        return made

    def show(self, number: int) -> None:
        state = self.session.pane(number)
        if state is None or number not in self.widgets:
            return
        first = self.session.panes[0]
        reference = None if state is first else (first.measures.tokens if first.measures else 0)
        self.widgets[number].show_state(state, reference, self._context.size_class == "wide")
