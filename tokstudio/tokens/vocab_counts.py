"""How often every token occurs in a text."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from tokstudio.tokens.base import Tokenizer

CHUNK = 1 << 16  # characters encoded at once


@dataclass(frozen=True, eq=False)
class Counts:
    counts: np.ndarray  # int64 [n]
    bytes: int
    tokens: int

    def coverage(self) -> np.ndarray:
        """float64 [n]: the share of all tokens that the k + 1 most frequent ids make up."""
        return np.cumsum(np.sort(self.counts)[::-1]) / max(1, self.tokens)


def count_tokens(tokenizer: Tokenizer, texts: Iterable[str], size: int) -> Generator[float, None, Counts]:
    """`size`: characters of all texts, for the share yielded; 0 where nobody knows."""
    counts, seen, tokens, done = np.zeros(len(tokenizer), np.int64), 0, 0, 0
    for text in texts:
        for part in chunks(text):
            encoding = tokenizer.encode(part)
            counts += np.bincount(encoding.ids, minlength=len(counts))
            seen += len(encoding.text)
            tokens += len(encoding)
            done += len(part)
            yield min(1.0, done / size) if size else 0.0
    return Counts(counts, seen, tokens)


def chunks(text: str) -> Iterable[str]:
    """Cut behind line ends, where hardly a token crosses."""
    start = 0
    while start < len(text):
        stop = min(start + CHUNK, len(text))
        if stop < len(text) and (line := text.rfind("\n", start + 1, stop)) > start:
            stop = line + 1
        yield text[start:stop]
        start = stop
