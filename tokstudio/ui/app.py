"""`tokstudio` without a command: the window."""

import locale
import os
import signal
import sys

import numpy  # noqa: F401 before Qt: PySide reads the source of each module imported after it, 25 ms here
from PySide6.QtCore import QLoggingCategory, QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from tokstudio.ui import crashes, startup, theme
from tokstudio.ui.context import Context
from tokstudio.ui.guard import CrashGuard


def make_application(argv: list[str]) -> QApplication:
    """The one QApplication, with the C locale for numbers put back.

    Qt takes the user's, and where the decimal sign is a comma SentencePiece then reads "0.5" as 0.
    """
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    # Qt tells of every font that has no rules for a script; what cannot be drawn the panes say themselves
    QLoggingCategory.setFilterRules("qt.text.font.db=false")
    app = QApplication([sys.argv[0], *argv])
    locale.setlocale(locale.LC_NUMERIC, "C")
    app.setApplicationName("Tokstudio")
    app.setDesktopFileName("tokstudio")
    return app


class Interrupt:
    """Ctrl+C in the terminal closes the window at once, though Qt's loop never returns to Python."""

    def __init__(self, app: QApplication):
        self._read, self._write = _pipe()
        self._notifier = QSocketNotifier(self._read, QSocketNotifier.Type.Read)
        self._notifier.activated.connect(lambda *_: os.read(self._read, 64))
        self._wakeup = signal.set_wakeup_fd(self._write)
        self._before = signal.signal(signal.SIGINT, lambda *_: app.closeAllWindows())

    def undo(self) -> None:
        signal.set_wakeup_fd(self._wakeup)
        signal.signal(signal.SIGINT, self._before)
        self._notifier.setEnabled(False)
        os.close(self._read)
        os.close(self._write)


def _pipe() -> tuple[int, int]:
    """File numbers whose writing end does not block, as `set_wakeup_fd` asks for."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    return reading, writing


def main(argv: list[str]) -> int:
    """Opens the window; `argv` are files to open in it. Returns the exit status."""
    app = make_application(argv)
    interrupt = Interrupt(app) if sys.platform != "win32" else None  # there the console closes the program
    try:
        while True:
            start = crashes.look()
            status, again = _one_window(app, start, argv)
            if not again:
                return status
            crashes.bring_back()
            argv = []
    finally:
        if interrupt is not None:
            interrupt.undo()


def _one_window(app: QApplication, start: crashes.Start, argv: list[str]) -> tuple[int, bool]:
    """Exit status, and whether the session that a safe start has set aside is wanted in a window of its own."""
    context = Context()
    theme.load_scale(context.settings.get("look/scale", 1.0))
    theme.apply(app, context.settings.get("look/mode", "system"))
    guard = CrashGuard(context)
    from tokstudio.ui.main_window import MainWindow

    start.begin()
    window = MainWindow(context, start)
    guard.parent_widget = window
    if startup.probing():
        startup.watch(window)
    window.show()
    for path in argv:
        QTimer.singleShot(0, lambda path=path: context.open_path(path))
    try:
        return app.exec() or window.status_code, window.wants_old_session
    finally:
        guard.uninstall()
