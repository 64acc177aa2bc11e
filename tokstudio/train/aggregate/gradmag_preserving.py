"""As gradmag, with weights that sum to 1: the size of the objective stays that of a mean of the losses."""

from tokstudio.train.aggregate.base import aggregator
from tokstudio.train.aggregate.gradmag import GradMag


@aggregator("gradmag_preserving", title="Equal gradients in the last block, weights that sum to 1")
class GradMagPreserving(GradMag):
    def factors(self, norms):
        found = super().factors(norms)
        total = sum(found.values())
        return {name: value / total for name, value in found.items()} if total else found
