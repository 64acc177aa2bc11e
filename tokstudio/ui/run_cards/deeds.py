"""What a person does on the Runs page: select, begin, steer, throw away, report."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QMenu

from tokstudio.errors import InputError, TokstudioError
from tokstudio.runs import notes
from tokstudio.ui import reveal
from tokstudio.ui.run_cards.create import create_demo
from tokstudio.ui.words import counted

SELECTED = "runs/selected"
NAMES = {"steps": "Steps", "learning_rate": "Learning rate"}  # of what can be changed while a run goes
STEERED = ("preparing", "running", "pausing", "paused")


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
        self._line_up(f"queue {name}", name, lambda: self.queue.add(name))
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
        """The export of the selected run, on another page; or "folder" or "copy"."""
        report = self.watches[self._selected].state.report
        path, source = report.get("export", {}).get("path", ""), report.get("source", {}).get("model", "")
        if page in ("folder", "copy"):
            reveal.show(self.context, Path(path)) if page == "folder" else reveal.copy(self.context, path)
            return
        what = {"model": {"model": path, "other": source}, "compare": {"tokenizer": path}}
        self.context.go(page, **what.get(page, {"path": path}))

    def ask(self, what: str) -> None:
        """What the head of the selected run was pressed for."""
        name = self._selected
        acts = {
            "discard": lambda: self.throw(name),
            "trash": lambda: self.throw(name),
            "folder": lambda: reveal.show(self.context, self.infos[name].folder),
            "path": lambda: reveal.copy(self.context, str(self.infos[name].folder)),
            "notes": self._edit_notes,
            "report": self._write_report,
            "duplicate": lambda: self.context.go("transfer", like=str(self.infos[name].folder)),
        }
        if what == "queue":
            self._line_up(f"queue {name}", name, lambda: self.queue.add(name))
        elif what == "unqueue":
            self._line_up(f"take {name} out of the queue", name, lambda: self.queue.remove(name))
        else:
            self._try(acts.get(what) or (lambda: self.watches[name].ask(what)))

    def change(self, wanted: dict[str, str]) -> None:
        for name, text in wanted.items():
            self._try(lambda name=name, text=text: self._set(self._selected, name, text))

    def _set(self, run: str, name: str, text: str) -> None:
        """Undo asks the run for what held before: as another change, which is recorded like the first one."""
        at, words = time.time(), f"{NAMES[name]} of {run}"
        self.watches[run].ask(f"set {name} {text}")
        undo = self.context.changes.record(
            self.name, words, None, text, lambda value: self._set_again(run, name, value, at)
        )
        self.context.say(f"{words}: {float(text):,g} from the next step on", undo)

    def _set_again(self, run: str, name: str, text: str | None, at: float) -> None:
        """`text` None: what held before the change that was asked for at `at`. Raises InputError, RunError."""
        watch, what = self.watches.get(run), NAMES[name].lower()
        state = (
            watch.shown_state() if watch is not None else self.infos[run].state if run in self.infos else ""
        )
        if watch is None or state not in STEERED:
            raise InputError(
                f"{run} is {state or 'gone'}: its {what} stays as it is.",
                hint="Only a run that goes on can be changed; a change that was made is in its log.",
            )
        if text is None and (text := watch.before_change(name, at)) is None:
            raise InputError(
                f"{run} has not told yet which {what} it had before.", hint="Try again after its next step."
            )
        watch.ask(f"set {name} {text}")

    def reorder(self, name: str, by: int) -> None:
        names = self.queue.names()
        if name in names:
            self._line_up(f"move {name}", name, lambda: self.queue.move(name, names.index(name) + by))

    def _line_up(self, words: str, name: str, act: Callable[[], object]) -> None:
        """A change of the queue that undo takes back."""
        before = self.queue.names()
        self._try(act)
        self.context.changes.record(
            self.name, words, before, self.queue.names(), lambda names: self._put_in_line(name, names)
        )
        self.reload()

    def _put_in_line(self, name: str, names: list[str]) -> None:
        """Where `name` stands in `names`, whatever became of the others. Raises RunError or InputError."""
        if name in names:
            if name not in self.queue.names():
                self.queue.add(name)
            self.queue.move(name, names.index(name))
        elif name in self.queue.names():
            self.queue.remove(name)
        else:
            raise InputError(
                f"{name} does not wait any more: its turn has come.", hint="Stop or park it instead."
            )
        self.reload()

    def hold(self, held: bool) -> None:
        self._try(lambda: self.queue.hold(held))
        self._list()

    def throw(self, name: str, again: str = "") -> None:
        """To the trash; a run that goes is ended first. That blocks, so a thread does it."""
        if (watch := self.watches.get(name)) is not None:
            watch.leave()
        self._try(lambda: self.queue.remove(name))
        self._chores.submit(again or "thrown", lambda: self.trash.throw(name).name)

    def bring_trainer(self, path: str) -> None:
        """A training of another program as a run to compare with."""
        from tokstudio.runs.trainer_state import import_state

        def bring() -> None:
            name = import_state(self.store, Path(path)).folder.name
            self.reload()
            self.select(name)
            self.context.say(f"Imported as {name}")

        self._try(bring)

    def _lay(self, name: str, in_trash: bool) -> None:
        """For undo. Raises InputError where the trash does not hold it any more."""
        if in_trash:
            self.throw(name, "thrown again")
        else:
            self.trash.restore(name)
            self.reload()
            self.select(name)

    def _bring_back(self, name: str) -> None:
        """Out of the trash's menu."""
        self._try(lambda: self._lay(name, False))
        if name in self.infos:
            self._record_trash(f"bring back {name}", name, True, False)

    def _record_trash(self, words: str, name: str, before: bool, after: bool) -> Callable[[], object]:
        return self.context.changes.record(
            self.name, words, before, after, lambda thrown: self._lay(name, thrown),
            alone=lambda: self._try(lambda: self._lay(name, before)),
        )  # fmt: skip

    def noted(self, folder: Path, before: notes.Notes, after: notes.Notes) -> None:
        self.reload()
        self.context.changes.record(
            self.name, f"note on {folder.name}", before, after, lambda value: self._note(folder, value)
        )

    def _note(self, folder: Path, value: notes.Notes) -> None:
        notes.write(folder, value)
        self.reload()

    def pinned(self, folder: Path, before: list[int], after: list[int]) -> None:
        pins = self.board.pins
        self.context.changes.record(
            self.name, f"pins of {folder.name}", before, after, lambda steps: pins.put(folder, steps)
        )

    def _chore_done(self, what: str, answer: object) -> None:
        self.reload()
        if isinstance(answer, TokstudioError):
            self.context.fail(answer)
        elif what == "thrown":
            name = str(answer)
            undo = self._record_trash(f"{name} to the trash", name, False, True)
            self.context.say(f"{name} is in the trash", undo)
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

    def things(self) -> list[reveal.Thing]:
        return [self._thing(self._selected)] if self._selected in self.infos else []

    def _thing(self, name: str) -> reveal.Thing:
        return reveal.Thing(str(self.infos[name].folder) if name in self.infos else "")

    def run_menu(self, name: str, at: QPoint) -> None:
        """Of a run in a list."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        reveal.fill(menu, self.context, self._thing(name), self.name)
        menu.addSeparator()
        like = str(self.infos[name].folder)
        menu.addAction("Set up another one like it", lambda: self.context.go("transfer", like=like))
        away = menu.addAction("Move to the trash", lambda: self.throw(name))
        away.setEnabled(not self.infos[name].live)
        menu.popup(at)
