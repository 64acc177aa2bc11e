"""The weighted sum, with weights that move: linear rises from 0, cosine falls to 0, reverse_cosine rises from 0."""

import math

from tokstudio.errors import ConfigError
from tokstudio.train.aggregate.base import aggregator
from tokstudio.train.aggregate.sum import Sum

SCHEDULES = {
    "constant": lambda share: 1.0,
    "linear": lambda share: share,
    "cosine": lambda share: 0.5 + 0.5 * math.cos(math.pi * share),
    "reverse_cosine": lambda share: 0.5 - 0.5 * math.cos(math.pi * share),
}


def checked(names: tuple[str, ...], objectives: int) -> tuple[str, ...]:
    """One name for each objective; none at all: constant. Raises ConfigError."""
    names = names or ("constant",) * objectives
    if len(names) != objectives or not set(names) <= set(SCHEDULES):
        raise ConfigError(
            f"aggregate.schedules is {', '.join(names)}; there are {objectives} objectives.",
            hint=f"Give each objective one of {', '.join(SCHEDULES)}.",
        )
    return names


@aggregator("scheduled", title="Weights that move over the run")
class Scheduled(Sum):
    def __init__(self, model, weights, config):
        super().__init__(model, weights, config)
        names = checked(config.schedules, len(weights))
        self.schedules = dict(zip(weights, names, strict=True))

    def begin(self, step, total, batches) -> None:
        share = step / max(1, total - 1)
        self.weights = {n: w * SCHEDULES[self.schedules[n]](share) for n, w in self.fixed.items()}
