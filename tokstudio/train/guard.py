"""What happens when a loss or a gradient is no number: back to a good state, and on with half the rate.

A good state is a checkpoint or, until there are as many of those as are kept, the start (`checkpoint.START`). What
fails again at the same step fails at any rate, so the batch of that step is left out then.
"""

from collections.abc import Sequence
from typing import Any


class Guard:
    def __init__(self, recoveries: int):
        self.allowed, self.used = recoveries, 0
        self.factor = 1.0  # of the learning rate
        self.skipped: set[int] = set()  # steps whose batch is left out
        self._last: int | None = None

    def back_to(self, step: int, saved: Sequence[int]) -> int | None:
        """The state to go back to, or None: there is none, or it did not help often enough. What failed again
        before it got further than the last time may have begun in the checkpoint, so the one before is taken."""
        if self.used >= self.allowed or not saved:
            return None
        older = [s for s in saved if s < step]
        if self._last is not None and step <= self._last and len(saved) > 1:
            older = [s for s in saved if s < saved[-1]]
        kept = older[-1] if older else saved[0]
        if kept == step or step == self._last:
            self.skipped.add(step)
        if kept != step:  # else no step was taken in between, and the rate is not to blame
            self.factor *= 0.5
        self.used += 1
        self._last = step
        return kept

    def told(self, step: int, kept: int) -> str:
        place = f"the checkpoint at step {kept:,}" if kept else "the start"
        found = [f"back to {place}"] if kept != step else []
        found += [f"on with {self.factor:g} of the learning rate"] if kept != step else []
        found += ["its batch is left out"] if step in self.skipped else []
        return f"The loss or its gradient became NaN or infinite at step {step + 1:,}: {', '.join(found)}."

    def state(self) -> dict[str, Any]:
        return {"factor": self.factor, "used": self.used, "skipped": sorted(self.skipped)}

    def load(self, state: dict[str, Any]) -> None:
        self.factor, self.used = state.get("factor", 1.0), state.get("used", 0)
        self.skipped = set(state.get("skipped", ()))
