"""Texts to train and to measure on.

The built-in corpus is what every CPython carries: the reference topics behind `help()` and the standard library's
own source. It differs a little between Python versions; names, not contents, decide which documents are held
out, so that a module held out when the demo model was trained is held out on every machine.
"""

import hashlib
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokstudio.errors import InputError

PYTHON = "python"
HELD_OUT_SHARE = 16 / 256  # of the documents, by the first byte of the hash of their name

# Folders of the standard library that hold tables or tests rather than text worth learning.
_SKIPPED = frozenset(
    {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test", "encodings", "lib2to3"}
)


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    text: str

    @property
    def held_out(self) -> bool:
        return hashlib.sha256(self.name.encode()).digest()[0] < 256 * HELD_OUT_SHARE


@dataclass(frozen=True, slots=True)
class Corpus:
    """`train` and `held_out` share no document."""

    name: str
    train: Sequence[Document]  # in memory, or read when they are asked for, or streamed
    held_out: Sequence[Document]

    @property
    def train_size(self) -> int:
        """Characters, or bytes where the documents lie on the disk."""
        from tokstudio.train.sources import text_bytes

        return text_bytes(self.train)

    @property
    def told(self) -> str:
        """What is trained on, for people."""
        if known := getattr(self.train, "told", ""):
            return known
        size = self.train_size
        return f"{size / 1e6:.1f} M characters of text" if size >= 1e6 else f"{size:,} characters of text"

    def close(self) -> None:
        """Ends what reads ahead."""
        if hasattr(self.train, "close"):
            self.train.close()

    @property
    def fingerprint(self) -> str:
        if known := getattr(self.train, "fingerprint", ""):  # a stream's is of what would be read
            return known
        digest = hashlib.sha256()
        if hasattr(self.train, "folder"):  # its name says what is in it
            return self.train.folder.parent.name[:16]
        for document in (*self.train, *self.held_out):
            digest.update(f"{document.name}\0{len(document.text)}\0".encode())
            digest.update(document.text.encode("utf-8", "surrogatepass"))
            digest.update(repr(getattr(document.text, "verbatim", "")).encode())
        return digest.hexdigest()[:16]


def load_corpus(reference: str) -> Corpus:
    """`python` (built in), a text file, JSON lines, a table, or a folder of them, with the usual settings.

    Raises InputError for a missing, empty or unreadable file.
    """
    from tokstudio.train.config import DataConfig
    from tokstudio.train.sources import load_data

    return load_data(DataConfig(corpus=reference))


def read_documents(reference: str) -> tuple[Document, ...]:
    """Everything in a file or a folder. Raises InputError where there is no text."""
    from tokstudio.train.config import DataConfig
    from tokstudio.train.sources import Reader

    reader = Reader(DataConfig(corpus=reference), "")
    try:
        documents = tuple(reader.read(reference))
    finally:
        reader.close()
    if not documents:
        raise InputError(f"{reference} holds no text.", hint="Choose a text file that is not empty.")
    return documents


def python_documents() -> tuple[Document, ...]:
    """The reference topics and the library's modules, sorted by name."""
    return tuple(sorted((*_topics(), *_modules()), key=lambda document: document.name))


def _topics() -> Iterator[Document]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some distributions ship it apart; the modules are enough
        return
    for name, text in topics.items():
        yield Document(f"topics/{name}", text.strip() + "\n")


def _modules() -> Iterator[Document]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).parts
        if _SKIPPED.intersection(parts[:-1]) or parts[0].startswith(("config-", "_sysconfigdata")):
            continue
        if parts == ("pydoc_data", "topics.py"):  # one document a topic, above
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a handful of old files in other encodings
            continue
        if text.strip():
            yield Document("Lib/" + "/".join(parts), text)


def windows(text: str, size: int, *, first: int | None = None) -> Iterator[str]:
    """Cut `text` after line ends into pieces of at most `size` bytes of UTF-8 (a longer line is cut where it must).

    `first`: the size of the first piece, at most `size`, so that another pass over the same text sees other cuts.
    Equal windows for every tokenizer are what makes bits per byte comparable between them.
    """
    limit, piece, used = min(first or size, size), [], 0
    for line in text.splitlines(keepends=True):
        for part in _fit(line, size):
            length = len(part.encode())
            if used and used + length > limit:
                yield "".join(piece)
                piece, used, limit = [], 0, size
            piece.append(part)
            used += length
    if piece:
        yield "".join(piece)


def _fit(line: str, size: int) -> Iterator[str]:
    """`line` itself, or parts of at most `size` bytes: four bytes a character is the most that UTF-8 takes."""
    if len(line) <= size // 4 or len(line.encode()) <= size:
        yield line
    else:
        for start in range(0, len(line), size // 4):
            yield line[start : start + size // 4]
