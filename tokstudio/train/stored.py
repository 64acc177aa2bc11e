"""Documents on the disk: what is too large for memory is written once, as one file of text with its ends, and mapped.

`text` holds the UTF-8 of document after document, `ends` (int64) where each ends; `marks` and `mark_ends` (int64) the
marks of chats: how many ranges are learnt, those ranges, those that are verbatim. The folder is complete or absent.
"""

import copy
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tokstudio.errors import InputError
from tokstudio.train.corpus import Document
from tokstudio.train.marked import Marked, marked


class StoredDocuments(Sequence):
    """Read when they are asked for. `bytes`: of all texts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._ends = np.fromfile(folder / "ends", np.int64)
        size = int(self._ends[-1]) if len(self._ends) else 0
        self._text = np.memmap(folder / "text", np.uint8, mode="r") if size else np.zeros(0, np.uint8)
        self._mark_ends = np.fromfile(folder / "mark_ends", np.int64)
        self._marks = np.fromfile(folder / "marks", np.int64)
        self.bytes = size

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index):
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if (start, step) == (0, 1):  # all but the last ones are not read
                return self._until(stop)
            return tuple(self[i] for i in range(start, stop, step))
        index = range(len(self))[index]
        start = int(self._ends[index - 1]) if index else 0
        text = self._text[start : int(self._ends[index])].tobytes().decode()
        return Document(str(index), self._marked(text, index))

    def _until(self, stop: int) -> "StoredDocuments":
        made = copy.copy(self)
        made._ends = self._ends[:stop]
        made.bytes = int(made._ends[-1]) if stop else 0
        return made

    def _marked(self, text: str, index: int) -> str:
        if not len(self._mark_ends):
            return text
        start = int(self._mark_ends[index - 1]) if index else 0
        found = self._marks[start : int(self._mark_ends[index])].tolist()
        if not found:
            return text
        pairs = [tuple(found[i : i + 2]) for i in range(1, len(found), 2)]
        return marked(text, tuple(pairs[: found[0]]), tuple(pairs[found[0] :]))

    def part(self, total: int) -> tuple[Document, ...]:
        """About `total` bytes of documents from all over."""
        step = max(1, self.bytes // max(1, total))
        return self[::step]


class Writer:
    """Documents as they come. `close` gives them their folder; without it nothing is there."""

    def __init__(self, folder: Path):
        self.folder, self.draft = folder, folder.with_name("." + folder.name)
        self._end = self._mark_end = 0
        self._any = False
        try:
            shutil.rmtree(self.draft, ignore_errors=True)
            self.draft.mkdir(parents=True)
            names = ("text", "ends", "marks", "mark_ends")
            self._files = {name: (self.draft / name).open("wb") for name in names}
        except OSError as error:
            raise self._full(error) from None

    def add(self, document: Document) -> None:
        data = document.text.encode()
        numbers: list[int] = []
        if isinstance(document.text, Marked):
            pairs = (*document.text.trained, *document.text.verbatim)
            numbers = [len(document.text.trained), *(n for pair in pairs for n in pair)]
        self._end, self._mark_end = self._end + len(data), self._mark_end + len(numbers)
        self._any = self._any or bool(numbers)
        try:
            self._files["text"].write(data)
            self._files["ends"].write(np.int64(self._end).tobytes())
            self._files["marks"].write(np.array(numbers, np.int64).tobytes())
            self._files["mark_ends"].write(np.int64(self._mark_end).tobytes())
        except OSError as error:
            raise self._full(error) from None

    def close(self) -> StoredDocuments:
        try:
            for file in self._files.values():
                file.close()
            if not self._any:
                (self.draft / "mark_ends").write_bytes(b"")
            (self.draft / "facts.json").write_text(json.dumps({"bytes": self._end}))
            shutil.rmtree(self.folder, ignore_errors=True)
            self.draft.rename(self.folder)
        except OSError as error:
            raise self._full(error) from None
        return StoredDocuments(self.folder)

    def abandon(self) -> None:
        for file in self._files.values():
            file.close()
        shutil.rmtree(self.draft, ignore_errors=True)

    def _full(self, error: OSError) -> InputError:
        return InputError(
            f"The text could not be copied to {self.folder.parent}: {error.strerror or error}.",
            hint="Text that is too large for memory is kept there. Make room, or take a smaller part of it.",
        )


def stored(folder: Path) -> StoredDocuments | None:
    return StoredDocuments(folder) if (folder / "facts.json").exists() else None


class Collector:
    """Documents in memory up to `limit` characters, on the disk from there on."""

    def __init__(self, folder: Path, limit: int):
        self.folder, self.limit = folder, limit
        self._kept: list[Document] = []
        self._size = 0
        self._writer: Writer | None = None

    def add(self, document: Document) -> None:
        self._size += len(document.text)
        if self._writer is None:
            self._kept.append(document)
            if self._size > self.limit:
                self._writer = Writer(self.folder)
                for kept in self._kept:
                    self._writer.add(kept)
                self._kept = []
        else:
            self._writer.add(document)

    def done(self) -> Sequence[Document]:
        return tuple(self._kept) if self._writer is None else self._writer.close()

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.abandon()


def both(
    folder: Path, documents: Iterator[Document], limit: int
) -> tuple[Sequence[Document], Sequence[Document]]:
    """(train, held out), by the names of the documents; what is there from an earlier time is not read again."""
    known = stored(folder / "train"), stored(folder / "held-out")
    if known[0] is not None and known[1] is not None:
        return known[0], known[1]
    sides = Collector(folder / "train", limit), Collector(folder / "held-out", limit)
    try:
        for document in documents:
            sides[document.held_out].add(document)
        train, held_out = (side.done() for side in sides)
    except BaseException:
        for side in sides:
            side.abandon()
        raise
    if isinstance(train, StoredDocuments) and not isinstance(held_out, StoredDocuments):
        writer = Writer(folder / "held-out")  # small as it is: together they are complete
        for document in held_out:
            writer.add(document)
        held_out = writer.close()
    return train, held_out
