"""A file of the hub as a stream: read piece by piece over ranges, and gone on with after a dropped connection.

    with RemoteBytes(file, line) as raw:                 # tokstudio.tokens.download.RemoteFile, Line
        for row in io.BufferedReader(raw, BLOCK): ...

Nothing is kept beside what was asked for. The answer of an address that is wrong, gone or forbidden ends the reading at
once; a connection that drops, a server that is busy and an answer that ends too early are tried again.
"""

import contextlib
import io
import os
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tokstudio.errors import InputError
from tokstudio.tokens.download import TIMEOUT, RemoteFile, _allowed, endpoint

BLOCK = 1 << 20  # bytes of a sequential read
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds before another try; doubled each time
PATIENCE = 180.0  # seconds without a single byte after which it is given up
BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))  # answers that pass
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Lost(InputError):
    """The connection did not come back."""


class Halted(InputError):
    """Nobody waits for the text any more."""

    def __init__(self) -> None:
        super().__init__("The reading was stopped.")


@dataclass
class Line:
    """What all files of one stream share: who may end a wait, and what happened. Safe between threads."""

    stop: threading.Event = field(default_factory=threading.Event)
    drops: int = 0
    received: int = 0  # bytes
    _told: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def tell(self, message: str) -> None:
        self._told.append(message)

    def told(self) -> list[str]:
        """What happened since the last time this was asked, as sentences."""
        found = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self._told.popleft())
        return found

    def check(self) -> None:
        if self.stop.is_set():
            raise Halted()


class RemoteBytes(io.RawIOBase):
    """`ahead` False asks for no more than each read wants, as a table is read here and there; True asks for all that
    follows, which arrives as fast as it is read. Raises InputError; its subclass `Lost` where a resume may help."""

    def __init__(self, file: RemoteFile, line: Line, *, ahead: bool = True, at: int = 0):
        super().__init__()
        _allowed()
        self.file, self.line, self.ahead = file, line, ahead
        self._at, self._size = at, file.size
        self._answer = None
        self._left = 0  # bytes of the answer at hand that are not read yet
        self._since: float | None = None  # when the connection was lost
        self._tries, self._reason = 0, ""

    # ---- what a file can do

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: 0}[whence]
        if whence == io.SEEK_END:
            at += self.size
        if at != self._at:
            self._hang_up()
            self._at = at
        return at

    def readinto(self, buffer) -> int:
        view = memoryview(buffer).cast("B")
        while len(view):
            self.line.check()
            if self._size is not None and self._at >= self._size:
                return 0
            try:
                if self._answer is None:
                    self._connect(len(view))
                piece = self._answer.read1(min(len(view), self._left or len(view)))
                if not piece and self._left:
                    raise ConnectionError("the answer ended too early")
            except (OSError, HTTPException) as error:
                self._dropped(error)
                continue
            if not piece:  # the end of a file whose size nobody said
                self._size = self._at
                return 0
            return self._took(piece, view)
        return 0

    def close(self) -> None:
        self._hang_up()
        super().close()

    @property
    def size(self) -> int:
        """Bytes in all. Asks for it where it is not known."""
        while self._size is None:
            self.line.check()
            try:
                self._connect(1)
            except (OSError, HTTPException) as error:
                self._dropped(error)
            else:
                if self._size is None:
                    raise InputError(
                        f"{self.file.name} cannot be read here and there: the server does not say its size.",
                        hint="Fetch the data set instead: tokstudio data download",
                    )
        return self._size

    # ---- the connection

    def _took(self, piece: bytes, view: memoryview) -> int:
        if self._since is not None:
            gone = time.monotonic() - self._since
            self.line.tell(
                f"{self.file.name}: {self._reason}. The connection is back after {gone:.0f} s; read on at byte "
                f"{self._at:,}."
            )
            self._since, self._tries = None, 0
        view[: len(piece)] = piece
        self._at += len(piece)
        self.line.received += len(piece)
        if self._left:
            self._left -= len(piece)
            if not self._left:
                self._hang_up()
        return len(piece)

    def _connect(self, wanted: int) -> None:
        self._hang_up()
        last = "" if self.ahead else str(self._at + wanted - 1)
        request = Request(
            self.file.url, headers={"User-Agent": "tokstudio", "Range": f"bytes={self._at}-{last}"}
        )
        token = os.environ.get("HF_TOKEN", "").strip()
        if token and self.file.url.startswith(endpoint() + "/"):
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            answer = urlopen(request, timeout=TIMEOUT)
        except HTTPError as error:
            error.close()  # it is the answer, too, and holds the connection
            if error.code in BUSY:
                raise _Busy(error) from None
            raise _refused(self.file, error) from None
        except ValueError as error:
            raise InputError(f"{self.file.url} is no address: {error}.") from None
        self._answer = answer
        self._measure(answer)

    def _measure(self, answer) -> None:
        """How long the file is and where the answer begins. Raises InputError where it is another file than the one
        that was looked up."""
        found = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        length = answer.headers.get("Content-Length", "")
        if answer.status == 206 and found:
            first, last, total = int(found[1]), int(found[2]), found[3]
            total = None if total == "*" else int(total)
            if first != self._at:
                raise ConnectionError("the answer begins elsewhere")
            self._left = last - first + 1
        else:  # a server without ranges sends everything
            total = int(length) if length.isdecimal() else None
            self._left = total or 0
            self._pass_over(answer)
        if total is not None and self.file.size not in (None, total):
            raise InputError(
                f"{self.file.name} has {total:,} bytes; the hub announced {self.file.size:,}.",
                hint="It was not uploaded whole, or a proxy answered instead. Leave it out with data.files, "
                "or try another connection.",
            )
        if self._size is None:
            self._size = total

    def _pass_over(self, answer) -> None:
        missing = self._at
        while missing:
            self.line.check()
            piece = answer.read1(min(missing, BLOCK))
            if not piece:
                raise ConnectionError("the answer ended too early")
            missing -= len(piece)
            self._left = max(0, self._left - len(piece))

    def _dropped(self, error: Exception) -> None:
        """Waits before another try. Raises Lost once there were enough."""
        self._hang_up()
        now = time.monotonic()
        if self._since is None:
            self._since, self.line.drops = now, self.line.drops + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2**self._tries)
        if isinstance(error, _Busy) and error.after is not None:
            wait = min(LONGEST_WAIT, max(wait, error.after))
        self._tries += 1
        self._reason = reason = _reason(error)
        if now + wait - self._since > PATIENCE:
            raise Lost(
                f"{self.file.name} cannot be read on from {_host(self.file)}: {reason}, {self._tries} times in "
                f"{now - self._since:.0f} s.",
                hint="Check the connection, then resume the run: it goes on from its last checkpoint.",
            ) from None
        if self._tries > 1:
            self.line.tell(f"{self.file.name}: {reason}. Try {self._tries + 1} in {wait:.0f} s.")
        if self.line.stop.wait(wait):
            raise Halted() from None

    def _hang_up(self) -> None:
        if self._answer is not None:
            with contextlib.suppress(OSError):
                self._answer.close()
        self._answer, self._left = None, 0


class _Busy(ConnectionError):
    def __init__(self, error: HTTPError):
        super().__init__(f"the server answered {error.code}")
        after = error.headers.get("Retry-After", "") if error.headers else ""
        self.after = float(after) if after.isdecimal() else None  # seconds


def _reason(error: Exception) -> str:
    said = getattr(error, "reason", None) or error
    return str(getattr(said, "strerror", None) or said).rstrip(".") or type(error).__name__


def _host(file: RemoteFile) -> str:
    return urlsplit(file.url).netloc


def _refused(file: RemoteFile, error: HTTPError) -> InputError:
    hint = "Look the data set up again."
    if error.code in (401, 403):
        hint = "Its owner wants you to log in or to agree to terms: do so on the hub, and set HF_TOKEN to your token."
    if error.code == 404:
        hint = "The file or this revision of the data set is gone: look it up again for what is there now."
    if error.code == 416:
        hint = "It is shorter than the hub announced. Leave it out with data.files."
    return InputError(f"{file.name} cannot be read: {_host(file)} answered {error.code}.", hint=hint)
