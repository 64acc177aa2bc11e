"""Closing the window while runs go: asked once, and the answer can be kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QMessageBox, QWidget

if TYPE_CHECKING:
    from tokstudio.runs.store import RunInfo
    from tokstudio.ui.context import Settings

KEY = "runs/on_close"  # "keep" or "park", once somebody wanted it so every time
KEEP, PARK = "keep", "park"


def may_close(window: QWidget, settings: "Settings", close: Callable[[], object]) -> bool:
    """Runs go on unless the person parks them. False: a question is on the screen, and `close` is called when it was
    answered so."""
    from tokstudio.errors import TokstudioError
    from tokstudio.ui.lookout import live_runs

    try:
        found = live_runs()
    except TokstudioError:  # a folder that cannot be read holds nobody back
        return True
    answer = settings.get(KEY)
    if answer == PARK:
        park(found)
    if not found or answer in (KEEP, PARK):
        return True
    if window.findChild(Question) is None:
        Question(window, settings, found, close).open()
    return False


def park(found: list["RunInfo"]) -> None:
    from tokstudio.errors import TokstudioError
    from tokstudio.runs.process import Run

    for info in found:
        try:
            Run(info.folder).ask("park")
        except TokstudioError:  # it goes on instead, which loses nothing
            continue


class Question(QMessageBox):
    def __init__(
        self, window: QWidget, settings: "Settings", found: list["RunInfo"], close: Callable[[], object]
    ):
        super().__init__(window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._settings, self._found, self._close = settings, found, close
        one = len(found) == 1
        self.setWindowTitle("Tokstudio")
        self.setText(f"{found[0].name} is still going." if one else f"{len(found)} runs are still going.")
        self.setInformativeText(
            f"{'It' if one else 'They'} can go on without the window, and the next start finds "
            f"{'it' if one else 'them'} again. Parked, a run writes a checkpoint, frees its memory and waits."
        )
        self.keep = self.addButton("Keep running", QMessageBox.AcceptRole)
        self.park = self.addButton("Park and close", QMessageBox.DestructiveRole)
        self.stay = self.addButton("Do not close", QMessageBox.RejectRole)
        self.setDefaultButton(self.keep)
        self.setEscapeButton(self.stay)
        self.always = QCheckBox("Do the same every time")
        self.setCheckBox(self.always)
        self.buttonClicked.connect(self._answered)

    def _answered(self, pressed) -> None:
        if pressed is self.stay:
            return
        answer = PARK if pressed is self.park else KEEP
        if self.always.isChecked():
            self._settings.set(KEY, answer)
        if answer == PARK:
            park(self._found)
        self._close()
