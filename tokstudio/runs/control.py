"""What others ask of a run: lines of text in its folder, read at step boundaries.

The file `control` holds one request, and `control.NUMBER` those that came before it was read. A person with a shell
may write one, too: `echo pause > control`.
"""

import os
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tokstudio.errors import InputError

WORDS = ("stop", "park", "pause", "resume", "save", "evaluate", "sample")
ENDS = ("stop", "park")
SET = re.compile(r"set (steps|learning_rate) \S+")
LOOK = 0.05  # seconds between two looks while the run is paused


def ask(folder: Path, request: str) -> None:
    """One of `WORDS`, or "set steps 300", "set learning_rate 0.0001". Raises InputError for anything else."""
    if request not in WORDS and not SET.fullmatch(request):
        raise InputError(f"A run cannot be asked to {request!r}.", hint=f"Known: {', '.join(WORDS)}, set.")
    number = time.time_ns()
    part = folder / f".control.{number}.{os.getpid()}.part"
    try:
        part.write_text(request, encoding="utf-8")
        _place(part, folder, number)
    finally:
        part.unlink(missing_ok=True)


def _place(part: Path, folder: Path, number: int) -> None:
    """Never over an earlier request that nobody has read."""
    try:
        os.link(part, folder / "control")
        return
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        if not (folder / "control").exists():
            os.replace(part, folder / "control")
            return
    os.replace(part, folder / f"control.{number}.{os.getpid()}")


def waiting(folder: Path) -> list[Path]:
    """The files of requests that nobody has read, oldest first."""
    try:
        names = [name for name in os.listdir(folder) if name == "control" or name.startswith("control.")]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if not name.endswith(".part")]


def asked(folder: Path) -> list[str]:
    """What they say."""
    return [word for path in waiting(folder) if (word := _read(path))]


def withdraw(folder: Path) -> None:
    for path in waiting(folder):
        path.unlink(missing_ok=True)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class Control:
    """The run's side. Once it was asked to stop or park it stays asked."""

    def __init__(
        self,
        folder: Path,
        on_pause: Callable[[], object] = lambda: None,
        on_resume: Callable[[], object] = lambda: None,
    ):
        """`on_pause` is called before the run waits, `on_resume` when it goes on."""
        self.folder = folder
        self.ending: str | None = None
        self.paused = False
        self._told = False  # was the pause told?
        self._on_pause, self._on_resume = on_pause, on_resume
        self._queue: deque[str] = deque()

    @property
    def stopping(self) -> bool:
        return self.ending is not None

    def stop(self) -> None:
        """For a signal handler: SIGTERM asks for the same as the file does."""
        self.ending = "stop"

    def poll(self) -> str | None:
        """What is asked for now, or None. "stop" and "park" are answered every time, the rest once; while the run is
        paused this waits for the next request."""
        return self._next(every=True)

    def ends(self) -> str | None:
        """ "stop", "park", or None; the other requests wait for the next step. Also waits through a pause."""
        return self._next(every=False)

    def _next(self, *, every: bool) -> str | None:
        while True:
            self._take()
            while self.ending is None and (word := self._pop(every)) is not None:
                if word in ENDS:
                    self.ending = word
                elif word in ("pause", "resume"):
                    self.paused = word == "pause"
                else:
                    return word
            if self.ending is not None or not self.paused:
                self._tell(False)
                return self.ending
            self._tell(True)
            time.sleep(LOOK)

    def _tell(self, paused: bool) -> None:
        if paused != self._told:
            self._told = paused
            (self._on_pause if paused else self._on_resume)()

    def _pop(self, every: bool) -> str | None:
        for word in self._queue:
            if every or word in (*ENDS, "pause", "resume"):
                self._queue.remove(word)
                return word
        return None

    def _take(self) -> None:
        for path in waiting(self.folder):
            if word := _read(path):  # an empty one is just being written
                path.unlink(missing_ok=True)
                if word in WORDS or SET.fullmatch(word):
                    self._queue.append(word)
