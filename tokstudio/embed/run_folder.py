"""What the folder of a run says about its models: which it began with, and which checkpoints it keeps."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tokstudio.errors import InputError

CONFIG, STATE = "config.toml", "state.json"


@dataclass(frozen=True)
class Stop:
    """One look at the model of a run. `step` is None for the export of a run whose last step has no checkpoint."""

    step: int | None
    path: Path


@dataclass(frozen=True)
class RunModels:
    """What a run began with, as its frozen settings say. `steps`: how many it was to do, 0 where that is unknown."""

    model: str
    tokenizer: str
    steps: int


def run_models(folder: Path) -> RunModels:
    """Raises InputError where the folder is not that of a run with a language model."""
    try:
        found = tomllib.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model = found["model"]
        tokenizer = found.get("tokenizer") or model
        steps = found.get("train", {}).get("steps", 0)
        if not isinstance(model, str) or not isinstance(tokenizer, str) or not isinstance(steps, int):
            raise ValueError
    except (OSError, ValueError, KeyError, AttributeError):
        raise InputError(
            f"{folder.name} is not the folder of a run that trains a model.",
            hint="Choose a folder below runs that holds config.toml.",
        ) from None
    return RunModels(model, tokenizer, steps)


def checkpoints(folder: Path) -> list[Stop]:
    """Those that are complete, by their steps. A folder without its state is still being written."""
    places = (folder / "checkpoints").glob("step-*")
    found = [
        Stop(int(name[1]), place)
        for place in places
        if (name := re.fullmatch(r"step-(\d+)", place.name)) and (place / STATE).is_file()
    ]
    return sorted(found, key=lambda stop: stop.step)


def tokenizer_of_checkpoint(folder: Path) -> str:
    """Reference of the tokenizer that a checkpoint is trained for: it holds weights alone. "" for other folders."""
    if folder.parent.name != "checkpoints":
        return ""
    try:
        return run_models(folder.parents[1]).tokenizer
    except InputError:
        return ""
