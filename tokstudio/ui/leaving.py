"""Closing the window while runs go: asked once, and the answer is kept."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QMessageBox, QWidget

if TYPE_CHECKING:
    from tokstudio.runs.store import RunInfo
    from tokstudio.ui.context import Settings

KEY = "runs/on_close"  # "keep" or "park", once somebody wanted it so every time
KEEP, PARK, STAY = "keep", "park", "stay"


def may_close(window: QWidget, settings: "Settings") -> bool:
    """Runs go on unless the person parks them; False where the window shall stay."""
    from tokstudio.errors import TokstudioError
    from tokstudio.ui.lookout import live_runs

    try:
        found = live_runs()
    except TokstudioError:  # a folder that cannot be read holds nobody back
        return True
    if not found:
        return True
    answer = settings.get(KEY)
    if answer not in (KEEP, PARK):
        answer, always = ask(window, found)
        if always and answer != STAY:
            settings.set(KEY, answer)
    if answer == PARK:
        for info in found:
            _park(info)
    return answer != STAY


def _park(info: "RunInfo") -> None:
    from tokstudio.errors import TokstudioError
    from tokstudio.runs.process import Run

    try:
        Run(info.folder).ask("park")
    except TokstudioError:  # it goes on instead, which loses nothing
        return


def ask(window: QWidget, found: list["RunInfo"]) -> tuple[str, bool]:
    """(what to do, always?)."""
    box = QMessageBox(window)
    one = len(found) == 1
    box.setWindowTitle("Tokstudio")
    box.setText(f"{found[0].name} is still going." if one else f"{len(found)} runs are still going.")
    box.setInformativeText(
        f"{'It' if one else 'They'} can go on without the window, and the next start finds "
        f"{'it' if one else 'them'} again. Parked, a run writes a checkpoint, frees its memory and waits."
    )
    keep = box.addButton("Keep running", QMessageBox.AcceptRole)
    park = box.addButton("Park and close", QMessageBox.DestructiveRole)
    box.addButton("Do not close", QMessageBox.RejectRole)
    box.setDefaultButton(keep)
    always = QCheckBox("Do the same every time")
    box.setCheckBox(always)
    box.exec()
    answer = {keep: KEEP, park: PARK}.get(box.clickedButton(), STAY)
    box.deleteLater()
    return answer, always.isChecked()
