"""A process with a time and a memory limit, for what a file from somewhere else may make endless: a chat
template, a pattern that explodes.

    with BoundedWorker() as worker:          # starts with the first job, and again after one was ended
        answer = worker.run("chat", {...})   # TokenizerError: what the job raised, or that it was ended

A job is a function from a JSON object to a JSON object. What a job raises as TokenizerError comes out of `run`.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.service import receive, send

JOBS = {  # name -> module and function, known only here: no file names code to run
    "chat": ("tokstudio.tokens.chat_sandbox", "rendered"),
    "probe": ("tokstudio.tokens.patterns", "probe"),
}
SECONDS = 5.0
START = 60.0
STOPPED = "This was stopped: it takes"
MEGABYTES = 1024  # of address space, where the system can limit it


class BoundedWorker:
    """For one thread at a time."""

    def __init__(self, *, megabytes: int = MEGABYTES):
        self._megabytes = megabytes
        self._process: subprocess.Popen | None = None

    def run(
        self,
        job: str,
        request: dict,
        *,
        seconds: float = SECONDS,
        stopped: str = "This was stopped: it takes",
        hint: str = "",
    ):
        """What `job` answers. `stopped` begins the sentence for one that was ended after `seconds`, or died."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start(self._megabytes)
            self._asked(
                {"warm": job}, {}, START, "The process for untrusted files does not start: it takes", ""
            )
        return self._asked({"job": job}, request, seconds, stopped, hint)

    def _asked(self, header: dict, request: dict, seconds: float, stopped: str, hint: str) -> Any:
        process, ended = self._process, threading.Event()

        def end() -> None:
            ended.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            send(process.stdin, header, json.dumps(request).encode())
            message = receive(process.stdout)
        except (BrokenPipeError, ValueError):
            message = None
        finally:
            timer.cancel()
            timer.join()
        if message is None:
            self.close()
            why = f"more than {seconds:g} seconds" if ended.is_set() else "too much memory"
            raise TokenizerError(f"{stopped} {why}.", hint=hint)
        header, body = message
        if "error" in header:
            raise TokenizerError(header["error"], hint=header["hint"])
        return json.loads(body)

    def close(self) -> None:
        """Safe to call twice."""
        process, self._process = self._process, None
        if process:
            process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            process.wait()

    def __enter__(self) -> "BoundedWorker":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _start(megabytes: int) -> subprocess.Popen:
    again = [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
    command = [sys.executable, *again, "bounded-worker", str(megabytes)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def serve(megabytes: int) -> None:
    """The process: one answer for each request, until the standard input ends."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(megabytes)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        while message := receive(sys.stdin.buffer):
            send(outgoing, *_answered(*message))


def _limit(megabytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit alone
        return
    size = megabytes << 20
    with contextlib.suppress(ValueError, OSError):  # a stricter limit is set already
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _answered(header: dict, body: bytes) -> tuple[dict, bytes]:
    module, function = JOBS[header.get("job") or header["warm"]]
    job = getattr(importlib.import_module(module), function)
    if "warm" in header:  # what an import takes is not the job's time
        return {}, b"null"
    try:
        answer = job(json.loads(body))
    except TokenizerError as error:
        return {"error": str(error), "hint": error.hint}, b""
    return {}, json.dumps(answer).encode()
