"""Where the text comes from: files, pages of large files, samples, recent files."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu

from tokstudio.errors import TokstudioError
from tokstudio.paths import resource
from tokstudio.ui.drop import read_text
from tokstudio.ui.panes import recent, state_file
from tokstudio.ui.panes.line_ends import remark
from tokstudio.ui.panes.pager import PagedFile
from tokstudio.ui.reveal import Thing

if TYPE_CHECKING:
    from tokstudio.ui.compare_views.text import TextView

MOST_EDITED = 5_000_000  # bytes; larger files are shown page by page
KINDS = "Text (*.txt *.md *.py *.json *.jsonl *.csv *.xml *.html);;All files (*)"


class TextFiles(QObject):
    def __init__(self, view: "TextView"):
        super().__init__(view)
        self._view, self._context, self._editor = view, view.context, view.editor
        self.name = ""
        self.paged: PagedFile | None = None
        self._before = ""  # the text that stood there before a paged file
        self._menu = QMenu(self._editor)
        self._editor.samples_button.setMenu(self._menu)
        self._menu.aboutToShow.connect(self._fill)
        self._editor.pager.turned.connect(self.turn)
        self._editor.pager.closed.connect(self.close_paged)
        self._editor.open_asked.connect(self.choose)

    def choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._view, "Open a text", "", KINDS)
        if path:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Replaces the text; undo in the editor brings the old one back. Large files are shown page by page."""
        try:
            if path.stat().st_size > MOST_EDITED:
                self._open_paged(path)
                return
            text = read_text(path)
        except OSError as error:
            self._context.fail(_unreadable(path, error))
            return
        except TokstudioError as error:
            self._context.fail(error)
            return
        self.close_paged()
        before = self._editor.own_text(), self.name
        self.name = path.name
        self._editor.set_text(text)
        recent.note_text(self._context.settings, path)
        self._context.say(f"{path.name} opened{remark(text)}", undo=lambda: self._put_back(*before))

    def _put_back(self, text: str, name: str) -> None:
        """The text from before a file, whatever was typed since; that too can be undone in the editor."""
        self.close_paged()
        self.name = name
        self._editor.set_text(text)
        self._context.refresh_header()

    def things(self) -> list[Thing]:
        """The file that the text came from, where it was opened last of all."""
        return [Thing(str(p)) for p in recent.texts(self._context.settings)[:1] if p.name == self.name]

    def show_sample(self, name: str = "start") -> None:
        self.close_paged()
        self.name = ""
        self._editor.set_text(resource(f"samples/{name}.txt").read_text(encoding="utf-8").rstrip("\n"))

    # ---- pages

    def _open_paged(self, path: Path) -> None:
        file = PagedFile(path)
        try:
            file.page(0)
        except TokstudioError:
            file.close()
            raise
        self._editor.set_source("text")
        self.close_paged()
        self._before, self.paged, self.name = self._editor.text(), file, path.name
        recent.note_text(self._context.settings, path)
        self.turn(0)

    def turn(self, number: int) -> None:
        try:
            text = self.paged.page(number)
        except TokstudioError as error:
            self._context.fail(error)
            return
        self._editor.pager.show_file(self.paged, number)
        self._editor.lock()
        self._editor.show_text(text)

    def close_paged(self) -> None:
        if self.paged is None:
            return
        self.paged.close()
        self.paged, self.name = None, ""
        self._editor.pager.hide()
        self._editor.lock()
        self._editor.show_text(self._before)

    def kept_text(self) -> str:
        """What the next start should show: never a page of a large file."""
        return self._before if self.paged is not None else self._editor.own_text()

    # ---- menu

    def _fill(self) -> None:
        self._menu.clear()
        for name, title in samples():
            self._menu.addAction(title).triggered.connect(lambda _=False, name=name: self.show_sample(name))
        found = recent.texts(self._context.settings)
        if found:
            self._menu.addSeparator()
            for path in found:
                action = self._menu.addAction(path.name)
                action.setToolTip(str(path))
                action.triggered.connect(lambda _=False, path=path: self.open(path))


def samples() -> list[tuple[str, str]]:
    """(name, title): the first start's sample, then the others by title. A title is the file's name."""
    folder = resource("samples")
    names = sorted(path.stem for path in folder.glob("*.txt") if path.stem != "start")
    titles = {name: name.replace("_", " ").capitalize() for name in names}
    return [("start", "Mixed, as at the first start"), *sorted(titles.items(), key=lambda item: item[1])]


def sample_text() -> str:
    return state_file.sample_text()


def _unreadable(path: Path, error: OSError) -> TokstudioError:
    from tokstudio.errors import InputError

    return InputError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.")
