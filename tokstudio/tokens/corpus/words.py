"""How tokenizers cut the words of one piece of text. A word is a run of letters, marks and digits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.measure import word_spans

LONGEST = 80  # characters of a word that is listed
AROUND = 60  # bytes of the line on each side of an example
MOST_EXAMPLES = 3000


@dataclass
class WordCounts:
    """Of `k` tokenizers. `table`: word -> [times, then pieces, times cut, times unknown of each tokenizer]."""

    k: int
    words: int = 0
    bytes: int = 0  # of the text looked at
    tokens: list[int] = field(default_factory=list)  # [k] in that text
    pieces: list[int] = field(default_factory=list)  # [k]: tokens that spell words
    whole: list[int] = field(default_factory=list)  # [k]: words that no token edge cuts
    table: dict[str, list[int]] = field(default_factory=dict)
    unknown: list[Counter] = field(default_factory=list)  # [k] of texts that became the unknown token
    examples: dict[str, str] = field(default_factory=dict)  # of words cut in three or more: a line with it

    def __post_init__(self):
        for name in ("tokens", "pieces", "whole"):
            setattr(self, name, getattr(self, name) or [0] * self.k)
        self.unknown = self.unknown or [Counter() for _ in range(self.k)]

    def add_piece(self, encodings: Sequence[Encoding], tokenizers: Sequence[Tokenizer]) -> None:
        """One text, encoded by each tokenizer."""
        data = encodings[0].text
        spans = word_spans.__wrapped__(data)
        self.words += len(spans)
        self.bytes += len(data)
        columns = []
        for at, (encoding, tokenizer) in enumerate(zip(encodings, tokenizers, strict=True)):
            pieces, cut, strange = cut_words(encoding, tokenizer.unknown_id, spans)
            self.tokens[at] += len(encoding)
            self.pieces[at] += int(pieces.sum())
            self.whole[at] += len(spans) - int(cut.sum())
            columns += [pieces, cut, strange]
            self.unknown[at].update(unknown_texts(encoding, tokenizer.unknown_id))
        self._enter(data, spans, columns)

    def _enter(self, data: bytes, spans: np.ndarray, columns: list[np.ndarray]) -> None:
        """Adds each word's row to the table."""
        numbers: dict[bytes, int] = {}
        which = np.fromiter(
            (numbers.setdefault(data[start:stop], len(numbers)) for start, stop in spans.tolist()),
            np.int64,
            len(spans),
        )
        sums = [np.bincount(which, minlength=len(numbers))]
        sums += [np.bincount(which, weights=column, minlength=len(numbers)) for column in columns]
        rows = np.stack(sums, axis=1).astype(np.int64).tolist()
        for word, row in zip(numbers, rows, strict=True):
            add_row(self.table, word.decode()[:LONGEST], row)
        costly = np.flatnonzero(np.maximum.reduce(columns[::3]) > 2) if len(spans) else ()
        for at in costly[:MOST_EXAMPLES]:
            word = data[slice(*spans[at])].decode()[:LONGEST]
            if word not in self.examples and len(self.examples) < MOST_EXAMPLES:
                self.examples[word] = line_around(data, *spans[at].tolist())

    def add(self, other: "WordCounts", *, table: bool = True) -> None:
        """`table`: the words, too, not the sums alone."""
        self.words += other.words
        self.bytes += other.bytes
        for at in range(self.k):
            self.tokens[at] += other.tokens[at]
            self.pieces[at] += other.pieces[at]
            self.whole[at] += other.whole[at]
            self.unknown[at].update(other.unknown[at] if table else ())
        if table:
            for word, row in other.table.items():
                add_row(self.table, word, row)
            for word, line in other.examples.items():
                if len(self.examples) < MOST_EXAMPLES:
                    self.examples.setdefault(word, line)

    def prune(self, most: int) -> None:
        """Keeps the `most` words that take the most tokens, and as many unknown texts; the sums stay exact."""
        if len(self.table) > 2 * most:
            kept = sorted(self.table.items(), key=lambda item: -sum(item[1]))[:most]
            self.table = dict(kept)
        for at, texts in enumerate(self.unknown):
            if len(texts) > 2 * most:
                self.unknown[at] = Counter(dict(texts.most_common(most)))

    def as_json(self) -> dict:
        return {
            "words": self.words,
            "bytes": self.bytes,
            "tokens": self.tokens,
            "pieces": self.pieces,
            "whole": self.whole,
            "table": self.table,
            "unknown": [dict(texts) for texts in self.unknown],
            "examples": self.examples,
        }

    @classmethod
    def from_json(cls, k: int, value: dict) -> "WordCounts":
        return cls(k, **{**value, "unknown": [Counter(texts) for texts in value["unknown"]]})


def line_around(data: bytes, start: int, stop: int) -> str:
    """The line of UTF-8 `data` that holds start:stop, as far as it is near."""
    low = max(data.rfind(b"\n", 0, start) + 1, start - AROUND)
    end = data.find(b"\n", stop)
    high = min(len(data) if end < 0 else end, stop + AROUND)
    return data[low:high].decode(errors="ignore").strip()


def add_row(table: dict[str, list[int]], word: str, row: list[int]) -> None:
    if (known := table.get(word)) is None:
        table[word] = list(row)
    else:
        for at, value in enumerate(row):
            known[at] += value


def cut_words(
    encoding: Encoding, unknown_id: int | None, words: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per word: how many tokens spell it int64, is it cut (or not covered) bool, has it an unknown token bool."""
    size = len(encoding.text)
    spans = encoding.spans[encoding.spans[:, 1] > encoding.spans[:, 0]]
    begins = np.zeros(size + 1, bool)
    begins[spans[:, 0]] = True
    before = np.cumsum(begins, dtype=np.int32)  # of each byte: how many tokens begin at or before it
    starts, stops = words[:, 0], words[:, 1]
    inside = before[stops - 1] - before[starts]
    at = np.maximum(before[starts] - 1, 0)
    if not len(spans):
        return np.zeros(len(words), np.int64), np.ones(len(words), bool), np.zeros(len(words), bool)
    ends = spans[np.minimum(at, len(spans) - 1), 1]
    held = (before[starts] > 0) & (ends > starts)  # does a token cover the first byte?
    whole = (inside == 0) & held & (ends >= stops)
    strange = np.zeros(len(words), bool)
    if unknown_id is not None and (ids := np.flatnonzero(encoding.ids == unknown_id)).size:
        flags = np.zeros(size + 1, np.int32)
        for start, stop in encoding.spans[ids].tolist():
            flags[start:stop] = 1
        sums = np.append(0, np.cumsum(flags, dtype=np.int32))
        strange = sums[stops] > sums[starts]
    return (inside + held).astype(np.int64), ~whole, strange


def unknown_texts(encoding: Encoding, unknown_id: int | None) -> Counter:
    """What became the unknown token, and how often."""
    if unknown_id is None:
        return Counter()
    spans = encoding.spans[encoding.ids == unknown_id].tolist()
    return Counter(encoding.text[start:stop].decode(errors="replace")[:LONGEST] for start, stop in spans)
