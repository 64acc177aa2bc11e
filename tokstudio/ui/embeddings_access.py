"""What a screen reader hears of a heat map: its name, what is in view, and the cell under the cross-hair as value."""

from PySide6.QtGui import QAccessible, QAccessibleValueChangeEvent
from PySide6.QtWidgets import QAccessibleWidget

_kept: dict[int, "HeatMapAccess"] = {}
_state = {"installed": False}


class HeatMapAccess(QAccessibleWidget):
    def __init__(self, heat):
        super().__init__(heat, QAccessible.Graphic)
        self._heat = heat

    def text(self, kind: QAccessible.Text) -> str:
        return self._heat.current() if kind == QAccessible.Value else super().text(kind)


def install() -> None:
    """Once per process: Qt asks the factory for every widget it does not know."""
    if not _state["installed"]:
        QAccessible.installFactory(_make)
        _state["installed"] = True


def _make(_class_name: str, thing):
    from tokstudio.ui.embeddings_heat import HeatMap

    if not isinstance(thing, HeatMap):
        return None
    made = HeatMapAccess(thing)
    key = id(thing)
    _kept[key] = made  # Qt holds only a pointer
    thing.destroyed.connect(lambda *_: _kept.pop(key, None))
    return made


def announce(heat) -> None:
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleValueChangeEvent(heat, heat.current()))
