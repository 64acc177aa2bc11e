"""What a person does on the Runs page: select, begin, steer, throw away, report."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from tokstudio.errors import TokstudioError
from tokstudio.ui.run_cards.create import create_demo
from tokstudio.ui.words import counted

SELECTED = "runs/selected"


class Deeds:
    """Part of `pages.runs.RunsPage`, whose attributes it works on."""

    def select(self, name: str) -> None:
        if name not in self.infos:
            return
        self._selected = name
        self.context.settings.set(SELECTED, name)
        self.list.select(name)
        if name not in self.watches:
            self._forget_oldest()
            self._watch(name).follow()
        self._draw()

    def start_demo(self) -> None:
        try:
            self.start(create_demo(self.store).folder.name)
        except TokstudioError as error:
            self.context.fail(error)

    def start(self, name: str) -> None:
        self._try(lambda: self.queue.remove(name) if name in self.queue.names() else None)
        self._begin(name, "fresh")

    def wait(self, name: str) -> None:
        """To the end of the queue."""
        self._look()
        self._try(lambda: self.queue.add(name))
        self.reload()
        self.select(name)

    def resume(self) -> None:
        watch = self.watches.get(self._selected)
        if watch is not None and watch.shown_state() in ("paused", "pausing"):
            self._try(lambda: watch.ask("resume"))
            return
        self._begin(self._selected, "resume")

    def _begin(self, name: str, how: Literal["fresh", "resume"]) -> None:
        """The pill says Preparing before the process is there."""
        self._look()
        watch = self.watches.get(name) or self._watch(name)
        watch.leave()
        watch.follow(how)
        self.select(name)
        self._list()

    def stop(self) -> None:
        self._try(self.watches[self._selected].stop)

    def open_in(self, page: str) -> None:
        """The export of the selected run, on another page."""
        report = self.watches[self._selected].state.report
        path, source = report.get("export", {}).get("path", ""), report.get("source", {}).get("model", "")
        what = {"model": {"model": path, "other": source}, "compare": {"tokenizer": path}}
        self.context.go(page, **what.get(page, {"path": path}))

    def ask(self, what: str) -> None:
        """What the head of the selected run was pressed for."""
        name = self._selected
        acts = {
            "queue": lambda: self.queue.add(name),
            "unqueue": lambda: self.queue.remove(name),
            "discard": lambda: self.throw(name),
            "trash": lambda: self.throw(name),
            "folder": self._open_folder,
            "notes": self._edit_notes,
            "report": self._write_report,
            "duplicate": lambda: self.context.go("transfer", like=str(self.infos[name].folder)),
        }
        self._try(acts.get(what) or (lambda: self.watches[name].ask(what)))
        if what in ("queue", "unqueue"):
            self.reload()

    def change(self, wanted: dict[str, str]) -> None:
        watch = self.watches[self._selected]
        for name, text in wanted.items():
            self._try(lambda name=name, text=text: watch.ask(f"set {name} {text}"))

    def reorder(self, name: str, by: int) -> None:
        names = self.queue.names()
        if name in names:
            self._try(lambda: self.queue.move(name, names.index(name) + by))
            self._list()

    def hold(self, held: bool) -> None:
        self._try(lambda: self.queue.hold(held))
        self._list()

    def throw(self, name: str) -> None:
        """To the trash; a run that goes is ended first. That blocks, so a thread does it."""
        if (watch := self.watches.get(name)) is not None:
            watch.leave()
        self._try(lambda: self.queue.remove(name))
        self._chores.submit("thrown", lambda: self.trash.throw(name).name)

    def _bring_back(self, name: str) -> None:
        self._try(lambda: self.trash.restore(name))
        self.reload()
        self.select(name)

    def _chore_done(self, what: str, answer: object) -> None:
        self.reload()
        if isinstance(answer, TokstudioError):
            self.context.fail(answer)
        elif what == "thrown":
            self.context.say(f"{answer} is in the trash", lambda: self._bring_back(str(answer)))
        elif what == "emptied":
            self.context.say(f"{counted(int(str(answer)), 'run')} deleted for good")
            self._weigh()
        elif what == "report":
            self.context.say(f"Written to {answer}")

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except TokstudioError as error:
            self.context.fail(error)
        self._draw()

    def _edit_notes(self) -> None:
        self.board.notes.open(self.infos[self._selected].folder)

    def _write_report(self) -> None:
        from tokstudio.runs.report import write

        folder = self.infos[self._selected].folder
        path, _ = QFileDialog.getSaveFileName(
            self, "Write a report", f"{folder.name}.html", "Web page (*.html);;Markdown (*.md)"
        )
        if path:
            self._chores.submit("report", lambda: write(folder, Path(path)))

    def kill(self) -> None:
        self.watches[self._selected].kill()

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.infos[self._selected].folder)))
