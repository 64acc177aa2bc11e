"""Files, folders and specs that a person opened or dropped, the latest first."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

from tokstudio.paths import data_home
from tokstudio.tokens.spec import parse_spec

MOST = 20


def recent() -> list[tuple[str, str]]:
    """Reference and name; those whose file has gone are left out. Looks only at which files exist."""
    return [(reference, name) for reference, name in _read() if _there(reference)]


def remember(reference: str, name: str) -> None:
    """To be called when a tokenizer was loaded that is a path or a spec: others are in the catalog anyway. Where
    nothing can be written, nothing is remembered."""
    spec = parse_spec(reference)
    if spec.plain and not os.path.isabs(reference):
        return
    kept = [entry for entry in _read() if entry[0] != reference]
    data = json.dumps([(reference, name), *kept][:MOST], ensure_ascii=False).encode("utf-8", "replace")
    path = _path()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(draft, path)


def forget(reference: str) -> None:
    """Take `reference` out of the list."""
    kept = [list(entry) for entry in _read() if entry[0] != reference]
    with contextlib.suppress(OSError):
        _path().write_text(json.dumps(kept), "utf-8")


def _path() -> Path:
    return data_home() / "recent-tokenizers.json"


def _read() -> list[tuple[str, str]]:
    """Empty where there is no list, or it is damaged."""
    try:
        found = json.loads(_path().read_bytes())
        return [(str(reference), str(name)) for reference, name in found][:MOST]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _there(reference: str) -> bool:
    base = reference if os.path.exists(reference) else parse_spec(reference).base
    return not os.path.isabs(base) or os.path.exists(base)
