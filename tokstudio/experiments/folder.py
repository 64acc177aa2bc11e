"""The folder of an experiment: begun with one set of settings, and every file in it whole."""

from pathlib import Path
from typing import Any

from tokstudio.errors import ConfigError
from tokstudio.train.settings import load_toml, to_dict, to_toml


def same_settings(config: Any, folder: Path, *, loose: set[str]) -> None:
    """A folder is resumed only with the settings it was begun with, but for the `loose` ones. Raises ConfigError."""
    path = folder / "config.toml"
    if path.exists():
        before, now = to_dict(load_toml(type(config), path)), to_dict(config)
        changed = [name for name in now if now[name] != before[name] and name not in loose]
        if changed:
            raise ConfigError(
                f"{folder} was begun with another {changed[0]}.", hint="Name another --output folder."
            )
    path.write_text(to_toml(config), encoding="utf-8")


def write(path: Path, text: str) -> None:
    draft = path.with_name("." + path.name)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
