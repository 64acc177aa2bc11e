"""One pane of Compare: a tokenizer and what it made of the text."""

from dataclasses import dataclass, field

import numpy as np

from tokstudio.errors import TokstudioError
from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.measure import Measures
from tokstudio.tokens.trace.roundtrip import RoundTrip


@dataclass
class PaneState:
    """One tokenizer. `encoding` stays when something newer fails; `stale`: it is of an older text."""

    number: int
    reference: str
    tokenizer: Tokenizer | None = None
    encoding: Encoding | None = None
    measures: Measures | None = None
    shared: np.ndarray | None = None
    trained: np.ndarray | None = None  # bool [n], in a chat: the tokens that a training learns to predict
    round_trip: RoundTrip | None = None
    refused: tuple[int, int] | None = None  # bytes of the first special token that must not be in the text
    notes: tuple[str, ...] = ()  # of a spec: what a person should know about it
    error: TokstudioError | None = None
    stale: bool = False
    size: int | None = None  # ids of the vocabulary; counted after the first paint: some must read all of it
    wanted: str = field(default="")  # a reference that is being loaded

    @property
    def name(self) -> str:
        return self.tokenizer.name if self.tokenizer is not None else self.reference
