"""When Tokstudio itself breaks: one plain sentence, why, what to do, a report without names, and the window goes on."""

import errno
import getpass
import platform
import re
import time
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from tokstudio import __version__
from tokstudio.paths import data_home
from tokstudio.ui import theme
from tokstudio.ui.announce import announce
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, label, row

KEPT = 20  # reports in the folder
PATH = re.compile(
    r"""(?P<quote>["'])(?P<inside>(?:[A-Za-z]:)?[\\/][^"'\n]*)(?P=quote)  # quoted, may hold spaces
    |(?<![\w.:/\\])(?:[A-Za-z]:[\\/]|/)[^\s"'<>|,;()\[\]{}]+""",
    re.VERBOSE,
)
CODE = re.compile(r"[\\/](?:site-packages|dist-packages|python3\.\d+|tokstudio)[\\/].*\.py$")


def redact(text: str) -> str:
    """Takes paths, the user and the machine out of a report; of program files the part that says which stays."""
    text = PATH.sub(_shorten, text.replace(str(Path.home()), "/home"))
    names = {platform.node(): "<machine>"}
    try:
        names[getpass.getuser()] = "<user>"
    except (OSError, KeyError):  # a container without an entry for the user
        names.pop("", None)
    for name, instead in names.items():
        if len(name) > 1:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, text)
    return text


def _shorten(match: re.Match) -> str:
    quote, path = match["quote"] or "", match["inside"] or match[0]
    code = CODE.search(path)
    return f"{quote}…{code[0]}{quote}" if code else f"{quote}<path>{quote}"


def report_text(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    head = (
        f"Tokstudio {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}"
    )
    return redact(head + "\n\n" + "".join(traceback.format_exception(kind, error, trace)))


def cause_of(error: BaseException) -> tuple[str, str]:
    """Why, and what to do, in words."""
    if isinstance(error, MemoryError):
        return "There was not enough memory.", "Close other programs or open something smaller."
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC:
        return "The disk is full.", "Make room, then do it again."
    if isinstance(error, PermissionError):
        return "A file or folder may not be read or written.", "Check its permissions, then do it again."
    if number == errno.EMFILE:
        return "Too many files are open.", "Close panes or other programs, then do it again."
    return (
        f"Something in the program did not go as planned ({type(error).__name__}).",
        "Go on. If it happens again, copy the report to where you report problems, and start Tokstudio anew.",
    )


def reports_folder() -> Path:
    return data_home() / "reports"


def save(report: str) -> Path | None:
    """Puts it beside the others, of which the newest stay; None where the folder cannot be written."""
    folder = reports_folder()
    path = folder / time.strftime("report-%Y%m%d-%H%M%S.txt")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(report, encoding="utf-8", errors="backslashreplace")
        for old in sorted(folder.glob("report-*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path


class CrashDialog(QDialog):
    def __init__(self, error: BaseException, report: str, parent: QWidget | None):
        super().__init__(parent)
        self.setWindowTitle("Tokstudio")
        self.report, self.path = report, save(report)
        self.setMinimumWidth(560)
        cause, hint = cause_of(error)
        self.details = QPlainTextEdit(report)
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName("Report")
        self.details.setMinimumHeight(220)
        self.details.hide()
        theme.set_font(self.details, "monos", mono=True)
        self.more = button("Details", "chevron-right", "quiet")
        self.copy, go_on = button("Copy report", "copy"), button("Continue", kind="primary")
        self.log, leave = button("Open the log", "file"), button("Quit")
        self.more.clicked.connect(self._unfold)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report))
        self.log.clicked.connect(self._open_log)
        self.log.setEnabled(self.path is not None)
        self.log.setToolTip("" if self.path else "It could not be written.")
        go_on.clicked.connect(self.accept)
        leave.clicked.connect(QGuiApplication.quit)
        title = label("Tokstudio made a mistake. Your text and your runs are kept.", "title", wrap=True)
        note = label(
            "The report has no paths, no names of people or machines, and is sent nowhere.",
            "small",
            "muted",
            wrap=True,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(10)
        layout.addWidget(row(icon_label("alert", "danger", 20), (title, 1), spacing=10))
        layout.addWidget(label(cause, "body", "text", wrap=True))
        layout.addWidget(label(hint, "body", "text2", wrap=True))
        layout.addWidget(row(self.more, None))
        layout.addWidget(self.details, 1)
        layout.addWidget(note)
        layout.addWidget(row(self.copy, self.log, None, leave, go_on))
        go_on.setFocus()
        announce(self, f"{title.text()} {cause} {hint}", at_once=True)

    def _unfold(self) -> None:
        shown = self.details.isHidden()
        self.details.setVisible(shown)
        self.more.set_icon("chevron-down" if shown else "chevron-right")
        self.adjustSize()

    def _open_log(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.path)))
