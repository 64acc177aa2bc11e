"""Gradients that pull against each other lose what they disagree about (PCGrad, arXiv 2001.06782).

For each objective i and each other j in the settings' order: where <g_i, g_j> < 0 over all weights, g_i loses its
part along the untouched g_j. The step is the weighted sum of what is left.
"""

from tokstudio.train.aggregate.base import PerObjective, aggregator


@aggregator("pcgrad", title="Conflicts projected away (PCGrad)")
class PcGrad(PerObjective):
    def __init__(self, model, weights, config=None):
        super().__init__(model, weights)

    def finish(self, values):
        known = {name: list(gradients) for name, gradients in self.gradients.items()}
        for name, own in self.gradients.items():
            for other, theirs in known.items():
                if other == name:
                    continue
                dot, size = _dot(own, theirs), _dot(theirs, theirs)
                if dot < 0 < size:
                    for i, gradient in enumerate(theirs):
                        if gradient is not None:
                            own[i] = (
                                -dot / size * gradient if own[i] is None else own[i] - dot / size * gradient
                            )
        self.write(self.fixed)
        return self.fixed


def _dot(a, b) -> float:
    import torch

    parts = [
        torch.sum(x * y, dtype=torch.float64)
        for x, y in zip(a, b, strict=True)
        if x is not None and y is not None
    ]
    return float(torch.stack(parts).sum()) if parts else 0.0
