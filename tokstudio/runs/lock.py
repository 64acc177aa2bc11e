"""One attempt at a time: a lock that the system itself frees when its process ends, however it ends."""

import os
import time
from pathlib import Path
from types import TracebackType

from tokstudio.errors import RunError

if os.name == "nt":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """Held by the worker for its whole life. The file `lock` stays; only the system's lock on it counts.

    Raises RunError on entry where another process holds it for longer than `patience` seconds. A process that
    was killed counts as gone with its first thread and holds the lock until its last: while gigabytes are freed,
    that is a second.
    """

    def __init__(self, folder: Path, patience: float = 0.0):
        self.path = folder / "lock"
        self.patience = patience

    def __enter__(self) -> "FolderLock":
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + self.patience
        while not self._taken():
            if time.monotonic() >= deadline:
                os.close(self._handle)
                raise RunError(
                    f"The run {self.path.parent.name} is already going in another process.",
                    hint="Follow it on the Runs page, or stop it first.",
                )
            time.sleep(0.05)
        return self

    def _taken(self) -> bool:
        try:
            _take(self._handle)
        except OSError:
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)
