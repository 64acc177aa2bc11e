"""Model families: special tokens, template slots, chat template. Each is one TOML file; a new one needs no code.

They lie in `resources/families`, and a person's own in the folder `families` of the data folder.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.paths import data_home, resource

SLOTS = ("bos", "pad", "start_header", "end_header", "eos", "eot", "system", "user", "assistant")
NAMED = ("bos_token", "eos_token", "pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
FIX = "Put the file right, or take it out of the folder."


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    name: str
    special: tuple[str, ...]  # special tokens, in the order in which they get ids where they are new
    plain: tuple[str, ...]  # added tokens that stand for their text, e.g. "<think>"
    named: dict[str, str]  # what transformers calls them: "bos_token" -> "<s>"
    slots: dict[str, str]  # what stands where in a chat, and what the roles are called
    begin: bool  # does a text begin with the begin token?
    byte_fallback: str  # how the family spells what its vocabulary lacks: "byte-level" or "SentencePiece"
    template: str | None  # jinja2; None for a family without a chat format
    about: str  # which models
    sha256: str  # of its file

    @property
    def bos(self) -> str | None:
        """What a text begins with, or None."""
        return self.named.get("bos_token") if self.begin else None


def families() -> dict[str, Family]:
    """By name, sorted. Raises TokenizerError for a file that cannot be used."""
    found: dict[str, Family] = {}
    for path in _files():
        stamp = path.stat()
        family = _read(path, stamp.st_mtime_ns, stamp.st_size)
        found[family.name] = family
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def family(name: str) -> Family:
    """By its name in any case. Raises TokenizerError for an unknown one."""
    known = families()
    for candidate in known.values():
        if candidate.name.lower() == name.lower():
            return candidate
    raise TokenizerError(
        f"There is no model family named {name!r}.",
        hint=f"Known are {', '.join(known)}. A new one is a file in {data_home() / 'families'}.",
    )


def family_of(special_tokens: set[str]) -> Family | None:
    """The family whose special tokens are all among these: the one with the most of them. None where two
    different ones fit alike, or none does."""
    fitting = [f for f in families().values() if len(f.special) > 1 and set(f.special) <= special_tokens]
    most = max((len(f.special) for f in fitting), default=0)
    best = [f for f in fitting if len(f.special) == most]
    return best[0] if best and len({f.special for f in best}) == 1 else None


def _files() -> list[Path]:
    own = data_home() / "families"
    return [*sorted(resource("families").glob("*.toml")), *sorted(own.glob("*.toml"))]


@lru_cache(maxsize=256)
def _read(path: Path, stamp: int, size: int) -> Family:
    from hashlib import sha256

    try:
        if size > 1 << 20:
            raise ValueError("it is larger than 1 MB")
        data = path.read_bytes()
        content = tomllib.loads(data.decode())
        first = data.decode().splitlines()[0] if data else ""
        about = first.removeprefix("#").strip() if first.startswith("#") else ""
        return _family(content, about, sha256(data).hexdigest())
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise TokenizerError(f"The model family in {path} cannot be read: {reason}.", hint=FIX) from None


def _family(content: dict[str, Any], about: str, sha256: str) -> Family:
    special, plain = _texts(content["special"]), _texts(content.get("plain", []))
    named, slots = dict(content.get("named", {})), dict(content.get("slots", {}))
    if unknown := (set(named) - set(NAMED)) | (set(slots) - set(SLOTS)):
        raise ValueError(f"{sorted(unknown)[0]!r} is not known in it")
    if missing := [token for token in named.values() if token not in special]:
        raise ValueError(f"{missing[0]} is named, but not among its special tokens")
    if content.get("begin") and "bos_token" not in named:
        raise ValueError("a text begins with a token that it does not name")
    template = content.get("chat", {}).get("template")
    return Family(
        name=str(content["name"]),
        special=special,
        plain=plain,
        named=named,
        slots={slot: str(slots.get(slot, "")) for slot in SLOTS},
        begin=bool(content.get("begin", False)),
        byte_fallback=str(content.get("byte_fallback", "byte-level")),
        template=str(template) if template else None,
        about=about,
        sha256=sha256,
    )


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise ValueError("a list of tokens holds something else")
    if len(set(found)) != len(found):
        raise ValueError("a token is there twice")
    return tuple(found)
