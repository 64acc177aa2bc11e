"""Weights that are learnt so that objectives train at similar rates (GradNorm, arXiv 1711.02257).

With n_i the norm of objective i's gradient in the last block, w_i its weight, and r_i its loss beside its first one,
divided by the mean of that over all objectives, w moves along the gradient of

    sum_i | w_i n_i - mean_j(w_j n_j) r_i^alpha |        (the right side held fixed)

by Adam, and is scaled back to its first sum. Weights do not fall below 0.
"""

from tokstudio.train.aggregate.base import aggregator
from tokstudio.train.aggregate.gradmag import GradMag

BETA1, BETA2, TINY = 0.9, 0.999, 1e-8


@aggregator("gradnorm", title="Learnt weights (GradNorm)")
class GradNorm(GradMag):
    def __init__(self, model, weights, config):
        super().__init__(model, weights)
        self.rate, self.alpha = config.gradnorm_rate, config.gradnorm_alpha
        self.learnt = dict(self.fixed)
        self.first: dict[str, float] = {}
        self.moments = {name: [0.0, 0.0] for name in self.fixed}
        self.time = 0
        self.seen: dict[str, float] = {}

    def factors(self, norms):
        self.seen = norms
        return {name: self.learnt[name] for name in norms}

    def finish(self, values):
        used = super().finish(values)
        for name, value in values.items():
            self.first.setdefault(name, max(value, TINY))
        if len(self.seen) > 1:
            self._learn(values)
        return used

    def _learn(self, values) -> None:
        names = list(self.seen)
        pulls = {n: self.learnt[n] * self.seen[n] for n in names}
        rates = {n: values[n] / self.first[n] for n in names}
        mean_pull, mean_rate = (sum(d.values()) / len(names) for d in (pulls, rates))
        self.time += 1
        for n in names:
            wanted = mean_pull * (max(rates[n], 0.0) / max(mean_rate, TINY)) ** self.alpha
            off = pulls[n] - wanted
            slope = self.seen[n] * ((off > 0) - (off < 0))
            first, second = self.moments[n]
            first, second = BETA1 * first + (1 - BETA1) * slope, BETA2 * second + (1 - BETA2) * slope * slope
            self.moments[n] = [first, second]
            step = (first / (1 - BETA1**self.time)) / ((second / (1 - BETA2**self.time)) ** 0.5 + TINY)
            self.learnt[n] = max(0.0, self.learnt[n] - self.rate * step)
        total, kept = sum(self.learnt[n] for n in names), sum(self.fixed[n] for n in names)
        if total > 0:
            self.learnt.update({n: self.learnt[n] * kept / total for n in names})

    def state(self):
        return {"learnt": self.learnt, "first": self.first, "moments": self.moments, "time": self.time}

    def load(self, state) -> None:
        self.learnt, self.first = dict(state["learnt"]), dict(state["first"])
        self.moments, self.time = {n: list(m) for n, m in state["moments"].items()}, state["time"]
