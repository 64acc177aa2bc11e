"""How far two distributions over the same classes are apart."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def distribution_distance(
    teacher: "torch.Tensor", student: "torch.Tensor", *, direction: str, temperature: float = 1.0
) -> "torch.Tensor":
    """[n] from logits [n, c]; times temperature squared, so that gradients keep their size.

    forward: KL(teacher || student). reverse: KL(student || teacher). js: the mean of both against the mixture.
    """
    import torch

    p, q = (torch.log_softmax(x / temperature, -1) for x in (teacher, student))
    return log_distance(p, q, direction) * temperature**2


def log_distance(p: "torch.Tensor", q: "torch.Tensor", direction: str) -> "torch.Tensor":
    """[n] from log-probabilities [n, c]; -inf is probability 0."""
    import torch

    if direction == "forward":
        return _kl(p, q)
    if direction == "reverse":
        return _kl(q, p)
    mixture = torch.logaddexp(p, q) - math.log(2)
    return 0.5 * (_kl(p, mixture) + _kl(q, mixture))


def _kl(p: "torch.Tensor", q: "torch.Tensor") -> "torch.Tensor":
    import torch

    some = p > -torch.inf
    gap = torch.where(some, p, 0.0) - torch.where(some, q, 0.0)
    return torch.where(some, p.exp() * gap, 0.0).sum(-1)
