"""What the Vocabulary page puts into the top bar and the command palette, and the files it asks for."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from tokstudio.tokens.catalog import catalog
from tokstudio.ui.widgets.basic import button
from tokstudio.ui.widgets.choice_list import Choice

TRAIN_TIP = "Train a tokenizer on texts of yours, or extend or prune this one"


class VocabularyHeader(QObject):
    """Everything here is asked for by a person; the page does it."""

    open_wanted = Signal(str)  # a reference
    other_wanted = Signal(str)  # a reference to compare with
    corpus_wanted = Signal(list)  # paths
    matrix_wanted = Signal(str)  # a folder
    export_wanted = Signal(str, bool)  # a path; only the selected rows?
    copy_wanted = Signal()
    command_wanted = Signal()
    training_wanted = Signal()
    check_wanted = Signal()
    mode_wanted = Signal(int)

    def __init__(self, page: QWidget):
        super().__init__(page)
        self._page = page
        self._can_train, self._trainer = True, None
        self.fill_charts: Callable[[QMenu], None] = lambda menu: None  # the page knows which there are

    def actions(self) -> list[QWidget]:
        chooser, exporter = button("Choose tokenizer…", "vocabulary"), button("Export", "export")
        _with_menu(chooser, self._tokenizers(chooser))
        formats = QMenu(exporter)
        formats.addAction("List shown as CSV…", lambda: self.ask_export("csv"))
        formats.addAction("List shown as JSON…", lambda: self.ask_export("json"))
        formats.addSeparator()
        for words, act in (
            ("Selection as CSV…", lambda: self.ask_export("csv", True)),
            ("Selection as JSON…", lambda: self.ask_export("json", True)),
            ("Copy the selection", self.copy_wanted.emit),
        ):
            formats.addAction(words, act)
        formats.addSeparator()
        pictures = formats.addMenu("Charts")
        pictures.aboutToShow.connect(lambda: self.fill_charts(pictures))
        formats.addAction("Copy as command", self.command_wanted.emit)
        _with_menu(exporter, formats)
        trainer = button("Train…", "plus", "primary")
        trainer.setToolTip(TRAIN_TIP)
        trainer.clicked.connect(self.training_wanted)
        trainer.setEnabled(self._can_train)
        self._trainer = trainer
        return [chooser, exporter, trainer]

    def show_training(self, shown: bool) -> None:
        """While the panel is shown its own button is the filled one."""
        self._can_train = not shown
        if self._trainer is not None:
            self._trainer.setEnabled(not shown)
            self._trainer.setToolTip("The panel is open" if shown else TRAIN_TIP)

    def _tokenizers(self, owner: QWidget) -> QMenu:
        menu, group = QMenu(owner), ""
        for entry in catalog():
            if group not in ("", entry.group):
                menu.addSection(entry.group)
            group = entry.group
            menu.addAction(entry.name, lambda reference=entry.reference: self.open_wanted.emit(reference))
        menu.addSeparator()
        menu.addAction("Open a file…", self.ask_file)
        menu.addAction("Open a folder…", self.ask_folder)
        return menu

    def commands(self, differences: int, merges: int) -> list[Choice]:
        return [
            Choice("Train a tokenizer…", "Vocabulary", "plus", self.training_wanted.emit),
            Choice("Count tokens in a text…", "Vocabulary", "search", self.ask_corpus),
            Choice("Check every token", "Vocabulary", "check", self.check_wanted.emit),
            Choice("Show differences", "Vocabulary", "compare", lambda: self.mode_wanted.emit(differences)),
            Choice("Show merges", "Vocabulary", "transfer", lambda: self.mode_wanted.emit(merges)),
            Choice("Export the list as CSV…", "Vocabulary", "export", lambda: self.ask_export("csv")),
            Choice(
                "Export the selection as CSV…", "Vocabulary", "export", lambda: self.ask_export("csv", True)
            ),
        ]

    # ---------------------------------------------------------------- dialogs

    def ask_file(self) -> None:
        self._file("Open a tokenizer", self.open_wanted.emit)

    def ask_folder(self) -> None:
        self._folder("Open the folder of a tokenizer", self.open_wanted.emit)

    def ask_other(self) -> None:
        self._file("Compare with a tokenizer", self.other_wanted.emit)

    def ask_matrix(self) -> None:
        self._folder("Open the folder of a model with this tokenizer", self.matrix_wanted.emit)

    def ask_corpus(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self._page, "Count tokens in texts")
        if paths:
            self.corpus_wanted.emit(paths)

    def ask_export(self, kind: str, selection: bool = False) -> None:
        title = "Export the selection" if selection else "Export the list"
        path, _ = QFileDialog.getSaveFileName(self._page, title, f"tokens.{kind}")
        if path:
            self.export_wanted.emit(path, selection)

    def _file(self, title: str, then: Callable[[str], object]) -> None:
        path, _ = QFileDialog.getOpenFileName(self._page, title)
        if path:
            then(path)

    def _folder(self, title: str, then: Callable[[str], object]) -> None:
        if path := QFileDialog.getExistingDirectory(self._page, title):
            then(path)


def _with_menu(made: QPushButton, menu: QMenu) -> None:
    made.clicked.connect(lambda: menu.exec(made.mapToGlobal(made.rect().bottomLeft())))
