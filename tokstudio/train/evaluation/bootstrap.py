"""How sure a figure is: the same measure on texts drawn again, with replacement, from those that were measured.

Paired: two models are compared on the same draw each time, so that what is hard for both does not blur the
difference between them.
"""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
_DRAWS_AT_ONCE = 1 << 22  # 32 MB of indices


@dataclass(frozen=True)
class Interval:
    low: float
    high: float
    level: float
    resamples: int
    seed: int


def resampled_ratios(
    top: np.ndarray, bottom: np.ndarray, *, resamples: int = 2000, seed: int = 0
) -> np.ndarray:
    """sum(top) / sum(bottom) over `resamples` draws of the units: [k, resamples] from top [k, n], bottom [n]."""
    random, units = np.random.default_rng(seed), len(bottom)
    size = max(1, _DRAWS_AT_ONCE // units)
    parts = []
    for start in range(0, resamples, size):
        drawn = random.integers(0, units, (min(size, resamples - start), units))
        parts.append(top[:, drawn].sum(-1) / bottom[drawn].sum(-1))
    return np.concatenate(parts, axis=1)


def interval(values: np.ndarray, *, seed: int, level: float = LEVEL) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, len(values), seed)


def summed(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums of `values` [..., n] over equal `groups` [n], in their ascending order: [..., groups]."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.add.reduceat(values[..., order], starts, axis=-1)
