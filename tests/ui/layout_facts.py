"""Facts about how every page lies: no word cut off, nothing outside of what holds it. Prints one line for each fault.

A program of its own, because the scale of the screen is fixed when Qt begins:
`python -m tests.ui.layout_facts 1100 700`.
"""

import sys
import time

from PySide6.QtCore import QRect
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QApplication, QLabel, QWidget

from tokstudio.runs.store import RunStore
from tokstudio.ui import theme
from tokstudio.ui.app import make_application
from tokstudio.ui.context import Context
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.widgets.basic import Eliding

SLACK = 2  # pixels: fonts round their widths


def faults(page: QWidget) -> list[str]:
    found = []
    for widget in page.findChildren(QWidget):
        if not widget.isVisible() or widget.width() <= 0:
            continue
        if isinstance(widget, QLabel) and not isinstance(widget, Eliding):
            found += _cut(widget)
        elif isinstance(widget, QAbstractButton) and widget.text() and not widget.property("nameButton"):
            need = widget.sizeHint().width()
            found += [f"button {widget.text()!r}: {widget.width()} of {need}"] * (
                need > widget.width() + SLACK
            )
        if not _inside(widget):
            found.append(
                f"{type(widget).__name__} {widget.accessibleName() or getattr(widget, 'text', str)()!r} "
                f"{widget.geometry().getRect()} outside of {type(widget.parentWidget()).__name__} "
                f"{widget.parentWidget().rect().getRect()}"
            )
    return found


def _cut(words: QLabel) -> list[str]:
    if not words.text() or words.pixmap().width() > 0:
        return []
    room = words.contentsRect()
    if words.wordWrap():
        need = words.heightForWidth(words.width())
        return (
            [f"wrapped {words.text()[:40]!r}: {words.height()} of {need}"]
            if need > words.height() + SLACK
            else []
        )
    need = words.fontMetrics().horizontalAdvance(words.text().split("\n")[0])
    return [f"label {words.text()!r}: {room.width()} of {need}"] if need > room.width() + SLACK else []


def _inside(widget: QWidget) -> bool:
    above = widget.parentWidget()
    if above is None or widget.isWindow() or isinstance(above, QAbstractScrollArea):
        return True
    if isinstance(above.parentWidget(), QAbstractScrollArea):  # a viewport: what is larger scrolls
        return True
    return above.rect().adjusted(-SLACK, -SLACK, SLACK, SLACK).contains(QRect(widget.geometry()))


SETTLED = {  # what a page shows at first comes from other threads and processes
    "vocabulary": lambda page: page.vocabulary is not None,
    "embeddings": lambda page: page.engine.a is not None and page.engine.a.spectrum is not None,
    "model": lambda page: bool(page.lab.present()),
    "transfer": lambda page: None not in (page._model, page._pair, page._corpus, page._device),
}
PATIENCE = 90.0  # seconds that this may take on a busy machine


def settle(window: MainWindow, name: str) -> None:
    QTest.qWait(1000)
    until = time.monotonic() + PATIENCE
    there = SETTLED.get(name, lambda page: True)
    while time.monotonic() < until and (window.status._jobs or not there(window.page(name))):
        QTest.qWait(100)
    QTest.qWait(500)
    for _ in range(20):  # on a busy machine layouts are still on their way
        QApplication.sendPostedEvents()
        QTest.qWait(20)


def main(argv: list[str]) -> int:
    app = make_application([])
    theme.apply(app, "light")
    RunStore().create("selftest", "one", "steps = 3")
    window = MainWindow(Context())
    window.resize(int(argv[0]), int(argv[1]))
    window.show()
    for name in window._entries:
        window.show_page(name)
        if name == "embeddings":
            from tokstudio.embed.known import known_matrices

            window.page(name).open_known(known_matrices()[0].name)
        settle(window, name)
        for fault in faults(window):
            sys.stdout.write(f"{name}: {fault}\n")
        if len(argv) > 2:
            window.grab().save(f"{argv[2]}-{name}.png")
    sys.stdout.write("looked\n")
    window.end(0)
    QApplication.processEvents()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
