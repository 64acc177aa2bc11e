"""Trackio, in its own folder on this machine, where `trackio show` finds it."""

import contextlib
import io
import os
from pathlib import Path

from tokstudio.runs.configs import flat
from tokstudio.runs.tracking import Tracking

ELSEWHERE = (
    "TRACKIO_SPACE_ID",
    "TRACKIO_SERVER_URL",
    "TRACKIO_WEBHOOK_URL",
    "TRACKIO_BUCKET_ID",
    "TRACKIO_DATASET_ID",
)


def open_sink(folder: Path, settings: Tracking) -> "TrackioSink":
    for name in ELSEWHERE:  # each of them would make it write over the network
        os.environ.pop(name, None)
    return TrackioSink(folder, settings)


class TrackioSink:
    def __init__(self, folder: Path, settings: Tracking):
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):  # it greets at length
            self._run = trackio.init(
                project=settings.project,
                name=folder.name,
                config=flat(folder),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def write(self, step: int, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def close(self, failed: bool) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            self._run.finish()
