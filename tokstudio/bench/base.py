"""What a benchmark gives: figures with a unit and, where something was promised, a target."""

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tokstudio.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number. A target is an upper limit, or with `at_least` a lower one; None where nothing was
    promised."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""  # how it was measured, in a few words
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """None where there is no target. A value that is no number is never met."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def as_json(self) -> dict[str, Any]:
        """`at_least` is there only where it holds: targets are upper limits otherwise."""
        values = asdict(self) | {"met": self.met}
        return values if self.at_least else {key: values[key] for key in values if key != "at_least"}


@dataclass(frozen=True)
class Benchmark:
    """`measure(repeat)` gives the figures; `repeat` is how often the measured thing is done."""

    name: str
    title: str
    measure: Callable[[int], Iterable[Figure]]


BENCHMARKS: Registry[Benchmark] = Registry("tokstudio.bench")


def benchmark(name: str, *, title: str) -> Callable[[Callable[[int], Iterable[Figure]]], Callable]:
    """Register a function that measures.

    >>> @benchmark("startup", title="From process start to the first colored tokens")
    ... def startup(repeat): yield Figure(name="first_tokens_s", value=0.6, unit="s", target=1.0)
    """

    def register(measure: Callable[[int], Iterable[Figure]]) -> Callable[[int], Iterable[Figure]]:
        BENCHMARKS.add(name, Benchmark(name, title, measure))
        return measure

    return register


def machine() -> dict[str, Any]:
    """What a figure has to be read beside."""
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
