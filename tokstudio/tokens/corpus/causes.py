"""What is behind a figure: the words that a tokenizer cuts most, the texts it cannot spell, the ids it uses or
never uses, the languages it is expensive for."""

from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from tokstudio.errors import InputError
from tokstudio.tokens.corpus.tally import METRICS, Tally
from tokstudio.tokens.corpus.words import WordCounts

WORD_METRICS = ("tokens", "bytes_per_token", "fertility", "tokens_per_word", "words_whole")
NOTES = {
    "words": "Words by the tokens they take beyond one each",
    "cut": "Words by how often they are cut",
    "unknown": "What the vocabulary cannot spell, by how often it occurs",
    "ids": "The ids that occur most: few with a large share make the use uneven",
    "unused": "Ids that never occur, the lowest first",
    "groups": "Groups by their tokens per byte",
}


@dataclass(frozen=True, slots=True)
class Cause:
    text: str
    count: int  # how often it occurs in the texts looked at
    tokens: int  # how many tokens that takes
    share: float | None  # of what the figure is about, 0 to 1
    id: int | None = None
    example: str = ""  # a line with the word, where it is cut in three or more


@dataclass(frozen=True, slots=True)
class Causes:
    metric: str
    tokenizer: str
    group: str | None
    note: str
    rows: tuple[Cause, ...]
    looked_at: int  # bytes of text that the words come from

    def as_json(self) -> dict:
        return asdict(self) | {"rows": [asdict(row) for row in self.rows]}


def causes(tally: Tally, k: int, metric: str, group: str | None = None, limit: int = 100) -> Causes:
    """Of tokenizer `k`; `group`: one of the tally's, None for all together. Raises InputError for others."""
    if metric not in METRICS:
        raise InputError(f"There is no figure {metric!r}.", hint=f"Choose one of: {', '.join(METRICS)}.")
    if group is not None and group not in tally.groups:
        known = ", ".join(sorted(tally.groups)[:12])
        raise InputError(f"There is no group {group!r}.", hint=f"The data has: {known}.")
    words = _words(tally, group)
    if metric in WORD_METRICS:
        kind = "cut" if metric == "words_whole" else "words"
        rows = _cut_words(words, k, limit, by_times=kind == "cut")
    elif metric == "unknown":
        kind, rows = "unknown", _unknown(words, k, limit)
    elif metric == "gini":
        kind, rows = "groups", _groups(tally, k)
    else:
        counts = sum(g.ids[k] for name, g in tally.groups.items() if group in (None, name))
        kind = "ids" if metric == "renyi" else "unused"
        rows = _ids(tally.tokenizers[k]["reference"], counts, limit, used=kind == "ids")
    name = tally.tokenizers[k]["name"]
    return Causes(metric, name, group, NOTES[kind], tuple(rows), words.bytes)


def _words(tally: Tally, group: str | None) -> WordCounts:
    whole = WordCounts(tally.k)
    for name, each in tally.groups.items():
        if group in (None, name):
            whole.add(each.words)
    return whole


def _cut_words(words: WordCounts, k: int, limit: int, by_times: bool) -> list[Cause]:
    """Those that cost more than one token each, the most expensive first."""
    rows = []
    for word, row in words.table.items():
        count, pieces, cut = row[0], row[1 + 3 * k], row[2 + 3 * k]
        if (weight := cut if by_times else pieces - count) > 0:
            rows.append((weight, word, count, pieces))
    total = words.words - words.whole[k] if by_times else max(1, words.pieces[k] - words.words)
    rows.sort(key=lambda row: (-row[0], row[1]))
    lines = words.examples
    return [
        Cause(word, count, pieces, min(1.0, weight / max(1, total)), example=lines.get(word, ""))
        for weight, word, count, pieces in rows[:limit]
    ]


def _unknown(words: WordCounts, k: int, limit: int) -> list[Cause]:
    texts: Counter = words.unknown[k]
    total = max(1, texts.total())
    return [Cause(text, count, count, count / total) for text, count in texts.most_common(limit)]


def _groups(tally: Tally, k: int) -> list[Cause]:
    rows = [
        Cause(name, group.bytes, group.tokens[k], group.tokens[k] / group.bytes)
        for name, group in tally.groups.items()
        if group.bytes
    ]
    return sorted(rows, key=lambda row: -row.share)


def _ids(reference: str, counts: np.ndarray, limit: int, used: bool) -> list[Cause]:
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.tokens.translate import name_of

    tokenizer, total = load_tokenizer(reference), max(1, int(counts.sum()))
    ids = np.argsort(-counts, kind="stable")[:limit] if used else np.flatnonzero(counts == 0)[:limit]
    return [
        Cause(
            name_of(tokenizer, token),
            int(counts[token]),
            int(counts[token]),
            int(counts[token]) / total,
            token,
        )
        for token in ids.tolist()
        if not used or counts[token]
    ]
