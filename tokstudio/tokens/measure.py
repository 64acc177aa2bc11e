"""What a tokenizer made of a text, in numbers."""

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.distinct import distinct
from tokstudio.tokens.written import written_specials


@dataclass(frozen=True, slots=True)
class Measures:
    tokens: int  # that stand for text: special tokens around it do not count
    bytes: int
    bytes_per_token: float  # 0.0 for no tokens
    words_whole: float  # share of the words that no token edge cuts, 0 to 1; 1.0 for no words
    unknown: int  # tokens that stand for what the vocabulary cannot spell; 0 if no tokenizer is given
    words: int = 0
    special: int = field(default=0, compare=False)  # put around the text by a model's frame, not in `tokens`
    written: int = 0  # special tokens written out in the text and read as such: these are in `tokens`

    @property
    def tokens_per_word(self) -> float:
        """0.0 for no words."""
        return self.tokens / self.words if self.words else 0.0


def measure(encoding: Encoding, tokenizer: Tokenizer | None = None) -> Measures:
    """A word is a run of letters, marks and digits of any script."""
    spans = encoding.spans.astype(np.int64)
    spelled = spans[spans[:, 1] > spans[:, 0]]
    unknown_id = None if tokenizer is None else tokenizer.unknown_id
    around = _around(encoding, tokenizer)
    tokens = len(encoding) - around
    words = word_spans(encoding.text)
    return Measures(
        tokens=tokens,
        bytes=len(encoding.text),
        bytes_per_token=len(encoding.text) / tokens if tokens else 0.0,
        words_whole=_share_whole(words, spelled),
        unknown=0 if unknown_id is None else int((encoding.ids == unknown_id).sum()),
        words=len(words),
        special=around,
        written=0 if tokenizer is None else int(written_specials(encoding, tokenizer.special_tokens).sum()),
    )


def part(encoding: Encoding, start: int, stop: int) -> Encoding:
    """The tokens that share bytes with `start:stop`, over the text from the first to the last of them, which
    is cut at whole characters."""
    starts, stops = encoding.spans[:, 0], encoding.spans[:, 1]
    touched = ((starts < stop) & (stops > start)).nonzero()[0]
    if not len(touched):
        return Encoding(b"", encoding.ids[:0], encoding.spans[:0])
    low, high = int(starts[touched].min()), int(stops[touched].max())
    while low > 0 and encoding.text[low] & 0xC0 == 0x80:
        low -= 1
    while high < len(encoding.text) and encoding.text[high] & 0xC0 == 0x80:
        high += 1
    return Encoding(encoding.text[low:high], encoding.ids[touched], encoding.spans[touched] - low)


def _around(encoding: Encoding, tokenizer: Tokenizer | None) -> int:
    """How many tokens a model's frame added: special and zero-width."""
    if tokenizer is None or not tokenizer.special_tokens:
        return 0
    special = np.isin(encoding.ids, list(tokenizer.special_tokens.values()))
    return int((special & (encoding.spans[:, 0] == encoding.spans[:, 1])).sum())


def _share_whole(words: np.ndarray, spans: np.ndarray) -> float:
    """Share of `words` int64 [w, 2] inside which no edge of `spans` lies and which a span covers."""
    if not len(words):
        return 1.0
    if not len(spans):
        return 0.0
    edges = distinct(spans.reshape(-1))
    inside = np.searchsorted(edges, words[:, 1], "left") - np.searchsorted(edges, words[:, 0], "right")
    at = np.clip(np.searchsorted(spans[:, 0], words[:, 0], "right") - 1, 0, None)
    covered = (spans[at, 0] <= words[:, 0]) & (spans[at, 1] >= words[:, 1])
    return float(((inside == 0) & covered).mean())


@lru_cache(maxsize=4)
def word_spans(text: bytes) -> np.ndarray:
    """Byte ranges of the words of UTF-8 `text`, int64 [w, 2]. Panes of one text ask for the same."""
    points = np.frombuffer(text.decode().encode("utf-32-le"), np.uint32)
    is_word = np.zeros(int(points.max(initial=0)) + 1, bool)
    present = np.flatnonzero(np.bincount(points, minlength=1))
    is_word[present] = [unicodedata.category(chr(point))[0] in "LMN" for point in present.tolist()]
    flags = np.concatenate([[False], is_word[points], [False]])
    turns = np.flatnonzero(flags[1:] != flags[:-1])
    widths = 1 + (points > 0x7F) + (points > 0x7FF) + (points > 0xFFFF)
    return np.append(0, np.cumsum(widths))[turns].reshape(-1, 2)
