"""The window at work for a while: every page with real actions, again and again, while a run streams its events.

`tokstudio bench tour` starts this as a process of its own: `python -m tokstudio.ui.tour_probe SECONDS`. It prints
one JSON object: how often the event loop turned, and for each action the longest time that it did not (milliseconds),
first on the wall and then by the processor time of this thread: on a busy machine the rest is other programs' share.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tokstudio.paths import resource
from tokstudio.ui import page_list, theme
from tokstudio.ui.app import make_application
from tokstudio.ui.context import Context
from tokstudio.ui.main_window import MainWindow

BEAT = 2  # milliseconds
FIRST, LATER = (
    1500,
    500,
)  # milliseconds for each action, the first time and then: what it does late belongs to it
RUN = "steps = 10_000_000\npause = 0.002\nsave_every = 5000\nevaluate_every = 500"
LONG = "The quick brown fox, die Donaudampfschifffahrt, 東京, слов 1,048,576.\n" * 1200  # about 100 kB


class Gaps(QObject):
    """All times between two turns of the event loop, and the longest for each name."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self.longest: dict[str, tuple[float, float]] = {}
        self.all: list[tuple[float, float]] = []
        self._name = ""
        self._at, self._busy = time.perf_counter(), time.thread_time()
        self._timer = QTimer(self, interval=BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def name(self, name: str) -> None:
        self._beat()
        self._name = name

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        gap = (1000 * (now - self._at), 1000 * (busy - self._busy))
        self._at, self._busy = now, busy
        if self._name:
            self.all.append(gap)
            kept = self.longest.get(self._name, (0.0, 0.0))
            # by processor time: what another program took from this one says nothing about the action
            self.longest[self._name] = max(kept, gap, key=lambda each: each[1])


class Tour:
    def __init__(self, window: MainWindow):
        self.window = window
        self.gaps = Gaps(window)

    def page(self, name: str):
        return self.window.page(name)

    def show(self, name: str) -> Callable[[], None]:
        return lambda: self.window.open_page(name)

    def actions(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """One round."""
        window = self.window
        yield from self._compare()
        yield from self._vocabulary()
        yield from self._embeddings()
        yield "model: open", self.show("model")
        yield "model: text", lambda: self.page("model").text.setPlainText("def main():\n    return 1\n")
        yield from self._transfer()
        yield from self._runs()
        for entry in page_list.entries():
            yield f"{entry.name}: back", self.show(entry.name)
        for mode in ("dark", "contrast", "light"):
            yield f"colors: {mode}", lambda mode=mode: window.set_scheme(mode)
        yield "text: larger", lambda: window.zoom(1)
        yield "text: normal", lambda: window.zoom(0)
        yield "size: small", lambda: window.resize(1100, 700)
        yield "size: large", lambda: window.resize(1600, 1000)
        yield "palette: open", window.open_palette
        yield "palette: type", lambda: QTest.keyClicks(window.palette_.field, "dark", delay=20)
        yield "palette: close", window.palette_.hide
        yield "help: open", window.open_help
        yield "help: search", lambda: window._help.field.setText("checkpoint")
        yield "help: close", lambda: window._help.close()
        yield "drop: offer", lambda: window.overlay.offer(resource("demo/english"))
        yield "drop: leave", window.overlay.hide
        for _ in range(3):
            yield "back", lambda: window.go_back(-1)
        yield "forward", lambda: window.go_back(1)

    def _compare(self) -> Iterator[tuple[str, Callable[[], object]]]:
        text = self.page("compare").text
        yield (
            "compare: open",
            lambda: (self.window.open_page("compare"), self.page("compare").show_view("text")),
        )
        yield "compare: keys", lambda: QTest.keyClicks(text.editor.edit, "a few words ", delay=20)
        yield "compare: next disagreement", lambda: text.step(1)
        yield "compare: 100 kB", lambda: text.editor.set_text(LONG)
        yield "compare: key in 100 kB", lambda: QTest.keyClicks(text.editor.edit, "x")
        yield "compare: sample", text.files.show_sample
        yield "compare: add", lambda: self.window.context.go("compare", tokenizer="bytes")
        yield "compare: remove", text.pane_set.history.undo
        for view in ("translate", "corpus", "text"):
            yield f"compare: {view}", lambda view=view: self.page("compare").choose_view(view)

    def _vocabulary(self) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "vocabulary: open", self.show("vocabulary")
        for words in ("ing", "len:>8", "re:^\\s+$", ""):
            yield (
                f"vocabulary: {words or 'all'}",
                lambda words=words: self.page("vocabulary").query.setText(words),
            )
        for number in (1, 2, 3, 0):
            yield (
                f"vocabulary: view {number}",
                lambda number=number: self.page("vocabulary").parts.modes.button(number).click(),
            )

    def _embeddings(self) -> Iterator[tuple[str, Callable[[], object]]]:
        from tokstudio.embed.known import known_matrices

        known = known_matrices()[0]
        yield "embeddings: open", self.show("embeddings")
        yield "embeddings: demo", lambda: self.page("embeddings").open_known(known.name)
        yield "embeddings: token", lambda: self.page("embeddings").ask(known.token)
        for number in (1, 3, 0):
            yield (
                f"embeddings: view {number}",
                lambda number=number: self.page("embeddings").body.header.views.button(number).click(),
            )

    def _transfer(self) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "transfer: open", self.show("transfer")
        for steps in ("300", "240"):
            yield (
                "transfer: steps",
                lambda steps=steps: self._type(
                    self.page("transfer").budget.fields["train.steps"].line, steps
                ),
            )
        yield "transfer: all settings", lambda: self.page("transfer").form.fold.click()

    def _runs(self) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "runs: open", self.show("runs")
        yield "runs: look", lambda: None
        yield "runs: all", lambda: self.page("runs")._view.button(1).click()
        yield "runs: one", lambda: self.page("runs")._view.button(0).click()
        yield "runs: log", lambda: QTest.keyClicks(self.page("runs").board.log.find, "step", delay=20)
        yield "runs: whole log", lambda: self.page("runs").board.log.find.clear()

    @staticmethod
    def _type(line, text: str) -> None:
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, text, delay=20)

    def begin_run(self) -> None:
        from tokstudio.runs.store import RunStore

        run = RunStore().create("selftest", "tour", RUN)
        self.window.context.go("runs", start=run.folder.name)

    def go(self, seconds: float) -> dict:
        """Rounds until the time is over, at least one."""
        self.gaps.name("start")
        self._wait(FIRST)
        self.gaps.name("a run begins")
        self.begin_run()
        self._wait(2 * FIRST)
        end, rounds, done = time.monotonic() + seconds, 0, 0
        while rounds == 0 or time.monotonic() < end:
            for name, act in self.actions():
                self.gaps.name(name)
                act()
                self._wait(LATER if rounds else FIRST)
                done += 1
                if rounds and time.monotonic() > end:
                    break
            rounds += 1
        self.gaps.name("")
        return self._told(rounds, done)

    def _wait(self, milliseconds: int) -> None:
        """At least; on a busy machine until a page that comes is there."""
        QTest.qWait(milliseconds)
        while self.window.opening.busy or theme.changing():
            QTest.qWait(BEAT)

    def _told(self, rounds: int, done: int) -> dict:
        wall, busy = np.array(self.gaps.all).T
        worst = sorted(self.gaps.longest.items(), key=lambda item: -item[1][1])
        return {
            "rounds": rounds,
            "actions": done,
            "turns": len(wall),
            "longest_ms": round(float(wall.max()), 1),
            "longest_cpu_ms": round(float(busy.max()), 1),
            "p99_ms": round(float(np.percentile(wall, 99)), 1),
            "p99_cpu_ms": round(float(np.percentile(busy, 99)), 1),
            "over_100": int((wall > 100).sum()),
            "over_100_cpu": int((busy > 100).sum()),
            "by_action": {name: [round(ms, 1), round(cpu, 1)] for name, (ms, cpu) in worst},
        }


def main(argv: list[str]) -> int:
    app = make_application([])
    theme.apply(app, "light")
    window = MainWindow(Context())
    window.resize(1440, 900)
    window.show()
    try:
        found = Tour(window).go(float(argv[0]))
    finally:
        if "runs" in window._pages:
            for watch in window.page("runs").watches.values():
                watch.kill()
        window.end(0)
        QApplication.processEvents()
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
