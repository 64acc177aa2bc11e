"""Weights & Biases. "offline" writes to the folder of the run, from where `wandb sync` can send it later."""

import os
from pathlib import Path

from tokstudio.runs.configs import flat
from tokstudio.runs.files import read_json
from tokstudio.runs.tracking import Tracking


def open_sink(folder: Path, settings: Tracking) -> "WandbSink":
    os.environ["WANDB_ERROR_REPORTING"] = "false"  # read at import: its own reports of faults use the network
    return WandbSink(folder, settings)


class WandbSink:
    def __init__(self, folder: Path, settings: Tracking):
        import wandb

        created = int(read_json(folder / "run.json").get("created", 0))
        quiet = wandb.Settings(
            silent=True, console="off", disable_code=True, disable_git=True, x_disable_stats=True
        )
        self._run = wandb.init(
            project=settings.project,
            name=folder.name,
            id=f"{folder.name}-{created}",  # a resumed run goes on under the same id
            dir=str(folder),
            mode="online" if settings.wandb == "online" else "offline",
            config=flat(folder),
            resume="allow",
            settings=quiet,
        )

    def write(self, step: int, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def close(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))
