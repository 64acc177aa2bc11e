"""The bottom line: offline, device, memory; jobs at the right."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from tokstudio.ui.announce import announce
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import eliding, label, row, tool

HEIGHT = 26
EVERY = 2_000  # milliseconds between two looks at the memory


def device_name() -> str:
    """The graphics card where the driver names one, else the processor; never asks torch."""
    for card in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in card.read_text(errors="replace").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    count = os.cpu_count() or 1
    return f"CPU, {count} thread{'s' if count > 1 else ''}"


def resident_bytes() -> int:
    """Memory of this process in bytes."""
    import psutil

    return psutil.Process().memory_info().rss


class Job(QWidget):
    """One line: what goes on, how far, and a way to cancel it."""

    def __init__(self, cancel: Callable[[], object] | None):
        super().__init__()
        self.title = eliding("", "caption", "muted")
        self.bar = ProgressBar()
        self.bar.setFixedWidth(72)
        self.share = label("", "caption", "muted")
        self.stop = tool("close", "Cancel", 20)
        if cancel is not None:
            self.stop.clicked.connect(cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for part in (self.title, self.bar, self.share, self.stop):
            layout.addWidget(part)
        self.stop.setVisible(cancel is not None)  # without a parent it would be a window that takes the focus

    def set(self, title: str, fraction: float) -> None:
        self.title.setText(title)
        self.bar.set(fraction)
        self.share.setText(f"{fraction * 100:.0f} %")


class StatusBar(QFrame):
    def __init__(self):
        super().__init__()
        self.setProperty("frame", "status")
        self.setFixedHeight(HEIGHT)
        self.memory = label("", "caption", "muted")
        self._jobs: dict[str, Job] = {}
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 0, 12, 0)
        self._layout.setSpacing(16)
        offline = _entry("lock", label("Offline", "caption", "muted"))
        offline.setToolTip("Nothing is sent or fetched unless you press a button that says so.")
        self._layout.addWidget(offline)
        self._layout.addWidget(_entry("cpu", label(device_name(), "caption", "muted")))
        self._layout.addWidget(_entry("layers", self.memory))
        self._layout.addStretch(1)
        self.remark = label("", "caption", "muted")
        self._layout.addWidget(self.remark)
        self._timer = QTimer(self, interval=EVERY)
        self._timer.timeout.connect(self.read_memory)
        self._timer.start()

    def read_memory(self) -> None:
        if self.isVisible():
            self.memory.setText(f"{resident_bytes() / 1e6:.0f} MB")

    def show_job(self, key: str, title: str, fraction: float, cancel: Callable[[], object] | None) -> None:
        """A fraction below 0 takes the job away."""
        if fraction < 0:
            if (gone := self._jobs.pop(key, None)) is not None:
                announce(self, f"{gone.title.text()} has ended")
                gone.hide()
                gone.deleteLater()
            return
        if key not in self._jobs:
            self._jobs[key] = Job(cancel)
            self._layout.addWidget(self._jobs[key], 0, Qt.AlignRight)
        self._jobs[key].set(title, min(1.0, fraction))


def _entry(icon: str, words: QWidget) -> QWidget:
    return row(icon_label(icon, "muted", 14), words, spacing=4)
