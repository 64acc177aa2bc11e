"""The tour that `tokstudio bench embeddings` measures: the real window opens, pans and zooms.

python -m tokstudio.ui.embeddings_probe MATRIX REPEAT     prints one line of JSON and ends
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import psutil
from PySide6.QtCore import QEventLoop, QPointF, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tokstudio.ui.embeddings_matrix import WHOLE
from tokstudio.ui.embeddings_projection import Projection
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.probe_window import open_window, p95

PATIENCE = 300.0
POINTS = 250_000


class Tour:
    def __init__(self, app: QApplication, window: MainWindow, path: str, repeat: int):
        self.app, self.window, self.path, self.repeat = app, window, path, repeat
        self.page = window.page("embeddings")
        self.card = self.page.body.matrices[0]
        self.heat = self.card.heat
        self._tick = QTimer(interval=2)
        self._tick.start()  # ends a wait

    def turn(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not until():
            if time.monotonic() > end:
                raise TimeoutError("the tour")
            self.app.processEvents(QEventLoop.WaitForMoreEvents)

    def painted(self) -> bool:
        """Is there a picture of the whole matrix, however coarse, in every cell?"""
        plane = self.heat.plane
        if plane is None:
            return False
        box = self.heat.box()
        return bool(np.isfinite(plane.cells(self.heat.view, box.width(), box.height())).all())

    def open(self) -> float:
        begun = time.perf_counter()
        self.page.open(self.path)
        self.turn(lambda: not self.page.engine.maths.busy("open A"))
        self.turn(self.painted)
        self.heat.repaint()
        return time.perf_counter() - begun

    def memory(self) -> float:
        """MB of this process and its children, less what is mapped from files: that the system can take back."""
        me = psutil.Process()
        found = [process.memory_info() for process in (me, *me.children(recursive=True))]
        return sum(info.rss - getattr(info, "shared", 0) for info in found) / 1e6

    def pan_and_zoom(self) -> float:
        times, box = [], self.heat.box()
        at = QPointF(box.center())
        for step in range(40 * max(1, self.repeat // 2)):
            begun = time.perf_counter()
            if step % 4 == 3:
                view = self.heat.view
                self.heat.view = view.moved(view.height / 10 * (-1) ** (step // 40), 0, self.heat.plane.shape)
                self.heat._changed()
            else:
                self.heat._zoom(0.85 if step % 40 < 26 else 1.3, at, columns=False)
            self.heat.repaint()
            times.append(1e3 * (time.perf_counter() - begun))
            QTest.qWait(15)
        return p95(times)

    def projection(self) -> dict[str, float]:
        made = Projection()
        made.resize(900, 700)
        made.set_points(np.random.default_rng(0).normal(size=(POINTS, 2)).astype(np.float32))
        made.show()
        QTest.qWait(50)
        begun, frames = time.perf_counter(), 60
        made.zoom(1.2)
        for step in range(frames):
            made._moved(made.frame().moved(3 * (-1) ** (step // 20), 2))
            made.repaint()
        seconds = time.perf_counter() - begun
        times = []
        for step in range(40):
            begun = time.perf_counter()
            made._point_at(QPointF(300 + 5 * step, 350))
            times.append(1e3 * (time.perf_counter() - begun))
        made.close()
        made.deleteLater()
        return {"projection_frames_per_s": frames / seconds, "projection_hover_p95_ms": p95(times)}

    def run(self) -> dict[str, float]:
        QTest.qWait(800)
        empty = self.memory()
        self.card.mode.set_index(WHOLE)
        found = {"first_picture_s": self.open()}
        most = self.memory()
        self.turn(lambda: not self.page.engine.maths.busy("summary A"))
        most = max(most, self.memory())
        found["cached_picture_s"] = min(self.open() for _ in range(max(2, self.repeat)))
        found["pan_zoom_p95_ms"] = self.pan_and_zoom()
        found["memory_mb"] = max(most, self.memory()) - empty
        self.page.engine.maths.cancel_all()
        return found | self.projection()


def main(argv: list[str]) -> int:
    with open_window("embeddings") as (app, window):
        found = Tour(app, window, argv[0], int(argv[1]) if len(argv) > 1 else 3).run()
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
