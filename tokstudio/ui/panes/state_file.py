"""The Compare page between two starts: text, panes and switches in one file, replaced atomically."""

import json
import os
from pathlib import Path

from tokstudio.errors import InputError
from tokstudio.paths import data_home, resource

MOST = 5_000_000  # characters of text that are kept


def state_path() -> Path:
    return data_home() / "compare.json"


def sample_text() -> str:
    return resource("samples/start.txt").read_text(encoding="utf-8").rstrip("\n")


def load() -> dict:
    """{} at the first start, and where the file cannot be read: the start must not fail."""
    try:
        found = json.loads(state_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def save(state: dict) -> None:
    """Raises InputError where the folder cannot be written."""
    if len(state.get("text", "")) > MOST:
        state = {key: value for key, value in state.items() if key != "text"}
    path = state_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8", errors="surrogatepass")
        os.replace(part, path)
    except OSError as error:
        raise InputError(
            f"The session could not be saved in {path.parent}: {error.strerror}.",
            hint="Make room or make the folder writable; the text stays on screen.",
        ) from None
