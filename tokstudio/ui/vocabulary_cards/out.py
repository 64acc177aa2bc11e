"""What leaves the Vocabulary page: files, the clipboard, a command."""

from pathlib import Path

from PySide6.QtGui import QGuiApplication

from tokstudio.errors import TokstudioError
from tokstudio.ui.vocabulary_cards import export


class Out:
    """Part of `pages.vocabulary.VocabularyPage`, whose attributes it works on."""

    def export_to(self, path: Path, selection: bool = False) -> None:
        if self.vocabulary is None:
            return
        ids = self.table.selected_ids() if selection else self.model.ids
        try:
            export.write(path, self.vocabulary, ids, self.model.facts, self.query.text())
        except TokstudioError as error:
            self._context.fail(error)
        else:
            self._context.say(f"{len(ids):,} tokens written to {path.name}")

    def _origin(self) -> dict:
        """Where a chart is from."""
        about = self.vocabulary.about if self.vocabulary is not None else {}
        others = [other["reference"] for other in self.engine.shared.get("others", [])]
        return {**about, "query": self.query.text(), "others": others}

    def copy_selection(self) -> None:
        """Id, token and bytes of the selected rows, apart by tabs."""
        ids = self.table.selected_ids()
        if not len(ids):
            return
        QGuiApplication.clipboard().setText(export.lines(self.vocabulary, ids))
        self._context.say(f"{len(ids):,} tokens copied")

    def _copy_command(self) -> None:
        others = (
            [o["reference"] for o in self.engine.shared.get("others", [])]
            if any(field in self.query.text() for field in ("in:", "cut:"))
            else []
        )
        QGuiApplication.clipboard().setText(export.command(self._reference, self.query.text(), others))
        self._context.say("Copied the command")
