"""Byte-pair encoding (Sennrich et al. 2016), merge by merge, so that one can watch it and stop it.

The order is that of Hugging Face's trainer: the most frequent pair first, of equally frequent ones the pair of
the smaller ids. Held-out words ride along: they are merged, but not counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise

Pair = tuple[int, int]


@dataclass(slots=True)
class Word:
    pieces: list[int]
    count: int  # in the texts that are learnt from
    held: int = 0  # in the texts held out


@dataclass(frozen=True, slots=True)
class Merge:
    pair: Pair
    made: int
    count: int
    held_tokens: int  # pieces that the held-out texts have after this merge


@dataclass(eq=False)
class Learner:
    """`tokens[i]` is how id i is written; `ids` the other way round. Both grow."""

    tokens: list[str]
    words: list[Word]
    min_frequency: int = 0
    longest: int = 0
    ids: dict[str, int] = field(init=False)

    def __post_init__(self):
        self.ids = {token: i for i, token in reversed(list(enumerate(self.tokens)))}
        self._counts: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for index, word in enumerate(self.words):
            for pair in pairwise(word.pieces):
                self._counts[pair] += word.count
                self._where[pair].add(index)
        self.held_tokens = sum(word.held * len(word.pieces) for word in self.words)
        self._heap = [(-n, pair) for pair, n in self._counts.items() if n > 0]
        heapify(self._heap)

    def merges(self, size: int) -> Iterator[Merge]:
        """Until there are `size` tokens, or no pair is frequent enough."""
        while len(self.tokens) < size and self._heap:
            n, pair = heappop(self._heap)
            count = self._counts[pair]
            if -n != count:  # an entry that later merges have overtaken
                if count > 0:
                    heappush(self._heap, (-count, pair))
                continue
            if count < max(1, self.min_frequency):
                return
            written = self.tokens[pair[0]] + self.tokens[pair[1]]
            made = self.ids.get(written)
            if made is None:
                made = self.ids[written] = len(self.tokens)
                self.tokens.append(written)
            self._join(pair, made)
            yield Merge(pair, made, count, self.held_tokens)

    def _join(self, pair: Pair, made: int) -> None:
        changed: set[Pair] = set()
        for index in self._where.pop(pair):
            changed |= self._join_in(index, pair, made)
        self._counts.pop(pair, None)
        changed.discard(pair)
        for other in changed:
            if (count := self._counts[other]) > 0:
                heappush(self._heap, (-count, other))

    def _join_in(self, index: int, pair: Pair, made: int) -> set[Pair]:
        """Join `pair` in one word; the counts of its pairs follow. Returns the pairs that are new to it."""
        word = self.words[index]
        old, joined, i = word.pieces, [], 0
        left, right = pair
        while i < len(old):
            if old[i] == left and i + 1 < len(old) and old[i + 1] == right:
                joined.append(made)
                i += 2
            else:
                joined.append(old[i])
                i += 1
        if len(joined) == len(old):
            return set()
        self.held_tokens -= word.held * (len(old) - len(joined))
        new: set[Pair] = set()
        for other in pairwise(old):
            self._counts[other] -= word.count
        for other in pairwise(joined):
            self._counts[other] += word.count
            if made in other and self._fits_pair(other):
                new.add(other)
            self._where[other].add(index)
        word.pieces = joined
        return new

    def _fits_pair(self, pair: Pair) -> bool:
        return not self.longest or len(self.tokens[pair[0]]) + len(self.tokens[pair[1]]) <= self.longest


def learner(
    words: Mapping[str, int],
    held: Mapping[str, int],
    specials: Sequence[str],
    alphabet: Iterable[str],
    *,
    min_frequency: int = 0,
    longest: int = 0,
) -> Learner:
    """From whole words: ids are the specials, then every character in the order of Unicode."""
    letters = set(alphabet).union(*words) if words else set(alphabet)
    tokens = [*specials, *sorted(letters - set(specials))]
    ids = {token: i for i, token in enumerate(tokens)}
    made = [Word([ids[letter] for letter in text], count, held.get(text, 0)) for text, count in words.items()]
    made += [
        Word([ids[letter] for letter in text if letter in ids], 0, count)
        for text, count in held.items()
        if text not in words
    ]
    return Learner(tokens, made, min_frequency, longest)
