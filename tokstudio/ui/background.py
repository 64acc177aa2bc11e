"""Work that must not hold the window: a thread for calls that block, and a bridge to the encoding process."""

import sys
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal

from tokstudio.errors import TokstudioError

if TYPE_CHECKING:  # costs a start that no short text needs
    from tokstudio.tokens.service import EncodeService


class Worker(QThread):
    """Does one job after the other. Results and expected errors arrive by `done` on the receiver's thread."""

    done = Signal(object, object)  # key, result or TokstudioError

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs: SimpleQueue = SimpleQueue()
        self._closed = False

    def submit(self, key: Any, work: Callable[[], Any]) -> None:
        """Starts the thread with the first job; does nothing once closed."""
        if self._closed:
            return
        self._jobs.put((key, work))
        if not self.isRunning():
            self.start()

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            key, work = job
            try:
                result = work()
            except TokstudioError as error:
                result = error
            except Exception:
                sys.excepthook(*sys.exc_info())  # a bug: the crash dialog
                result = TokstudioError("This could not be done.", hint="The report says what went wrong.")
            self.done.emit(key, result)

    def close(self) -> None:
        """After the job at hand; what waits is dropped."""
        self._closed = True
        while not self._jobs.empty():
            self._jobs.get()
        self._jobs.put(None)
        self.wait()


class _Answers(QThread):
    """Carries the answers of the encoding process into the window."""

    arrived = Signal(object)

    def __init__(self, service: "EncodeService", parent: QObject | None = None):
        super().__init__(parent)
        self._service = service

    def run(self) -> None:
        for answer in self._service.answers():
            self.arrived.emit(answer)


class LongEncoder(QObject):
    """Encodes long texts in a process of their own. Nothing is started before the first text."""

    arrived = Signal(object)  # tokens.service.Answer
    refused = Signal(int, object)  # generation, TokstudioError

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._service: EncodeService | None = None  # from the first long text on

    def submit(self, reference: str, text: str, special: bool, generation: int, **more: Any) -> None:
        """A newer generation makes the answers of older ones disappear. `more`: see `EncodeService.submit`."""
        if self._service is None:
            self._start()
        service = self._service
        self._sender.submit(
            generation,
            lambda: service.submit(reference, text, special=special, generation=generation, **more),
        )

    def _start(self) -> None:
        from tokstudio.tokens.service import EncodeService

        self._service = EncodeService()
        self._answers = _Answers(self._service, self)
        self._answers.arrived.connect(self.arrived)
        self._answers.start()
        self._sender = Worker(self)  # a pipe takes a megabyte only as fast as the other side reads
        self._sender.done.connect(self._sent)

    def _sent(self, generation: int, result: object) -> None:
        if isinstance(result, TokstudioError):
            self.refused.emit(generation, result)

    def close(self) -> None:
        if self._service is not None:
            self._service.close()
            self._answers.wait()
            self._sender.close()
            self._service = None
