"""What a person changed while a run was going: the learning rate, the number of steps.

Each change has the step from which it counts, and lies in the run's folder. So a resumed run does the same again,
to the bit, and a run that went back to an older checkpoint changes where it changed before.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from tokstudio.events import Changed, Log, RunEvent
from tokstudio.train.ranks import here

NAMES = {"steps": "Steps", "learning_rate": "Learning rate"}


@dataclass(frozen=True)
class Change:
    step: int  # the first one that it does not count for
    name: str
    value: float


class Changes:
    """Those of one run folder, in the order in which they came."""

    def __init__(self, folder: Path):
        self._path = folder / "changes.json"
        self._all: list[Change] = []
        if self._path.exists():
            self._all = [Change(**entry) for entry in json.loads(self._path.read_text())]

    def forget(self) -> None:
        """The run starts from nothing."""
        self._all = []
        if here().first:
            self._path.unlink(missing_ok=True)

    def value(self, name: str, step: int, default: float) -> float:
        """What holds after `step` steps."""
        found = [change.value for change in self._all if change.name == name and change.step <= step]
        return found[-1] if found else default

    def steps(self, step: int, default: int) -> int:
        """How many steps the run has in all; never fewer than are done."""
        return max(step, int(self.value("steps", step, default)))

    def last(self, name: str, default: float) -> float:
        """What holds at the end."""
        return self.value(name, 1 << 62, default)

    def take(self, request: str, step: int, before: dict[str, float], first: int = 0) -> RunEvent:
        """`request`: "set NAME VALUE". A request that makes no sense is told, and nothing changes. Numbers of steps in
        `request` and `before` count `first` steps of an earlier stage, too."""
        words = request.split()
        name, number = (words[1], _number(words[2])) if len(words) == 3 else ("", math.nan)
        if name not in before or not math.isfinite(number) or number <= 0:
            known = ", ".join(before)
            return Log(level="warn", message=f"{request!r} was asked for; what can be set is: {known}.")
        if name == "steps":
            number = float(max(step + first, round(number)))
        kept = number - first if name == "steps" else number
        self._all = [c for c in self._all if c.step <= step] + [Change(step, name, kept)]
        if here().first:
            draft = self._path.with_name("." + self._path.name)
            draft.write_text(json.dumps([asdict(change) for change in self._all], indent=1))
            draft.replace(self._path)
        return Changed(step=step, name=name, before=before[name], after=number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
