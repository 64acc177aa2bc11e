"""The other tour that `tokstudio bench ui` measures: a vocabulary of 262,144 tokens in the real table.

python -m tokstudio.ui.vocabulary_probe REPEAT     prints one line of JSON and ends
"""

import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tokstudio.ui import theme
from tokstudio.ui.compare_probe import PATIENCE, Gaps
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.models.vocabulary import BYTES, COUNT, ID, KIND, LENGTH, SCRIPT, TOKEN
from tokstudio.ui.probe_window import open_window, p95

TOKENS = 262_144
COLUMNS = (TOKEN, BYTES, LENGTH, KIND, SCRIPT, COUNT, ID)
QUERIES = (
    "an",
    "len:>8",
    "script:Cyrl",
    "type:word-start",
    "re:^\\s+\\w+$",
    "count:0",
    "len:>8 script:Latn re:ing$",
)


class Tour:
    def __init__(self, app: QApplication, window: MainWindow, repeat: int):
        self.app, self.window, self.repeat = app, window, max(1, repeat)
        self.gaps, self.found = Gaps(), {}

    def turn(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not until():
            if time.monotonic() > end:
                raise TimeoutError(self.gaps.stage)
            self.app.processEvents(QEventLoop.WaitForMoreEvents)

    def idle(self) -> None:
        """Nothing is asked of the process any more, and what came has been painted."""
        self.turn(lambda: not self.page.engine.maths.busy())
        QTest.qWait(300)

    def started(self) -> bool:
        """Compare, which the window began with, has nothing left to do."""
        panes = self.window.page("compare").session.panes
        return all(pane.round_trip is not None for pane in panes)

    def stage(self, name: str) -> None:
        """The gaps of the stage before are noted; those of `name` begin."""
        if self.gaps.stage:
            self.found[f"vocabulary_{self.gaps.stage}_gap_ms"] = self.gaps.longest
            self.found[f"vocabulary_{self.gaps.stage}_gap_cpu_ms"] = self.gaps.busiest
        self.gaps.longest, self.gaps.busiest, self.gaps.stage = 0.0, 0.0, name

    def first(self) -> None:
        """As a click does it."""
        self.window.open_page("vocabulary")
        self.turn(lambda: not self.window.opening.busy)
        self.page = self.window.page("vocabulary")
        self.turn(lambda: self.page.vocabulary is not None)
        self.idle()

    def large(self, path: Path) -> None:
        begun = time.perf_counter()
        self.page.open(str(path))
        self.turn(lambda: len(self.page.vocabulary) >= TOKENS and self.page.model.rowCount() >= TOKENS)
        self.app.processEvents()
        self.found["vocabulary_open_ms"] = 1e3 * (time.perf_counter() - begun)
        self.idle()

    def sorts(self) -> None:
        times, used, table = [], [], self.page.table
        for _ in range(self.repeat):
            for column in COLUMNS:
                for order in (Qt.AscendingOrder, Qt.DescendingOrder):
                    begun, cpu = time.perf_counter(), time.thread_time()
                    table.sort(column, order)
                    table.viewport().repaint()
                    times.append(1e3 * (time.perf_counter() - begun))
                    used.append(1e3 * (time.thread_time() - cpu))
                    QTest.qWait(10)
        self.found |= {"vocabulary_sort_p95_ms": p95(times), "vocabulary_sort_cpu_p95_ms": p95(used)}

    def filters(self) -> None:
        """From the end of typing until the rows are there and painted."""
        times, done = [], []
        self.page.engine.found.connect(done.append)
        for _ in range(self.repeat):
            for query in QUERIES:
                self.page.query.setText(query)
                self.page._typed.stop()
                done.clear()
                begun = time.perf_counter()
                self.page.query.returnPressed.emit()
                self.turn(lambda: bool(done))
                self.page.table.viewport().repaint()
                times.append(1e3 * (time.perf_counter() - begun))
                QTest.qWait(10)
        self.page.query.clear()
        self.idle()
        self.found["vocabulary_filter_p95_ms"] = p95(times)

    def scrolls(self) -> None:
        times, bar = [], self.page.table.verticalScrollBar()
        for _ in range(20 * self.repeat):
            begun = time.perf_counter()
            bar.triggerAction(bar.SliderAction.SliderPageStepAdd)
            self.app.processEvents()
            times.append(1e3 * (time.perf_counter() - begun))
        self.found["vocabulary_scroll_p95_ms"] = p95(times)

    def run(self, folder: Path) -> dict[str, float]:
        path = rank_file(folder)
        self.gaps.start()
        self.turn(self.started)
        QTest.qWait(1_500)
        self.stage("first")
        self.first()
        self.stage("large")
        self.large(path)
        self.stage("rows")
        self.sorts()
        self.filters()
        self.scrolls()
        self.stage("scheme")
        for scheme in ("dark", "light"):
            theme.switch(self.app, scheme)
            QTest.qWait(600)
        self.stage("")
        self.gaps.stop()
        return self.found


def rank_file(folder: Path) -> Path:
    """GPT-4o's tokens, and as many joined from two of them as it takes, with the file that says how to cut."""
    from tokstudio.tokens.encodings import encoding_spec
    from tokstudio.tokens.rank_files import ranks_of

    spec = encoding_spec("o200k_base")
    tokens = list(ranks_of(spec).as_dict())
    known, place = set(tokens), 0
    while len(tokens) < TOKENS:
        made = tokens[1_000 + place] + tokens[100_000 - place]
        place += 1
        if made not in known:
            known.add(made)
            tokens.append(made)
    path = folder / "large.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(tokens)))
    about = {"pattern": spec.pattern, "special_tokens": {"<|endoftext|>": len(tokens)}}
    path.with_name("large.tiktoken.json").write_text(json.dumps(about))
    return path


def main(argv: list[str]) -> int:
    with open_window("compare") as (app, window), tempfile.TemporaryDirectory() as folder:
        found = Tour(app, window, int(argv[0]) if argv else 3).run(Path(folder))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
