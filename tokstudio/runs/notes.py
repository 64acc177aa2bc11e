"""What people write on a run: tags and a note, in `notes.json` of its folder."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tokstudio.runs.files import folder_error, read_json, write_json


@dataclass(frozen=True)
class Notes:
    tags: tuple[str, ...] = ()
    note: str = ""


def read(folder: Path) -> Notes:
    """Empty where nothing was written."""
    value = read_json(folder / "notes.json")
    tags = value.get("tags", [])
    return Notes(
        tuple(str(tag) for tag in tags) if isinstance(tags, list) else (), str(value.get("note", ""))
    )


def write(folder: Path, notes: Notes) -> None:
    """Raises RunError where the folder cannot be written."""
    try:
        write_json(folder / "notes.json", asdict(notes))
    except OSError as error:
        raise folder_error(folder, error) from None


def split(text: str) -> tuple[str, ...]:
    """Tags as people type them: by commas or spaces, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))
