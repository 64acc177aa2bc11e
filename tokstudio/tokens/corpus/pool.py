"""One counting process a core. Two threads for each carry batches in and answers out, so that the next batch is
there when the one before is done."""

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from queue import Queue, SimpleQueue

from tokstudio.errors import TokenizerError, TokstudioError
from tokstudio.tokens.service import receive, send

ON_THE_WAY = 2  # batches of one worker


@dataclass
class Batch:
    """Texts with the groups they belong to, and which of them have their words looked at."""

    texts: list[bytes] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)  # indices into `names`
    sampled: list[int] = field(default_factory=list)  # indices into `texts`
    names: list[str] = field(default_factory=list)
    size: int = 0
    done: int = 0  # bytes of the files read up to here

    def add(self, name: str, data: bytes, sampled: bool) -> None:
        if name not in self.names:  # at most MOST_GROUPS
            self.names.append(name)
        if sampled:
            self.sampled.append(len(self.texts))
        self.groups.append(self.names.index(name))
        self.texts.append(data)
        self.size += len(data)


class Pool:
    """Use with `with`: leaving it ends the processes, also in the middle of a batch."""

    def __init__(self, references: tuple[str, ...], processes: int):
        self._references = references
        self.room = ON_THE_WAY * processes  # batches that may be on their way
        self._processes = processes
        self._jobs: Queue[Batch | None] = Queue()
        self._answers: SimpleQueue = SimpleQueue()
        self._workers: list[subprocess.Popen] = []
        self._lines: list[_Line] = []
        self.tokenizers: list[dict] = []

    def __enter__(self) -> "Pool":
        try:
            self._workers = [_start() for _ in range(self._processes)]
            for worker in self._workers:
                with contextlib.suppress(BrokenPipeError):
                    send(worker.stdin, {"references": list(self._references)}, b"")
            ready = [receive(worker.stdout) for worker in self._workers]
            for worker, message in zip(self._workers, ready, strict=True):
                _raise_from(worker, message)
            self.tokenizers = ready[0][0]["tokenizers"]
        except BaseException:
            self.__exit__()
            raise
        self._lines = [_Line(worker, self._jobs, self._answers) for worker in self._workers]
        return self

    def __exit__(self, *_) -> None:
        for line in self._lines:
            line.closing = True
        for worker in self._workers:
            worker.kill()  # it holds nothing that could be lost
        for line in self._lines:  # before one is joined: any of them may take the end meant for another
            line.release()
        for line in self._lines:
            line.join()
        for worker in self._workers:
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.close()
            worker.stdout.close()
            worker.wait()

    def submit(self, batch: Batch) -> None:
        self._jobs.put(batch)

    def answer(self, seconds: float) -> tuple[Batch, dict, bytes]:
        """The next answer, whichever comes first. Raises Empty after `seconds`; what a worker raised; or that it
        died."""
        found = self._answers.get(timeout=seconds) if seconds else self._answers.get_nowait()
        if isinstance(found, TokstudioError):
            raise found
        return found


class _Line:
    """Batches on their way to one worker and its answers: one that it counts, one that waits."""

    def __init__(self, worker: subprocess.Popen, jobs: Queue, answers: SimpleQueue):
        self.closing = False
        self._worker, self._jobs, self._answers = worker, jobs, answers
        self._slots = threading.Semaphore(ON_THE_WAY)
        self._sent: deque[Batch] = deque()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._read)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        while True:
            self._slots.acquire()
            if self.closing or (batch := self._jobs.get()) is None:
                return
            self._sent.append(batch)
            sizes = [len(text) for text in batch.texts]
            try:
                send(
                    self._worker.stdin,
                    {"groups": batch.groups, "lengths": sizes, "sampled": batch.sampled},
                    b"".join(batch.texts),
                )
            except BrokenPipeError:  # it died: `_read` says so
                return

    def _read(self) -> None:
        while True:
            message = receive(self._worker.stdout)
            if self.closing:
                return
            try:
                _raise_from(self._worker, message)
            except TokstudioError as error:
                self._answers.put(error)
                return
            self._answers.put((self._sent.popleft(), *message))
            self._slots.release()

    def release(self) -> None:
        """Wakes the threads, after the worker was killed."""
        self._jobs.put(None)
        self._slots.release()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


def _raise_from(worker: subprocess.Popen, message: tuple[dict, bytes] | None) -> None:
    if message is None:
        code = worker.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise TokenizerError(
            f"A process that counts tokens ended unexpectedly ({how}).",
            hint="It may have run out of memory: close other programs, or use fewer tokenizers at once.",
        )
    if "error" in message[0]:
        raise TokenizerError(message[0]["error"], hint=message[0]["hint"])


def _start() -> subprocess.Popen:
    again = [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
    one_core = dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, *again, "corpus-worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | one_core | {"TOKENIZERS_PARALLELISM": "false"},
    )
