"""Reads a corpus, lets every core count, adds up.

    for event in compare_corpus(Request(("tiktoken:cl100k_base", "bert-base-uncased"), "corpus/")):
        ...                                        # Progress, twice a second; the last one has `finished`

Closing the generator, or an error, ends all processes.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty

from tokstudio.errors import InputError
from tokstudio.tokens.corpus.pool import Batch, Pool
from tokstudio.tokens.corpus.read import Corpus, Piece, open_corpus
from tokstudio.tokens.corpus.tally import ALPHA, MOST_GROUPS, OTHERS, Tally

BATCH = 500_000  # bytes
MOST_PIECES = 4096  # of one batch
FIRST_WORDS = 512_000  # bytes of every group whose words are looked at
EVERY = 24  # behind that, words of one part in so many
TELL = 0.5  # seconds between two events


@dataclass(frozen=True)
class Request:
    references: tuple[str, ...]
    data: str
    by: str = "auto"
    text_field: str | None = None
    alpha: float = ALPHA
    all_words: bool = False
    processes: int | None = None  # None: one a core


@dataclass(frozen=True)
class Progress:
    done: int  # bytes of the files
    size: int
    text: int  # bytes of text counted
    seconds: float  # since the workers were ready
    busy: float  # processor seconds that the workers spent on batches
    tally: Tally
    finished: bool = False
    repaired: int = 0

    @property
    def rate(self) -> float:
        """Bytes of text a second."""
        return self.text / self.seconds if self.seconds > 0 else 0.0


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compare_corpus(request: Request) -> Iterator[Progress]:
    """Raises TokstudioError for tokenizers that do not load and data that cannot be read."""
    if not request.references:
        raise InputError("No tokenizer is named.", hint="Name one or more.")
    corpus = open_corpus(request.data, by=request.by, text_field=request.text_field)
    wanted = request.processes or min(cores(), 1 + corpus.size // (2 * BATCH))
    with Pool(request.references, wanted) as pool:
        yield from _run(request, corpus, pool)


def _run(request: Request, corpus: Corpus, pool: Pool) -> Iterator[Progress]:
    tally = Tally(pool.tokenizers, alpha=request.alpha)
    batches = _batches(corpus, Sampler(request.all_words))
    begun = told = time.monotonic()
    done, busy, open_batches, exhausted = 0, 0.0, 0, False
    while open_batches or not exhausted:
        if not exhausted and open_batches < pool.room:
            if (batch := next(batches, None)) is None:
                exhausted = True
            else:
                pool.submit(batch)
                open_batches += 1
            block = 0.0
        else:
            block = 0.1
        while True:
            try:
                batch, reply, body = pool.answer(block)
            except Empty:
                break
            tally.add(batch.names, reply, body)
            open_batches -= 1
            busy += reply["busy"]
            done, block = max(done, batch.done), 0.0
        if (now := time.monotonic()) - told >= TELL:
            told = now
            yield _progress(corpus, tally, done, now - begun, busy)
    if not any(group.bytes for group in tally.groups.values()):
        raise InputError(f"{request.data} holds no text.", hint="Choose data that is not empty.")
    yield _progress(corpus, tally, corpus.size, time.monotonic() - begun, busy, finished=True)


def _progress(
    corpus: Corpus, tally: Tally, done: int, seconds: float, busy: float, finished: bool = False
) -> Progress:
    text = sum(group.bytes for group in tally.groups.values())
    return Progress(done, corpus.size, text, seconds, busy, tally, finished, corpus.repaired)


class Sampler:
    """Whose words are looked at: all of the first part of each group, then of one part in EVERY."""

    def __init__(self, everything: bool):
        self._all = everything
        self._seen: dict[str, list[int]] = {}  # bytes, and of them looked at

    def take(self, name: str, size: int) -> tuple[str, bool]:
        """The group a text is counted in, and whether its words are looked at."""
        if name not in self._seen and len(self._seen) >= MOST_GROUPS:
            name = OTHERS
        seen = self._seen.setdefault(name, [0, 0])
        chosen = self._all or seen[1] < FIRST_WORDS or seen[1] * EVERY <= seen[0]
        seen[0] += size
        seen[1] += size if chosen else 0
        return name, chosen


def _batches(corpus: Corpus, sampler: Sampler) -> Iterator[Batch]:
    batch = Batch()
    for piece in corpus.pieces():
        _enter(batch, piece, sampler)
        if batch.size >= BATCH or len(batch.texts) >= MOST_PIECES:
            yield batch
            batch = Batch()
    if batch.texts:
        yield batch


def _enter(batch: Batch, piece: Piece, sampler: Sampler) -> None:
    data = piece.text.encode()
    name, chosen = sampler.take(piece.group, len(data))
    batch.add(name, data, chosen)
    batch.done = piece.done
