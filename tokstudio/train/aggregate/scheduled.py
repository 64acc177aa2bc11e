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


@aggregator("scheduled", title="Weights that move over the run")
class Scheduled(Sum):
    def __init__(self, model, weights, config):
        super().__init__(model, weights, config)
        names = config.schedules or ("constant",) * len(weights)
        if len(names) != len(weights) or not set(names) <= set(SCHEDULES):
            raise ConfigError(
                f"aggregate.schedules needs one of {', '.join(SCHEDULES)} for each of {len(weights)} objectives."
            )
        self.schedules = dict(zip(weights, names, strict=True))

    def begin(self, step, total, batches) -> None:
        share = step / max(1, total - 1)
        self.weights = {n: w * SCHEDULES[self.schedules[n]](share) for n, w in self.fixed.items()}
