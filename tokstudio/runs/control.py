"""What others ask of a run: one word in the file `control`, read at step boundaries."""

from pathlib import Path
from typing import Literal

from tokstudio.runs.files import write_atomic

Request = Literal["stop", "save"]


def ask(folder: Path, request: Request) -> None:
    write_atomic(folder / "control", request)


def withdraw(folder: Path) -> None:
    (folder / "control").unlink(missing_ok=True)


class Control:
    """The run's side. Once it was asked to stop it stays asked."""

    def __init__(self, folder: Path):
        self.path = folder / "control"
        self.stopping = False

    def stop(self) -> None:
        """For a signal handler: SIGTERM asks for the same as the file does."""
        self.stopping = True

    def poll(self) -> Request | None:
        """What is asked for now. "save" is answered once, "stop" every time."""
        if self.stopping:
            return "stop"
        try:
            word = self.path.read_text().strip()
        except FileNotFoundError:
            return None
        if word == "stop":
            self.stopping = True
            return "stop"
        self.path.unlink(missing_ok=True)
        return "save" if word == "save" else None
