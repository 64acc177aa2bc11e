"""All that the palette of the window offers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tokstudio.ui import crashes, reveal
from tokstudio.ui.context import Context
from tokstudio.ui.page_actions import page_actions
from tokstudio.ui.page_list import PageEntry
from tokstudio.ui.settings_menu import SCHEMES
from tokstudio.ui.widgets.choice_list import Choice

if TYPE_CHECKING:
    from tokstudio.ui.main_window import MainWindow


def palette_choices(
    window: "MainWindow", page: QWidget | None, entries: Sequence[PageEntry], front: str
) -> list[Choice]:
    """`page`: the one in front, called `front`, where one is."""
    window.menu.mark()
    context = window.context
    found = _steps(context)
    found += [
        Choice(e.title, f"Page, Ctrl+{number}", e.icon, lambda name=e.name: window.open_page(name))
        for number, e in enumerate(entries, 1)
    ]
    if page is not None and hasattr(page, "commands"):
        found += page.commands()
    if page is not None:
        title = next(entry.title for entry in entries if entry.name == front)
        found += page_actions(title, [page, *window.top.actions_shown], {c.text for c in found})
        found += reveal.choices(context, window.things(), front, title)
    found += _of_window(window)
    if crashes.kept():
        found.append(Choice("Bring back the session before the safe start", "", "undo", window.bring_back))
    return found + _tokenizers(context)


def _steps(context: Context) -> list[Choice]:
    """Undo and redo, with what they would do."""
    changes = context.changes
    offered = (("Undo", "Ctrl+Z", -1, changes.undo), ("Redo", "Ctrl+Shift+Z", 1, changes.redo))
    return [
        Choice(f"{name}: {words}", keys, "undo", act)
        for name, keys, way, act in offered
        if (words := changes.words(way))
    ]


def _of_window(window: "MainWindow") -> list[Choice]:
    return [
        Choice("Open a file…", "Ctrl+O", "folder", window.choose_file),
        *(
            Choice(text, "Settings", icon, lambda mode=mode: window.set_scheme(mode))
            for mode, _, text, icon in SCHEMES
        ),
        Choice("Larger text", "Ctrl++", "plus", lambda: window.zoom(1)),
        Choice("Smaller text", "Ctrl+-", "settings", lambda: window.zoom(-1)),
        Choice("Normal text size", "Ctrl+0", "settings", lambda: window.zoom(0)),
        Choice("Back", "Alt+Left", "chevron-left", lambda: window.go_back(-1)),
        Choice("Forward", "Alt+Right", "chevron-right", lambda: window.go_back(1)),
        Choice("Start the demo transfer", "Runs", "play", lambda: window.context.go("runs", demo=True)),
        Choice("Show the first steps", "Help", "info", window.show_first_steps),
        *(Choice(action.text(), "Settings", "settings", action.toggle) for action in window.menu.switches),
        *_help(window),
        Choice("Quit", "Ctrl+Q", "close", window.close),
    ]


def _tokenizers(context: Context) -> list[Choice]:
    from tokstudio.tokens.catalog import catalog

    return [
        Choice(
            entry.name,
            f"Add to Compare, {entry.algorithm}",
            "plus",
            lambda reference=entry.reference: context.go("compare", tokenizer=reference),
        )
        for entry in catalog()
    ]


def _help(window: "MainWindow") -> list[Choice]:
    from tokstudio.ui.help import TOPICS, title_of

    return [
        Choice(f"Help: {title_of(topic)}", "F1", "info", lambda topic=topic: window.open_help(topic))
        for topic in TOPICS
    ]
