"""A run from its start or a checkpoint to its end, and what it told."""

from collections.abc import Iterable
from pathlib import Path

from tokstudio.events import Metrics, RunEvent
from tokstudio.train.config import TransferConfig
from tokstudio.train.control import Control, NoControl
from tokstudio.train.transfer import run


def losses(events: Iterable[RunEvent]) -> dict[int, float]:
    """Step -> loss, of the steps that learnt."""
    return {
        e.step: e.values["loss"] for e in events if isinstance(e, Metrics) and "learning_rate" in e.values
    }


def go(
    config: TransferConfig, folder: Path, resume: bool = False, control: Control | None = None
) -> list[RunEvent]:
    folder.mkdir(exist_ok=True)
    return list(run(config, folder, control or NoControl(), resume))
