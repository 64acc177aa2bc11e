"""What there is to stream of a data set of the hub: its text files at one commit, pinned.

    found = look_up("owner/name", under="data/")   # asks the hub for names and sizes, and nothing else
    remember(found, sample)                        # when a person has agreed
    known("owner/name", found.revision)            # later, without the network; None where nobody agreed

Which files are trained on and which measured on, their names say, as the library `datasets` reads them.
"""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from tokstudio.errors import InputError, TokenizerError
from tokstudio.paths import data_home
from tokstudio.tokens.download import RemoteFile, endpoint
from tokstudio.tokens.download_texts import listing, wanted_text
from tokstudio.tokens.hub import HUB_ID

HELD_OUT_SPLITS = ("validation", "valid", "val", "dev", "test", "eval")
PINNED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # a commit, never the name of a branch
_WORDS = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Shard:
    """`name`: in the data set. `size`: bytes, None where the hub does not say."""

    name: str
    size: int | None


@dataclass(frozen=True)
class Streamable:
    """A data set at one commit. `shards`: its text files, in their order; `sample`: what was read of them."""

    hub_id: str
    revision: str
    shards: tuple[Shard, ...]
    sample: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """For people."""
        return f"{endpoint()}/datasets/{self.hub_id}"

    @property
    def bytes(self) -> int:
        """Of all files whose size is known."""
        return sum(shard.size or 0 for shard in self.shards)

    @property
    def train(self) -> tuple[Shard, ...]:
        named = tuple(s for s in self.shards if "train" in _words(s.name))
        return named or tuple(s for s in self.shards if not _split(s.name)) or self.shards

    @property
    def held_out(self) -> tuple[Shard, ...]:
        """Files of a split of their own to measure on; empty where documents of `train` are held out instead."""
        chosen = set(self.train)
        found = [(s, split) for s in self.shards if s not in chosen and (split := _split(s.name))]
        first = min((HELD_OUT_SPLITS.index(split) for _, split in found), default=-1)
        return tuple(s for s, split in found if HELD_OUT_SPLITS.index(split) == first)

    def under(self, prefix: str) -> "Streamable":
        """Only files whose names begin with `prefix`. Raises InputError where there are none."""
        found = tuple(s for s in self.shards if s.name.startswith(prefix))
        if not found:
            folders = sorted({s.name.rpartition("/")[0] or "." for s in self.shards})
            raise InputError(
                f"{self.hub_id} has no files of text"
                + (f" whose names begin with {prefix!r}." if prefix else "."),
                hint=f"It has some in: {', '.join(folders[:8])}." if folders else "Choose another data set.",
            )
        return replace(self, shards=found)

    def remote(self, shard: Shard) -> RemoteFile:
        """Where it is, by today's endpoint."""
        url = f"{endpoint()}/datasets/{quote(self.hub_id)}/resolve/{self.revision}/{quote(shard.name)}"
        return RemoteFile(shard.name, url, shard.size)


def _words(name: str) -> list[str]:
    return _WORDS.split(name.lower())


def _split(name: str) -> str:
    """The held-out split that a file is of, by its name or by a folder's."""
    words = _words(name)
    return next((split for split in HELD_OUT_SPLITS if split in words), "")


def look_up(hub_id: str, revision: str = "", under: str = "") -> Streamable:
    """Asks the hub. `revision`: a commit or a branch; empty: main. Raises InputError or TokenizerError."""
    hub_id = hub_id.strip().removeprefix("hub:")
    try:
        commit, listed = listing(hub_id, revision or "main")
    except TokenizerError as error:
        raise InputError(str(error), hint=error.hint) from None
    if not PINNED.fullmatch(commit):
        raise InputError(f"{endpoint()} names no commit for {hub_id}.", hint="Try again later.")
    shards = tuple(Shard(name, file.size) for name, file in listed if wanted_text(name))
    return Streamable(hub_id, commit, shards).under(under)


# ---- what is known without the network


def _file(hub_id: str, revision: str) -> Path:
    if not HUB_ID.fullmatch(hub_id) or not PINNED.fullmatch(revision):
        raise InputError(
            f"{hub_id!r} at {revision!r} is no data set of the hub.", hint="Name one like owner/name."
        )
    return data_home() / "streams" / f"{hub_id.replace('/', '--')}@{revision[:12]}.json"


def remember(found: Streamable) -> None:
    """So that names, sizes and the sample are known without the network. Where the disk does not take it, they are
    looked up again."""
    path = _file(found.hub_id, found.revision)
    told = {
        "id": found.hub_id,
        "revision": found.revision,
        "files": [[s.name, s.size] for s in found.shards],
        "sample": list(found.sample),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name("." + path.name)
        draft.write_text(json.dumps(told), encoding="utf-8")
        draft.replace(path)
    except OSError:
        return


def known(hub_id: str, revision: str, under: str = "") -> Streamable | None:
    """What was remembered of this commit. Raises InputError where it has no such files."""
    if not revision:
        return None
    try:
        told = json.loads(_file(hub_id, revision).read_text(encoding="utf-8"))
        if told["id"] != hub_id or told["revision"] != revision:
            return None
        shards = tuple(Shard(str(name), None if size is None else int(size)) for name, size in told["files"])
        found = Streamable(hub_id, revision, shards, tuple(map(str, told["sample"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found.under(under)
