"""Where things live on disk: bundled resources, the cache, the runs folder, the settings."""

import os
import sys
from importlib.resources import files
from pathlib import Path


def resource(name: str) -> Path:
    """Path of a bundled file, e.g. `resource("icons/app.svg")`.

    Wheels and frozen apps carry `resources/` as `tokstudio/_resources`; a checkout has it next to the package.
    """
    package = Path(str(files("tokstudio")))
    for root in (package / "_resources", package.parent / "resources"):
        if (path := root / name).exists():
            return path
    raise FileNotFoundError(f"bundled resource {name!r} is missing: the installation is incomplete")


def data_home() -> Path:
    """Folder for what must survive: runs, sessions, settings. `TOKSTUDIO_HOME` overrides it."""
    if home := os.environ.get("TOKSTUDIO_HOME"):
        return Path(home).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "Tokstudio"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Tokstudio"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "tokstudio"


def runs_folder() -> Path:
    """Where run folders are made. Not created here: a read must not write."""
    return data_home() / "runs"


def cache_folder() -> Path:
    """Folder for what can be made again, e.g. image pyramids."""
    if home := os.environ.get("TOKSTUDIO_HOME"):
        return Path(home).expanduser() / "cache"
    if sys.platform in ("win32", "darwin"):
        return data_home() / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tokstudio"
