"""When Tokstudio itself breaks: one plain sentence, a report without names, and the window goes on."""

import getpass
import platform
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from tokstudio import __version__
from tokstudio.errors import TokstudioError
from tokstudio.ui import theme
from tokstudio.ui.context import Context
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, label, row


def redact(text: str) -> str:
    """Takes the home folder, the user and the machine out of a report."""
    names = {str(Path.home()): "~", platform.node(): "<machine>"}
    try:
        names[getpass.getuser()] = "<user>"
    except (OSError, KeyError):  # a container without an entry for the user
        names.pop("", None)
    for name, instead in names.items():
        if len(name) > 3 or instead == "~":
            text = text.replace(name, instead)
    return text


def report_text(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    head = (
        f"Tokstudio {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}"
    )
    return redact(head + "\n\n" + "".join(traceback.format_exception(kind, error, trace)))


class CrashDialog(QDialog):
    def __init__(self, report: str, parent: QWidget | None):
        super().__init__(parent)
        self.setWindowTitle("Tokstudio")
        self.report = report
        self.setMinimumWidth(560)
        details = QPlainTextEdit(report)
        details.setReadOnly(True)
        details.setAccessibleName("Report")
        details.setMinimumHeight(180)
        theme.set_font(details, "monos", mono=True)
        copy, go_on = button("Copy report", "copy"), button("Continue", kind="primary")
        leave = button("Quit")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report))
        go_on.clicked.connect(self.accept)
        leave.clicked.connect(QGuiApplication.quit)
        title = label("Tokstudio made a mistake. Your text and your runs are kept.", "title", wrap=True)
        words = label(
            "You can go on. The report below has no names in it; copy it to where you report problems.",
            "body",
            "text2",
            wrap=True,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(12)
        layout.addWidget(row(icon_label("alert", "danger", 20), (title, 1), spacing=10))
        layout.addWidget(words)
        layout.addWidget(details, 1)
        layout.addWidget(row(copy, None, leave, go_on))


class CrashGuard(QObject):
    """Takes what nobody caught, from any thread: errors for people go to a toast, bugs to the dialog."""

    caught = Signal(object, object, object)

    def __init__(self, context: Context):
        super().__init__()
        self._context = context
        self._dialog: CrashDialog | None = None
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
        sys.stderr.write("".join(traceback.format_exception(kind, error, trace)))
        self.caught.emit(kind, error, trace)

    def _show(self, kind, error, trace) -> None:
        if isinstance(error, TokstudioError):
            self._context.fail(error)
            return
        if self._dialog is not None and self._dialog.isVisible():
            return  # one at a time, even if a timer fails a hundred times a second
        self._dialog = CrashDialog(report_text(kind, error, trace), self.parent_widget)
        self._dialog.open()
