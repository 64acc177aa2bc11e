"""Settings as data: one frozen dataclass draws the form, the CLI flags and the row in the docs."""

import dataclasses
import math
import pkgutil
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from tokstudio.errors import ConfigError

T = TypeVar("T")


def setting(
    default: Any,
    title: str,
    help: str = "",
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field that says what it means to people. `low` and `high` are inclusive."""
    metadata = {"title": title, "help": help, "unit": unit, "low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def entries(folder: str) -> tuple[str, ...]:
    """Names of the modules in `tokstudio/train/FOLDER`: there, one file is one entry and has its name. A file that
    is dropped in becomes a choice, and nothing is imported to know it."""
    found = pkgutil.iter_modules([str(Path(__file__).with_name(folder))])
    return tuple(sorted(m.name for m in found if m.name != "base" and not m.name.startswith("_")))


def to_dict(config: Any) -> dict[str, Any]:
    """Nested dicts of what JSON and TOML can hold: tuples become lists."""
    return {f.name: _plain(getattr(config, f.name)) for f in dataclasses.fields(config)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    return list(value) if isinstance(value, tuple) else value


def to_toml(config: Any) -> str:
    import tomli_w

    return tomli_w.dumps(to_dict(config))


def from_dict(cls: type[T], data: dict[str, Any], *, path: str = "") -> T:
    """Build `cls`, nested dataclasses included. Raises ConfigError for an unknown name or a value out of range."""
    known = {f.name: f for f in dataclasses.fields(cls)}
    if unknown := sorted(set(data) - set(known)):
        raise ConfigError(
            f"There is no setting {path}{unknown[0]}.",
            hint=f"Known here: {', '.join(path + n for n in known)}.",
        )
    hints = typing.get_type_hints(cls)
    values = {name: _value(hints[name], known[name], value, path + name) for name, value in data.items()}
    return cls(**values)


def load_toml(cls: type[T], path: Path) -> T:
    """Raises ConfigError where the file is missing, is not TOML, or holds an unknown setting."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no file {path}.", hint="`tokstudio transfer --demo --print-config` writes one."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    return from_dict(cls, data)


def apply_overrides(config: T, overrides: list[str]) -> T:
    """`["train.steps=10"]`: dotted names, values in TOML's notation (a bare word is a string)."""
    data = to_dict(config)
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"{override!r} sets nothing.", hint="Write it as train.steps=10.")
        *sections, key = name.strip().split(".")
        table = data
        for section in sections:
            table = table.get(section)
            if not isinstance(table, dict):
                raise ConfigError(
                    f"There is no setting {name}.", hint=f"Sections: {', '.join(_sections(data))}."
                )
        table[key] = _parse(text.strip())
    return from_dict(type(config), data)


def _sections(data: dict[str, Any]) -> list[str]:
    return [name for name, value in data.items() if isinstance(value, dict)]


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _value(hint: Any, field: dataclasses.Field, value: Any, name: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(
                f"{name} is a section, not a value.", hint=f"Set one of its settings, as {name}.…"
            )
        return from_dict(hint, value, path=name + ".")
    value = _convert(hint, value, name)
    meta = field.metadata
    low, high = meta.get("low"), meta.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = (
            f"at least {low:g}"
            if high is None
            else f"at most {high:g}"
            if low is None
            else f"{low:g} to {high:g}"
        )
        raise ConfigError(f"{name} is {value:g}; it must be {bounds}.")
    for one in value if isinstance(value, tuple) else (value,):
        if meta.get("choices") and one not in meta["choices"]:
            raise ConfigError(f"{name} is {one!r}.", hint=f"It can be: {', '.join(meta['choices'])}.")
    return value


def _convert(hint: Any, value: Any, name: str) -> Any:
    if typing.get_origin(hint) is tuple:
        one = typing.get_args(hint)[0]
        if not isinstance(value, list | tuple):
            parts = str(value).split(",")
            value = parts if one is str else [_parse(part.strip()) for part in parts]
        return tuple(_convert(one, part, name) for part in value)
    wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[hint]
    right = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value, right = float(value), True
    if not right or (hint is float and not math.isfinite(value)):
        raise ConfigError(f"{name} is {value!r}; write {wanted}, for example {name}={_example(hint)}.")
    return value


def _example(hint: type | types.GenericAlias) -> str:
    return {int: "100", float: "0.001", bool: "true", str: "python"}[hint]
