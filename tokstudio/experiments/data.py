"""Data of an experiment as one JSON-lines file: a document a line, duplicates left out.

Which documents are held out follows from the hash of their place in that file, as everywhere (train/corpus.py), so
the split is the same for every arm and every machine.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from tokstudio.errors import InputError

TEXT_LIMIT = 1_000_000  # bytes of one file


def write_corpus(kind: str, data: str, path: Path, *, limit: int) -> Path:
    """Raises InputError where there is nothing to read. An existing file is kept."""
    if path.exists():
        return path
    source = Path(data).expanduser()
    if not data or not source.exists():
        raise InputError(
            f"There is no file or folder {data or '(none named)'}.", hint="Check --fasta or --text."
        )
    found = fasta(source) if kind == "fasta" else text_files(source)
    draft, used, seen = path.with_name("." + path.name), 0, set()
    with draft.open("w", encoding="utf-8") as file:
        for text in found:
            key = hashlib.sha256(text.encode()).digest()
            if key in seen:
                continue
            seen.add(key)
            file.write(json.dumps({"text": text}) + "\n")
            used += len(text.encode())
            if used >= limit:
                break
    if not used:
        draft.unlink()
        raise InputError(
            f"{source} holds nothing that can be used.", hint="Name a FASTA file, or a folder of texts."
        )
    draft.replace(path)
    return path


def fasta(path: Path) -> Iterator[str]:
    """The sequences, each with its line end. Raises InputError for a file that is no FASTA."""
    sequence: list[str] = []
    try:
        with path.open(encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                if line.startswith(">"):
                    if sequence:
                        yield "".join(sequence) + "\n"
                    sequence = []
                elif number == 1:
                    raise InputError(f"{path} is no FASTA file.", hint="Its first line begins with >.")
                else:
                    sequence.append(line.strip())
    except UnicodeDecodeError:
        raise InputError(f"{path} is no FASTA file.", hint="FASTA is plain ASCII text.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if sequence:
        yield "".join(sequence) + "\n"


def text_files(path: Path) -> Iterator[str]:
    """Every UTF-8 file under a folder (or the one file), hidden and binary ones left out; in the order of a hash
    of their names, so that a limit takes from all over the folder."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    visible = [p for p in files if not any(part.startswith(".") for part in p.relative_to(path).parts)]
    for file in sorted(visible, key=lambda p: hashlib.sha256(str(p.relative_to(path)).encode()).digest()):
        try:
            if file.stat().st_size > TEXT_LIMIT:
                continue
            text = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
        if text.strip() and "\0" not in text:
            yield text if text.endswith("\n") else text + "\n"
