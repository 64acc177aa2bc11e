"""Texts to train and to measure on.

The built-in corpus is what every CPython carries: the reference topics behind `help()` and the standard library's
own source. It differs a little between Python versions; names, not contents, decide which documents are held
out, so that a module held out when the demo model was trained is held out on every machine.
"""

import hashlib
import json
import sysconfig
from collections.abc import Iterator
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
    train: tuple[Document, ...]
    held_out: tuple[Document, ...]

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for document in (*self.train, *self.held_out):
            digest.update(f"{document.name}\0{len(document.text)}\0".encode())
            digest.update(document.text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]


def load_corpus(reference: str) -> Corpus:
    """`python` (built in), a text file, a JSON-lines file with a `text` field, or a folder of text files.

    A single document is cut in paragraphs of about 4,000 characters, so that a part of it can be held out.
    Raises InputError for a missing, empty or unreadable file.
    """
    documents = python_documents() if reference == PYTHON else read_documents(reference)
    train = tuple(d for d in documents if not d.held_out)
    held_out = tuple(d for d in documents if d.held_out)
    if train and not held_out:  # few documents: the last one, rather than nothing to measure on
        train, held_out = train[:-1], train[-1:]
    if not train or not held_out:
        raise InputError(
            f"{reference} has too little text to train on and to measure on.",
            hint="Choose a file of at least a few kilobytes, or a folder with several files.",
        )
    return Corpus(reference, train, held_out)


def read_documents(reference: str) -> tuple[Document, ...]:
    """Everything in a text file, a JSON-lines file or a folder. Raises InputError where there is no text."""
    documents = tuple(d for d in _read(Path(reference).expanduser()) if d.text)
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


def _read(path: Path) -> Iterator[Document]:
    if path.is_dir():
        files = sorted(
            p for p in path.rglob("*") if p.suffix.lower() in {".txt", ".md", ".py", ".rst", ".jsonl"}
        )
        for file in files:
            yield from _read_file(file, prefix=str(file.relative_to(path)))
    elif path.is_file():
        yield from _read_file(path, prefix=path.name)
    else:
        raise InputError(
            f"There is no file or folder {path}.", hint='Name a text file, a folder, or "python".'
        )


def _read_file(path: Path, prefix: str) -> Iterator[Document]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start:,}).",
            hint="Save it as UTF-8, or choose another file.",
        ) from None
    if path.suffix.lower() == ".jsonl":
        yield from _json_lines(text, path, prefix)
    else:
        for number, part in enumerate(windows(text, 4000)):
            yield Document(f"{prefix}#{number}", part)


def _json_lines(text: str, path: Path, prefix: str) -> Iterator[Document]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield Document(f"{prefix}#{number}", row["text"])
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f'Line {number:,} of {path} is no JSON object with a "text" field.',
                hint='Each line needs {"text": "…"}.',
            ) from None


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
