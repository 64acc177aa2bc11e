"""How far two log-probabilities of one chunk are apart, seen as two coin flips.

With T, S the log-probabilities that teacher and student give, tau the temperature, a = T / tau - eps and
b = S / tau - eps:

    binary_ce    -[e^a b + (1 - e^a) log(1 - e^b)]                 its least value is the entropy of e^a
    binary_kl    binary_ce - entropy(e^a)                          the same gradient, and 0 where the sides agree
    reverse_kl   e^b (b - a) + (1 - e^b) (log(1 - e^b) - log(1 - e^a))
    tvd          |e^a - e^b|
    renyi        log(e^(alpha a + (1 - alpha) b) + the same of the other outcome) / (alpha - 1)
    limit        (T - S) + T log(S / T)                            what tau * binary_kl tends to; tau plays no part
    absolute     |T - S|                                           the same
    k2           ((T - S) / tau)^2 / 2
    k3           e^r - 1 - r, r = (T - S) / tau
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

EPSILON = 1e-6  # in the scaled domain, so that log(1 - e^x) stays above log(1e-6)
DIVERGENCES = (
    "binary_kl",
    "binary_ce",
    "reverse_kl",
    "tvd",
    "renyi",
    "limit",
    "absolute",
    "k2",
    "k3",
)


def log1mexp(x: "torch.Tensor") -> "torch.Tensor":
    """log(1 - e^x) for x < 0, by the branch that keeps its digits; gradients stay finite on both branches.

    Source: M. Maechler, "Accurately Computing log(1 - exp(-|a|))", 2012.
    """
    import torch

    near = x > -0.6931472
    safe_near = torch.where(near, x, -0.5)  # the dead branch gets an input whose gradient is finite
    safe_far = torch.where(near, -1.0, x)
    return torch.where(near, torch.log(-torch.expm1(safe_near)), torch.log1p(-torch.exp(safe_far)))


def binary_cross_entropy(a: "torch.Tensor", b: "torch.Tensor") -> "torch.Tensor":
    """-[e^a b + (1 - e^a) log(1 - e^b)] for log-probabilities a (wanted) and b (predicted), both below 0."""
    p = a.exp()
    return -(p * b + (1 - p) * log1mexp(b))


def divergence(
    teacher: "torch.Tensor",
    student: "torch.Tensor",
    *,
    temperature: float,
    kind: str,
    renyi_alpha: float = 0.5,
) -> "torch.Tensor":
    """Elementwise, fp32 or better; arguments are log-probabilities of chunks and are clipped at 0."""
    teacher, student = teacher.clamp(max=0), student.clamp(max=0)
    if kind in _UNSCALED:
        return _UNSCALED[kind](teacher, student)
    if kind in _RATIO:
        return _RATIO[kind]((teacher - student) / temperature)
    a, b = teacher / temperature - EPSILON, student / temperature - EPSILON
    return _renyi(a, b, renyi_alpha) if kind == "renyi" else _COINS[kind](a, b)


def _kl(a: "torch.Tensor", b: "torch.Tensor") -> "torch.Tensor":
    return binary_cross_entropy(a, b) - binary_cross_entropy(a, a)


def _reverse_kl(a: "torch.Tensor", b: "torch.Tensor") -> "torch.Tensor":
    q = b.exp()
    return q * (b - a) + (1 - q) * (log1mexp(b) - log1mexp(a))


def _renyi(a: "torch.Tensor", b: "torch.Tensor", alpha: float) -> "torch.Tensor":
    import torch

    if abs(alpha - 1) < 1e-3:  # the limit; nearer to it, the quotient loses its digits
        return _kl(a, b)
    heads = alpha * a + (1 - alpha) * b
    tails = alpha * log1mexp(a) + (1 - alpha) * log1mexp(b)
    return torch.logaddexp(heads, tails) / (alpha - 1)


def _limit(teacher: "torch.Tensor", student: "torch.Tensor") -> "torch.Tensor":
    t, s = teacher.clamp(max=-EPSILON), student.clamp(max=-EPSILON)
    return t - s + t * ((-s).log() - (-t).log())


_Two = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
_COINS: dict[str, _Two] = {
    "binary_ce": binary_cross_entropy,
    "binary_kl": _kl,
    "reverse_kl": _reverse_kl,
    "tvd": lambda a, b: (a.exp() - b.exp()).abs(),
}
_UNSCALED: dict[str, _Two] = {"limit": _limit, "absolute": lambda t, s: (t - s).abs()}
_RATIO: dict[str, Callable[["torch.Tensor"], "torch.Tensor"]] = {
    "k2": lambda r: r * r / 2,
    "k3": lambda r: r.expm1() - r,
}
