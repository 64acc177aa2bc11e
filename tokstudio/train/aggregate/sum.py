"""The sum of the losses, each times its weight."""

from tokstudio.train.aggregate.base import Aggregator, aggregator


@aggregator("sum", title="Weighted sum")
class Sum(Aggregator):
    def __init__(self, model, weights, config=None):
        super().__init__(model, weights)
        self.weights = self.fixed

    def backward(self, means) -> None:
        loss = sum(self.weights[name] * mean for name, mean in means.items())
        if loss.requires_grad:
            loss.backward()

    def finish(self, values):
        return self.weights
