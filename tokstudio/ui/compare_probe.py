"""The tour that `tokstudio bench ui` measures: the real window types, points and scrolls in its Compare page.

python -m tokstudio.ui.compare_probe REPEAT     prints one line of JSON and ends
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QEventLoop, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.probe_window import open_window, p95

FOUR = ("tiktoken:cl100k_base", "bert-base-uncased", "demo:english", "tiktoken:o200k_base")
EIGHT = (*FOUR, "bytes", "demo:english", "tiktoken:cl100k_base", "bert-base-uncased")
PATIENCE = 120.0


class Gaps:
    """The longest time between two turns of the event loop, by a timer that wants to fire each 5 ms."""

    def __init__(self):
        self.longest, self.busiest, self.where, self.stage = 0.0, 0.0, "", ""
        self._used = time.thread_time()
        self._clock = QElapsedTimer()
        self._timer = QTimer(interval=5, timerType=Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._clock.start()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        gap = self._clock.nsecsElapsed() / 1e6
        self._clock.restart()
        used, self._used = 1e3 * (time.thread_time() - self._used), time.thread_time()
        self.busiest = max(self.busiest, min(gap, used))
        if gap > self.longest:
            self.longest, self.where = gap, self.stage


class Tour:
    def __init__(self, app: QApplication, window: MainWindow, repeat: int):
        self.app, self.window, self.repeat = app, window, repeat
        self.page = window.page("compare")
        self.view = self.page.text
        self.gaps = Gaps()

    def turn(self, until: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Runs the event loop as the program does, until something is true."""
        end = time.monotonic() + patience
        while not until():
            if time.monotonic() > end:
                raise TimeoutError(self.gaps.stage)
            self.app.processEvents(QEventLoop.WaitForMoreEvents)  # the timer of `gaps` ends a wait

    def settled(self) -> bool:
        """Every pane shows the text as it is."""
        session = self.view.session
        return not self.view.editor.edit.filling.busy and all(
            state.encoding is not None
            and not state.stale
            and state.encoding.text == session.data
            and self.view.panes[state.number].view.tokens is not None
            and self.view.panes[state.number].view.tokens.text == session.data
            and state.measures is not None
            for state in session.panes
        )

    def panes(self, references: tuple[str, ...]) -> None:
        session = self.view.session
        while session.panes:
            session.remove(session.panes[-1].number)
            self.app.processEvents()
        for reference in references:
            session.add(reference)  # one after the other, as a person does
            self.turn(self.settled)

    def keys(self, name: str, text: str) -> dict[str, float]:
        """Types in the middle: from the key until everything that it made dirty is painted."""
        self.gaps.stage = f"set {name}"
        self.view.editor.set_text(text)
        self.gaps.stage = f"first view of {name}"
        self.turn(self.settled)
        edit = self.view.editor.edit
        cursor = edit.textCursor()
        cursor.setPosition(len(text) // 2)
        edit.setTextCursor(cursor)
        times, used, refreshes = [], [], []
        self.gaps.stage = f"type {name}"
        for _ in range(max(2, self.repeat)):
            for key in "quiet words":
                begun, cpu = time.perf_counter(), time.thread_time()
                QTest.keyClick(edit, key if key != " " else Qt.Key_Space)
                self.app.processEvents()
                times.append(1e3 * (time.perf_counter() - begun))
                used.append(1e3 * (time.thread_time() - cpu))
                QTest.qWait(20)
            last = time.perf_counter()
            self.turn(self.settled)
            refreshes.append(1e3 * (time.perf_counter() - last))
        return {
            f"key_{name}_p95_ms": p95(times),
            f"key_{name}_cpu_p95_ms": p95(used),
            f"refresh_{name}_ms": sorted(refreshes)[len(refreshes) // 2],
        }

    def scroll(self, name: str) -> dict[str, float]:
        self.gaps.stage = f"scroll {name}"
        view, times = self.view.panes[self.view.session.panes[0].number].view, []
        bar = view.verticalScrollBar()
        for _ in range(10 * self.repeat):
            begun = time.perf_counter()
            bar.triggerAction(bar.SliderAction.SliderPageStepAdd)
            self.app.processEvents()
            times.append(1e3 * (time.perf_counter() - begun))
        return {f"scroll_{name}_p95_ms": p95(times)}

    def hover(self) -> dict[str, float]:
        self.gaps.stage = "hover"
        view, times = self.view.panes[self.view.session.panes[0].number].view, []
        area = view.viewport()
        for step in range(12 * max(2, self.repeat)):
            place = QPointF(15 + 37 * step % max(60, area.width() - 30), 15 + 24 * (step % 12))
            event = QMouseEvent(
                QMouseEvent.Type.MouseMove,
                place,
                QPointF(area.mapToGlobal(place.toPoint())),
                Qt.NoButton,
                Qt.NoButton,
                Qt.NoModifier,
            )
            begun = time.perf_counter()
            self.app.sendEvent(area, event)
            self.app.processEvents()
            times.append(1e3 * (time.perf_counter() - begun))
        return {"hover_8_panes_p95_ms": p95(times)}

    def large_file(self, path: Path) -> dict[str, float]:
        self.gaps.stage = "four panes"
        self.panes(FOUR)
        self.gaps.stage = "large file"
        begun = time.perf_counter()
        self.view.files.open(path)
        self.turn(self.settled)
        opened = 1e3 * (time.perf_counter() - begun)
        self.gaps.stage = "turn pages"
        for number in (250, 499):
            self.view.files.turn(number)
            self.turn(self.settled)
        self.view.files.close_paged()
        self.turn(self.settled)
        return {"page_50mb_open_ms": opened}

    def run(self, folder: Path) -> dict[str, float]:
        found: dict[str, float] = {}
        path = folder / "large.txt"
        path.write_text(sample(50_000_000), encoding="utf-8")
        small, large = sample(100_000), sample(1_000_000)
        self.gaps.start()
        self.turn(self.settled)  # the start has a benchmark of its own
        QTest.qWait(1_500)
        self.gaps.longest = self.gaps.busiest = 0.0
        self.gaps.stage = "panes"
        self.panes(FOUR)
        found |= self.keys("100kb", small)
        found |= self.keys("1mb", large)
        found |= self.scroll("1mb")
        self.view.editor.edit.moveCursor(QTextCursor.Start)
        self.gaps.stage = "eight panes"
        self.view.editor.set_text(small)
        self.panes(EIGHT)
        found |= self.hover()
        found |= self.large_file(path)
        self.gaps.stop()
        found["longest_gap_ms"] = self.gaps.longest
        found["longest_gap_cpu_ms"] = self.gaps.busiest
        sys.stderr.write(f"longest gap in: {self.gaps.where}\n")
        return found


def sample(size: int) -> str:
    """Real text: Python's own reference, as often as needed."""
    from pydoc_data.topics import topics

    text = "\n".join(topics.values())
    return (text * (1 + size // len(text)))[:size]


def main(argv: list[str]) -> int:
    with open_window("compare") as (app, window), tempfile.TemporaryDirectory() as folder:
        found = Tour(app, window, int(argv[0]) if argv else 3).run(Path(folder))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
