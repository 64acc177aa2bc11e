"""What leaves the Transfer page: the settings as a file, the command."""

from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from tokstudio.errors import InputError, TokstudioError
from tokstudio.train.kinds import purpose_of
from tokstudio.train.settings import to_toml
from tokstudio.ui.transfer_cards.values import command


class Out:
    """Part of `pages.transfer.TransferPage`, whose attributes it works on."""

    def _save_toml(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the settings", "transfer.toml", "Settings (*.toml)")
        if not path:
            return
        try:
            Path(path).write_text(to_toml(self.config), encoding="utf-8")
        except OSError as error:
            self.estimate.problem.show_error(InputError(f"{path} cannot be written: {error.strerror}."))
            return
        words = f"tokstudio {purpose_of(self.config)} --config {Path(path).name}"
        self.context.say(f"Saved; `{words}` runs it")

    def _copy_command(self) -> None:
        try:
            QGuiApplication.clipboard().setText(command(self.config, self.estimate.run_on.launch()))
        except TokstudioError as error:
            self.estimate.problem.show_error(error)
        else:
            self.context.say("Command copied")
