"""How a change of colors or of the text size reaches all widgets: a few at a time, what is seen first.

Qt knows only all at once: with all six pages built (3,600 widgets) a new style sheet takes 400 ms of one turn of the
event loop. So every widget is put to sleep: with neither mark below, Qt passes over it while the application's sheet is
replaced (45 ms), and it keeps its old look. Then widgets wake one by one with the new look. In a window that is seen,
nothing is painted until all in it that is seen has woken; hidden pages follow, and `settle` does one that is shown
before its turn. New pages, cards and dialogs need to do nothing for this.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from tokstudio.ui.in_turns import PIECE

SEEN_PIECE = 2 * PIECE  # seconds of processor time: the screen waits for these
POLISHED = (
    Qt.WidgetAttribute.WA_WState_Polished
)  # without it Qt neither takes the old style off nor puts the new on
OWN_STYLE = (
    Qt.WidgetAttribute.WA_SetStyle
)  # with it Qt does not tell the widget of the new style; nothing else sets it


@dataclass(frozen=True)
class Look:
    sheet: str
    palette: QPalette
    font: QFont
    font_of: Callable[[QWidget], QFont | None]  # what `theme.set_font` asked for


def dressed(app: QApplication, look: Look, tell: Callable[[], None]) -> Iterator[None]:
    """The change, to be left for other events at each `yield`. Ended early, it wants another one after it.

    `tell` is called when all that is seen has the new look, before it is painted, and again at the end.
    """
    every = app.allWidgets()
    seen = [w for w in every if w.isVisible()]
    held = _Held(seen)
    try:
        yield
        _sleep(every)
        yield
        _replace(app, look)
        yield
        yield from _woken(seen, look, SEEN_PIECE)
        held.lay_out()
        tell()
        yield
    finally:
        held.release()
    yield from _woken(every, look, PIECE)
    tell()


def settle(page: QWidget, look: Look) -> None:
    """What a change has not reached yet in this page, now."""
    for _ in _woken([page, *page.findChildren(QWidget)], look, PIECE):
        pass


def _sleep(widgets: Iterable[QWidget]) -> None:
    for widget in filter(isValid, widgets):
        if widget.testAttribute(POLISHED):  # else it sleeps still, or was never shown
            widget.setAttribute(OWN_STYLE, True)
            widget.setAttribute(POLISHED, False)


def _replace(app: QApplication, look: Look) -> None:
    # What Qt remembers of widgets (their own palettes, the rules that fit) lives as long as there is any style sheet,
    # and a sleeping widget needs it while the application's is away.
    keeper = QWidget()
    keeper.setStyleSheet("QWidget { }")
    app.setStyleSheet("")  # else Qt visits each widget once for each of its ancestors, asleep or not
    app.setPalette(look.palette)
    app.setFont(look.font)
    app.setStyleSheet(look.sheet)
    del keeper


def _woken(widgets: Iterable[QWidget], look: Look, piece: float) -> Iterator[None]:
    begun = time.thread_time()
    for widget in widgets:
        if isValid(widget) and _wake(widget):
            if (font := look.font_of(widget)) is not None:  # the style gives widgets back the font they had
                widget.setFont(font)
            widget.updateGeometry()
            widget.update()
        if time.thread_time() - begun > piece:
            yield
            begun = time.thread_time()
    yield


def _wake(widget: QWidget) -> bool:
    """False where it is awake already."""
    if not widget.testAttribute(OWN_STYLE):
        return not widget.testAttribute(POLISHED)  # never shown so far: Qt does the rest when it is
    widget.setAttribute(OWN_STYLE, False)
    widget.setAttribute(POLISHED, True)
    QApplication.style().polish(widget)
    QCoreApplication.sendEvent(widget, QEvent(QEvent.StyleChange))
    return True


class _Held:
    """Windows that are not painted and layouts that rest: else each turn would lay out and paint all of a window, for
    a look that it does not keep."""

    def __init__(self, seen: list[QWidget]):
        self._windows = [w for w in seen if w.isWindow() and w.updatesEnabled()]
        self._layouts = [layout for w in seen if (layout := w.layout()) and layout.isEnabled()]
        for window in self._windows:
            window.setUpdatesEnabled(False)
        for layout in self._layouts:
            layout.setEnabled(False)

    def lay_out(self) -> None:
        layouts, self._layouts = self._layouts, []
        for layout in filter(isValid, layouts):
            layout.setEnabled(True)
            QCoreApplication.postEvent(layout.parentWidget(), QEvent(QEvent.LayoutRequest))

    def release(self) -> None:
        self.lay_out()
        windows, self._windows = self._windows, []
        for window in filter(isValid, windows):
            window.setUpdatesEnabled(True)
