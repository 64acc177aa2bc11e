"""What pages share: go elsewhere, say something, fail in words, remember settings, show a job."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal

from tokstudio.errors import TokstudioError
from tokstudio.paths import data_home
from tokstudio.ui.changes import Changes


class Settings:
    """Values kept across starts, as JSON inside an INI file, so that types survive."""

    def __init__(self, path: Path | None = None):
        self._store = QSettings(str(path or data_home() / "window.ini"), QSettings.IniFormat)

    def get(self, key: str, default: Any = None) -> Any:
        """`default` also where the stored value cannot be read."""
        raw = self._store.value(key)
        if not isinstance(raw, str):
            return default
        try:
            return json.loads(raw)
        except ValueError:  # edited by hand
            return default

    def set(self, key: str, value: Any) -> None:
        self._store.setValue(key, json.dumps(value))

    def sync(self) -> None:
        self._store.sync()


class Context(QObject):
    """Pages call the methods; the window listens to the signals. Without a window calls do nothing."""

    went = Signal(str, dict)  # page name, what for
    said = Signal(str, object)  # text, undo: Callable | None
    failed = Signal(object)  # TokstudioError
    path_opened = Signal(str)
    job_changed = Signal(
        str, str, float, object
    )  # key, title, fraction (below 0: gone), cancel: Callable | None
    badge_changed = Signal(str, bool)  # page name, is something alive there
    header_changed = Signal()  # subtitle or actions of the page in front are new
    size_class_changed = Signal(str)  # "wide", "medium" or "narrow"

    def __init__(self, settings: Settings | None = None):
        super().__init__()
        self.settings = settings or Settings()
        self.size_class = "wide"
        self.changes = Changes(self)  # what undo takes back
        self.changes.said.connect(self.say)
        self.changes.failed.connect(self.fail)

    def go(self, page: str, **what: Any) -> None:
        """Shows a page; `what` reaches its `receive(**what)`."""
        self.went.emit(page, what)

    def say(self, text: str, undo: Callable[[], object] | None = None) -> None:
        """A toast; with `undo` it has an Undo button for some seconds."""
        self.said.emit(text, undo)

    def fail(self, error: TokstudioError) -> None:
        """A toast that stays until closed. Prefer showing a Problem where it happened."""
        self.failed.emit(error)

    def open_path(self, path: str | Path) -> None:
        """A file or folder was dropped or chosen: the window finds the page that takes it."""
        self.path_opened.emit(str(path))

    def job(self, key: str, title: str, fraction: float, cancel: Callable[[], object] | None = None) -> None:
        """Shows a job at the right of the status bar; call again to update it."""
        self.job_changed.emit(key, title, max(0.0, fraction), cancel)

    def job_done(self, key: str) -> None:
        self.job_changed.emit(key, "", -1.0, None)

    def refresh_header(self) -> None:
        """The window asks the page in front for its subtitle and actions again."""
        self.header_changed.emit()

    def set_size_class(self, size_class: str) -> None:
        """Called by the window: "wide" from 1280 pixels, "medium" from 1040, "narrow" from 880."""
        if size_class != self.size_class:
            self.size_class = size_class
            self.size_class_changed.emit(size_class)

    def badge(self, page: str, alive: bool) -> None:
        """The dot on a rail button, e.g. while a run is alive."""
        self.badge_changed.emit(page, alive)
