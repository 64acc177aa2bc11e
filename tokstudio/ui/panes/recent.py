"""Texts opened lately, remembered across starts."""

from pathlib import Path

from tokstudio.ui.context import Settings

MOST = 12
TEXTS = "recent/texts"


def note_text(settings: Settings, path: Path) -> None:
    _note(settings, TEXTS, str(path))


def _note(settings: Settings, key: str, value: str) -> None:
    known = _read(settings, key)
    if known[:1] != [value]:
        settings.set(key, [value, *(old for old in known if old != value)][:MOST])


def texts(settings: Settings) -> list[Path]:
    return [Path(found) for found in _read(settings, TEXTS) if Path(found).is_file()]


def _read(settings: Settings, key: str) -> list[str]:
    found = settings.get(key, [])
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []
