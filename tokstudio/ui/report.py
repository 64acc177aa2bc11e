"""When Tokstudio itself breaks: one plain sentence, a report without names, and the window goes on."""

import getpass
import platform
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from tokstudio import __version__
from tokstudio.ui import theme
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
