"""Recipes: settings that belong together, with a title and a reason. One TOML file in `resources/recipes` is one.

A recipe is what `tokstudio transfer --config` reads, and a table `recipe` with `title`, `about` and, where it is no
transfer, the `kind` of run; what it does not name keeps its default. No torch here: the window lists them.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tokstudio.errors import ConfigError
from tokstudio.paths import resource
from tokstudio.train.config import TransferConfig
from tokstudio.train.kinds import own_tokenizer
from tokstudio.train.settings import from_dict


@dataclass(frozen=True)
class Recipe:
    name: str
    title: str
    about: str
    config: TransferConfig
    kind: str = "transfer"  # of run: see train/kinds.py


def recipes() -> tuple[Recipe, ...]:
    """All of them, by name."""
    return tuple(read_recipe(path) for path in sorted(resource("recipes").glob("*.toml")))


def recipe(name: str) -> Recipe:
    """Raises ConfigError with the names there are."""
    known = {path.stem: path for path in sorted(resource("recipes").glob("*.toml"))}
    if name not in known:
        raise ConfigError(f"There is no recipe {name!r}.", hint=f"Known: {', '.join(known)}.")
    return read_recipe(known[name])


def read_recipe(path: Path) -> Recipe:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    told = data.pop("recipe")
    config, kind = from_dict(TransferConfig, data), told.get("kind", "transfer")
    if kind != "transfer":
        config = own_tokenizer(config)
    return Recipe(path.stem, told["title"], told["about"], config, kind)
