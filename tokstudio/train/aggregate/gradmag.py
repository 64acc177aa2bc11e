"""Every objective pulls equally hard at the last block: each loss is divided by the norm n_i of its gradient there.

    objective = sum_i w_i L_i / (n_i + 1e-8)

The scale of a loss then does not matter; the weights w_i of the settings say how hard each may pull. A step in one
part takes the gradients of the last block first and goes backward once; a step in several parts needs a whole
gradient for each objective.
"""

from tokstudio.train.aggregate.base import PerObjective, aggregator, last_block

SMALLEST = 1e-8


@aggregator("gradmag", title="Equal gradients in the last block")
class GradMag(PerObjective):
    def __init__(self, model, weights, config=None):
        super().__init__(model, weights)
        self.block = last_block(model)
        self.parts, self.weights = 1, self.fixed

    def begin(self, step, total, batches) -> None:
        super().begin(step, total, batches)
        self.parts, self.weights = batches, self.fixed

    def factors(self, norms: dict[str, float]) -> dict[str, float]:
        return {name: self.fixed[name] / (norm + SMALLEST) for name, norm in norms.items()}

    def backward(self, means) -> None:
        import torch

        if self.parts > 1:
            super().backward(means)
            return
        wanted = {name: mean for name, mean in means.items() if mean.requires_grad}
        if not wanted:
            return
        norms = {}
        for name, mean in wanted.items():
            found = torch.autograd.grad(mean, self.block, retain_graph=True, allow_unused=True)
            norms[name] = float(
                torch.stack([g.norm() for g in found if g is not None] or [torch.zeros(())]).norm()
            )
        self.weights = {**self.fixed, **self.factors(norms)}
        sum(self.weights[name] * mean for name, mean in wanted.items()).backward()

    def finish(self, values):
        if self.parts > 1 and self.gradients:
            self.weights = {**self.fixed, **self.factors(self.norms(self.block))}
            self.write(self.weights)
        return self.weights
