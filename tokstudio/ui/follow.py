"""The one bridge between a run and the window."""

from typing import Literal

from PySide6.QtCore import QObject, QThread, Signal

from tokstudio.errors import TokstudioError
from tokstudio.runs.process import Run


class Follower(QThread):
    """Starts or adopts one run and reads its events on its own thread; delivers them on the receiver's."""

    arrived = Signal(list)  # list[RunEvent], in order
    refused = Signal(object)  # TokstudioError: it could not be started

    def __init__(
        self, run: Run, start: Literal["fresh", "resume"] | None = None, parent: QObject | None = None
    ):
        """`start` None: follow what goes already, or read what is over."""
        super().__init__(parent)
        self.run_ = run
        self._start = start

    def run(self) -> None:
        try:
            if self._start is not None:
                self.run_.start(resume=self._start == "resume")
            for batch in self.run_.events():
                if self.isInterruptionRequested():
                    return
                if batch:
                    self.arrived.emit(batch)
        except TokstudioError as error:
            self.refused.emit(error)

    def leave(self) -> None:
        """Stop reading. The run itself goes on."""
        self.requestInterruption()
        self.wait()
