"""The bridge between the Embeddings page and the maths process: one thread reads, answers arrive as calls."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal

from tokstudio.embed.service import Client, Reply
from tokstudio.errors import TokstudioError

PATIENCE = 0.3  # seconds before a job is worth a line in the status bar


class _Reader(QThread):
    """Reads replies on its own thread; delivers them on the receiver's."""

    arrived = Signal(object, object)  # Client, Reply

    def __init__(self, client: Client, parent: QObject):
        super().__init__(parent)
        self._client = client

    def run(self) -> None:
        for reply in self._client.replies():
            self.arrived.emit(self._client, reply)


@dataclass(frozen=True)
class _Pending:
    slot: str
    title: str
    since: float
    done: Callable[[Reply], None]
    part: Callable[[Reply], None] | None


class Maths(QObject):
    """Asks one maths process. A slot holds one request: a newer one takes its place, and what still arrives
    for the older one is dropped. The process starts with the first request, and again after it was lost."""

    failed = Signal(str, object)  # slot, TokstudioError
    progressed = Signal(str, str, float)  # slot, title, share done; below 0: over

    def __init__(self, parent: QObject | None = None, command: Sequence[str] = ("embeddings", "serve")):
        """`command`: what of this program is the process."""
        super().__init__(parent)
        self._command = command
        self._client: Client | None = None
        self._reader: _Reader | None = None
        self._pending: dict[int, _Pending] = {}
        self._shown: set[str] = set()

    def ask(
        self,
        slot: str,
        job: str,
        done: Callable[[Reply], None],
        *,
        part: Callable[[Reply], None] | None = None,
        title: str = "",
        **arguments,
    ) -> None:
        """`title`: what the status bar calls it while it takes long; without one it stays silent."""
        self.cancel(slot)
        if self._client is None:
            self._start()
        number = self._client.ask(job, **arguments)
        self._pending[number] = _Pending(slot, title, time.monotonic(), done, part)

    def cancel(self, slot: str) -> None:
        """Drop what runs in `slot`; what it has delivered stays."""
        for number in [n for n, pending in self._pending.items() if pending.slot == slot]:
            del self._pending[number]
            self._client.cancel(number)
        self._over(slot)

    def cancel_all(self) -> None:
        for slot in {pending.slot for pending in self._pending.values()}:
            self.cancel(slot)

    def busy(self, slot: str | None = None) -> bool:
        return any(slot in (None, pending.slot) for pending in self._pending.values())

    def close(self, grace: float = 1.0) -> None:
        """End the process and the thread. `grace`: seconds that it has to end by itself, 0 where it is known to
        be stuck; blocks no longer than that."""
        client, reader = self._client, self._reader
        self._client = self._reader = None
        self._pending.clear()
        if client is not None:
            client.close(grace)
            reader.wait()
            client.release()

    def _start(self) -> None:
        self._client = Client(self._command)
        self._reader = _Reader(self._client, self)
        self._reader.arrived.connect(self._take)
        self._reader.start()

    def _take(self, client: Client, reply: Reply) -> None:
        if client is not self._client:
            return  # of a process that was given up; a disconnect would not stop what is already on its way
        if reply.kind == "lost":
            self._lose(reply)
            return
        if (pending := self._pending.get(reply.id)) is None:
            return
        if reply.kind == "part":
            pending.part(reply)
        elif reply.kind == "progress":
            self._progress(pending, reply.values["share"])
        else:
            del self._pending[reply.id]
            self._over(pending.slot)
            self.failed.emit(pending.slot, reply.error()) if reply.kind == "error" else pending.done(reply)

    def _progress(self, pending: _Pending, share: float) -> None:
        if pending.title and time.monotonic() - pending.since > PATIENCE:
            self._shown.add(pending.slot)
            self.progressed.emit(pending.slot, pending.title, share)

    def _over(self, slot: str) -> None:
        if slot in self._shown:
            self._shown.discard(slot)
            self.progressed.emit(slot, "", -1.0)

    def _lose(self, reply: Reply) -> None:
        """The process has died under us: say so once, and forget what it owed."""
        slots = {pending.slot for pending in self._pending.values()}
        self.close()
        for slot in slots:
            self._over(slot)
        error: TokstudioError = reply.error()
        self.failed.emit("process", error)
