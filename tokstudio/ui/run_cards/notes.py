"""Tags and a note on a run, and the place where they are written."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout

from tokstudio.errors import TokstudioError
from tokstudio.runs import notes
from tokstudio.ui.transfer_cards.parts import Field
from tokstudio.ui.widgets.basic import button, row


class NotesForm(QFrame):
    """Hidden until `open`."""

    saved = Signal(object, object, object)  # the folder, the notes before and after

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Tags and note")
        self._folder: Path | None = None
        self.tags = Field("Tags", "", "Words with spaces or commas between them.")
        self.note = Field("Note", "")
        self.apply, self.cancel = button("Save", "check"), button("Cancel", kind="quiet")
        self.apply.clicked.connect(self._save)
        self.cancel.clicked.connect(self.hide)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 12, 10)
        layout.addWidget(row((self.tags, 1), (self.note, 2), self.apply, self.cancel))
        self.hide()

    def open(self, folder: Path) -> None:
        self._folder = folder
        now = notes.read(folder)
        self.tags.line.setText(" ".join(now.tags))
        self.note.line.setText(now.note)
        self.note.set_problem("")
        self.show()
        self.tags.line.setFocus(Qt.OtherFocusReason)

    def _save(self) -> None:
        if self._folder is None:
            return
        before = notes.read(self._folder)
        after = notes.Notes(notes.split(self.tags.line.text()), self.note.line.text().strip())
        try:
            notes.write(self._folder, after)
        except TokstudioError as error:
            self.note.set_problem(f"{error} {error.hint}")
            return
        self.hide()
        self.saved.emit(self._folder, before, after)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self._save()
        elif event.key() == Qt.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
