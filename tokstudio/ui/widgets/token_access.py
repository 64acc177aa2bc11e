"""What a screen reader hears of a token view: its tokens as text, and the current one as its value."""

from PySide6.QtGui import QAccessible, QAccessibleValueChangeEvent
from PySide6.QtWidgets import QAccessibleWidget

MOST = 2_000  # tokens put into one answer

_kept: dict[int, "TokenViewAccess"] = {}
_installed = False


class TokenViewAccess(QAccessibleWidget):
    """Name: the widget's own. Description: the tokens, parted by bars. Value: the current token."""

    def __init__(self, view):
        super().__init__(view, QAccessible.StaticText)
        self._view = view

    def text(self, kind: QAccessible.Text) -> str:
        if kind == QAccessible.Value:
            return current(self._view)
        if kind == QAccessible.Description:
            return everything(self._view)
        return super().text(kind)


def everything(view) -> str:
    tokens = view.tokens
    if tokens is None:
        return "no tokens"
    shown = [_said(tokens, i, False) for i in range(min(len(tokens), MOST))]
    return f"{len(tokens)} tokens: " + " | ".join(shown)


def current(view) -> str:
    tokens, index = view.tokens, view.current
    if tokens is None or index is None:
        return ""
    place = f"bytes {tokens.starts[index]} to {tokens.ends[index]}"
    return f"{_said(tokens, index, True)}, id {int(tokens.ids[index])}, {place}"


def _said(tokens, index: int, marks: bool) -> str:
    text, _ = tokens.shown(index, "text", marks)
    return f"{text}, unknown {tokens.label(index)}" if tokens.unknown[index] else text


def install() -> None:
    """Once per process: Qt asks the factory for every widget it does not know."""
    global _installed
    if not _installed:
        QAccessible.installFactory(_make)
        _installed = True


def _make(_class_name: str, thing):
    from tokstudio.ui.widgets.token_view import TokenView

    if not isinstance(thing, TokenView):
        return None
    made = TokenViewAccess(thing)
    key = id(thing)
    _kept[key] = made  # Qt holds only a pointer
    thing.destroyed.connect(lambda *_: _kept.pop(key, None))
    return made


def announce(view) -> None:
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleValueChangeEvent(view, current(view)))
