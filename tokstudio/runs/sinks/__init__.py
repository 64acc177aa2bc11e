"""Records of other programs, written from a run's events. One file here is one program.

A record never ends a run: what goes wrong with it is told in the log, and the record ends there.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from tokstudio.errors import ConfigError
from tokstudio.events import Log, Metrics, RunEvent, Started
from tokstudio.runs import tracking

TITLES = {"wandb": "Weights & Biases", "trackio": "Trackio"}


class Sink(Protocol):
    """Opened by `open(folder, tracking)` of its file, in the process of the run."""

    def write(self, step: int, values: dict[str, float]) -> None: ...
    def close(self, failed: bool) -> None: ...


Opener = Callable[[str, Path, tracking.Tracking], Sink]


def open_sink(name: str, folder: Path, settings: tracking.Tracking) -> Sink:
    return import_module(f"{__name__}.{name}_sink").open_sink(folder, settings)


class Sinks:
    """All that a run's folder asks for, opened with the first `Started`."""

    def __init__(self, folder: Path, opener: Opener = open_sink):
        self._folder, self._opener = folder, opener
        self._open: dict[str, Sink] = {}
        self._began = False

    def take(self, event: RunEvent) -> list[Log]:
        """Returns what there is to say about it."""
        if isinstance(event, Started) and not self._began:
            self._began = True
            return self._begin()
        if isinstance(event, Metrics):
            values = {name: float(v) for name, v in event.values.items() if isinstance(v, int | float)}
            return self._each(lambda sink: sink.write(event.step, values))
        if event.terminal:
            said = self._each(lambda sink: sink.close(event.kind == "failed"))
            self._open.clear()
            return said
        return []

    def _begin(self) -> list[Log]:
        try:
            settings = tracking.load(self._folder / tracking.FILE)
        except ConfigError as error:
            return [Log(level="warn", message=f"{error} Nothing is recorded for other programs.")]
        said = []
        for name in TITLES:
            if getattr(settings, name) == "off":
                continue
            try:
                self._open[name] = self._opener(name, self._folder, settings)
                said.append(Log(level="info", message=f"Also recorded for {TITLES[name]}"))
            except ImportError:
                hint = f"install it with `pip install tokstudio[{name}]`"
                said.append(Log(level="warn", message=f"{TITLES[name]} is not installed: {hint}."))
            except Exception as error:
                said.append(_trouble(name, error))
        return said

    def _each(self, act: Callable[[Sink], object]) -> list[Log]:
        said = []
        for name, sink in list(self._open.items()):
            try:
                act(sink)
            except Exception as error:
                del self._open[name]
                said.append(_trouble(name, error))
        return said


def _trouble(name: str, error: Exception) -> Log:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Log(level="warn", message=f"The record for {TITLES[name]} ended: {first}")
