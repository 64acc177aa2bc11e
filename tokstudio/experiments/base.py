"""What tells experiments apart; running, resuming and comparing their arms is the same for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokstudio.train.config import TrainConfig


@dataclass(frozen=True)
class Prepared:
    """What all arms share."""

    corpus: str
    target: str
    references: dict[str, float]  # bits per byte to read figures beside


def _nothing(config: Any, prepared: Prepared, folder: Path) -> Mapping[str, float]:
    return {}


@dataclass(frozen=True)
class Design:
    """Arms have a `name` and a `title`; settings have `name`, `arms`, `seeds` and `steps`."""

    arms: Mapping[str, Any]
    stages: Mapping[str, str]  # figure of a run -> head of its column; "end" is among them
    check: Callable[[Any], None]  # raises ConfigError
    prepare: Callable[[Any, Path], Prepared]
    transfer: Callable[[Any, Any, Prepared, int], Any]  # (config, arm, prepared, seed) -> TransferConfig
    after: Callable[[Any, Prepared, Path], Mapping[str, float]] = _nothing  # more figures of a finished run
    one_start: bool = False  # every arm and seed starts from the same model: it is measured once


def train_config(config: Any, steps: int, seed: int) -> TrainConfig:
    """Of one arm: measured often, one checkpoint, no samples."""
    return TrainConfig(
        steps=steps,
        batch_size=config.batch_size,
        seed=seed,
        device=config.device,
        threads=config.threads,
        evaluate_every=config.evaluate_every,
        checkpoint_every=config.evaluate_every,
        sample_every=1_000_000,
        sample_tokens=1,
        keep_checkpoints=1,
    )


def design_of(config: Any) -> Design:
    """By the class of the settings."""
    from tokstudio.experiments import config as initializations
    from tokstudio.experiments import distil

    known = {initializations.ExperimentConfig: initializations, distil.DistilConfig: distil}
    return known[type(config)].DESIGN
