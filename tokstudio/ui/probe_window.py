"""What the tours of the benchmarks share: a real window to work in, and the figure they give."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtWidgets import QApplication

from tokstudio.ui import theme
from tokstudio.ui.app import make_application
from tokstudio.ui.context import Context
from tokstudio.ui.main_window import MainWindow


@contextmanager
def open_window(page: str) -> Iterator[tuple[QApplication, MainWindow]]:
    """A light window of 1440 x 900 with `page` in front; closed at the end."""
    app = make_application([])
    context = Context()
    theme.apply(app, "light")
    window = MainWindow(context)
    window.resize(1440, 900)
    window.show()
    window.show_page(page)
    try:
        yield app, window
    finally:
        window.close()


def p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]
