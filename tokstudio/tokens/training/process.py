"""The training process and who owns it. Cancelling is ending the process: a trainer in native code listens to
nobody."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from tokstudio.errors import TokstudioError
from tokstudio.tokens.training.events import Done, Event, Failed, Newest, Phase, from_dict, to_dict
from tokstudio.tokens.training.settings import TrainingSettings, settings_from

STAGES = {
    "Pre-processing": "Reading", "Pre-processing sequences": "Reading", "Tokenize words": "Cutting words",
    "Count pairs": "Counting pairs", "Compute merges": "Merging", "Updating frequent": "Updating",
    "Suffix array seeds": "Finding seeds", "EM training": "Expectation and maximization",
}  # fmt: skip
ADDED = re.compile(r"(?:Added|Merged): freq=(\d+).*?piece=(\S+)")
ROUND = re.compile(r"EM sub_iter=\d+ size=(\d+)")
LOADED = re.compile(r"Loaded all (\d+) sentences")
LOGGED = re.compile(
    r"[IW]\d{4} \d\d:|\S+\.cc\(\d+\)|\w+_spec \{|\}$|\s+\w+:|WARNING: All log messages|\d+$|$"
)


class TrainingProcess:
    """Starts with its construction. `events` blocks and belongs on a thread of its own."""

    def __init__(self, settings: TrainingSettings):
        self.settings = settings.check()
        again = [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
        self._cancelled = self._read = False
        self._process = subprocess.Popen(
            [sys.executable, *again, "train-tokenizer", "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(settings.as_dict()).encode())
            self._process.stdin.close()

    def events(self) -> Iterator[Event]:
        """The last one is Done or Failed; nothing after a cancel."""
        self._read, last = True, None
        with self._process.stdout as out:
            for line in out:
                if self._cancelled or not line.endswith(b"\n"):
                    break
                event = from_dict(json.loads(line))
                if isinstance(event, Done | Failed):
                    last = event
                else:
                    yield event
            code = self._process.wait()
        if self._cancelled:
            return
        if last is None:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            last = Failed(
                f"The training ended unexpectedly ({how}).",
                "It may have run out of memory: learn from a smaller share of the text.",
            )
        yield last  # the process has ended and its pipe is closed, whether or not anybody asks on

    def cancel(self) -> None:
        """From any thread, at any moment. What was there before stays; nothing has been written."""
        self._cancelled = True
        self._process.kill()
        self._process.wait()
        if not self._read:  # else `events` does, on its own thread
            self._process.stdout.close()
        sweep(self.settings)

    @property
    def pid(self) -> int:
        return self._process.pid


def sweep(settings: TrainingSettings) -> None:
    """Take away the draft of a folder that was being written."""
    import shutil

    folder = settings.folder()
    if folder.parent.is_dir():
        for draft in folder.parent.glob(f".{folder.name}-*"):
            shutil.rmtree(draft, ignore_errors=True)


def main() -> int:
    """Entry point of the child. Events go out on the standard output as it was; what the libraries log becomes
    events."""
    out = os.fdopen(os.dup(1), "wb")
    errors = os.fdopen(os.dup(2), "wb")
    os.dup2(2, 1)
    sender = _Sender(out)
    read, write = os.pipe()
    os.dup2(write, 2)
    os.close(write)
    listener = threading.Thread(target=_listen, args=(os.fdopen(read, "rb"), sender, errors), daemon=True)
    listener.start()
    try:
        settings = settings_from(json.loads(sys.stdin.buffer.read()))
        from tokstudio.tokens.training.run import train

        for event in train(settings, sender.send):
            sender.send(event)
    except TokstudioError as error:
        sender.send(Failed(str(error), error.hint))
    except MemoryError:
        sender.send(Failed("The training ran out of memory.", "Learn from a smaller share of the text."))
    except BrokenPipeError:  # nobody listens any more
        return 0
    return 0


class _Sender:
    def __init__(self, out: BinaryIO):
        self._out, self._lock = out, threading.Lock()

    def send(self, event: Event) -> None:
        with self._lock:
            self._out.write(json.dumps(to_dict(event), ensure_ascii=False).encode() + b"\n")
            self._out.flush()


def _listen(log: BinaryIO, sender: _Sender, errors: BinaryIO) -> None:
    """Hugging Face's progress (JSON) and SentencePiece's log as events; anything else goes on to the errors."""
    last: tuple[str, int] | None = None
    for raw in log:
        line = raw.decode(errors="replace").rstrip()
        with suppress(BrokenPipeError):
            if (event := heard(line)) is not None:
                step = (
                    (event.name, int(event.share * 100))
                    if isinstance(event, Phase) and event.share >= 0
                    else None
                )
                if step is None or step != last:
                    sender.send(event)
                last = step or last
            elif not LOGGED.match(line):
                errors.write(raw)
                errors.flush()


def heard(line: str) -> Event | None:
    """What one line of a library's log says; None where it says nothing to people."""
    if line.startswith("{") and '"stage"' in line:
        with suppress(ValueError, KeyError, TypeError):
            about = json.loads(line)
            total = about["total"]
            stage = STAGES.get(about["stage"], about["stage"])
            remark = f"{about['current']:,} of {total:,}" if total else f"{about['current']:,}"
            return Phase(stage, about["current"] / total if total else -1.0, remark)
    if found := ADDED.search(line):
        return Newest([(found[2], int(found[1]))])
    if found := ROUND.search(line):
        return Phase("Expectation and maximization", -1.0, f"{int(found[1]):,} pieces left")
    if found := LOADED.search(line):
        return Phase("Cutting words", -1.0, f"{int(found[1]):,} lines")
    return None
