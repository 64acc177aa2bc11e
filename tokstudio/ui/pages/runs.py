"""Runs: what goes on, and what came of it."""

import time
import tomllib
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.events import Failed
from tokstudio.runs.process import Run
from tokstudio.runs.queue import Queue
from tokstudio.runs.store import NOW, RunInfo, RunStore
from tokstudio.runs.trash import Trash
from tokstudio.ui import reveal
from tokstudio.ui.background import Worker
from tokstudio.ui.context import Context
from tokstudio.ui.desktop import Notifier
from tokstudio.ui.page_list import parts
from tokstudio.ui.run_cards.board import Board
from tokstudio.ui.run_cards.deeds import SELECTED, Deeds
from tokstudio.ui.run_cards.many import ManyRuns
from tokstudio.ui.run_cards.run_list import RunList
from tokstudio.ui.run_cards.watch import Watch
from tokstudio.ui.widgets.basic import button, segmented
from tokstudio.ui.widgets.empty import EmptyState

FRAME = 100  # milliseconds between two drawings, whatever happens
LOOK = 2000  # milliseconds between two looks into the runs folder: others start runs too
WEIGH = 10_000  # milliseconds between two looks at what the runs take of the disk while one goes
KEPT = 8  # runs that are over and stay in memory, so that going back and forth is quick
ALARMING = ("preparing", "running", "stopping")
PARK = "runs/park_on_alarm"  # False unless a person switched it on
WIDE, MIDDLE = 1208, 900  # page widths: list and log beside the charts; two columns of charts


class RunsPage(Deeds, QWidget):
    name, title, icon, order = "runs", "Runs", "runs", 6

    def __init__(self, context: Context, store: RunStore | None = None, **made: QWidget):
        """`made`: what `parts_apart` makes, where it was made before."""
        super().__init__()
        made = parts(RunsPage, context, made)
        self.list, self.board, self.many = made["list"], made["board"], made["many"]
        self.context = context
        self.store = store or RunStore()
        self.queue, self.trash = Queue(self.store), Trash(self.store)
        self.watches: dict[str, Watch] = {}
        self.infos: dict[str, RunInfo] = {}
        self._selected = ""
        self._dirty = True
        self._drawn_at = 0.0
        self._told = ""  # why the runs folder could not be read
        self._pairs: dict[str, str] = {}
        self._new = button("New run", "plus", "primary")
        self._new.clicked.connect(lambda: self.context.go("transfer"))
        self._new.setParent(self)  # owned here, shown by the top bar
        self._new.hide()
        self._notifier = Notifier(context, self)
        self._build()
        self._frames = QTimer(self, interval=FRAME)
        self._frames.timeout.connect(self._frame)
        self._looks = QTimer(self, interval=LOOK)
        self._looks.timeout.connect(self.reload)
        self._scale = Worker(self)  # a thousand files take longer than a frame
        self._scale.done.connect(self._weighed)
        self._chores = Worker(self)  # what blocks: ending a process, writing a report
        self._chores.done.connect(self._chore_done)
        self._weighing = 0  # how often it was asked for since the last answer
        self._weighs = QTimer(self, interval=WEIGH)
        self._weighs.timeout.connect(
            lambda: self._weigh() if any(i.live for i in self.infos.values()) else None
        )
        self._weighs.start()
        self.reload()
        self._frames.start()
        self._looks.start()

    @staticmethod
    def parts_apart(_context: Context) -> dict[str, Callable[[], QWidget]]:
        return {"list": RunList, "board": Board, "many": ManyRuns}

    def _build(self) -> None:
        self.list.picked.connect(self.select)
        self.list.wanted_new.connect(lambda: self.context.go("transfer"))
        head = self.board.head
        head.picked.connect(self.select)
        head.stop_asked.connect(self.stop)
        head.kill_asked.connect(self.kill)
        head.resume_asked.connect(self.resume)
        head.start_asked.connect(lambda: self.start(self._selected))
        head.asked.connect(self.ask)
        head.changed.connect(self.change)
        self.board.result.opened.connect(self.open_in)
        self.board.notes.saved.connect(self.noted)
        self.board.pins.pinned.connect(self.pinned)
        self.list.moved.connect(self.reorder)
        self.list.menu_asked.connect(self.run_menu)
        reveal.offer(head, self.context, lambda: self._thing(self._selected), self.name)
        reveal.offer(self.board.result, self.context, lambda: reveal.Thing(self.board.result.path), self.name)
        self.list.held.connect(self.hold)
        self.empty = EmptyState(
            "runs",
            "No runs yet",
            "A run moves a language model to another tokenizer. Here you see it learn, and what came of it.",
            [
                ("Start the demo transfer", self.start_demo, "primary"),
                ("Set one up", self._new.click, "plain"),
            ],
        )
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._one_run())
        self._stack.addWidget(holder := QWidget())
        self.many.picked.connect(self._look_at)
        self.many.menu_asked.connect(self.run_menu)
        self.many.thrown.connect(lambda names: [self.throw(name) for name in names])
        self.many.held = lambda: [one.name for one in self.trash.runs()]
        self.many.restored.connect(self._bring_back)
        self.many.emptied.connect(lambda: self._chores.submit("emptied", self.trash.empty))
        inside = QHBoxLayout(holder)
        inside.setContentsMargins(16, 12, 16, 12)
        inside.addWidget(self.many)
        self._view = segmented(["One run", "All runs"], name="One run or all")
        self._view.changed.connect(lambda _: self._show_view())
        self._view.setParent(self)  # owned here, shown by the top bar
        self._view.hide()

    def _one_run(self) -> QWidget:
        """From the outside in: each step that puts the board into another widget takes some 15 ms."""
        content = QWidget(self)
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName("The selected run")
        layout = QHBoxLayout(content)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.list)
        layout.addWidget(self._scroll, 1)
        self._scroll.setWidget(self.board)
        for part in (self._scroll.viewport(), self.board):
            part.setAutoFillBackground(False)
        return content

    # ---------------------------------------------------------------- the shell

    def subtitle(self) -> str:
        return str(self.store.folder)

    def actions(self) -> list[QWidget]:
        return [self._view, self._new] if self.infos else []  # the empty page has its own filled button

    def opened(self) -> None:
        self.reload()
        self._weigh()

    def receive(
        self, start: str = "", select: str = "", demo: bool = False, queue: str = "", trainer: str = ""
    ) -> None:
        """`start`: a run to begin now; `queue`: one that waits for its turn; `demo`: create and begin the demo
        transfer; `trainer`: a trainer_state.json to compare with."""
        if trainer:
            self.bring_trainer(trainer)
        elif queue:
            self.wait(queue)
        elif demo:
            self.start_demo()
        elif start:
            self.start(start)
        elif select:
            self.select(select)

    def close_down(self) -> None:
        """Runs go on; only this window looks away."""
        self._frames.stop()
        self._looks.stop()
        self._weighs.stop()
        self._scale.close()
        self._chores.close()
        self.board.plan.close_down()
        self.many.close_down()
        for watch in self.watches.values():
            watch.leave()

    # ---------------------------------------------------------------- following

    def _watch(self, name: str) -> Watch:
        self.watches[name] = watch = Watch(Run(self.store.folder / name))
        watch.changed.connect(self._mark_dirty)
        watch.over.connect(self._over)
        watch.refused.connect(self._refused)
        return watch

    def _mark_dirty(self) -> None:
        self._dirty = True

    def _over(self) -> None:
        self.reload()
        self._weigh()
        self._draw()

    def _weigh(self) -> None:
        self._weighing += 1
        if self._weighing == 1:
            self._scale.submit("disk", self.store.disk_use)

    def _weighed(self, _key: str, used: int | TokstudioError) -> None:
        again, self._weighing = self._weighing > 1, 0
        if not isinstance(used, TokstudioError):
            self.list.set_disk_use(len(self.infos), used)
        if again:
            self._weigh()

    def _refused(self, error: TokstudioError) -> None:
        self._draw()
        self.board.show_refusal(error)

    def _forget_oldest(self) -> None:
        idle = [
            name for name, watch in self.watches.items() if not watch.following and name != self._selected
        ]
        for name in idle[: max(0, len(idle) - KEPT + 1)]:
            self.watches.pop(name).deleteLater()

    def _look(self) -> None:
        was_empty = not self.infos
        try:
            self.infos = {info.name: info for info in self.store.runs()}
            self._told = ""
        except TokstudioError as error:  # what was read before stays
            if str(error) != self._told:  # once, and not with every look
                self._told = str(error)
                self.context.fail(error)
        self._show_view()
        if was_empty == bool(self.infos):
            self.context.refresh_header()  # the empty page has its own filled button

    def _show_view(self) -> None:
        place = 0 if not self.infos else 1 + self._view.index()
        self._stack.setCurrentIndex(place)
        if place == 2:
            self.many.set_runs(list(self.infos.values()))

    def _look_at(self, name: str) -> None:
        self._view.set_index(0)
        self.select(name)

    def reload(self) -> None:
        """Looks into the runs folder, and adopts what goes there, whoever started it."""
        self._look()
        for gone in set(self.watches) - set(self.infos):
            watch = self.watches.pop(gone)
            self.context.job_done(f"run:{gone}")
            watch.leave()
            watch.deleteLater()
        for name, info in self.infos.items():
            watch = self.watches.get(name)
            if info.live and (watch is None or not watch.following):
                (watch or self._watch(name)).follow()
        if self.infos and self._selected not in self.infos:
            self.select(self._first())
        if self.queue.names() and not self.queue.held and not self.queue.kept():
            self.queue.keep()  # its process was ended, or the machine was off
        self._list()
        self._tell_shell()
        self._notify()

    def _notify(self) -> None:
        """Ends and alarms, of runs that are not on the screen, too."""
        going = {n: w for n, w in self.watches.items() if w.following and w.shown_state() in ALARMING}
        alarms = {name: watch.alarms() for name, watch in going.items()}
        infos = [self._fresher(info) for info in self.infos.values()]
        watched = self.isVisible() and self._stack.currentIndex() == 1
        for notice in self._notifier.see(infos, alarms, watched):
            if notice.kind == "alarm" and self.context.settings.get(PARK, False):
                self._try(lambda name=notice.run: self.watches[name].ask("park"))

    def _first(self) -> str:
        """What was looked at last; else what goes on; else the newest."""
        remembered = self.context.settings.get(SELECTED, "")
        if remembered in self.infos:
            return remembered
        return next((name for name, info in self.infos.items() if info.live), next(iter(self.infos)))

    # ---------------------------------------------------------------- drawing

    def _frame(self) -> None:
        """One timer for all: a run of any speed costs at most ten drawings a second."""
        watch = self.watches.get(self._selected)
        live = watch is not None and watch.following
        if not self.isVisible() or not (self._dirty or (live and time.monotonic() - self._drawn_at > 1)):
            return
        self._draw(at_once=False)

    def _draw(self, at_once: bool = True) -> None:
        watch, info = self.watches.get(self._selected), self.infos.get(self._selected)
        if watch is None or info is None:
            return
        info = self._fresher(info)
        self._dirty = False
        self._drawn_at = time.monotonic()
        waiting = self.queue.names()
        place = waiting.index(info.name) + 1 if info.name in waiting else None
        draw = self.board.refresh if at_once else self.board.follow
        draw(watch, info, self._pair(info), place)
        self._list()

    def _list(self) -> None:
        states = {name: watch.shown_state() for name, watch in self.watches.items() if watch.following}
        infos = [self._fresher(info) for info in self.infos.values()]
        self.list.set_runs(infos, states, self.queue.names(), self.queue.held)
        self.board.head.set_others(infos, self.list.isHidden())

    def _fresher(self, info: RunInfo) -> RunInfo:
        """The events know the step of a live run earlier than its heartbeat tells it."""
        watch = self.watches.get(info.name)
        if watch is None or not watch.following:
            return info
        state, bits, ended = watch.state, watch.state.latest("bits_per_byte"), watch.state.ended
        saved = [one.step for one in state.checkpoints[-1:]]
        return replace(
            info,
            state=watch.shown_state(),
            step=state.step,
            total_steps=state.total_steps,
            phase=state.phase,
            bits_per_byte=bits,
            message=ended.message if isinstance(ended, Failed) else info.message,
            checkpoint=max([*saved, info.checkpoint or 0]) or info.checkpoint,
        )

    def _pair(self, info: RunInfo) -> str:
        if info.name not in self._pairs:
            self._pairs[info.name] = _pair(info)
        return self._pairs[info.name]

    def _tell_shell(self) -> None:
        live = [name for name, info in self.infos.items() if info.live]
        self.context.badge("runs", bool(live))
        for name, watch in self.watches.items():
            key = f"run:{name}"
            if watch.following and watch.shown_state() in NOW:
                self.context.job(key, name, watch.state.fraction, watch.stop)
            else:
                self.context.job_done(key)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE
        self.list.setVisible(wide)
        self.board.set_narrow(not wide, 2 if self.width() >= MIDDLE else 1)
        self.board.head.set_others(list(self.infos.values()), not wide)


def _pair(info: RunInfo) -> str:
    """What becomes what, from the frozen settings."""
    try:
        config = tomllib.loads((info.folder / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    model, tokenizer = config.get("model"), config.get("tokenizer")
    if not model or not tokenizer:
        return ""
    return f"{model}, its own tokenizer" if model == tokenizer else f"{model} to {tokenizer}"
