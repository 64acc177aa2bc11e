"""Notices on the desktop, outside the window. Nothing here waits for an answer.

On Linux a small program of the desktop is asked (`notify-send`, else `gdbus`), elsewhere an icon in the tray shows
the message; where there is neither, the window alone tells.
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from tokstudio.runs.alarms import Alarm
from tokstudio.runs.notices import Notice, Notices
from tokstudio.runs.store import RunInfo
from tokstudio.ui.context import Context

KEY = "runs/notify"  # True unless a person switched it off
SHOWN = 10_000  # milliseconds
BUS = "org.freedesktop.Notifications"


def command(
    notice: Notice,
    environment: Mapping[str, str],
    which: Callable[[str], str | None] = shutil.which,
) -> list[str]:
    """What shows `notice` on this desktop; [] where no desktop listens. Without a session bus `gdbus` would start
    one, so none is asked."""
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    listens = environment.get("DBUS_SESSION_BUS_ADDRESS") or (runtime and (Path(runtime) / "bus").exists())
    if not listens:
        return []
    if found := which("notify-send"):
        urgency = "critical" if notice.urgent else "normal"
        return [found, "--app-name=Tokstudio", f"--urgency={urgency}", "--", notice.title, notice.text]
    if found := which("gdbus"):
        call = [found, "call", "--session", "--timeout=2", "--dest", BUS]
        call += ["--object-path", "/org/freedesktop/Notifications", "--method", f"{BUS}.Notify"]
        texts = [_variant(notice.title), _variant(notice.text)]
        return [*call, _variant("Tokstudio"), "0", _variant(""), *texts, "[]", "{}", str(SHOWN)]
    return []


def _variant(text: str) -> str:
    """A string as GVariant's text format has it: a bare word would be read as something else."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"


class Desktop(QObject):
    """Shows a notice; makes its icon with the first one that needs it."""

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._tray: QSystemTrayIcon | None = None

    def show(self, notice: Notice) -> bool:
        """Was somebody found who shows it?"""
        if QGuiApplication.platformName() == "offscreen":
            return False
        if sys.platform.startswith("linux") and (call := command(notice, os.environ)):
            process = QProcess()
            process.setProgram(call[0])
            process.setArguments(call[1:])
            process.setStandardOutputFile(QProcess.nullDevice())
            process.setStandardErrorFile(QProcess.nullDevice())
            return bool(process.startDetached())
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return False
        if self._tray is None:
            self._tray = QSystemTrayIcon(QApplication.windowIcon(), self)
            self._tray.setToolTip("Tokstudio")
            self._tray.show()
        icon = QSystemTrayIcon.Warning if notice.urgent else QSystemTrayIcon.Information
        self._tray.showMessage(notice.title, notice.text, icon, SHOWN)
        return True


class Notifier(QObject):
    """Tells what happened to runs: on the desktop where nobody looks at the window, else in it."""

    def __init__(self, context: Context, parent: QObject | None = None):
        super().__init__(parent)
        self.desktop = Desktop(self)
        self._context = context
        self._notices = Notices()

    def see(
        self,
        infos: Sequence[RunInfo],
        alarms: Mapping[str, Sequence[Alarm]] | None = None,
        watched: bool = False,
    ) -> list[Notice]:
        """`watched`: a person has the runs on the screen. Returns what is new."""
        found = self._notices.see(infos, alarms)
        active = QGuiApplication.applicationState() == Qt.ApplicationActive
        for notice in found:
            if active:
                if not watched:
                    self._context.say(f"{notice.title}. {notice.text}")
            elif self._context.settings.get(KEY, True):
                self.desktop.show(notice)
        return found
