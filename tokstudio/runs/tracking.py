"""Which other programs' records a run keeps beside its own: off until a person switches one on.

`tracking.toml` beside the runs folder says what new runs do; it is copied into a run's folder when the run is made,
so a run does what was set then. Only "online" reaches a network.
"""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tokstudio.errors import ConfigError
from tokstudio.paths import data_home
from tokstudio.runs.files import folder_error, write_atomic

FILE = "tracking.toml"
CHOICES = {"wandb": ("off", "offline", "online"), "trackio": ("off", "local")}


@dataclass(frozen=True)
class Tracking:
    wandb: str = "off"
    trackio: str = "off"
    project: str = "tokstudio"

    @property
    def any(self) -> bool:
        return self.wandb != "off" or self.trackio != "off"


def load(path: Path) -> Tracking:
    """What `path` says; all off where there is no such file. Raises ConfigError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Tracking()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint='Write TOML: wandb = "offline"') from None
    return checked(values)


def checked(values: dict) -> Tracking:
    """Raises ConfigError for a name or a value that is none of the known ones."""
    if unknown := set(values) - {field.name for field in fields(Tracking)}:
        raise ConfigError(
            f"There is no setting {sorted(unknown)[0]!r}.", hint="Known: wandb, trackio, project."
        )
    for name, choices in CHOICES.items():
        if values.get(name, "off") not in choices:
            raise ConfigError(f"{name} cannot be {values[name]!r}.", hint=f"Known: {', '.join(choices)}.")
    if not str(values.get("project", "tokstudio")).strip():
        raise ConfigError("The project needs a name.", hint='For example project = "tokstudio".')
    return Tracking(**values)


def settings_file() -> Path:
    return data_home() / FILE


def save(tracking: Tracking, path: Path) -> None:
    """Raises RunError where the folder cannot be written."""
    import tomli_w

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, tomli_w.dumps(asdict(tracking)))
    except OSError as error:
        raise folder_error(path.parent, error) from None


def freeze(folder: Path) -> None:
    """Copies what is set now into the folder of a new run; writes nothing where all is off. Raises ConfigError."""
    if (now := load(settings_file())).any:
        save(now, folder / FILE)
