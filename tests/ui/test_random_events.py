"""Ten thousand clicks, keys, turns of the wheel, drops and resizes that make no sense: nothing may break.

Slow. TOKSTUDIO_EVENTS is how many events each seed gets, TOKSTUDIO_SEEDS which seeds ("10 11 12"). No event starts
a run, opens a file dialog or a program, or leaves the home folder of the test.
"""

import os
import random
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QDrag, QDropEvent, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMenu, QMessageBox, QWidget

from tests.ui.walk import StrayWindows, told, usable
from tokstudio.errors import RunError, TokstudioError
from tokstudio.paths import resource
from tokstudio.runs import process, queue
from tokstudio.runs.store import RunStore
from tokstudio.ui import theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow

EVENTS = int(os.environ.get("TOKSTUDIO_EVENTS", "1000"))
SEEDS = [int(seed) for seed in os.environ.get("TOKSTUDIO_SEEDS", "0 1 2 3 4 5 6 7 8 9").split()]
KEYS = [
    *(
        Qt.Key_Tab,
        Qt.Key_Backtab,
        Qt.Key_Return,
        Qt.Key_Escape,
        Qt.Key_Space,
        Qt.Key_Delete,
        Qt.Key_Backspace,
    ),
    *(
        Qt.Key_Up,
        Qt.Key_Down,
        Qt.Key_Left,
        Qt.Key_Right,
        Qt.Key_Home,
        Qt.Key_End,
        Qt.Key_PageUp,
        Qt.Key_PageDown,
    ),
    *(Qt.Key_F1, Qt.Key_F6, Qt.Key_F8, Qt.Key_Plus, Qt.Key_Minus, Qt.Key_0, Qt.Key_A, Qt.Key_W, Qt.Key_5),
]
WITH = [Qt.NoModifier] * 5 + [Qt.ShiftModifier, Qt.ControlModifier, Qt.AltModifier]
TEXTS = ["ab c", "len:>", "re:(", "0,5", "-1", "1e999", "東京", "\u202e x", "\x00", "'; --", "%s{}"]


def refuse(*_args, **_more):
    raise RunError("No run is started here.", hint="")


@pytest.fixture
def window(qtbot, qapp, tokstudio_home, monkeypatch):
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_, **__: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_, **__: ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: "")
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: True)
    for cls in (QDialog, QMessageBox, QMenu, QDrag):
        monkeypatch.setattr(cls, "exec", lambda *_: 0)
    monkeypatch.setattr(process.Run, "start", refuse)
    monkeypatch.setattr(queue.Queue, "keep", lambda *_: None)
    closer = QTimer(interval=40)  # a menu that a button opens waits for its end in a loop of its own
    closer.timeout.connect(lambda: (above := QApplication.activePopupWidget()) and above.close())
    closer.start()
    theme.apply(qapp, "light")
    for name in ("one", "two"):
        RunStore().create("selftest", name, "steps = 3")
    made = MainWindow(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(made)
    made.resize(1300, 800)
    made.show()
    qtbot.waitExposed(made)
    stray = StrayWindows(MainWindow)
    qapp.installEventFilter(stray)
    yield made
    qapp.removeEventFilter(stray)
    assert stray.found == []
    closer.stop()
    theme.load_scale(1.0)
    made.end(0)


class Monkey:
    def __init__(self, window: MainWindow, seed: int, folder: Path):
        self.window, self.dice = window, random.Random(seed)
        self.files = [resource("demo/english"), folder / "a.txt", folder / "b.safetensors", folder / "none"]
        (folder / "a.txt").write_text("a text\n" * 50)
        (folder / "b.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
        self.trail: list[str] = []

    def target(self) -> QWidget:
        above = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not self.window]
        window = self.window  # looking through all pages, hidden ones too, would take most of the time
        around = [window.rail, window.top, window.hints, window.status, window.palette_, window.toast]
        page = window.stack.currentWidget()
        root = self.dice.choices(
            [*above, *around, page], weights=[2] * len(above) + [1] * len(around) + [12]
        )[0]
        found = [w for w in usable(root) if w.isVisible() and w.isEnabled()]
        return self.dice.choice(found or [root])

    def step(self) -> None:
        kinds = (
            "click",
            "click",
            "click",
            "key",
            "key",
            "text",
            "wheel",
            "drag",
            "page",
            "resize",
            "look",
            "drop",
        )
        kind = self.dice.choices(kinds, weights=[9, 9, 9, 9, 9, 5, 4, 4, 3, 1, 0.5, 0.5])[0]
        widget = self.target()
        self.trail.append(f"{kind} {told(widget)}")
        getattr(self, kind)(widget)

    def spot(self, widget: QWidget) -> QPoint:
        return QPoint(
            self.dice.randrange(max(1, widget.width())), self.dice.randrange(max(1, widget.height()))
        )

    def click(self, widget: QWidget) -> None:
        widget = getattr(widget, "viewport", lambda: widget)()
        button = Qt.RightButton if self.dice.random() < 0.1 else Qt.LeftButton
        act = QTest.mouseDClick if self.dice.random() < 0.1 else QTest.mouseClick
        act(widget, button, Qt.NoModifier, self.spot(widget))

    def key(self, widget: QWidget) -> None:
        key, held = self.dice.choice(KEYS), self.dice.choice(WITH)
        if held == Qt.AltModifier and key not in (Qt.Key_Left, Qt.Key_Right):
            held = Qt.NoModifier
        QTest.keyClick(QApplication.focusWidget() or widget, key, held)

    def text(self, widget: QWidget) -> None:
        """As an input method sends it: QTest's keys end the program at letters beyond Latin-1."""
        for letter in self.dice.choice(TEXTS):
            QApplication.sendEvent(widget, QKeyEvent(QEvent.KeyPress, 0, Qt.NoModifier, letter))

    def wheel(self, widget: QWidget) -> None:
        widget = getattr(widget, "viewport", lambda: widget)()
        at = self.spot(widget).toPointF()
        turn = QPoint(0, self.dice.choice((-120, 120)))
        event = QWheelEvent(
            at, widget.mapToGlobal(at), QPoint(), turn, Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False
        )
        QApplication.sendEvent(widget, event)

    def drag(self, widget: QWidget) -> None:
        widget = getattr(widget, "viewport", lambda: widget)()
        QTest.mousePress(widget, Qt.LeftButton, Qt.NoModifier, self.spot(widget))
        QTest.mouseMove(widget, self.spot(widget))
        QTest.mouseRelease(widget, Qt.LeftButton, Qt.NoModifier, self.spot(widget))

    def page(self, _widget: QWidget) -> None:
        self.window.show_page(self.dice.choice(list(self.window._entries)))

    def resize(self, _widget: QWidget) -> None:
        self.window.resize(self.dice.randrange(880, 1700), self.dice.randrange(600, 1000))

    def look(self, _widget: QWidget) -> None:
        self.dice.choice(
            [
                lambda: self.window.set_scheme(self.dice.choice(("light", "dark", "contrast", "system"))),
                lambda: self.window.zoom(self.dice.choice((-1, 0, 1))),
                self.window.open_palette,
            ]
        )()

    def drop(self, _widget: QWidget) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(self.dice.choice(self.files)))])
        at = QPointF(self.spot(self.window))
        self.window.dropEvent(QDropEvent(at, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_events(qtbot, window, tmp_path, seed):
    folder = tmp_path / "files"
    folder.mkdir()
    monkey = Monkey(window, seed, folder)
    with qtbot.captureExceptions() as caught:
        for number in range(EVENTS):
            monkey.step()
            if number % 10 == 0:
                qtbot.wait(5)
            QApplication.processEvents()
            broken = [each for each in caught if not issubclass(each[0], TokstudioError)]
            assert not broken, (broken, monkey.trail[-12:])
            if not window.isVisible():
                window._ending = False
                pytest.fail(f"the window closed after {monkey.trail[-5:]}")
    assert len(monkey.trail) == EVENTS
