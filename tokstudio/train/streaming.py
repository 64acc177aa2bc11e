"""Training text that is read from a data set of the hub while the run works. Only where its frozen settings say so,
with the commit whose files are read.

The files of an epoch come in an order that the seed and the epoch decide. As many documents as `data.mix_bytes` hold
are a part; its windows are mixed like those of a corpus in memory. So batch `i` is a pure function of the settings,
and what a checkpoint keeps of the position, where its part begins, only saves reading all that came before.
"""

import bisect
import hashlib
import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tokstudio.errors import ConfigError, InputError
from tokstudio.tokens.remote import Halted, Line
from tokstudio.tokens.stream_texts import PINNED, Shard, Streamable, known, look_up
from tokstudio.train.config import DataConfig
from tokstudio.train.corpus import Corpus, Document
from tokstudio.train.data import mixed, nothing_to_learn, random_of
from tokstudio.train.shards import documents_of
from tokstudio.train.sources import Reader, local
from tokstudio.train.stream_words import check_hub

HEADS = 8  # files whose beginnings are read for what is measured on
ROOM = 2  # times the held-out text that is asked for, so that it comes from many documents
FEW = 64  # times as much is read at most to find it: one document in 16 is held out
PATIENCE = 5.0  # seconds for a reading thread to see that nobody waits


@dataclass(frozen=True)
class Place:
    """Where a part begins."""

    epoch: int = 0
    part: int = 0  # of this epoch
    file: int = 0  # in the order of this epoch
    row: int = 0  # lines, rows or pieces of that file before it
    byte: int = 0  # of that file; 0 where rows are not found by it
    first: int = 0  # number of the part's first batch


def pinned(data: DataConfig) -> Streamable:
    """What the settings name. Raises ConfigError where that is not one commit of a data set of the hub."""
    check_hub(data)
    if not PINNED.fullmatch(data.revision):
        raise ConfigError(
            f"The settings name no commit of {data.corpus}, so a resumed run might read other text.",
            hint="Create the run with --stream or on the Transfer page: both look the commit up.",
        )
    hub_id = data.corpus.removeprefix("hub:")
    return known(hub_id, data.revision, data.files) or look_up(hub_id, data.revision, data.files)


def load_stream(data: DataConfig, model: str = "") -> Corpus:
    """Reads the text to measure on, and nothing else yet. Raises InputError, ConfigError."""
    found = pinned(data)
    train = StreamedDocuments(data, model, found)
    if data.held_out:
        held_out = _local(data, model)
    elif found.held_out:
        held_out = train.heads(found.held_out, ROOM * data.held_out_bytes, lambda document: True)
    else:
        train.parted = True
        held_out = train.heads(found.train, ROOM * data.held_out_bytes, lambda document: document.held_out)
    if not held_out:
        raise InputError(
            f"No text of {found.hub_id} was found to measure on.",
            hint="Name some with data.held_out, or fetch the data set, if it is small: tokstudio data download "
            f"{found.hub_id}",
        )
    return Corpus(data.corpus, train, held_out)


def _local(data: DataConfig, model: str) -> Sequence[Document]:
    reader = Reader(data, model)
    try:
        return reader.all_of(local(data.held_out), "held out")
    finally:
        reader.close()


class StreamedDocuments:
    """What is trained on. `bytes`: of its files, as they lie on the hub. `parted`: documents are held out by name."""

    def __init__(self, data: DataConfig, model: str, found: Streamable):
        self.data, self.model, self.found, self.parted = data, model, found, False
        self.bytes = sum(shard.size or 0 for shard in found.train)
        self._orders: list[StreamOrder] = []

    @property
    def fingerprint(self) -> str:
        data = self.data
        names = [shard.name for shard in self.found.train]
        facts = [self.found.hub_id, self.found.revision, names, data.mix_bytes, self.parted]
        facts += [data.text_field, data.learn, data.chat_template, self.model]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    @property
    def told(self) -> str:
        count = len(self.found.train)
        return (
            f"text streamed from {self.found.hub_id} at {self.found.revision[:12]}: {count:,} "
            f"file{'s' if count != 1 else ''}, {self.bytes:,} bytes"
        )

    def part(self, total: int) -> tuple[Document, ...]:
        """Documents from the beginnings of several files: a quarter of `total` bytes, as they are fetched for it."""
        return self.heads(self.found.train, total // 4, self.learnt)

    def learnt(self, document: Document) -> bool:
        return not (self.parted and document.held_out)

    def heads(
        self, shards: Sequence[Shard], total: int, wanted: Callable[[Document], bool]
    ) -> tuple[Document, ...]:
        """About `total` characters of documents that are `wanted`: always the same ones."""
        chosen = sorted({int(i) for i in np.linspace(0, len(shards) - 1, min(HEADS, len(shards)))})
        each = -(-total // len(chosen))
        more = [
            i for i in range(len(shards)) if i not in chosen
        ]  # files of few documents, none of which is wanted
        found: list[Document] = []
        reader = Reader(self.data, self.model)
        try:
            for number in (*chosen, *more):
                if found and number not in chosen:
                    break
                size = passed = 0
                texts = documents_of(reader, self.found.remote(shards[number]), Line())
                for document, _row, _byte in texts:
                    if wanted(document):
                        found.append(document)
                        size += len(document.text)
                    passed += len(document.text)
                    if size >= each or passed >= FEW * each:
                        break
                texts.close()
        finally:
            reader.close()
        return tuple(found)

    def order(self, *, window_bytes: int, batch_size: int, seed: int) -> "StreamOrder":
        made = StreamOrder(self, window_bytes=window_bytes, batch_size=batch_size, seed=seed)
        self._orders.append(made)
        return made

    def files(self, seed: int, epoch: int) -> list[int]:
        """Places in `found.train`, in the order of this epoch."""
        return np.random.default_rng((seed, epoch, 0x5EED)).permutation(len(self.found.train)).tolist()

    def close(self) -> None:
        for order in self._orders:
            order.close()


class StreamOrder:
    """Batch `i` of an endless pass over a stream. Two parts are in memory at most: the one at hand and the next."""

    def __init__(self, documents: StreamedDocuments, *, window_bytes: int, batch_size: int, seed: int):
        self.documents, self.window_bytes, self.batch_size, self.seed = (
            documents,
            window_bytes,
            batch_size,
            seed,
        )
        self._marks = [Place()]  # of parts, ascending
        self._first, self._batches = 0, []
        self._reading: _Reading | None = None

    def __getitem__(self, index: int) -> list[str]:
        while not self._holds(index):
            reading = self._aimed(index)
            try:
                place, self._batches, after = reading.take()
            except BaseException:
                self.close()  # asked again, it begins anew
                raise
            self._first = place.first
            self._note(replace(after, first=place.first + len(self._batches)))
        return self._batches[index - self._first]

    def ready(self, index: int, seconds: float) -> bool:
        """Is batch `index` there, after so long a wait at most, or what keeps it from coming?"""
        return self._holds(index) or self._aimed(index).arrived.wait(seconds)

    def told(self) -> list[str]:
        """What happened to the connection since this was last asked."""
        return self._reading.line.told() if self._reading is not None else []

    @property
    def received(self) -> int:
        """Bytes that came over the network since the reading last began somewhere."""
        return self._reading.line.received if self._reading is not None else 0

    def mark(self, index: int) -> dict[str, int]:
        """What leads to batch `index` without all that comes before."""
        return asdict(self._nearest(index))

    def load(self, mark: dict[str, Any]) -> None:
        """One that `mark` gave, of the same settings. Anything else is passed over."""
        names = set(asdict(Place()))
        if isinstance(mark, dict) and set(mark) == names and all(type(v) is int for v in mark.values()):
            self._note(Place(**mark))

    def close(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._reading, self._batches = None, []

    def _holds(self, index: int) -> bool:
        return self._first <= index < self._first + len(self._batches)

    def _nearest(self, index: int) -> Place:
        return self._marks[bisect.bisect_right(self._marks, index, key=lambda place: place.first) - 1]

    def _note(self, place: Place) -> None:
        if place not in self._marks[-2:]:
            self._marks = [p for p in self._marks if p.first != place.first] + [place]
            self._marks.sort(key=lambda p: p.first)

    def _aimed(self, index: int) -> "_Reading":
        """The reading that leads to batch `index`."""
        best = self._nearest(index)
        if self._reading is not None and best.first <= self._reading.next.first <= index:
            return self._reading
        self.close()
        self._first = best.first
        self._reading = _Reading(self, best)
        return self._reading


class _Reading:
    """One part after another from a place on, one ahead of what is asked for, in a thread."""

    def __init__(self, order: StreamOrder, place: Place):
        self.order, self.documents = order, order.documents
        self.next = place  # what `take` gives next
        self.line, self.arrived = Line(), threading.Event()
        self._parts: queue.SimpleQueue = queue.SimpleQueue()
        self._wanted = threading.Semaphore(1)
        self._kept: dict[int, list[Document]] = {}  # of a data set that is one part: its files
        self._thread = threading.Thread(target=self._work, args=(place,), name="stream", daemon=True)
        self._thread.start()

    def take(self) -> tuple[Place, list[list[str]], Place]:
        """(where the part begins, its batches, where the next one does). Raises what ended the reading."""
        found = self._parts.get()
        self.arrived.clear()
        if isinstance(found, BaseException):
            raise found
        place, batches, after = found
        place = replace(place, first=self.next.first)
        self.next = replace(after, first=place.first + len(batches))
        self._wanted.release()
        return place, batches, after

    def close(self) -> None:
        self.line.stop.set()
        self._wanted.release()
        self._thread.join(PATIENCE)

    def _give(self, found: Any) -> None:
        self._parts.put(found)
        self.arrived.set()

    def _work(self, place: Place) -> None:
        reader = Reader(self.documents.data, self.documents.model)
        parts = self._read(reader, place)
        try:
            while True:
                self._wanted.acquire()
                self.line.check()
                self._give(next(parts))
        except Halted:
            pass
        except BaseException as error:
            self._give(error)
        finally:
            parts.close()
            reader.close()

    def _read(self, reader: Reader, place: Place) -> Iterator[tuple[Place, list[list[str]], Place]]:
        order = self.order
        while True:
            any_batch = place.part > 0
            for begin, texts, after in self._epoch(reader, place):
                random = random_of(order.seed, begin.epoch, begin.part)
                batches = mixed(texts, order.window_bytes, order.batch_size, random, fill=begin.part == 0)
                any_batch = any_batch or bool(batches)
                yield begin, batches, after
            if not any_batch:
                raise nothing_to_learn()
            place = Place(epoch=place.epoch + 1)

    def _epoch(self, reader: Reader, at: Place) -> Iterator[tuple[Place, list[Document], Place]]:
        """(begin, documents, end) of the parts from `at` to the end of its epoch."""
        documents, whole = self.documents, (at.part, at.file, at.row) == (0, 0, 0)
        files = documents.files(self.order.seed, at.epoch)
        texts: list[Document] = []
        begins, size, first = [], 0, at
        for number in range(first.file, len(files)):
            begins.append(len(texts))
            row, byte = (first.row, first.byte) if number == first.file else (0, 0)
            for document, row, byte in self._documents(reader, files[number], row, byte):  # noqa: B020
                if not documents.learnt(document):
                    continue
                texts.append(document)
                size += len(document.text.encode())
                if size >= documents.data.mix_bytes:
                    after = Place(at.epoch, at.part + 1, number, row, byte)
                    yield at, texts, after
                    at, texts, size, whole = after, [], 0, False
        if whole:  # it fits into memory: later epochs mix what is here
            ends = [*begins[1:], len(texts)]
            self._kept = {f: texts[a:b] for f, a, b in zip(files, begins, ends, strict=True)}
        if texts or whole:
            yield at, texts, Place(at.epoch + 1)

    def _documents(
        self, reader: Reader, file: int, row: int, byte: int
    ) -> Iterator[tuple[Document, int, int]]:
        if file in self._kept:
            yield from ((document, 0, 0) for document in self._kept[file])
            return
        found = self.documents.found
        yield from documents_of(reader, found.remote(found.train[file]), self.line, row, byte)
