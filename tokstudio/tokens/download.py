"""Fetch a tokenizer: an encoding of tiktoken, or the tokenizer files of a hub id. The only place under `tokens` that
reaches the network, and only when asked to.

    found = plan("Qwen/Qwen3-0.6B")                      # asks the hub what there is, and how large it is
    folder = fetch(found, progress, cancelled)           # then, when a person has agreed

What comes from the hub goes into a folder of Tokstudio's own: Hugging Face's cache is read and never written.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tokstudio.errors import TokenizerError
from tokstudio.tokens.encodings import RankFile, encoding_spec
from tokstudio.tokens.hub import DOWNLOADED, HUB_ID, downloads_folder, is_tokenizer_file
from tokstudio.tokens.rank_files import cached_path

TIMEOUT = 30.0  # seconds without a byte
LARGEST = 256 << 20  # bytes of one file: the largest known tokenizer.json has 50 MB
LISTING = 16 << 20  # bytes of the hub's answer
CHUNK = 1 << 16
CONNECTION = "Check the connection, or copy the file from another machine."


class Stopped(TokenizerError):
    """A person stopped the download."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    name: str
    url: str
    size: int | None  # bytes; None where the server does not say
    sha256: str = ""
    blob: str = ""  # git's own hash of the content


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be fetched, from where and to where; nothing has been."""

    reference: str
    address: str  # for people
    files: tuple[RemoteFile, ...]
    folder: Path
    revision: str = ""

    @property
    def bytes(self) -> int:
        """Of all files whose size is known."""
        return sum(file.size or 0 for file in self.files)


def plan(reference: str) -> Plan:
    """Asks the network for names and sizes. Raises TokenizerError where there is nothing to fetch."""
    reference = reference.strip()
    if reference.startswith("tiktoken:"):
        spec = encoding_spec(reference.removeprefix("tiktoken:"))
        found = tuple(_rank_file(file) for file in spec.files)
        return Plan(
            reference, ", ".join(file.url for file in found), found, cached_path(spec.files[0]).parent
        )
    if not HUB_ID.fullmatch(reference) or ".." in reference:
        raise TokenizerError(
            f"{reference!r} cannot be downloaded: it is neither a hub id nor an encoding of tiktoken.",
            hint="Name one like Qwen/Qwen3-0.6B or tiktoken:gpt2.",
        )
    return hub_plan(reference, is_tokenizer_file, downloads_folder(reference), largest=LARGEST)


def endpoint() -> str:
    """Where the hub is; HF_ENDPOINT names another one."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def hub_plan(
    hub_id: str,
    wanted: Callable[[str], bool],
    folder: Path,
    *,
    what: str = "tokenizer files",
    largest: int | None = None,
) -> Plan:
    """The files of `hub_id` that are `wanted` by name, into `folder`. Raises TokenizerError where there are none, or
    one has more than `largest` bytes."""
    _allowed()
    url = f"{endpoint()}/api/models/{quote(hub_id)}/revision/main?blobs=true"
    with _opened(url) as answer:
        data = _piece(answer, url, LISTING)
    try:
        found = json.loads(data)
        revision, siblings = str(found["sha"]), found["siblings"]
        if not revision.isalnum() or len(revision) > 64:
            raise ValueError("it names no revision")
        files = tuple(_sibling(hub_id, revision, s) for s in siblings if wanted(s["rfilename"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TokenizerError(
            f"{endpoint()} did not answer as a hub does ({error}).",
            hint="A proxy or a login page may have answered instead: try again on another connection.",
        ) from None
    if not files:
        raise TokenizerError(f"{hub_id} has no {what}.", hint="Choose another model.")
    if largest is not None and (too_large := [file for file in files if (file.size or 0) > largest]):
        raise TokenizerError(
            f"{too_large[0].name} of {hub_id} has {too_large[0].size:,} bytes; a tokenizer never does.",
            hint="Choose another model.",
        )
    return Plan(hub_id, f"{endpoint()}/{hub_id}", files, folder, revision)


def _sibling(hub_id: str, revision: str, found: dict) -> RemoteFile:
    name, large = str(found["rfilename"]), found.get("lfs") or {}
    size = large.get("size", found.get("size"))
    url = f"{endpoint()}/{quote(hub_id)}/resolve/{revision}/{quote(name)}"
    return RemoteFile(
        name,
        url,
        None if size is None else int(size),
        str(large.get("sha256", "")),
        "" if large else str(found.get("blobId", "")),
    )


def _rank_file(file: RankFile) -> RemoteFile:
    with _opened(file.url, method="HEAD") as answer:
        length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    return RemoteFile(cached_path(file).name, file.url, size, file.sha256)


def fetch(
    plan: Plan,
    progress: Callable[[int, int], object] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The folder of the files, all of them there and whole; on any failure it is as it was before.

    `progress` gets bytes fetched and bytes in all. Raises Stopped soon after `cancelled` says so, TokenizerError
    for everything else.
    """
    total, done = plan.bytes, 0
    with _draft(plan.folder) as draft:
        for file in plan.files:
            for size in _written(file, draft / file.name, cancelled):
                done += size
                progress(done, max(total, done))
        _settle(plan, draft)
    return plan.folder


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that is gone at the end."""
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = tempfile.mkdtemp(dir=folder.parent, prefix=".download-")
        yield Path(draft)
    except OSError as error:
        raise TokenizerError(
            f"{folder.parent} cannot be written: {error.strerror}.",
            hint="Make room, or set "
            + ("TIKTOKEN_CACHE_DIR" if folder == _ranks_folder() else "TOKSTUDIO_HOME")
            + " to a folder that you may write to.",
        ) from None
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)


def _ranks_folder() -> Path:
    return cached_path(RankFile("", "")).parent


def _settle(plan: Plan, draft: Path) -> None:
    if plan.reference.startswith("tiktoken:"):  # a folder that tiktoken shares between its encodings
        plan.folder.mkdir(parents=True, exist_ok=True)
        for file in plan.files:
            os.replace(draft / file.name, plan.folder / file.name)
        return
    about = {"id": plan.reference, "revision": plan.revision, "address": plan.address}
    (draft / DOWNLOADED).write_text(json.dumps(about))
    if plan.folder.exists():
        shutil.rmtree(plan.folder)
    os.replace(draft, plan.folder)


def _written(file: RemoteFile, path: Path, cancelled: Callable[[], bool]) -> Iterator[int]:
    """Fetches `file` into `path`; yields the size of each piece. Raises TokenizerError where it is not what was
    announced."""
    sha256 = hashlib.sha256()
    blob = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    size, limit = 0, LARGEST if file.size is None else file.size
    with _opened(file.url) as answer, path.open("wb") as out:
        while piece := _piece(answer, file.url, CHUNK):
            if cancelled():
                raise Stopped("The download was stopped.", hint="Nothing was kept.")
            size += len(piece)
            if size > limit:
                break
            for known in (sha256, blob):
                known.update(piece)
            out.write(piece)
            yield len(piece)
    wrong = (
        (file.size is not None and size != file.size and "its size")
        or (file.size is None and size > LARGEST and "it is too large")
        or (file.sha256 and sha256.hexdigest() != file.sha256 and "its SHA-256")
        or (file.blob and file.size is not None and blob.hexdigest() != file.blob and "its hash")
    )
    if wrong:
        raise TokenizerError(
            f"What came from {file.url} is not the file that was expected ({wrong} differs).",
            hint="A proxy or a login page may have answered instead: try again on another connection.",
        )


def _piece(answer: IO[bytes], url: str, size: int) -> bytes:
    try:
        return answer.read1(size) if size == CHUNK else answer.read(size)
    except (OSError, HTTPException) as error:
        raise _failed(url, error) from None


def _allowed() -> None:
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise TokenizerError(
            "HF_HUB_OFFLINE is set, so the hub is not asked.", hint="Unset it and start again."
        )


@contextmanager
def _opened(url: str, method: str = "GET") -> Iterator[IO[bytes]]:
    request = Request(url, method=method, headers={"User-Agent": "tokstudio"})
    token = os.environ.get("HF_TOKEN", "").strip()
    if token and url.startswith(endpoint() + "/"):
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        answer = urlopen(request, timeout=TIMEOUT)
    except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError
        if isinstance(error, HTTPError):
            error.close()  # it is the answer, too, and holds the connection
        raise _failed(url, error) from None
    with answer:
        yield answer


def _failed(url: str, error: Exception) -> TokenizerError:
    reason = getattr(error, "reason", None) or error
    hint = CONNECTION
    if isinstance(error, HTTPError) and error.code in (401, 403):
        hint = "The id is wrong, or its owner wants you to log in: set HF_TOKEN to a token of your account."
    if isinstance(error, HTTPError) and error.code == 404:
        hint = "Check the spelling of the id."
    return TokenizerError(f"{url} cannot be fetched: {reason}.", hint=hint)


def download(reference: str) -> list[Path]:
    """The files of an encoding of tiktoken, now in tiktoken's own cache; those that are there and whole are not
    fetched again.

    Raises TokenizerError where `reference` is no encoding of tiktoken, the network fails, or what came is
    not what tiktoken expects.
    """
    scheme, _, name = reference.partition(":")
    if scheme != "tiktoken":
        raise TokenizerError(
            f"Only encodings of tiktoken can be downloaded here, and {reference!r} is none.",
            hint=f"Fetch the files of another tokenizer with: tokstudio download {reference}",
        )
    files = encoding_spec(name).files
    for file in files:
        path = cached_path(file)
        if not (path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256):
            remote = RemoteFile(path.name, file.url, None, file.sha256)
            fetch(Plan(reference, file.url, (remote,), path.parent))
    return [cached_path(file) for file in files]
