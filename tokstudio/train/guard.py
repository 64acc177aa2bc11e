"""What happens when a loss or a gradient is no number: back to a good checkpoint, and on with half the rate."""

from collections.abc import Sequence
from typing import Any


class Guard:
    def __init__(self, recoveries: int):
        self.allowed, self.used = recoveries, 0
        self.factor = 1.0  # of the learning rate
        self._last: int | None = None

    def back_to(self, step: int, saved: Sequence[int]) -> int | None:
        """The checkpoint to go back to, or None: there is none, or it did not help often enough. What failed again
        before it got further than the last time may have begun in the checkpoint, so the one before is taken."""
        if self.used >= self.allowed or not saved:
            return None
        older = [s for s in saved if s < step]
        if self._last is not None and step <= self._last and len(saved) > 1:
            older = [s for s in saved if s < saved[-1]]
        self.used += 1
        self.factor *= 0.5
        self._last = step
        return older[-1] if older else saved[0]

    def told(self, step: int, kept: int) -> str:
        return (
            f"The loss or its gradient became NaN or infinite at step {step + 1:,}: back to the checkpoint at step "
            f"{kept:,}, and on with {self.factor:g} of the learning rate."
        )

    def state(self) -> dict[str, Any]:
        return {"factor": self.factor, "used": self.used}

    def load(self, state: dict[str, Any]) -> None:
        self.factor, self.used = state.get("factor", 1.0), state.get("used", 0)
