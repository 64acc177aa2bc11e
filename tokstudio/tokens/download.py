"""Fetch a tiktoken vocabulary. The only place under `tokens` that reaches the network, and only when asked
to."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tokstudio.errors import TokenizerError
from tokstudio.tokens.encodings import RankFile, encoding_spec
from tokstudio.tokens.rank_files import cached_path

TIMEOUT = 30.0  # seconds without a byte


def download(reference: str) -> list[Path]:
    """The files of `reference`, now in tiktoken's own cache; those that are there and whole are not fetched
    again.

    Raises TokenizerError where `reference` is no encoding of tiktoken, the network fails, or what came is
    not what tiktoken expects.
    """
    scheme, _, name = reference.partition(":")
    if scheme != "tiktoken":
        raise TokenizerError(
            f"Only encodings of tiktoken can be downloaded, and {reference!r} is none.",
            hint="Name one like tiktoken:gpt2, or fetch the files of another tokenizer yourself.",
        )
    return [_fetched(file) for file in encoding_spec(name).files]


def _fetched(file: RankFile) -> Path:
    path = cached_path(file)
    if path.is_file() and _is(path.read_bytes(), file):
        return path
    data = _content(file.url)
    if not _is(data, file):
        raise TokenizerError(
            f"What came from {file.url} is not the file that tiktoken expects (its SHA-256 differs).",
            hint="A proxy or a login page may have answered instead: try again on another connection.",
        )
    _write(path, data)
    return path


def _is(data: bytes, file: RankFile) -> bool:
    return hashlib.sha256(data).hexdigest() == file.sha256


def _content(url: str) -> bytes:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            return answer.read()
    except (URLError, OSError) as error:
        if isinstance(error, HTTPError):
            error.close()  # it is the answer, too, and holds the connection
        reason = getattr(error, "reason", error)
        raise TokenizerError(
            f"{url} cannot be fetched: {reason}.",
            hint="Check the connection, or copy the file from another machine.",
        ) from None


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(draft, path)
    except OSError as error:
        raise TokenizerError(
            f"{path.parent} cannot be written: {error.strerror}.",
            hint="Make room, or set TIKTOKEN_CACHE_DIR to a folder that you may write to.",
        ) from None
