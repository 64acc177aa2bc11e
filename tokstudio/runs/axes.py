"""Steps as what else a run can be measured by: tokens that were read, seconds of training."""

import numpy as np

from tokstudio.runs.state import RunState

AXES = ("step", "tokens", "seconds")


class Axis:
    """Where steps lie on an axis. Falls back to steps where a run does not tell how long they took."""

    def __init__(self, state: RunState, name: str = "step"):
        seconds, speed = state.columns.get("seconds"), state.columns.get("tokens_per_second")
        self.name, self._steps, self._sums = "step", None, None
        if name == "step" or not seconds or (name == "tokens" and not speed):
            return
        values = np.nan_to_num(seconds.values)
        if name == "tokens":
            values = values * np.interp(seconds.steps, speed.steps, np.nan_to_num(speed.values))
        self.name = name
        self._steps = np.concatenate([[0], seconds.steps])
        self._sums = np.concatenate([[0.0], np.cumsum(values)])

    def of(self, steps: np.ndarray) -> np.ndarray:
        """[n], ascending where `steps` are."""
        return steps if self._sums is None else np.interp(steps, self._steps, self._sums)
