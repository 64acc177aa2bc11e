"""Long texts are encoded in a process of their own: Hugging Face's `encode` holds the interpreter lock, and
a megabyte in a thread would freeze a window for more than a second.

One worker serves all panes. A change of the text, or of anything else that makes earlier answers worthless,
is a new *generation*: requests of an older one are not sent any more, and their answers are dropped. What
goes through the pipes is a line of JSON and raw arrays, never a pickle.

    service = EncodeService()
    service.submit("tiktoken:cl100k_base", text, generation=7)    # from the window's thread, returns at once
    for answer in service.answers(): ...                          # in a thread of its own, until close()
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import IO

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Encoding, Written, utf8
from tokstudio.tokens.local import edited
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.trace.roundtrip import RoundTrip, round_trip

SHORT = 2048  # bytes; up to here a text is encoded in the window's process
PATIENCE = 1.0  # seconds that a worthless answer may keep the worker; a new worker costs about half of that


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    number: int
    generation: int
    reference: str
    text: bytes
    special: bool
    written: Written = "text"
    kind: str = "encode"  # or "round_trip": decode what encoding gave, and compare


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One of `encoding`, `round_trip` and `error` is set."""

    request: int
    generation: int
    reference: str
    encoding: Encoding | None = None
    error: TokenizerError | None = None
    round_trip: RoundTrip | None = None


class EncodeService:
    """The client. The worker starts with the first request, and again after it died."""

    def __init__(self):
        self._changed = threading.Condition()  # guards everything below
        self._waiting: deque[Request] = deque()
        self._busy: tuple[Request, float] | None = None  # what the worker has, and since when
        self._worker: subprocess.Popen | None = None
        self._generation = 0
        self._last = 0
        self._closed = False

    def submit(
        self,
        reference: str,
        text: str,
        *,
        special: bool = False,
        generation: int,
        written: Written = "text",
        kind: str = "encode",
    ) -> int:
        """The number of the request. Never waits for the worker.

        Raises TokenizerError for a text with lone surrogates.
        """
        data = utf8(text)
        with self._changed:
            self._last += 1
            self._generation = max(self._generation, generation)
            self._waiting.append(Request(self._last, generation, reference, data, special, written, kind))
            self._waiting = deque(r for r in self._waiting if r.generation >= self._generation)
            if self._busy and self._stale(self._busy[0]) and time.monotonic() - self._busy[1] > PATIENCE:
                self._worker.kill()
            self._changed.notify_all()
            return self._last

    def answers(self) -> Iterator[Answer]:
        """Answers as they come, none of an older generation; ends at `close`. For one thread."""
        try:
            while request := self._next():
                answer = self._asked(request)
                with self._changed:
                    self._busy = None
                    wanted = not self._closed and not self._stale(request)
                if wanted:
                    yield answer
        finally:
            self._end_worker()

    def close(self) -> None:
        """End the worker and `answers`, from any thread, also in the middle of a text. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            if self._worker:
                self._worker.kill()  # it holds nothing that could be lost
            self._changed.notify_all()

    def _stale(self, request: Request) -> bool:
        return request.generation < self._generation

    def _next(self) -> Request | None:
        """The oldest request that waits, with a worker to take it; None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            if self._worker is None or self._worker.poll() is not None:
                self._end_worker()
                self._worker = _start()
            request = self._waiting.popleft()
            self._busy = request, time.monotonic()
            return request

    def _asked(self, request: Request) -> Answer:
        """Blocks until the worker answers or dies."""
        header = {
            "reference": request.reference,
            "special": request.special,
            "written": request.written,
            "kind": request.kind,
        }
        try:
            send(self._worker.stdin, header, request.text)
            message = receive(self._worker.stdout)
        except BrokenPipeError:
            message = None
        if message is None:
            error = _death(self._worker.wait())
            return Answer(request.number, request.generation, request.reference, error=error)
        return _answer(request, *message)

    def _end_worker(self) -> None:
        with self._changed:
            worker, self._worker = self._worker, None
        if worker:
            worker.kill()
            with contextlib.suppress(BrokenPipeError):  # the rest of a request that it did not take
                worker.stdin.close()
            worker.stdout.close()
            worker.wait()


def _start() -> subprocess.Popen:
    again = (
        [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
    )  # a frozen app has no `-m`
    command = [sys.executable, *again, "encode-worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _death(code: int) -> TokenizerError:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return TokenizerError(
        f"The process that encodes long texts ended unexpectedly ({how}).",
        hint="Try again; if it happens again, use a shorter text: it may have run out of memory.",
    )


def _answer(request: Request, header: dict, body: bytes) -> Answer:
    about = request.number, request.generation, request.reference
    if "error" in header:
        return Answer(*about, error=TokenizerError(header["error"], hint=header["hint"]))
    if "round_trip" in header:
        return Answer(*about, round_trip=RoundTrip(**header["round_trip"]))
    numbers, n = np.frombuffer(body, "<i4").astype(np.int32, copy=False), header["tokens"]
    return Answer(*about, encoding=Encoding(request.text, numbers[:n], numbers[n:].reshape(-1, 2)))


def send(pipe: IO[bytes], header: dict, body: bytes) -> None:
    """One message: a line of JSON that states the size of the body, and the body."""
    pipe.write(json.dumps({**header, "size": len(body)}).encode() + b"\n")
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict, bytes] | None:
    """The next message, or None where the pipe ends, be it inside a message."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    header = json.loads(line)
    body = pipe.read(header["size"])
    return (header, body) if len(body) == header["size"] else None


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """The worker: one answer for each request, until `incoming` ends."""
    while message := receive(incoming):
        send(outgoing, *_encode(*message))


def _encode(header: dict, body: bytes) -> tuple[dict, bytes]:
    try:
        encoding = _encoded(header["reference"], body, header["special"], header.get("written", "text"))
        if header.get("kind") == "round_trip":
            found = round_trip(load_tokenizer(header["reference"]), encoding)
            return {"round_trip": asdict(found)}, b""
    except TokenizerError as error:
        return {"error": str(error), "hint": error.hint}, b""
    numbers = np.concatenate([encoding.ids, encoding.spans.reshape(-1)]).astype("<i4")
    return {"tokens": len(encoding)}, numbers.tobytes()


@lru_cache(maxsize=8)  # the round trip of a text follows its encoding; eight panes at most
def _encoded(reference: str, body: bytes, special: bool, written: Written) -> Encoding:
    """Around an edit where that is exact, else as a whole."""
    tokenizer = load_tokenizer(reference)
    plain, made = not special and written == "text", None
    if plain and (before := _last.get(reference)) is not None and before[0] == tokenizer.fingerprint:
        made = edited(tokenizer, before[1], body)
    if made is None:
        made = tokenizer.encode(body.decode(), special=special, written=written)
    if plain:
        _last[reference] = tokenizer.fingerprint, made
        while len(_last) > 8:
            _last.pop(next(iter(_last)))
    return made


_last: dict[str, tuple[str, Encoding]] = {}  # of each tokenizer: the text before this one


def serve_standard_streams() -> None:
    """Answers go out on the standard output as it was; whatever a library prints goes to the errors."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(
        BrokenPipeError, KeyboardInterrupt
    ):  # the window has gone, or Ctrl+C reached both
        serve(sys.stdin.buffer, outgoing)
