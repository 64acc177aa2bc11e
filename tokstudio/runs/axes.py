"""Steps as what else a run can be measured by: tokens or bytes that were read, seconds of training."""

import numpy as np

from tokstudio.runs.state import RunState

AXES = ("step", "tokens", "bytes", "seconds")
SPEEDS = {"tokens": "tokens_per_second", "bytes": "bytes_per_second"}


class Axis:
    """Where steps lie on an axis. Falls back to steps where a run does not tell how long they took."""

    def __init__(self, state: RunState, name: str = "step"):
        seconds, speed = state.columns.get("seconds"), state.columns.get(SPEEDS.get(name, ""))
        self.name, self._steps, self._sums = "step", None, None
        if name == "step" or not seconds or (name in SPEEDS and not speed):
            return
        values = np.nan_to_num(seconds.values)
        if speed:
            values = values * np.interp(seconds.steps, speed.steps, np.nan_to_num(speed.values))
        self.name = name
        self._steps = np.concatenate([[0], seconds.steps])
        self._sums = np.concatenate([[0.0], np.cumsum(values)])

    def of(self, steps: np.ndarray) -> np.ndarray:
        """[n], ascending where `steps` are."""
        return steps if self._sums is None else np.interp(steps, self._steps, self._sums)

    def back(self, x: float) -> int:
        """The step that lies at `x`."""
        return round(x if self._sums is None else float(np.interp(x, self._sums, self._steps)))
