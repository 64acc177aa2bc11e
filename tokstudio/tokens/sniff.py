"""What a file is that cannot be read as a tokenizer, in a sentence with what to do."""

import json
from pathlib import Path

from tokstudio.errors import TokenizerError
from tokstudio.tokens.native import short

ANOTHER = "Choose a tokenizer.json, a SentencePiece .model, a .tiktoken or .gguf file, or the folder that holds one."

LARGEST = 128 << 20  # bytes; the largest tokenizer.json in use has 50 MB
LARGEST_TEKKEN = 48 << 20  # these have 20 MB, and become Python objects while they are read
LARGEST_PIECES = (
    32 << 20
)  # bytes of a SentencePiece model; the largest in use have 5 MB, and each piece takes 200
MOST = 2_000_000  # entries of a vocabulary; the largest in use have 1,000,000

SIGNATURES = {
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"PK\x03\x04": "a zip archive or a pickled checkpoint",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
}
BINARY = {
    ".gguf": "GGUF file",
    ".model": "SentencePiece model",
}  # these have a beginning that cannot be missed


def head_of(path: Path) -> bytes:
    """The first 4 kB. Raises TokenizerError where the file is missing, unreadable or empty."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end, or never begin
            raise TokenizerError(f"{path} is no ordinary file.", hint=ANOTHER)
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise TokenizerError(
            f"There is no file {path}.", hint="Check the spelling, or choose another file."
        ) from None
    except OSError as error:
        raise TokenizerError(
            f"{path} cannot be read: {error.strerror}.", hint="Check its permissions, or choose another file."
        ) from None
    if not head:
        raise TokenizerError(f"{path.name} is empty.", hint="Fetch or copy it again: its content is missing.")
    return head


def check_size(path: Path, head: bytes) -> None:
    """Raises TokenizerError for a file that is larger than a tokenizer's can be: it is not even read. Of a GGUF
    file only the settings are."""
    if head.startswith(b"GGUF"):
        return
    limit = LARGEST_TEKKEN if is_tekken(head) else LARGEST_PIECES if path.suffix == ".model" else LARGEST
    together = [path, path.with_name("vocab.json")] if path.name == "merges.txt" else [path]
    if path.name == "vocab.json":
        together.append(path.with_name("merges.txt"))
    for one in together:
        if one.is_file() and (size := one.stat().st_size) > limit:
            raise TokenizerError(
                f"{one.name} has {size / 1e6:,.0f} MB, and a tokenizer's file never has more than {limit >> 20}.",
                hint=ANOTHER,
            )


def check_count(data: bytes, separator: bytes, most: int, name: str) -> None:
    """Raises TokenizerError where `data` holds more entries than a tokenizer's file can: each would take hundreds of
    bytes of memory, and a file of 128 MB has room for 20 million."""
    if (found := data.count(separator)) > most:
        raise TokenizerError(
            f"{name} holds {found:,} entries, and a tokenizer's file never more than {most:,}.", hint=ANOTHER
        )


def is_tekken(head: bytes) -> bool:
    """Is this JSON one of Mistral's Tekken vocabularies, and not a tokenizer.json?"""
    return b'"default_num_special_tokens"' in head or b'"token_bytes"' in head


def no_tokenizer(path: Path, head: bytes) -> TokenizerError:
    """The error for a file that no backend claims."""
    kind = next((words for start, words in SIGNATURES.items() if head.startswith(start)), "")
    if "pickle" in kind:
        return TokenizerError(
            f"{path.name} is {kind}, and is not opened: a pickle can run any program.", hint=ANOTHER
        )
    if kind:
        return TokenizerError(f"{path.name} is {kind}, so it cannot be read as a tokenizer.", hint=ANOTHER)
    if promised := BINARY.get(path.suffix.lower()):
        return TokenizerError(
            f"{path.name} is damaged or no {promised}: it does not begin as one.",
            hint="Fetch or copy it again, or choose another file.",
        )
    what = "is no text" if _binary(head) else "holds text, but no vocabulary in a known form"
    return TokenizerError(f"{path.name} {what}, so it cannot be read as a tokenizer.", hint=ANOTHER)


def _binary(head: bytes) -> bool:
    """A character cut at the end of `head` is no sign of binary data."""
    try:
        head[:-4].decode() if len(head) > 4 else head.decode()
    except UnicodeDecodeError:
        return True
    return b"\0" in head


def bad_json(path: Path, data: bytes, reason: Exception) -> TokenizerError:
    """Why the library did not take `data`, the content of a tokenizer.json."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno:,}" if isinstance(error, json.JSONDecodeError) else ""
        return TokenizerError(
            f"{path.name} is damaged: it stops being JSON{where}, so it cannot be read as a tokenizer.",
            hint="Fetch or copy it again.",
        )
    if not isinstance(content, dict) or not content.get("model"):
        return TokenizerError(
            f"{path.name} has no `model` entry, so it cannot be read as a tokenizer.", hint=ANOTHER
        )
    return TokenizerError(
        f"{path.name} cannot be read as a tokenizer: {_plain(reason)}.",
        hint="It was written by a newer program or edited by hand: fetch it again, or update `tokenizers`.",
    )


def _plain(reason: Exception) -> str:
    return short(str(reason).removeprefix("Cannot instantiate Tokenizer from buffer: "))
