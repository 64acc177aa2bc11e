"""The counts of a corpus, and the figures that come out of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tokstudio.tokens.corpus.words import WordCounts

ALPHA = 2.5  # of Renyi's entropy: what predicted translation quality best (Zouhar et al., 2023)
MOST_GROUPS = 32  # counted apart; texts of further groups go into OTHERS
OTHERS = "(others)"
MOST_WORDS = 20_000  # kept per group


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    better: int  # 1: more is better, -1: less is better, 0: neither
    help: str
    share: bool = False  # shown in per cent


METRICS = {
    metric.key: metric
    for metric in (
        Metric("tokens", "Tokens", -1, "Tokens that the texts take, without special ones around them."),
        Metric("bytes_per_token", "Bytes / token", 1, "Compression: bytes of text that one token carries."),
        Metric("fertility", "Fertility", -1, "Tokens that spell a word, on average; 1 is the least."),
        Metric(
            "tokens_per_word", "Tokens / word", -1, "All tokens, those of spaces and signs too, by the words."
        ),
        Metric("words_whole", "Words whole", 1, "Words that no token edge cuts.", True),
        Metric(
            "renyi",
            "Rényi efficiency",
            1,
            "How evenly the vocabulary is used: Rényi entropy by its maximum.",
            True,
        ),
        Metric("vocabulary_use", "Vocabulary used", 1, "Ids that occur at least once.", True),
        Metric("unknown", "Unknown", -1, "Tokens that stand for what the vocabulary cannot spell."),
        Metric("gini", "Gini", -1, "How unequal the groups' tokens per byte are: 0 is equal."),
    )
}


@dataclass
class Group:
    """One language or file: its size, and per tokenizer [k] tokens, unknown ones, and how often each id occurs."""

    k: int
    bytes: int = 0
    characters: int = 0
    lines: int = 0
    texts: int = 0
    tokens: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    ids: list[np.ndarray] = field(default_factory=list)  # int64 [vocabulary]
    words: WordCounts = None

    def __post_init__(self):
        self.tokens, self.unknown = [0] * self.k, [0] * self.k
        self.words = WordCounts(self.k)


@dataclass
class Tally:
    """Counts of everything so far. `tokenizers`: what the workers said of each."""

    tokenizers: list[dict]
    groups: dict[str, Group] = field(default_factory=dict)
    alpha: float = ALPHA

    @property
    def k(self) -> int:
        return len(self.tokenizers)

    def group(self, name: str) -> Group:
        if name not in self.groups:
            made = Group(self.k)
            made.ids = [np.zeros(t["vocabulary"], np.int64) for t in self.tokenizers]
            self.groups[name] = made
        return self.groups[name]

    def add(self, names: Sequence[str], reply: dict, body: bytes) -> None:
        """A worker's answer; `names` of the groups that it knows by number."""
        numbers, at = np.frombuffer(body, "<i4"), 0
        for number, (size, characters, lines, texts) in reply["sizes"].items():
            group = self.group(names[int(number)])
            group.bytes += size
            group.characters += characters
            group.lines += lines
            group.texts += texts
        for k, rows in enumerate(reply["sums"]):
            for number, (tokens, unknown, different) in rows.items():
                group = self.group(names[int(number)])
                group.tokens[k] += tokens
                group.unknown[k] += unknown
                ids, counts = numbers[at : at + different], numbers[at + different : at + 2 * different]
                group.ids[k][ids] += counts
                at += 2 * different
        for number, value in reply["words"].items():
            words = self.group(names[int(number)]).words
            words.add(WordCounts.from_json(self.k, value))
            words.prune(MOST_WORDS)

    def total(self) -> Group:
        """All groups as one, without their tables of words."""
        whole = Group(self.k)
        whole.ids = [np.zeros(t["vocabulary"], np.int64) for t in self.tokenizers]
        for group in self.groups.values():
            whole.bytes += group.bytes
            whole.characters += group.characters
            whole.lines += group.lines
            whole.texts += group.texts
            whole.words.add(group.words, table=False)
            for k in range(self.k):
                whole.tokens[k] += group.tokens[k]
                whole.unknown[k] += group.unknown[k]
                whole.ids[k] += group.ids[k]
        return whole

    # ---- figures

    def result(self, *, full: bool = True) -> dict:
        """Every figure. `full=False` leaves out what takes long: a view asks twice a second."""
        whole = self.total()
        rows = []
        for k, tokenizer in enumerate(self.tokenizers):
            figures = self.figures(whole, k)
            figures["gini"] = self.gini(k)
            groups = {
                name: self.figures(g, k, full) for name, g in sorted(self.groups.items()) if name or full
            }
            rows.append({**tokenizer, **figures, "groups": groups if self.grouped else {}})
        return {
            "bytes": whole.bytes,
            "characters": whole.characters,
            "lines": whole.lines,
            "texts": whole.texts,
            "words": whole.words.words,
            "words_from_bytes": whole.words.bytes,
            "alpha": self.alpha,
            "groups": {name: g.bytes for name, g in sorted(self.groups.items())} if self.grouped else {},
            "tokenizers": rows,
        }

    @property
    def grouped(self) -> bool:
        return len(self.groups) > 1 or any(self.groups)

    def figures(self, group: Group, k: int, full: bool = True) -> dict:
        words, tokens = group.words, group.tokens[k]
        found = {
            "tokens": tokens,
            "bytes_per_token": group.bytes / tokens if tokens else None,
            "fertility": words.pieces[k] / words.words if words.words else None,
            "tokens_per_word": words.tokens[k] / words.words if words.words else None,
            "words_whole": words.whole[k] / words.words if words.words else None,
            "unknown": group.unknown[k],
        }
        if full:
            found["renyi"] = renyi_efficiency(group.ids[k], self.alpha)
            found["vocabulary_use"] = float((group.ids[k] > 0).mean()) if len(group.ids[k]) else None
        return found

    def gini(self, k: int) -> float | None:
        """Over the groups' tokens per byte; None for fewer than two groups."""
        costs = [group.tokens[k] / group.bytes for group in self.groups.values() if group.bytes]
        return gini(costs) if len(costs) > 1 else None


def renyi_efficiency(counts: np.ndarray, alpha: float = ALPHA) -> float | None:
    """Renyi entropy of order `alpha` of how often ids occur, by that of an evenly used vocabulary; None where
    nothing occurred. Order 1 is Shannon's.

    >>> renyi_efficiency(np.array([5, 5, 5, 5]))
    1.0
    """
    total, size = counts.sum(), len(counts)
    if not total or size < 2:
        return None
    shares = counts[counts > 0] / total
    if abs(alpha - 1) < 1e-9:
        entropy = float(-(shares * np.log(shares)).sum())
    else:
        entropy = float(np.log((shares**alpha).sum()) / (1 - alpha))
    return float(entropy / np.log(size))


def gini(values: Sequence[float]) -> float:
    """0 where all are equal, towards 1 where one has all.

    >>> gini([1, 1, 1])
    0.0
    >>> gini([0, 1])
    0.5
    """
    ordered = np.sort(np.asarray(values, float))
    n, total = len(ordered), ordered.sum()
    if not total:
        return 0.0
    ranks = np.arange(1, n + 1)
    return float(round((2 * (ranks * ordered).sum() / (n * total)) - (n + 1) / n, 12))
