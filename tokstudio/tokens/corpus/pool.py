"""One counting process a core. A thread for each carries batches in and answers out."""

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from queue import Queue, SimpleQueue

from tokstudio.errors import TokenizerError, TokstudioError
from tokstudio.tokens.service import receive, send


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
        self.room = 2 * processes  # batches that may be on their way
        self._processes = processes
        self._jobs: Queue[Batch | None] = Queue()
        self._answers: SimpleQueue = SimpleQueue()
        self._workers: list[subprocess.Popen] = []
        self._threads: list[threading.Thread] = []
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
        for worker in self._workers:
            thread = threading.Thread(target=self._serve, args=(worker,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for worker in self._workers:
            worker.kill()  # it holds nothing that could be lost
        for thread in self._threads:
            thread.join()
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

    def _serve(self, worker: subprocess.Popen) -> None:
        while (batch := self._jobs.get()) is not None:
            try:
                self._answers.put((batch, *_counted(worker, batch)))
            except TokstudioError as error:
                self._answers.put(error)
                return


def _counted(worker: subprocess.Popen, batch: Batch) -> tuple[dict, bytes]:
    header = {
        "groups": batch.groups,
        "lengths": [len(text) for text in batch.texts],
        "sampled": batch.sampled,
    }
    try:
        send(worker.stdin, header, b"".join(batch.texts))
        message = receive(worker.stdout)
    except (BrokenPipeError, ValueError):  # it died, or the pool was closed under us
        message = None
    _raise_from(worker, message)
    return message


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
