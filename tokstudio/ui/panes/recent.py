"""Files and tokenizers opened lately, remembered across starts."""

from pathlib import Path

from tokstudio.ui.context import Settings

MOST = 12
TEXTS, TOKENIZERS = "recent/texts", "recent/tokenizers"


def note_text(settings: Settings, path: Path) -> None:
    _note(settings, TEXTS, str(path))


def note_tokenizer(settings: Settings, reference: str) -> None:
    """Only files and folders: what has a name is in the list of the machine anyway."""
    if Path(reference).is_absolute():
        _note(settings, TOKENIZERS, reference)


def _note(settings: Settings, key: str, value: str) -> None:
    known = _read(settings, key)
    if known[:1] != [value]:
        settings.set(key, [value, *(old for old in known if old != value)][:MOST])


def texts(settings: Settings) -> list[Path]:
    return [Path(found) for found in _read(settings, TEXTS) if Path(found).is_file()]


def tokenizers(settings: Settings) -> list[str]:
    return [found for found in _read(settings, TOKENIZERS) if Path(found).exists()]


def _read(settings: Settings, key: str) -> list[str]:
    found = settings.get(key, [])
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []
