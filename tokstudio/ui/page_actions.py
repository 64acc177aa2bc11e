"""What can be pressed on the page in front, for the palette: buttons, switches and the entries of their menus."""

from collections.abc import Callable, Iterable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QMenu, QWidget
from shiboken6 import isValid

from tokstudio.ui.widgets.basic import Segmented
from tokstudio.ui.widgets.choice_list import Choice


def page_actions(title: str, parts: Iterable[QWidget], known: set[str]) -> list[Choice]:
    """Without those whose words are `known` already; the first of several that have the same words."""
    made: dict[str, Choice] = {}
    for part in parts:
        buttons = part.findChildren(QAbstractButton)
        for button in [part, *buttons] if isinstance(part, QAbstractButton) else buttons:
            if not button.isVisible() or not button.isEnabled() or button.objectName().startswith("qt_"):
                continue
            if button.property("nameButton"):  # says what a pane is, and opens the menu beside it
                continue
            menu = button.menu() if hasattr(button, "menu") else None
            if menu is not None:
                _add_menu(made, title, _words(button), menu)
            elif words := _words(button):
                made.setdefault(words, Choice(words, title, "", _still(button)))
    plain = {words.removesuffix("…") for words in known}
    return [choice for words, choice in made.items() if words.removesuffix("…") not in plain]


def _words(button: QAbstractButton) -> str:
    words = button.text() or button.accessibleName()
    above = button.parentWidget()
    return f"{above.accessibleName()}: {words}" if isinstance(above, Segmented) and words else words


def _add_menu(made: dict[str, Choice], title: str, name: str, menu: QMenu) -> None:
    for action in menu.actions():
        if action.isSeparator() or not action.isEnabled() or not action.text():
            continue
        if action.menu() is not None:
            _add_menu(made, title, action.text(), action.menu())
            continue
        text, _, keys = action.text().replace("&", "").partition("\t")
        words = f"{name}: {text}" if name else text
        made.setdefault(words, Choice(words, f"{title}, {keys}" if keys else title, "", _still(action)))


def _still(part: QAction | QAbstractButton) -> Callable[[], object]:
    """Presses it, unless the page has put something else in its place since the palette was opened."""
    press = QAction.trigger if isinstance(part, QAction) else QAbstractButton.click
    return lambda: press(part) if isValid(part) else None
