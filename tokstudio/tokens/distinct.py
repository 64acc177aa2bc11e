"""`numpy.unique` without its price: the first call of it imports `numpy.ma`, 50 ms of the window's start."""

import numpy as np


def distinct(values: np.ndarray) -> np.ndarray:
    """The values of a one-dimensional array, each once, ascending."""
    ordered = np.sort(values)
    return ordered[_firsts(ordered)]


def counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`distinct(values)` and how often each occurs, int64."""
    ordered = np.sort(values)
    firsts = np.flatnonzero(_firsts(ordered))
    return ordered[firsts], np.diff(np.append(firsts, len(ordered)))


def _firsts(ordered: np.ndarray) -> np.ndarray:
    """bool [n]: is the value another one than that before it?"""
    return np.append(np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[:-1])
