"""The maths process: answers the requests of one window over a pipe. And the client that owns it.

A process, not a thread: an image of half a GB, a file that is cut off under its map (SIGBUS) or a bug here
ends this process and not the window, and the window never waits for the interpreter lock.
"""

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from tokstudio.embed import wire
from tokstudio.errors import InputError, ModelError, TokenizerError, TokstudioError

PROGRESS_EVERY = 0.1  # seconds between two progress messages of one job
ERRORS = {cls.__name__: cls for cls in (InputError, ModelError, TokenizerError)}


@dataclass(eq=False)
class _Running:
    id: int
    priority: int
    steps: Iterator
    told: float = 0.0


def serve(requests: BinaryIO, replies: BinaryIO, jobs: Mapping[str, tuple] = {}, state: Any = None) -> None:
    """Answer until `requests` ends. Expected errors are answers; anything else ends the process with its
    traceback. `jobs`: name -> (generator function of the state and the arguments, priority)."""
    if not jobs:
        from tokstudio.embed import course_jobs, view_jobs, vocabulary_jobs  # the last has all of embed.jobs
        from tokstudio.embed.jobs import State

        jobs, state = vocabulary_jobs.JOBS | view_jobs.JOBS | course_jobs.JOBS, State()
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, inbox), daemon=True).start()
    running: list[_Running] = []
    while True:
        while not running or not inbox.empty():
            if (message := inbox.get()) is None:
                return
            _take(message, jobs, state, running)
        job = min(running, key=lambda job: (job.priority, job.id))
        if _step(job, replies):
            running.remove(job)


def _listen(requests: BinaryIO, inbox: queue.SimpleQueue) -> None:
    while (message := wire.read(requests)) is not None:
        inbox.put(message[0])
    inbox.put(None)


def _take(message: dict, jobs: Mapping[str, tuple], state: object, running: list[_Running]) -> None:
    if message["kind"] == "cancel":
        running[:] = [job for job in running if job.id != message["id"]]
        return
    function, priority = jobs[message["kind"]]
    running.append(_Running(message["id"], priority, function(state, **message["arguments"])))


def _step(job: _Running, replies: BinaryIO) -> bool:
    """Run one step of `job`; True when it is over."""
    try:
        news = next(job.steps)
    except StopIteration as end:
        wire.write(replies, {"id": job.id, "kind": "result", "values": end.value.values}, end.value.arrays)
        return True
    except TokstudioError as error:
        about = {"type": type(error).__name__, "message": str(error), "hint": error.hint}
        wire.write(replies, {"id": job.id, "kind": "error", "values": about})
        return True
    if not isinstance(news, float):
        wire.write(replies, {"id": job.id, "kind": "part", "values": news.values}, news.arrays)
    elif (now := time.monotonic()) - job.told > PROGRESS_EVERY:
        job.told = now
        wire.write(replies, {"id": job.id, "kind": "progress", "values": {"share": news}})
    return False


def main(jobs: Mapping[str, tuple] = {}, state: Any = None) -> int:
    """Entry point of the child. Whatever prints goes to stderr, so that it cannot break into a message."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, replies, jobs, state)
    except BrokenPipeError:  # the window has gone
        return 0
    return 0


@dataclass(frozen=True, eq=False)
class Reply:
    """`kind`: progress (values["share"]), part, result, error (see `error()`), or lost: the process has
    ended."""

    id: int
    kind: str
    values: dict = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def error(self) -> TokstudioError:
        if self.kind == "lost":
            return ModelError(
                "The maths process has ended.", hint="Open the matrix again: it starts a new one."
            )
        kind = ERRORS.get(self.values["type"], TokstudioError)
        return kind(self.values["message"], hint=self.values["hint"])


class Client:
    """Owns one process that serves: the maths process, or what `command` of this program starts. `ask` and
    `cancel` return at once; `replies` blocks and belongs on a thread of its own."""

    def __init__(self, command: Sequence[str] = ("embeddings", "serve")):
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self._last = 0
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*_tokstudio(), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def ask(self, job: str, **arguments) -> int:
        """Number of the request; its replies carry it."""
        self._last += 1
        self._send({"id": self._last, "kind": job, "arguments": arguments})
        return self._last

    def cancel(self, request: int) -> None:
        """No reply of that request is sent from its next step on; one may already be on its way."""
        self._send({"id": request, "kind": "cancel"})

    def _send(self, message: dict) -> None:
        with self._lock:
            try:
                wire.write(self._process.stdin, message)
            except (BrokenPipeError, ValueError):  # it has ended: `replies` says so in its last value
                return

    def replies(self) -> Iterator[Reply]:
        """Everything the process says, until it ends; the last one is `lost`, with what it left on stderr."""
        while (message := wire.read(self._process.stdout)) is not None:
            head, arrays = message
            yield Reply(head["id"], head["kind"], head["values"], arrays)
        self._process.wait()
        yield Reply(0, "lost", {"detail": self._said()})

    def _said(self) -> str:
        self._log.seek(0, 2)
        self._log.seek(max(0, self._log.tell() - 4000))
        return self._log.read().decode(errors="replace")

    def close(self, grace: float = 1.0) -> None:
        """End the process: by closing its input, then by force. `replies` ends with it."""
        with (
            self._lock,
            contextlib.suppress(BrokenPipeError),
        ):  # something was still unsent to a process that has gone
            self._process.stdin.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def release(self) -> None:
        """Give back the pipes; call it when `close` is done and nobody reads `replies` any more."""
        self._process.stdout.close()
        self._log.close()


def _tokstudio() -> list[str]:
    """The command that re-enters this program; a frozen app has no `-m`."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-X", "utf8", "-m", "tokstudio"]
