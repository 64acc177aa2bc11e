"""The frozen settings of runs, side by side."""

import tomllib
from pathlib import Path
from typing import Any


def flat(folder: Path) -> dict[str, Any]:
    """`config.toml` as dotted names, {} where it cannot be read."""
    try:
        return _flat(tomllib.loads((folder / "config.toml").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _flat(data: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        found |= _flat(value, f"{path}{name}.") if isinstance(value, dict) else {path + name: value}
    return found


def difference(folders: list[Path]) -> list[tuple[str, list[Any]]]:
    """(setting, its value in each run) for those that are not the same in all; None where a run does not have it."""
    configs = [flat(folder) for folder in folders]
    names = dict.fromkeys(name for config in configs for name in config)
    rows = ((name, [config.get(name) for config in configs]) for name in names)
    return [(name, values) for name, values in rows if any(value != values[0] for value in values[1:])]
