"""What a way to aggregate is. The losses of a step arrive in one or several batches; gradients end in `.grad`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokstudio.registry import Registry
from tokstudio.train.ranks import here

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Aggregator:
    """`weights` [name]: the factors the settings give, before anything is learnt or measured."""

    def __init__(self, model: "torch.nn.Module", weights: Mapping[str, float]):
        self.model, self.fixed = model, dict(weights)

    def begin(self, step: int, total: int, batches: int) -> None:
        """A step begins, the `step`-th of `total`, in `batches` parts."""

    def backward(self, means: Mapping[str, "Tensor"]) -> None:
        """One part: each objective's sum over the part, divided by its count over the whole step."""
        raise NotImplementedError

    def gather(self) -> None:
        """All parts of this rank are in: gradients of the other ranks are added."""
        here().add_gradients(self.model)

    def finish(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """All parts are in: gradients are complete after this. `values` are the objectives' losses of the step.
        Returns the factor of each loss in this step."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, as JSON holds it."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class Entry:
    name: str
    title: str
    build: Callable[["torch.nn.Module", Mapping[str, float], Any], Aggregator]


AGGREGATORS: Registry[Entry] = Registry("tokstudio.train.aggregate")


def aggregator(name: str, *, title: str) -> Callable[[Any], Any]:
    """Register a class whose constructor takes (model, weights, config: AggregateConfig)."""

    def register(build):
        AGGREGATORS.add(name, Entry(name, title, build))
        return build

    return register


class PerObjective(Aggregator):
    """Each objective's gradient apart, summed over the parts of a step, then combined: whatever a rule makes of
    them does not depend on how a step is split. Costs one backward pass and one set of gradients an objective."""

    def __init__(self, model: "torch.nn.Module", weights: Mapping[str, float]):
        super().__init__(model, weights)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.gradients: dict[str, list[Tensor | None]] = {}

    def begin(self, step: int, total: int, batches: int) -> None:
        self.gradients = {}

    def backward(self, means: Mapping[str, "Tensor"]) -> None:
        import torch

        wanted = {name: mean for name, mean in means.items() if mean.requires_grad}
        for number, (name, mean) in enumerate(wanted.items()):
            found = torch.autograd.grad(
                mean, self.parameters, retain_graph=number < len(wanted) - 1, allow_unused=True
            )
            kept = self.gradients.setdefault(name, [None] * len(self.parameters))
            for i, gradient in enumerate(found):
                if gradient is not None:
                    kept[i] = gradient if kept[i] is None else kept[i] + gradient

    def gather(self) -> None:
        none = [None] * len(self.parameters)
        if here().size > 1:
            found = {n: here().add_up(self.gradients.get(n, none), self.parameters) for n in self.fixed}
            self.gradients = {n: g for n, g in found.items() if any(part is not None for part in g)}

    def write(self, factors: Mapping[str, float]) -> None:
        """`.grad` becomes the sum of the gradients times their factors."""
        for i, parameter in enumerate(self.parameters):
            parts = [factors[n] * g[i] for n, g in self.gradients.items() if g[i] is not None]
            parameter.grad = sum(parts[1:], parts[0]) if parts else None
        self.gradients = {}

    def norms(self, parameters: Sequence["Tensor"]) -> dict[str, float]:
        """Norm of each objective's gradient over `parameters`."""
        import torch

        chosen = {id(p) for p in parameters}
        places = [i for i, p in enumerate(self.parameters) if id(p) in chosen]
        found = {}
        for name, gradients in self.gradients.items():
            parts = [gradients[i].norm() for i in places if gradients[i] is not None]
            found[name] = float(torch.stack(parts).norm()) if parts else 0.0
        return found


def last_block(model: "torch.nn.Module") -> list["Tensor"]:
    """Trained parameters of the last layer of the longest list of layers; of the whole model where it has none."""
    import torch

    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m)]
    layers = max(lists, key=lambda m: sum(p.numel() for p in m.parameters()), default=None)
    found = [] if layers is None else [p for p in layers[-1].parameters() if p.requires_grad]
    return found or [p for p in model.parameters() if p.requires_grad]
