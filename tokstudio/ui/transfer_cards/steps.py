"""A change of the settings in words, for undo."""

from typing import Any

from tokstudio.train.config import TransferConfig
from tokstudio.train.settings import to_dict
from tokstudio.ui.transfer_cards.form import flat, settings

SHORT = 24  # letters of a value that are told


def words_of(before: TransferConfig, after: TransferConfig) -> tuple[str, str]:
    """What is told, and the name of the one setting that has changed, or ""."""
    values = flat(to_dict(before)), flat(to_dict(after))
    changed = [name for name, value in values[1].items() if value != values[0].get(name)]
    if len(changed) != 1:
        return f"{len(changed)} settings", ""
    name = changed[0]
    titles = {path: field.metadata.get("title", path) for _, path, field, _ in settings(TransferConfig)}
    return (
        f"{titles[name].lower() if titles[name][1:2].islower() else titles[name]} {_short(values[1][name])}",
        name,
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_short, value)) or "none"
    words = {True: "on", False: "off", "": "none"}.get(value) if isinstance(value, bool | str) else None
    text = words or (f"{value:g}" if isinstance(value, float) else str(value))
    return text if len(text) <= SHORT else f"\N{HORIZONTAL ELLIPSIS}{text[1 - SHORT :]}"
