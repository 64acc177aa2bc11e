"""The window: rail, top bar, the page in front, status bar, and what floats over them."""

import base64
import gc
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog, QStackedWidget, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui import crashes, first_steps, leaving, lookout, page_list, theme
from tokstudio.ui.changes import TextFirst
from tokstudio.ui.context import Context
from tokstudio.ui.drop import DropOverlay, zones_of
from tokstudio.ui.garbage import Collector
from tokstudio.ui.history import History
from tokstudio.ui.in_turns import InTurns, polished
from tokstudio.ui.palette_choices import palette_choices
from tokstudio.ui.reveal import Thing, offer_all
from tokstudio.ui.settings_menu import SettingsMenu
from tokstudio.ui.widgets.basic import col, row
from tokstudio.ui.widgets.choice_list import Choice
from tokstudio.ui.widgets.command_palette import CommandPalette
from tokstudio.ui.widgets.hints import Hint, HintStrip
from tokstudio.ui.widgets.rail import Rail
from tokstudio.ui.widgets.status_bar import StatusBar
from tokstudio.ui.widgets.toast import Toast
from tokstudio.ui.widgets.top_bar import TopBar

MINIMUM = (880, 600)
DEFAULT = (1440, 900)
WIDE_FROM, MEDIUM_FROM = 1280, 1040


KEEP = 60_000  # milliseconds between two savings of the session


class MainWindow(QWidget):
    def __init__(self, context: Context, start: crashes.Start | None = None):
        """`start`: what is known of the windows before this one; None where nobody asked."""
        super().__init__()
        self._start = start
        self.history = History()
        self._help = None
        self.wants_old_session = False
        self.context = context
        self.setWindowTitle("Tokstudio")
        self.setMinimumSize(*MINIMUM)
        self.setAcceptDrops(True)
        self._entries = {entry.name: entry for entry in page_list.entries()}
        self._pages: dict[str, QWidget] = {}
        self._front = ""
        self.status_code = 0
        self._ending = False
        self.lookout: lookout.Lookout | None = lookout.Lookout(context, self)  # until the Runs page is there
        self.opening, self._coming = InTurns(self), ""  # the page that is being built
        self._build()
        self._connect()
        self._shortcuts()
        self._restore()
        self._collector = Collector(self)
        self._collector.begin()

    # ---- parts

    def _build(self) -> None:
        self.rail = Rail([(e.name, e.title, e.icon) for e in self._entries.values()])
        self.top = TopBar()
        self.status = StatusBar()
        self.hints = HintStrip()
        self.stack = QStackedWidget()
        body = row(self.rail, (col(self.top, self.hints, (self.stack, 1), spacing=0), 1), spacing=0)
        outer = col((body, 1), self.status, spacing=0)
        self.setLayout(outer.layout())
        self.toast = Toast(self)
        self.palette_ = CommandPalette(self, lambda reference: self._go("compare", {"tokenizer": reference}))
        self.overlay = DropOverlay(self)

    def _connect(self) -> None:
        context = self.context
        self.rail.chosen.connect(self.open_page)
        self.rail.scheme.clicked.connect(self.toggle_scheme)
        self.menu = SettingsMenu(self)
        self.rail.settings.setMenu(self.menu)
        self.top.find.clicked.connect(self.open_palette)
        context.went.connect(self._go)
        context.said.connect(self.toast.say)
        context.failed.connect(self.toast.fail)
        context.path_opened.connect(lambda path: self.open_path(path))
        context.job_changed.connect(self.status.show_job)
        context.header_changed.connect(self._refresh_header)
        context.badge_changed.connect(lambda name, alive: self.rail.buttons[name].set_alive(alive))

    def _shortcuts(self) -> None:
        for number, name in enumerate(self._entries, 1):
            self._shortcut(f"Ctrl+{number}", lambda name=name: self.open_page(name))
        self._shortcut("Ctrl+K", self.open_palette)
        self._shortcut("Ctrl+O", self.choose_file)
        self._shortcut("Ctrl+Q", self.close)
        for keys in ("Ctrl++", "Ctrl+="):
            self._shortcut(keys, lambda: self.zoom(1))
        self._shortcut("Ctrl+-", lambda: self.zoom(-1))
        self._shortcut("Ctrl+0", lambda: self.zoom(0))
        self._shortcut("Ctrl+Z", self.context.changes.undo)
        for keys in ("Ctrl+Shift+Z", "Ctrl+Y"):
            self._shortcut(keys, self.context.changes.redo)
        self._text_first = TextFirst(self)
        offer_all(self.top.about, self.context, self.things, lambda: self._front)
        self._shortcut("F1", self.open_help)
        self._shortcut("Alt+Left", lambda: self.go_back(-1))
        self._shortcut("Alt+Right", lambda: self.go_back(1))
        self._shortcut("F6", lambda: self.next_region(1))
        self._shortcut("Shift+F6", lambda: self.next_region(-1))

    def _shortcut(self, keys: str, slot) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(slot)

    # ---- pages

    def page(self, name: str) -> QWidget:
        """Builds the page at its first use; one that is being built is finished and shown."""
        if name == self._coming:
            self.opening.finish()
        if name not in self._pages:
            for _ in self._built(name):
                pass
        return self._pages[name]

    def _built(self, name: str) -> Iterator[None]:
        before = self._end_lookout if name == "runs" else lambda: None
        made = yield from page_list.building(self._entries[name], self.context, before)
        try:
            yield
        finally:  # also where another page is asked for meanwhile: it has threads and processes to close
            self._pages[name] = made
            self.stack.addWidget(made)

    def open_page(self, name: str) -> None:
        """As a click asks for it."""
        self._go(name, {})

    def _open(self, name: str, what: dict, visit: bool) -> None:
        """A page that is not there yet is built in several turns of the event loop; what is in front stays till then.
        `visit`: Alt+Left will lead back here."""
        self.rail.check(name)
        if visit:
            self.history.visit(
                name, what
            )  # now: Alt+Left leads back also from a page that is still being built
        self.opening.start(self._opened(name, what))
        self._coming = name
        if name in self._pages:
            self.opening.finish()

    def _opened(self, name: str, what: dict) -> Iterator[int | None]:
        new = name not in self._pages
        try:
            if new:
                yield from page_list.preparing(self._entries[name])
                yield from self._built(name)
                page = self._pages[name]
                page.resize(self.stack.size())
                yield from polished(page)
        finally:
            self._coming = ""
        self._show(name, what)
        if new:
            gc.freeze()  # with all pages, Python's search for garbage takes 60 ms: what is there now stays anyhow

    def _end_lookout(self) -> None:
        if self.lookout is not None:
            self.lookout.leave()
            self.lookout = None

    def show_page(self, name: str) -> None:
        if name not in self._entries:
            return
        self.history.visit(name, {})
        self._show_page(name)

    def _show_page(self, name: str) -> None:
        self.opening.stop()
        page = self.page(name)
        theme.settle(page)
        self._front = name
        self.stack.setCurrentWidget(page)
        self.rail.check(name)
        self.context.settings.set("window/page", name)
        if hasattr(page, "opened"):
            page.opened()
        self._refresh_header()

    def _go(self, name: str, what: dict) -> None:
        if name in self._entries:
            self._open(name, what, visit=True)

    def go_back(self, step: int) -> None:
        """Alt+Left (-1) and Alt+Right (1)."""
        if place := self.history.go(step):
            self._open(*place, visit=False)

    def _show(self, name: str, what: dict) -> None:
        self._show_page(name)
        page = self._pages.get(name)
        if what and hasattr(page, "receive"):
            page.receive(**what)
        self._refresh_header()

    def _refresh_header(self) -> None:
        page, entry = self._pages.get(self._front), self._entries.get(self._front)
        if page is None or entry is None:
            return
        self.context.changes.show_page(getattr(page, "steps_of", self._front))
        subtitle = page.subtitle() if hasattr(page, "subtitle") else ""
        self.top.show_page(entry.title, subtitle, page.actions() if hasattr(page, "actions") else [])
        remark = page.remark() if hasattr(page, "remark") else ""
        self.status.remark.setText(remark)

    # ---- commands

    def things(self) -> list[Thing]:
        """Files, models and runs that the page in front shows."""
        page = self._pages.get(self._front)
        return page.things() if hasattr(page, "things") else []

    def choices(self) -> list[Choice]:
        """All that the palette offers."""
        return palette_choices(self, self._pages.get(self._front), list(self._entries.values()), self._front)

    # ---- help

    def open_help(self, topic: str = "") -> None:
        """Without a topic: the one of the page in front."""
        if self._help is None:
            from tokstudio.ui.help import HelpDialog

            self._help = HelpDialog(self)
            self._help.hints_asked.connect(self.show_first_steps)
        self._help.open_at(topic or self._front)

    def show_first_steps(self) -> None:
        self.hints.start(first_steps.first_steps(self.show_page, lambda: self._go("runs", {"demo": True})))

    def _welcome(self) -> None:
        if self._start is not None and self._start.safe:
            text = (
                "The window ended twice without being closed, so this start is empty. Your session is kept."
            )
            self.hints.start([Hint(text, "Bring it back", self.bring_back)])
        elif not self.context.settings.get(first_steps.KEY, False):
            self.show_first_steps()
        self.hints.ended.connect(lambda: self.context.settings.set(first_steps.KEY, True))

    def bring_back(self) -> None:
        """The session of before the safe start: this window closes, and `app.main` opens one that has it."""
        self.wants_old_session = True
        self.end(0)

    def open_palette(self) -> None:
        self.palette_.open_with(self.choices())

    def choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a text, a tokenizer or a model file")
        if path:
            self.open_path(path)

    def open_path(self, path: str, zone: int = 0) -> None:
        """`zone`: which of the places that take this kind of file."""
        try:
            zones = zones_of(Path(path).expanduser())
        except TokstudioError as error:
            self.toast.fail(error)
            return
        taken = zones[min(zone, len(zones) - 1)]
        self._go(taken.page, taken.what)

    def toggle_scheme(self) -> None:
        self.set_scheme("light" if theme.is_dark() else "dark")

    def set_scheme(self, mode: str) -> None:
        self.context.settings.set("look/mode", mode)
        theme.switch(QApplication.instance(), mode)

    def zoom(self, step: int) -> None:
        """One step larger or smaller; 0: the normal size."""
        nearest = min(range(len(theme.SCALES)), key=lambda i: abs(theme.SCALES[i] - theme.scale()))
        wanted = theme.SCALES[max(0, min(len(theme.SCALES) - 1, nearest + step))] if step else 1.0
        self.context.settings.set("look/scale", wanted)
        theme.zoom(QApplication.instance(), wanted)

    def next_region(self, step: int) -> None:
        """F6: rail, find field, then the regions of the page."""
        page = self._pages.get(self._front)
        regions = [self.rail.buttons[self._front], self.top.find]
        regions += page.regions() if hasattr(page, "regions") else [page] if page else []
        focus = QApplication.focusWidget()
        here = [i for i, r in enumerate(regions) if focus is r or (focus and r.isAncestorOf(focus))]
        regions[((here[-1] if here else 0) + step) % len(regions)].setFocus(Qt.TabFocusReason)

    # ---- window

    def _restore(self) -> None:
        settings = self.context.settings
        self.resize(*DEFAULT)
        if geometry := settings.get("window/geometry"):
            self.restoreGeometry(QByteArray(base64.b64decode(geometry)))
        name = settings.get("window/page", "compare")
        self.show_page(name if name in self._entries else "compare")
        if self._start is not None:
            self._welcome()
            QTimer.singleShot(crashes.WELL * 1000, self, self._start.well)
        self._keeping = QTimer(self, interval=KEEP)
        self._keeping.timeout.connect(self.keep)
        self._keeping.start()
        self.setFocus()  # else Qt gives it, with a ring, to the first of the rail
        QTimer.singleShot(1_500, self.status.read_memory)
        QTimer.singleShot(lookout.AFTER, self, lambda: self.lookout and self.lookout.begin())

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        width = self.width()
        size_class = "wide" if width >= WIDE_FROM else "medium" if width >= MEDIUM_FROM else "narrow"
        self.rail.set_narrow(size_class == "narrow")
        self.top.find.set_small(size_class != "wide")
        self.context.set_size_class(size_class)
        self.overlay.setGeometry(self.rect().adjusted(8, 8, -8, -8))
        self.palette_.place()
        if self.toast.isVisible():
            self.toast.place()

    def end(self, status: int) -> None:
        """Closes as a person would, with this exit status; asks nothing."""
        self.status_code = status
        self._ending = True
        self.close()

    def closeEvent(self, event) -> None:
        if not self._ending and not leaving.may_close(self, self.context.settings, lambda: self.end(0)):
            event.ignore()
            return
        gc.unfreeze()
        self._collector.end()
        self._keeping.stop()
        self.keep()
        self._end_lookout()
        self.opening.stop()
        for page in self._pages.values():
            if hasattr(page, "close_down"):
                page.close_down()
        self.context.settings.sync()
        if self._start is not None:
            self._start.closed()
        event.accept()

    def keep(self) -> None:
        """Saves the session: once a minute, and at the end."""
        settings = self.context.settings
        settings.set("window/geometry", base64.b64encode(bytes(self.saveGeometry())).decode())
        for page in self._pages.values():
            if hasattr(page, "keep"):
                page.keep()
        settings.sync()

    # ---- drop

    def dragEnterEvent(self, event) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.overlay.offer(Path(paths[0]))

    def dragMoveEvent(self, event) -> None:
        self.overlay.point(event.position().toPoint())
        event.acceptProposedAction()

    def dragLeaveEvent(self, _event) -> None:
        self.overlay.hide()

    def dropEvent(self, event) -> None:
        zone = self.overlay.zone_at(event.position().toPoint())
        self.overlay.hide()
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.open_path(url.toLocalFile(), zone)
