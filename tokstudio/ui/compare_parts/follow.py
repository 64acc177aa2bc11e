"""The bridge between the Corpus view and the process that compares: one thread reads its events."""

from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from tokstudio.tokens.corpus.job import CorpusJob
from tokstudio.tokens.corpus.run import Request


class _Events(QThread):
    arrived = Signal(object)  # dict

    def __init__(self, job: CorpusJob, parent: QObject):
        super().__init__(parent)
        self._job = job

    def run(self) -> None:
        for event in self._job.events():
            self.arrived.emit(event)


class CorpusFollower(QObject):
    """One comparison at a time. After it has finished its process stays, to say what is behind a figure."""

    arrived = Signal(object)  # an event of `tokens.corpus.job`

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._job: CorpusJob | None = None
        self._thread: _Events | None = None
        self._dropped: list[tuple[CorpusJob, _Events]] = []
        self.running = False

    def start(self, request: Request) -> None:
        """Ends the one before, with what it knew."""
        self.close()
        self._job = CorpusJob(request)
        self._thread = _Events(self._job, self)
        self._thread.arrived.connect(self._take)
        self.running = True
        self._thread.start()

    def _take(self, event: dict) -> None:
        if self.sender() is not self._thread:
            return
        if event["event"] in ("finished", "error"):
            self.running = False
        self.arrived.emit(event)

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def causes(self, k: int, metric: str, group: str | None) -> None:
        if self._job is not None:
            self._job.causes(k, metric, group)

    def export(self, path: Path) -> None:
        if self._job is not None:
            self._job.export(path)

    def drop(self) -> None:
        """Ends the job by force and does not wait until it has ended."""
        job, thread, self._job, self._thread = self._job, self._thread, None, None
        self.running = False
        if job is not None:
            thread.arrived.disconnect(self._take)
            self._dropped.append((job, thread))
            thread.finished.connect(self._bury)
            job.kill()

    def _bury(self) -> None:
        for job, thread in [pair for pair in self._dropped if pair[1].isFinished()]:
            self._dropped.remove((job, thread))
            self._end(job, thread)

    @staticmethod
    def _end(job: CorpusJob, thread: "_Events") -> None:
        job.close()
        thread.wait()
        job.release()
        thread.deleteLater()

    def close(self) -> None:
        """Blocks for a moment, until process and thread have ended."""
        job, thread, self._job, self._thread = self._job, self._thread, None, None
        self.running = False
        if job is not None:
            thread.arrived.disconnect(self._take)
            self._end(job, thread)
        while self._dropped:
            self._end(*self._dropped.pop())
