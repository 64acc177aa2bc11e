"""Tokenizer specs, in the notation that is usual among those who transfer models:

    Qwen/Qwen2.5-1.5B                              the tokenizer itself
    Qwen/Qwen2.5-1.5B:source=Qwen2                 ... and the family that it is of
    Qwen/Qwen2.5-1.5B:source=Qwen2:target=Llama3   with Llama 3's special tokens and chat template
    Qwen/Qwen2.5-1.5B:conversion=byte              one token a byte, and the family's special tokens

What stands before the settings is any reference: a path (with a drive's colon, too), `tiktoken:cl100k_base`, a
hub id. A spec is made into a folder of files once, in the cache, so it works wherever a folder does.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tokstudio.errors import TokenizerError
from tokstudio.paths import cache_folder

SETTING = re.compile(r":([A-Za-z_]+)=([^:/\\]*)$")
KEYS = ("source", "target", "conversion")
CONVERSIONS = ("byte",)
FORM = "A spec reads REFERENCE:source=FAMILY:target=FAMILY:conversion=byte; each setting may be left out."
NOTES = "tokstudio.json"
VERSION = 2  # another number: what is in the cache is made again


@dataclass(frozen=True, slots=True)
class Spec:
    base: str
    source: str = ""
    target: str = ""
    conversion: str = ""

    def __str__(self) -> str:
        return self.base + "".join(f":{key}={value}" for key in KEYS if (value := getattr(self, key)))

    @property
    def plain(self) -> bool:
        """Is it a mere reference?"""
        return str(self) == self.base


def parse_spec(text: str) -> Spec:
    """Raises TokenizerError for a setting that is unknown, empty or there twice. Families are not looked up."""
    base, found = text.strip(), {}
    while (setting := SETTING.search(base)) and not os.path.exists(base):
        key, value = setting[1].lower(), setting[2].strip()
        if key not in KEYS:
            raise TokenizerError(f"A tokenizer spec has no setting {setting[1]!r}.", hint=FORM)
        if not value or key in found:
            why = "is there twice" if key in found else "has no value"
            raise TokenizerError(f"The setting {key!r} of the tokenizer spec {why}.", hint=FORM)
        found[key] = value
        base = base[: setting.start()]
    if found and not base:
        raise TokenizerError("The tokenizer spec names no tokenizer.", hint=FORM)
    if found.get("conversion", "byte") not in CONVERSIONS:
        raise TokenizerError(
            f"There is no conversion {found['conversion']!r}.", hint=f"Known is {', '.join(CONVERSIONS)}."
        )
    return Spec(base, **found)


def spec_folder(spec: Spec) -> Path:
    """The folder with the files of `spec`, made where it is not there yet. Raises TokenizerError."""
    from tokstudio.tokens.families import family
    from tokstudio.tokens.graft import grafted
    from tokstudio.tokens.reference import load_tokenizer

    base = load_tokenizer(spec.base)
    names = [family(name) for name in (spec.source, spec.target) if name]
    key = json.dumps([VERSION, str(spec), base.reference, base.fingerprint, *(f.sha256 for f in names)])
    folder = cache_folder() / "specs" / hashlib.sha256(key.encode()).hexdigest()[:32]
    if not (folder / NOTES).is_file():
        files, notes = grafted(base, spec)
        write_folder(folder, {**files, NOTES: json.dumps({"spec": str(spec), "notes": notes}).encode()})
    return folder


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """A new folder, whole or not at all. Raises TokenizerError where the disk says no."""
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = tempfile.mkdtemp(dir=folder.parent)
        for name, data in files.items():
            (Path(draft) / name).write_bytes(data)
        os.replace(draft, folder)
    except OSError as error:
        if not (folder / NOTES).is_file():  # someone else was faster: theirs is as good
            raise TokenizerError(
                f"{folder} cannot be written: {error.strerror}.", hint="Make room, or choose another folder."
            ) from None
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)


def notes_of(reference: str) -> list[str]:
    """What a person should know about a spec: tokens that are missing, a BOS that disappears. Empty for
    everything that is no spec."""
    spec = parse_spec(reference)
    if spec.plain:
        return []
    found = json.loads((spec_folder(spec) / NOTES).read_text("utf-8"))
    return list(found["notes"])
