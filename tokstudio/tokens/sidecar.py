"""The settings files that lie beside a tokenizer."""

import json
from pathlib import Path
from typing import Any

LARGEST = 16 << 20  # bytes


def beside(name: str) -> str:
    """The file that says pattern and special tokens of the rank file `name`."""
    return f"{name}.json"


def settings_file(folder: Path, name: str) -> dict[str, Any]:
    """Its content; empty where there is none, or it is damaged: it only refines."""
    path = folder / name
    try:
        if path.stat().st_size > LARGEST:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
