"""Every widget of a page that a person can use, for the tests that look at all of them."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

KINDS = (
    *(QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit),
    *(QPlainTextEdit, QTabBar, QTextEdit),
)


def usable(page: QWidget) -> list[QWidget]:
    """Without what belongs to another widget of the list: fields inside of spin boxes, views of combo boxes, scroll
    bars, headers, and pyqtgraph's own menu, which nothing opens."""
    return [w for w in page.findChildren(QWidget) if _counts(w)]


def _counts(widget: QWidget) -> bool:
    if isinstance(widget, (QScrollBar, QHeaderView)) or widget.objectName().startswith("qt_"):
        return False
    if not (isinstance(widget, KINDS) or widget.focusPolicy() & Qt.TabFocus):
        return False
    above = widget.parentWidget()
    if isinstance(above, (QAbstractSpinBox, QComboBox, QAbstractItemView, QLineEdit)):
        return False
    if isinstance(above, QAbstractScrollArea) and above.viewport() is widget:
        return False
    while above is not None:
        if isinstance(above, QMenu) or above.metaObject().className() == "QComboBoxPrivateContainer":
            return False
        above = above.parentWidget()
    return True


class StrayWindows(QObject):
    """Notes each part that is shown as a window of its own, because it has no parent yet: it flashes, and takes the
    focus away. Install it on the application, and remove it."""

    MEANT = (QDialog, QMenu)
    OF_QT = ("QTipLabel", "QComboBoxPrivateContainer", "QShapedPixmapWidget")

    def __init__(self, *windows: type):
        super().__init__()
        self.found: list[str] = []
        self._meant = (*self.MEANT, *windows)

    def eventFilter(self, watched, event) -> bool:
        shown = event.type() == QEvent.Show and isinstance(watched, QWidget) and watched.isWindow()
        if (
            shown
            and not isinstance(watched, self._meant)
            and watched.metaObject().className() not in self.OF_QT
        ):
            self.found.append(told(watched))
        return False


def told(widget: QWidget) -> str:
    """Which one it is, for a message."""
    above = widget.parentWidget()
    words = widget.text() if isinstance(widget, QAbstractButton) else ""
    return f"{type(widget).__name__} {widget.accessibleName() or words!r} in {type(above).__name__}"
