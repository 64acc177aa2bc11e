"""How much memory and time a training will take: before it starts, and while it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tokstudio.tokens.training.corpus import memory_limit
from tokstudio.tokens.training.events import Phase
from tokstudio.tokens.training.sample import sample
from tokstudio.tokens.training.settings import TrainingSettings

BASE = 46e6  # bytes: Python, NumPy and the libraries
ENTRY = 600  # bytes of a token
START = 0.5  # seconds


@dataclass(frozen=True)
class Cost:
    """Bytes at the peak for a character of text and for a letter of the different words; microseconds of one core
    for the same two. A letter is a byte for byte-level BPE and Unigram, else a character. `power`: of the length of
    a word, with which the time for a letter grows."""

    memory: tuple[float, float]
    time: tuple[float, float]
    power: float = 0.0


# fitted to Python's reference (0.5 MB), Python source (6 MB), Japanese manuals (0.7 MB) and proteins (1.4 MB)
COSTS = {
    "byte-bpe": Cost((1.2, 105.0), (0.35, 2.3)),
    "bpe": Cost((0.5, 115.0), (0.3, 2.3)),
    "wordpiece": Cost((0.4, 100.0), (0.35, 2.3)),
    "unigram": Cost((0.0, 275.0), (0.3, 3.9), 0.5),
    "sentencepiece-bpe": Cost((0.0, 88.0), (0.3, 0.25)),
    "sentencepiece-unigram": Cost((0.0, 88.0), (0.3, 3.7), 0.27),
}
UNWATCHED = Cost((0.4, 30.0), (0.35, 1.5))  # byte-level BPE and BPE in Hugging Face's trainer
COUNTED = Cost((0.1, 0.0), (2.0, 0.0))  # pruning: the parent cuts the text


@dataclass(frozen=True)
class Forecast:
    """`seconds` on a core of its own, `reading` of them until the words are counted."""

    size: int  # characters of text
    memory: int  # bytes at the peak
    free: int  # bytes free now
    seconds: float = 0.0
    reading: float = 0.0

    @property
    def fits(self) -> bool:
        return self.memory < 0.9 * self.free

    @property
    def slow(self) -> bool:
        return self.seconds > SLOW


SLOW = 120.0  # seconds from which on a smaller share is suggested


def forecast(settings: TrainingSettings) -> Forecast:
    """Memory within about 20 %, time within a factor of two. Raises InputError where there is no text."""
    from tokstudio.tokens.training.hugging_face import is_watched

    found = sample(settings)
    text = found.text * settings.sample
    letters, kind = found.letters_in(text), settings.algorithm
    if settings.prune:
        cost = COUNTED
    elif settings.extend or kind not in ("byte-bpe", "bpe") or is_watched(settings, int(found.text)):
        cost = COSTS["byte-bpe" if settings.extend else kind]
    else:
        cost = UNWATCHED
    memory = BASE + ENTRY * settings.vocab_size + cost.memory[0] * text + cost.memory[1] * letters
    reading = START + 1e-6 * cost.time[0] * found.text
    seconds = reading + 1e-6 * cost.time[1] * letters * found.length**cost.power
    return Forecast(int(found.text), int(memory), memory_limit(), seconds, reading)


class Remaining:
    """Seconds left, from what has been done: the forecast knows how the parts compare, the reading how fast this
    machine is, and a part that tells its share knows best."""

    def __init__(self, expected: Forecast | None, clock: Callable[[], float] = time.monotonic):
        self._expected, self._clock = expected, clock
        self._begun = self._phase_begun = clock()
        self._phase, self._pace = "", 1.0

    def after(self, phase: Phase) -> float | None:
        """None where nobody knows."""
        now = self._clock()
        if phase.name != self._phase:
            self._phase, self._phase_begun = phase.name, now
        spent, elapsed = now - self._phase_begun, now - self._begun
        merging = phase.name == "Merging" and 0 < phase.share <= 1
        by_share = spent * (1 - phase.share) / phase.share if merging else None
        if merging and phase.share >= 0.1:  # the first merges take longer than the later ones
            return by_share
        if self._expected is None or phase.name in ("Writing", "Finished"):
            return by_share
        if phase.name == "Reading" and phase.share > 0.05:
            self._pace = max(0.1, elapsed / (START + (self._expected.reading - START) * phase.share))
        left = self._pace * self._expected.seconds - elapsed
        return left if left > 0 else by_share


def duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 90:
        return f"{max(1, round(seconds)):,} s"
    return f"{round(seconds / 60):,} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"
