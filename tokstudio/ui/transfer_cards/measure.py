"""Two steps of the run that is set up, tried before it starts: they correct the estimate."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from tokstudio.errors import TokstudioError
from tokstudio.train.config import TransferConfig
from tokstudio.ui.background import Worker
from tokstudio.ui.transfer_cards.facts import TRANSLATION_STEP

if TYPE_CHECKING:
    from tokstudio.runs.probe import Probe

TICK = 500  # milliseconds between two readings of the clock
ALIKE = ("model", "tokenizer", "mode")  # settings that must be equal for a measurement to say something
START = 15.0  # seconds for imports, corpus, samples and the check of the export
LOW, HIGH = (
    0.9,
    1.5,
)  # of the counted time: two steps know nothing of measurements in between, nor of other programs
USUAL = 30.0  # seconds that a small model takes; the bar never says it is done


class Measuring(QObject):
    """One at a time. Answers for settings that have changed since are still right for the ones they were made of."""

    progressed = Signal(float, float)  # share that is done by guess, seconds so far
    found = Signal(object, object)  # TransferConfig, dict as `Forecast.values` or TokstudioError

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._worker = Worker(self)
        self._worker.done.connect(self._done)
        self._probe: Probe | None = None
        self._config: TransferConfig | None = None
        self._began = 0.0
        self.cancelled = False
        self._timer = QTimer(self, interval=TICK)
        self._timer.timeout.connect(self._tick)

    @property
    def going(self) -> bool:
        return self._config is not None

    def begin(self, config: TransferConfig) -> None:
        if self.going:
            return
        self._config, self._began, self.cancelled = config, time.monotonic(), False
        self._timer.start()
        self._tick()
        self._worker.submit("probe", lambda: self._try(config))

    def cancel(self) -> None:
        """Ends the process; `found` then says so."""
        self.cancelled = True
        if (probe := self._probe) is not None:
            probe.cancel()

    def close(self) -> None:
        self._timer.stop()
        self.cancel()
        self._worker.close()

    def _try(self, config: TransferConfig) -> dict[str, Any]:
        from tokstudio.runs.probe import Probe

        self._probe = Probe(config)
        try:
            if self.cancelled:  # between the click and the start of the process
                self._probe.cancel()
            return self._probe.wait()
        finally:
            self._probe = None

    def _tick(self) -> None:
        spent = time.monotonic() - self._began
        self.progressed.emit(spent / (spent + USUAL / 2), spent)

    def _done(self, _key: str, answer: dict[str, Any] | TokstudioError) -> None:
        config, self._config = self._config, None
        self._timer.stop()
        self.found.emit(config, answer)


@dataclass(frozen=True)
class Correction:
    """What two steps of one set of settings say about another one of the same models."""

    memory: float  # factor of the computed bytes
    seconds: tuple[float, float]  # the run will take between these
    exact: bool  # were these very settings measured?


def correction(
    config: TransferConfig, memory: float, measured: TransferConfig, computed: float, found: dict[str, Any]
) -> Correction | None:
    """`memory` and `computed`: bytes that the formula gives for `config` and for `measured`; `found`: what the two
    steps of `measured` took. None where the two are too different to tell."""
    if (
        any(getattr(config, name) != getattr(measured, name) for name in ALIKE)
        or computed <= 0
        or memory <= 0
    ):
        return None
    exact = _work(config) == _work(measured) and memory == computed
    trained, translated = found["seconds_per_step"], found.get("seconds_per_translation_step", 0.0)
    trained = trained or translated / TRANSLATION_STEP  # one stage tells of the other
    translated = translated or trained * TRANSLATION_STEP
    after = config.train.steps if config.s2t2.finetune or not config.s2t2.steps else 0
    steps = trained * after + translated * config.s2t2.steps
    seconds = START + steps * _read(config) / max(1, _read(measured))
    factor = found["measured_bytes"] / computed
    return Correction(factor, (LOW * seconds, (HIGH if exact else 1.3 * HIGH) * seconds), exact)


def _read(config: TransferConfig) -> int:
    """Bytes of text in a step."""
    return config.train.batch_size * config.train.accumulate * config.data.window_bytes


def _work(config: TransferConfig) -> tuple:
    return (
        config.train.batch_size,
        config.train.accumulate,
        config.data,
        config.objectives,
        config.train.precision,
        config.s2t2.steps > 0,
        config.s2t2.finetune,
    )
