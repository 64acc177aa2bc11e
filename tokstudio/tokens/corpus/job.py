"""A corpus comparison in a process of its own, for the window: it reads, adds up and starts the counting ones.

One JSON object a line, both ways. In: `{"request": {…}}`, then `{"cancel": true}`, `{"causes": {…}}` or
`{"export": {…}}` at any time; the end of the input ends everything. Out: `progress` with the figures so far,
`finished` (also after a cancel, with what was counted until then), `causes`, `exported`, and `error`.

    job = CorpusJob(Request(…))
    for event in job.events(): ...        # in a thread of its own, until close()
    job.causes(0, "fertility")            # from any thread; the answer is an event
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from tokstudio.errors import RunError, TokstudioError
from tokstudio.tokens.corpus.run import Progress, Request, compare_corpus


class CorpusJob:
    """The client. Never waits for the process, but in `events` and `close`."""

    def __init__(self, request: Request):
        again = [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
        self._process = subprocess.Popen(
            [sys.executable, *again, "corpus-job"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._lock = threading.Lock()
        self._closed = False
        self._tell({"request": asdict(request)})

    def causes(self, k: int, metric: str, group: str | None = None, limit: int = 200) -> None:
        self._tell({"causes": {"k": k, "metric": metric, "group": group, "limit": limit}})

    def export(self, path: Path) -> None:
        """The figures as a file, by the ending of `path`."""
        self._tell({"export": {"path": str(path)}})

    def cancel(self) -> None:
        """Stop counting; what was counted stays, and `finished` follows."""
        self._tell({"cancel": True})

    def events(self) -> Iterator[dict]:
        """Until `close`, or until the process ends by itself, which is an `error`."""
        for line in self._process.stdout:
            if line.endswith(b"\n"):
                yield json.loads(line)
        if not self._closed:
            code = self._process.wait()
            error = RunError(
                f"The process that compares ended unexpectedly (exit code {code}).",
                hint="Try again; if it happens again, use fewer tokenizers at once.",
            )
            yield {"event": "error", "error": str(error), "hint": error.hint}

    def kill(self) -> None:
        """End the process by force and do not wait for it; `close` does. `events` ends."""
        self._closed = True
        self._process.kill()  # the counting ones meet the end of their input

    def close(self) -> None:
        """End the process and all it started. `events` ends."""
        self._closed = True
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the counting ones meet the end of their input
            self._process.wait()

    def release(self) -> None:
        """After `events` has ended."""
        self._process.stdout.close()

    def _tell(self, message: dict) -> None:
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):  # it has ended
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()


# ---- the process


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """Until `incoming` ends."""
    asked: SimpleQueue[dict | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, asked), daemon=True).start()
    if (first := asked.get()) is None:
        return
    request = first["request"]
    request["references"] = tuple(request["references"])
    Server(Request(**request), asked, outgoing).run()


def _listen(incoming: IO[bytes], asked: SimpleQueue) -> None:
    for line in incoming:
        asked.put(json.loads(line))
    asked.put(None)


class Server:
    def __init__(self, request: Request, asked: SimpleQueue, outgoing: IO[bytes]):
        self._request, self._asked, self._out = request, asked, outgoing
        self._last: Progress | None = None
        self._result: dict | None = None

    def run(self) -> None:
        if self._count():
            while (message := self._asked.get()) is not None:
                self._answer(message)

    def _count(self) -> bool:
        """False where the input ended."""
        running = compare_corpus(self._request)
        try:
            with contextlib.closing(running):
                for progress in running:
                    self._last = progress
                    if not progress.finished:
                        self._say("progress", **self._told(progress))
                    if (going := self._listen()) is not None:
                        if going == "end":
                            return False
                        break
        except TokstudioError as error:
            self._say("error", error=str(error), hint=error.hint)
            return True
        if self._last is not None:
            self._result = self._last.tally.result()
            told = self._told(self._last) | {"result": self._result, "cancelled": not self._last.finished}
            self._say("finished", **told)
        else:
            self._say("finished", result=None, cancelled=True)
        return True

    def _listen(self) -> str | None:
        """Answers what was asked meanwhile; "end" or "cancel" where that was it."""
        with contextlib.suppress(Empty):
            while True:
                message = self._asked.get_nowait()
                if message is None:
                    return "end"
                if "cancel" in message:
                    return "cancel"
                self._answer(message)
        return None

    def _told(self, progress: Progress) -> dict:
        result = progress.tally.result(full=False)
        return {
            "done": progress.done,
            "size": progress.size,
            "text": progress.text,
            "seconds": progress.seconds,
            "rate": progress.rate,
            "repaired": progress.repaired,
            "result": result,
        }

    def _answer(self, message: dict) -> None:
        try:
            if (asked := message.get("causes")) and self._last is not None:
                from tokstudio.tokens.corpus.causes import causes

                found = causes(self._last.tally, asked["k"], asked["metric"], asked["group"], asked["limit"])
                self._say("causes", k=asked["k"], **found.as_json())
            elif (asked := message.get("export")) and self._last is not None:
                from tokstudio.tokens.corpus.report import write

                write(
                    (self._result or self._last.tally.result()) | {"data": self._request.data},
                    Path(asked["path"]),
                )
                self._say("exported", path=asked["path"])
        except TokstudioError as error:
            self._say("refused", error=str(error), hint=error.hint)

    def _say(self, event: str, **values) -> None:
        self._out.write(json.dumps({"event": event, **values}).encode() + b"\n")
        self._out.flush()


def serve_standard_streams() -> None:
    """Events go out on the standard output as it was; whatever a library prints goes to the errors."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(
        BrokenPipeError, KeyboardInterrupt
    ):  # the window has gone, or Ctrl+C reached both
        serve(sys.stdin.buffer, outgoing)
