"""Translation for the window: what a view shows, and a process that works it out for long texts.

shown = short("tiktoken:cl100k_base", "bert-base-uncased", "Hello")          # in this process
translator = Translator()
shown = translator.ask("tiktoken:cl100k_base", "bert-base-uncased", text)    # blocks; for a thread
"""

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO

import numpy as np

from tokstudio.errors import TokenizerError, TokstudioError
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.losses import summary
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.service import receive, send
from tokstudio.tokens.show import readable
from tokstudio.tokens.translate import Translation, direct, translate, translate_ids, written
from tokstudio.tokens.translate_file import parse_ids

SHORT = 2048  # bytes
MOST = 2000  # ids that are explained one by one, and losses that are listed
LONGEST = 20_000  # characters of a text that is shown as one


@dataclass(frozen=True, eq=False)
class Shown:
    """A translation as values that a view draws: nothing here asks a tokenizer."""

    facts: dict  # names, texts, counts; `direct_tokens` and `losses`, at most MOST of each
    encoding: Encoding  # of what the source decoded, by the target
    places: np.ndarray  # int32 [n, 2]: where each of its tokens comes from in the text that was given
    specials: dict[str, int]  # of the target


def shown(translation: Translation) -> Shown:
    source, target, encoding = translation.source, translation.target, translation.encoding
    some = translation.ids[:MOST]
    spans = translation.spans[:MOST].tolist() if translation.spans is not None else [[-1, -1]] * len(some)
    tokens = [
        {"id": t.id, "source": t.source, "target": t.target, "kind": t.kind, "why": t.why, "span": span}
        for t, span in zip(direct(source, target, some), spans, strict=True)
    ]
    facts = {
        "source": source.name,
        "target": target.name,
        "direct": written(target, some)[:LONGEST],
        "direct_tokens": tokens,
        "through_text": translation.through_text[:LONGEST],
        "returned": readable(translation.returned[:LONGEST]),
        "lossless": translation.lossless,
        "losses": [loss.as_json() for loss in translation.losses[:MOST]],
        "loss_count": len(translation.losses),
        "summary": summary(translation.losses),
        "source_tokens": len(translation.ids),
        "target_tokens": len(encoding),
        "framed": translation.framed,
    }
    return Shown(facts, encoding, _places(translation), dict(target.special_tokens))


def _places(translation: Translation) -> np.ndarray:
    spans, way = translation.encoding.spans, translation.way
    if way is None or way.text == way.decoded:
        return spans
    return np.array(
        [[way.back(a, a > 0 and a == b), way.back(b, True)] for a, b in spans.tolist()], np.int32
    ).reshape(-1, 2)


def short(source: str, target: str, text: str, kind: str = "text") -> Shown:
    """In this process. `kind`: "text", or "ids" where `text` is a list of them. Raises TokstudioError."""
    pair = load_tokenizer(source), load_tokenizer(target)
    if kind == "text":
        return shown(translate(*pair, text))
    return shown(translate_ids(*pair, parse_ids(text) if text.strip() else []))


class Translator:
    """The client of a process that translates one text after the other. It starts with the first one."""

    def __init__(self):
        self._lock = threading.Lock()
        self._worker: subprocess.Popen | None = None
        self._closed = False

    def ask(self, source: str, target: str, text: str, kind: str = "text") -> Shown:
        """As `short`; blocks. Raises TokenizerError also where the process died, or was closed."""
        worker = self._ready()
        try:
            send(worker.stdin, {"source": source, "target": target, "kind": kind}, text.encode())
            message = receive(worker.stdout)
        except (BrokenPipeError, ValueError):
            message = None
        if message is None:
            self._end()
            raise TokenizerError(
                "The process that translates long texts ended unexpectedly.",
                hint="Try again; if it happens again, use a shorter text: it may have run out of memory.",
            )
        header, body = message
        if "error" in header:
            raise TokenizerError(header["error"], hint=header["hint"])
        return _unpacked(header, body)

    def interrupt(self) -> None:
        """End what runs, from any thread: a newer text makes it worthless."""
        with self._lock:
            if self._worker is not None:
                self._worker.kill()

    def close(self) -> None:
        """From any thread; then `ask` raises."""
        self._closed = True
        self.interrupt()

    def release(self) -> None:
        """When no `ask` runs any more."""
        self._closed = True
        self._end()

    def _ready(self) -> subprocess.Popen:
        with self._lock:
            if self._worker is not None and self._worker.poll() is None and not self._closed:
                return self._worker
        self._end()
        if self._closed:
            raise TokenizerError("The window is closing.", hint="Open it again.")
        again = [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
        with self._lock:
            self._worker = subprocess.Popen(
                [sys.executable, *again, "translate-worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            return self._worker

    def _end(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            with contextlib.suppress(BrokenPipeError):  # the rest of a text that it did not take
                worker.stdin.close()
            worker.stdout.close()
            worker.wait()


def _packed(value: Shown) -> tuple[dict, bytes]:
    encoding = value.encoding
    header = {
        "facts": value.facts,
        "specials": value.specials,
        "text": len(encoding.text),
        "n": len(encoding),
    }
    numbers = np.concatenate([encoding.ids, encoding.spans.reshape(-1), value.places.reshape(-1)]).astype(
        "<i4"
    )
    return header, encoding.text + numbers.tobytes()


def _unpacked(header: dict, body: bytes) -> Shown:
    size, n = header["text"], header["n"]
    numbers = np.frombuffer(body[size:], "<i4").astype(np.int32)
    ids, spans, places = numbers[:n], numbers[n : 3 * n].reshape(-1, 2), numbers[3 * n :].reshape(-1, 2)
    return Shown(header["facts"], Encoding(body[:size], ids, spans), places, header["specials"])


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """The process: one answer for each text, until `incoming` ends."""
    while message := receive(incoming):
        header, body = message
        try:
            answer = _packed(short(header["source"], header["target"], body.decode(), header["kind"]))
        except TokstudioError as error:
            answer = {"error": str(error), "hint": error.hint}, b""
        send(outgoing, *answer)


def serve_standard_streams() -> None:
    """Answers go out on the standard output as it was; whatever a library prints goes to the errors."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(
        BrokenPipeError, KeyboardInterrupt
    ):  # the window has gone, or Ctrl+C reached both
        serve(sys.stdin.buffer, outgoing)
