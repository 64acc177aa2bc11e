"""Texts of a data set of the hub, fetched once, when asked to. Training reads this copy; where its settings say so, it
streams instead (`tokstudio.tokens.stream_texts`).

found = plan_texts("owner/name", under="data/train", most=500_000_000)
folder = fetch(found, progress, cancelled)          # tokstudio.tokens.download
"""

import json
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from tokstudio.errors import TokenizerError
from tokstudio.paths import data_home
from tokstudio.tokens.download import LISTING, Plan, RemoteFile, _allowed, _opened, _piece, endpoint
from tokstudio.tokens.hub import HUB_ID

SUFFIXES = (
    ".parquet",
    ".arrow",
    ".jsonl",
    ".ndjson",
    ".txt",
    ".jsonl.gz",
    ".json.gz",
    ".txt.gz",
    ".jsonl.zst",
    ".json.zst",
)  # never code, never pickles
MOST = 1 << 30  # bytes that are fetched unless more are asked for


def texts_folder(hub_id: str) -> Path:
    """Where its files lie, once they are fetched."""
    return data_home() / "texts" / hub_id.replace("/", "--")


def plan_texts(hub_id: str, *, under: str = "", most: int = MOST) -> Plan:
    """Files of text whose names begin with `under`, in their order, up to `most` bytes. Asks the hub for names and
    sizes. Raises TokenizerError where there is nothing to fetch."""
    hub_id = hub_id.strip()
    revision, listed = listing(hub_id)
    texts = [file for name, file in listed if wanted_text(name) and name.startswith(under)]
    if not texts:
        known = sorted({name.rpartition("/")[0] or "." for name, _ in listed if wanted_text(name)})
        raise TokenizerError(
            f"{hub_id} has no files of text" + (f" under {under!r}." if under else "."),
            hint=f"It has some in: {', '.join(known[:8])}." if known else "Choose another data set.",
        )
    return Plan(
        hub_id,
        f"{endpoint()}/datasets/{hub_id}",
        _first(texts, most, hub_id),
        texts_folder(hub_id),
        revision,
    )


def listing(hub_id: str, revision: str = "main") -> tuple[str, list[tuple[str, RemoteFile]]]:
    """(commit, (name, file) of everything there is at it). Asks the hub. Raises TokenizerError."""
    if not HUB_ID.fullmatch(hub_id) or ".." in hub_id:
        raise TokenizerError(f"{hub_id!r} is no id of a data set.", hint="Name one like owner/name.")
    _allowed()
    url = f"{endpoint()}/api/datasets/{quote(hub_id)}/revision/{quote(revision, safe='')}?blobs=true"
    with _opened(url) as answer:
        data = _piece(answer, url, LISTING)
    try:
        told = json.loads(data)
        commit = str(told["sha"])
        if not commit.isalnum() or len(commit) > 64:
            raise ValueError("it names no revision")
        return commit, [_file(hub_id, commit, found) for found in told["siblings"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TokenizerError(
            f"{endpoint()} did not answer as a hub does ({error}).",
            hint="A proxy or a login page may have answered instead: try again on another connection.",
        ) from None


def wanted_text(name: str) -> bool:
    parts = PurePosixPath(name).parts
    inside = not name.startswith("/") and not any(part.startswith(".") for part in parts)
    return inside and name.lower().endswith(SUFFIXES)


def _file(hub_id: str, revision: str, found: dict) -> tuple[str, RemoteFile]:
    """(name in the data set, what to fetch); folders become a part of the file's name."""
    name, large = str(found["rfilename"]), found.get("lfs") or {}
    size = large.get("size", found.get("size"))
    remote = RemoteFile(
        name.replace("/", "--").replace("\\", "--"),
        f"{endpoint()}/datasets/{quote(hub_id)}/resolve/{revision}/{quote(name)}",
        None if size is None else int(size),
        str(large.get("sha256", "")),
        "" if large else str(found.get("blobId", "")),
    )
    return name, remote


def _first(files: list[RemoteFile], most: int, hub_id: str) -> tuple[RemoteFile, ...]:
    chosen, used = [], 0
    for file in files:
        used += file.size or 0
        if used > most:
            break
        chosen.append(file)
    if not chosen:
        raise TokenizerError(
            f"The first file of {hub_id} has {files[0].size or 0:,} bytes, more than the {most:,} that were allowed.",
            hint=f"Say --max-bytes {files[0].size or 0}, or choose other files with --files.",
        )
    return tuple(chosen)
