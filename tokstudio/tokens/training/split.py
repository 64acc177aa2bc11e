"""Which texts are learnt from, and which measure the result."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tokstudio.tokens.training.corpus import characters, texts_of
from tokstudio.tokens.training.events import Event, Phase
from tokstudio.tokens.training.settings import TrainingSettings

HELD_CHARACTERS = 2_000_000  # more would measure no better
LINES = 4_000  # characters of a part that goes to one side as a whole


@dataclass(eq=False)
class Corpus:
    """Reads the inputs once for each pass; the same parts are held out every time."""

    settings: TrainingSettings
    tell: Callable[[Event], object] = lambda event: None  # hears of the reading where a library does it
    size: int = 0
    read: int = 0  # characters, in the pass at hand

    def __post_init__(self):
        self.size = characters(self.settings.inputs)

    def parts(self) -> Iterator[tuple[bool, str]]:
        """(held out, text)"""
        self.read, held, told = 0, 0, 0.0
        most = min(HELD_CHARACTERS, int(self.settings.held_out * self.size) + LINES)
        for text in texts_of(self.settings.inputs, self.settings.column):
            for part in _cut(text):
                self.read += len(part)
                if (share := self.share()) > told + 0.01:
                    told = share
                    self.tell(Phase("Reading", share, f"{self.read / 1e6:,.1f} MB"))
                place = zlib.crc32(part.encode(errors="replace")) / 2**32
                aside = bool(self.settings.held_out) and place < self.settings.held_out and held < most
                held += len(part) if aside else 0
                if aside or place <= self.settings.held_out + self.settings.sample * (
                    1 - self.settings.held_out
                ):
                    yield aside, part

    def learnt(self) -> Iterator[str]:
        return (text for held, text in self.parts() if not held)

    def share(self) -> float:
        return min(1.0, self.read / self.size) if self.size else 1.0


def _cut(text: str) -> Iterator[str]:
    """Parts that end with a line; a line is not cut."""
    start = 0
    while start < len(text):
        stop = len(text)
        if start + LINES < stop and (line := text.find("\n", start + LINES)) >= 0:
            stop = line + 1
        yield text[start:stop]
        start = stop
