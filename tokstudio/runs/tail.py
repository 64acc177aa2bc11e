"""Read a growing events.jsonl, in pieces that a window can take."""

from collections.abc import Iterator
from pathlib import Path

from tokstudio.events import RunEvent, load

BATCH = 1000  # events delivered at once: bounds the work one repaint has to wait for
CHUNK = 1 << 20  # bytes read at once
LOOK_BACK = 1 << 16  # bytes searched for the last event; a Failed carries a traceback


class Tail:
    """Each `read` yields what was added since the last one, whole lines only."""

    def __init__(self, path: Path):
        self.path = path
        self._offset = 0
        self._rest = b""  # a half-written line waits for its other half

    @property
    def place(self) -> int:
        """Bytes of the file that were delivered."""
        return self._offset - len(self._rest)

    def read(self) -> Iterator[list[RunEvent]]:
        """A file that is not there yet has nothing to say."""
        if not self.path.exists():
            return
        with open(self.path, "rb") as stream:
            stream.seek(self._offset)
            while piece := stream.read(CHUNK):
                self._offset += len(piece)
                lines = (self._rest + piece).split(b"\n")
                self._rest = lines.pop()
                for start in range(0, len(lines), BATCH):
                    if batch := [load(line) for line in lines[start : start + BATCH] if line.strip()]:
                        yield batch


def size_of(path: Path) -> int:
    """Bytes, 0 for a file that is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def is_torn(path: Path) -> bool:
    """Does the file end inside a line, because its writer died there?"""
    try:
        with open(path, "rb") as stream:
            if (end := stream.seek(0, 2)) == 0:
                return False
            stream.seek(end - 1)
            return stream.read(1) != b"\n"
    except FileNotFoundError:
        return False


def last_event(path: Path) -> RunEvent | None:
    """The newest event that this version knows, or None. Torn and foreign lines are passed over."""
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - LOOK_BACK))
            lines = stream.read().split(b"\n")
    except FileNotFoundError:
        return None
    events = (load(line) for line in reversed(lines) if line.strip())
    return next((event for event in events if event.kind != "unknown"), None)
