"""Nothing that fails is silent: what nobody caught reaches a person."""

import sys
import threading

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.context import Context


class CrashGuard(QObject):
    """Takes what nobody caught, from any thread: errors for people go to a toast, bugs to the dialog."""

    caught = Signal(object, object, object)

    def __init__(self, context: Context):
        super().__init__()
        self._context = context
        self._dialog: QDialog | None = None
        self.parent_widget: QWidget | None = None
        self.caught.connect(self._show)
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._hook
        threading.excepthook = lambda args: self._hook(args.exc_type, args.exc_value, args.exc_traceback)

    def uninstall(self) -> None:
        sys.excepthook, threading.excepthook = self._before

    def _hook(self, kind, error, trace) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        import traceback

        sys.stderr.write("".join(traceback.format_exception(kind, error, trace)))
        self.caught.emit(kind, error, trace)

    def _show(self, kind, error, trace) -> None:
        if isinstance(error, TokstudioError):
            self._context.fail(error)
            return
        if self._dialog is not None and self._dialog.isVisible():
            return  # one at a time, even if a timer fails a hundred times a second
        from tokstudio.ui.report import CrashDialog, report_text

        self._dialog = CrashDialog(error, report_text(kind, error, trace), self.parent_widget)
        self._dialog.open()
