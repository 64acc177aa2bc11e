"""What in a run wants a person: numbers that are none, a loss far above its range, no heartbeat, a full disk."""

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokstudio.runs.files import read_json
from tokstudio.runs.state import RunState

WINDOW = 200  # steps that a loss is measured against
ENOUGH = 30  # of them, before anything is said
TIMES = 3.0  # a loss so many times the 99th percentile of its window
FEW = 3  # steps in a row
SILENT = 30.0  # seconds
DISK = 2e9  # bytes
MEMORY = 0.95  # of what there is


@dataclass(frozen=True)
class Alarm:
    kind: str
    message: str
    hint: str


def of_state(state: RunState) -> list[Alarm]:
    """What the numbers say."""
    found = []
    loss = state.columns.get("loss")
    if loss and not math.isfinite(loss.values[-1]):
        found.append(
            Alarm(
                "nan",
                f"The loss is no number since step {int(loss.steps[-1]):,}.",
                "Set a lower learning rate.",
            )
        )
    elif loss and len(loss) > ENOUGH + FEW:
        before, now = loss.values[-WINDOW - FEW : -FEW], loss.values[-FEW:]
        limit = TIMES * float(np.nanpercentile(before, 99))
        if limit > 0 and bool((now > limit).all()):
            found.append(
                Alarm(
                    "loss",
                    f"The loss is {now[-1]:.3g}, far above its range of the last {len(before)} steps.",
                    "Pause the run, set a lower learning rate, or go back to a checkpoint.",
                )
            )
    memory, total = state.latest("memory_bytes"), state.reference("memory_total")
    if memory and total is not None and total.value and memory > MEMORY * total.value:
        found.append(
            Alarm(
                "memory",
                f"The run uses {100 * memory / total.value:.0f} % of the memory.",
                "Choose a smaller batch.",
            )
        )
    return found


def of_folder(folder: Path, now: float | None = None) -> list[Alarm]:
    """What the run's folder and its disk say. Reads files."""
    found = []
    state = read_json(folder / "state.json")
    quiet = (now or time.time()) - float(state.get("heartbeat") or 0)
    if state.get("state") in ("preparing", "running", "paused", "stopping") and quiet > SILENT:
        found.append(
            Alarm(
                "silent", f"Nothing was heard of the run for {quiet:.0f} s.", "End the process, then resume."
            )
        )
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return found
    if free < DISK:
        found.append(
            Alarm(
                "disk",
                f"{free / 1e9:.1f} GB are left on the disk of the runs.",
                "Free some space, or park the run.",
            )
        )
    return found
